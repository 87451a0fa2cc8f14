// SPDX-License-Identifier: Apache-2.0
// What the kernel part costs a packet: runs frames through its programs (BPF_PROG_TEST_RUN) and prints a line `NAME
// NUMBER ns` for each kind of packet, net of a program that does nothing.
//
//   kernel-bench OBJECT [ROUNDS]
//   kernel-bench OBJECT live|shed INTERFACE
//
// The second form records what arrives at an interface, see live.h.
//
// Each round measures every kind once, and the empty program beside it; what is printed is the median of the rounds. A
// kind is run in bursts that fit into the ring, which is emptied between them, outside of what is measured; a packet
// that found no room ends the benchmark. Distinct sources are made by a program that changes the packet and calls the
// one that is measured; what it costs itself is measured the same way with the empty program and taken off.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "BPFHarness.h"
#include "../../bpf/counters.h"
#include "live.h"

#if !__has_embed("../../build/bench.bpf.o")
#error "The benchmark's programs are not built: run `make bpf` first, then build again."
#else
_Alignas(16) static const unsigned char object_bytes[] = {
#embed "../../build/bench.bpf.o"
};
#endif

enum {
	MAXIMUM = 128, // bytes of a frame
	BURSTS = 4, // of each kind and round; before and after each one the kernel waits for all processors
	RECORDS = 512, // that fit into the ring
	SNAPSHOTS = 128, // with headers
	BURST_SLOTS = 1024, // of the ring
	LIVE_SLOTS = 1 << 16, // as the agent has them
	MOST_ROUNDS = 101,
	SYN = 2,
	RST = 4,
	ACK = 16,
};

struct frame {
	uint8_t bytes[MAXIMUM];
	uint32_t length;
};

// What becomes of the packets of a kind: where all of them must be counted.
enum fate { RECORDED, SHED, SKIPPED };

struct kind {
	const char *name;
	enum harness_program program;
	enum fate fate;
	uint8_t flags;
	uint8_t version;
	uint8_t tags;
	uint32_t sources; // 0: the packet as it is
};

static const struct kind kinds[] = {
	{ "xdp_ipv4", HARNESS_XDP, RECORDED, ACK, 4, 0, 0 },
	{ "xdp_ipv6", HARNESS_XDP, RECORDED, ACK, 6, 0, 0 },
	{ "xdp_qinq", HARNESS_XDP, RECORDED, ACK, 4, 2, 0 },
	{ "xdp_syn", HARNESS_XDP, RECORDED, SYN, 4, 0, 0 },
	{ "xdp_rst", HARNESS_XDP, RECORDED, RST, 4, 0, 0 },
	{ "xdp_shed", HARNESS_XDP, SHED, ACK, 4, 0, 0 },
	{ "xdp_shed_ipv6", HARNESS_XDP, SHED, ACK, 6, 0, 0 },
	{ "xdp_sources_1", HARNESS_XDP, RECORDED, ACK, 4, 0, 1 },
	{ "xdp_sources_1m", HARNESS_XDP, RECORDED, ACK, 4, 0, 1u << 20 },
	{ "xdp_sources_16m", HARNESS_XDP, RECORDED, ACK, 4, 0, 1u << 24 },
	{ "tc_ipv4", HARNESS_TC_INGRESS, RECORDED, ACK, 4, 0, 0 },
	{ "tc_ipv6", HARNESS_TC_INGRESS, RECORDED, ACK, 6, 0, 0 },
	{ "tc_syn", HARNESS_TC_INGRESS, RECORDED, SYN, 4, 0, 0 },
	{ "tc_rst", HARNESS_TC_INGRESS, RECORDED, RST, 4, 0, 0 },
	{ "tc_shed", HARNESS_TC_INGRESS, SHED, ACK, 4, 0, 0 },
	{ "tc_sources_16m", HARNESS_TC_INGRESS, RECORDED, ACK, 4, 0, 1u << 24 },
	{ "tc_forwarded", HARNESS_TC_EGRESS, SKIPPED, ACK, 4, 0, 0 },
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

static struct frame make_frame(const struct kind *kind)
{
	struct frame frame = { 0 };
	uint8_t *p = frame.bytes + 12;

	frame.bytes[5] = 1;
	frame.bytes[0] = frame.bytes[6] = 2;
	for (int tag = 0; tag < kind->tags; tag++) {
		*p++ = tag + 1 < kind->tags ? 0x88 : 0x81;
		*p++ = tag + 1 < kind->tags ? 0xa8 : 0;
		*p++ = 0;
		*p++ = (uint8_t)(10 + tag);
	}
	if (kind->version == 4) {
		memcpy(p, (const uint8_t[]){ 8, 0, 0x45, 0, 0, 40, 0, 9, 0x40, 0, 60, 6 }, 12);
		memcpy(p + 14, (const uint8_t[]){ 192, 0, 2, 1, 198, 51, 100, 1 }, 8);
		p += 2 + 20;
	} else {
		memcpy(p, (const uint8_t[]){ 0x86, 0xdd, 0x60, 1, 2, 3, 0, 20, 6, 60 }, 10);
		memcpy(p + 10, (const uint8_t[]){ 0x20, 1, 0xd, 0xb8 }, 4);
		memcpy(p + 26, (const uint8_t[]){ 0x20, 1, 0xd, 0xb8, 0, 1 }, 6);
		p[25] = p[41] = 1;
		p += 2 + 40;
	}
	memcpy(p, (const uint8_t[]){ 0x9c, 0x40, 1, 0xbb, 1, 2, 3, 4, 5, 6, 7, 8, 0x50 }, 13);
	p[13] = kind->flags;
	p[14] = 1;
	frame.length = (uint32_t)(p + 20 - frame.bytes);
	if (frame.length < 60)
		frame.length = 60;
	return frame;
}

// Loads the own programs, whose changed packets then go to `next_xdp` and `next_tc`.
static struct bpf_object *load(uint32_t sources, int next_xdp, int next_tc)
{
	struct bpf_object *object = bpf_object__open_mem(object_bytes, sizeof(object_bytes), NULL);
	const uint32_t mask = sources ? sources - 1 : 0, key = 0;

	if (!object)
		return NULL;
	if (bpf_map__set_initial_value(bpf_object__find_map_by_name(object, ".rodata"), &mask, sizeof(mask)) ||
	    bpf_object__load(object))
		return NULL;
	if (next_xdp < 0)
		next_xdp = bpf_program__fd(bpf_object__find_program_by_name(object, "empty_xdp"));
	if (next_tc < 0)
		next_tc = bpf_program__fd(bpf_object__find_program_by_name(object, "empty_tc"));
	if (bpf_map_update_elem(bpf_object__find_map_fd_by_name(object, "next_xdp"), &key, &next_xdp, BPF_ANY) ||
	    bpf_map_update_elem(bpf_object__find_map_fd_by_name(object, "next_tc"), &key, &next_tc, BPF_ANY))
		return NULL;
	return object;
}

static int program_of(struct bpf_object *object, enum harness_program program, _Bool changes_source)
{
	const char *name;

	if (program == HARNESS_XDP)
		name = changes_source ? "sources_xdp" : "empty_xdp";
	else
		name = changes_source ? "sources_tc" : "empty_tc";
	return bpf_program__fd(bpf_object__find_program_by_name(object, name));
}

static _Bool is_as_wanted(const struct harness_result *result, enum fate fate, uint32_t times)
{
	switch (fate) {
	case RECORDED:
		return result->seen == times && result->recorded == times;
	case SHED:
		return result->seen == times && result->shed == times;
	case SKIPPED:
		return result->seen == times && result->skipped == times;
	}
	return 0;
}

// The mean time of a packet in one round, or a negative number with the reason said.
static double run(struct harness *harness, const struct kind *kind, int program, _Bool is_empty)
{
	const uint32_t way = kind->program == HARNESS_TC_EGRESS ? PACKET_DIR_EGRESS : PACKET_DIR_INGRESS;
	const uint32_t times = kind->flags & (SYN | RST) ? SNAPSHOTS : RECORDS;
	const struct frame frame = make_frame(kind);
	double sum = 0;

	for (int burst = 0; burst < BURSTS; burst++) {
		struct harness_result result;
		uint32_t nanoseconds;
		int failed =
			harness_repeat(harness, program, way, frame.bytes, frame.length, times, &nanoseconds, &result);

		if (failed) {
			fprintf(stderr, "%s: %s\n", kind->name, strerror(-failed));
			return -1;
		}
		if (!is_empty && !is_as_wanted(&result, kind->fate, times)) {
			fprintf(stderr,
				"%s: of %u packets %" PRIu64 " seen, %" PRIu64 " recorded, %" PRIu64 " shed, %" PRIu64
				" skipped, %" PRIu64 " refused, %" PRIu64 " lost\n",
				kind->name, times, result.seen, result.recorded, result.shed, result.skipped,
				result.refused, result.lost);
			return -1;
		}
		sum += nanoseconds;
	}
	return sum / BURSTS;
}

static int ascending(const void *one, const void *other)
{
	const double a = *(const double *)one, b = *(const double *)other;

	return a < b ? -1 : a > b;
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), ascending);
	return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static int fail(const char *what)
{
	fprintf(stderr, "kernel-bench: %s: %s\n", what, strerror(errno));
	return 77;
}

int main(int count, char **arguments)
{
	static double net[KINDS][MOST_ROUNDS], empty[KINDS][MOST_ROUNDS];
	// Programs by kind: what is measured, and what is taken off.
	int measured[KINDS], taken_off[KINDS];
	const _Bool is_live = count == 4 && (!strcmp(arguments[2], "live") || !strcmp(arguments[2], "shed"));
	const int rounds = is_live ? 1 : count > 2 ? atoi(arguments[2]) : 15;
	char message[512] = "";
	struct harness *harness;

	if (count < 2 || rounds < 1 || rounds > MOST_ROUNDS) {
		fprintf(stderr, "usage: kernel-bench OBJECT [ROUNDS], or kernel-bench OBJECT live|shed INTERFACE\n");
		return 64;
	}
	harness = harness_open_with(arguments[1], is_live ? LIVE_SLOTS : BURST_SLOTS, false, message, sizeof(message));
	if (!harness) {
		fprintf(stderr, "kernel-bench: %s\n", message);
		return 77;
	}
	if (is_live) {
		const int status = record_live(harness, arguments[3], arguments[2][0] == 's');

		harness_close(harness);
		return status;
	}
	for (int i = 0; i < KINDS; i++) {
		const struct kind *kind = &kinds[i];
		const int program = harness_program_descriptor(harness, kind->program);
		const _Bool is_xdp = kind->program == HARNESS_XDP;
		struct bpf_object *alone = load(kind->sources, -1, -1), *calling = NULL;

		if (!alone)
			return fail("its own programs cannot be loaded");
		measured[i] = program;
		taken_off[i] = program_of(alone, kind->program, kind->sources != 0);
		if (kind->sources) {
			calling = load(kind->sources, is_xdp ? program : -1, is_xdp ? -1 : program);
			if (!calling)
				return fail("its own programs cannot be loaded");
			measured[i] = program_of(calling, kind->program, 1);
		}
	}
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < KINDS; i++) {
			const uint32_t mask = kinds[i].fate == SHED ? UINT32_MAX : 0;
			double gross;

			if (harness_shed(harness, mask, 0))
				return fail("shedding");
			empty[i][round] = run(harness, &kinds[i], taken_off[i], 1);
			gross = run(harness, &kinds[i], measured[i], 0);
			if (gross < 0 || empty[i][round] < 0)
				return 1;
			net[i][round] = gross - empty[i][round];
		}
	}
	for (int i = 0; i < KINDS; i++)
		printf("%s %.1f ns\n", kinds[i].name, median(net[i], rounds));
	printf("empty_xdp %.1f ns\n", median(empty[0], rounds));
	printf("empty_tc %.1f ns\n", median(empty[KINDS - 1], rounds));
	printf("xdp_instructions %" PRIu32 " instructions\n", harness_verified_instructions(harness, HARNESS_XDP));
	printf("tc_instructions %" PRIu32 " instructions\n",
	       harness_verified_instructions(harness, HARNESS_TC_INGRESS));
	harness_close(harness);
	return 0;
}
