// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE // clock_gettime
#include "BPFHarness.h"

#include <CLibbpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RING_SLOTS 1024u // where nothing else is asked for
#define LONG_LEASE (1ull << 40)

static const char *const program_names[HARNESS_PROGRAM_COUNT] = {
	"rstwho_ingress",
	"rstwho_egress",
	"rstwho_xdp_frags",
	"rstwho_xdp",
};

struct harness {
	struct bpf_object *object;
	struct rstwho_drain *drain;
	uint32_t slots; // of a ring
	int programs[HARNESS_PROGRAM_COUNT];
	int renewal;
	int counters;
	int focus;
	int shedding;
	int positions;
	int cpus;
	struct packet_counters *per_cpu;
	struct packet_counters before[PACKET_DIR_COUNT];
};

static void add_counters(struct packet_counters *sum, const struct packet_counters *one)
{
	const __u64 *from = (const __u64 *)one;
	__u64 *to = (__u64 *)sum;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

static int read_counters(const struct harness *harness, __u32 way, struct packet_counters *sum)
{
	if (bpf_map_lookup_elem(harness->counters, &way, harness->per_cpu))
		return -errno;
	memset(sum, 0, sizeof(*sum));
	for (int cpu = 0; cpu < harness->cpus; cpu++)
		add_counters(sum, &harness->per_cpu[cpu]);
	return 0;
}

/* Takes what is in the rings; *result, where there is one, keeps the last of it. */
static void empty_rings(const struct harness *harness, struct harness_result *result)
{
	struct observed_packet packets[16];
	struct header_snapshot snapshots[16];
	struct rstwho_drained drained;

	do {
		struct timespec now = { 0 };

		clock_gettime(CLOCK_MONOTONIC, &now);
		// A bulk record's time is rounded down, so that no record is older than this.
		drained = rstwho_drain_next(harness->drain,
					    (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec + 1024, 0,
					    packets, snapshots, 16);
		for (uint32_t i = 0; result && i < drained.count; i++) {
			result->records++;
			result->record = packets[i].record;
			result->has_snapshot = packets[i].headers != NULL;
			if (packets[i].headers)
				result->snapshot = *packets[i].headers;
		}
	} while (drained.has_more);
}

const struct flow_hash_key harness_hash_key = { .ends = 0x0123456789abcdefull, .flow = 0xfedcba9876543210ull };

/* Writes the settings, which are all of the object's .rodata, before it is loaded. */
static int write_settings(struct bpf_object *object, uint32_t slots, bool is_preemptible)
{
	const struct packet_settings settings = {
		.ring_slots = slots,
		.ring_limit_bulk = slots,
		.ring_limit_handshake = slots,
		.link = PACKET_LINK_ETHERNET,
		.is_preemptible = is_preemptible,
		.hash_key = harness_hash_key,
	};

	return bpf_map__set_initial_value(bpf_object__find_map_by_name(object, ".rodata"), &settings, sizeof(settings));
}

static int find_map(const struct harness *harness, const char *name)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(harness->object, name);

	return map ? bpf_map__fd(map) : -1;
}

static bool size_map(struct harness *harness, const char *name, uint32_t entries)
{
	struct bpf_map *map = bpf_object__find_map_by_name(harness->object, name);

	return map && bpf_map__set_max_entries(map, entries) == 0;
}

static const char *prepare(struct harness *harness, const char *path, bool is_preemptible)
{
	struct bpf_program *program;

	harness->cpus = libbpf_num_possible_cpus();
	harness->per_cpu = calloc((size_t)harness->cpus, sizeof(*harness->per_cpu));
	harness->object = bpf_object__open_file(path, NULL);
	if (!harness->object)
		return "cannot open the object";
	if (write_settings(harness->object, harness->slots, is_preemptible))
		return "the object lacks its settings";
	if (!size_map(harness, "rings", (uint32_t)harness->cpus * harness->slots) ||
	    !size_map(harness, "ring_positions", (uint32_t)harness->cpus))
		return "the object lacks the rings";
	bpf_object__for_each_program(program, harness->object) bpf_program__set_log_level(program, 0);
	if (bpf_object__load(harness->object))
		return "cannot load the object";
	for (int i = 0; i < HARNESS_PROGRAM_COUNT; i++) {
		program = bpf_object__find_program_by_name(harness->object, program_names[i]);
		if (!program)
			return "the object lacks a program";
		harness->programs[i] = bpf_program__fd(program);
	}
	program = bpf_object__find_program_by_name(harness->object, "rstwho_renew_lease");
	if (!program)
		return "the object lacks the lease";
	harness->renewal = bpf_program__fd(program);
	harness->counters = find_map(harness, "counters");
	harness->focus = find_map(harness, "focus");
	harness->shedding = find_map(harness, "shedding");
	harness->positions = find_map(harness, "ring_positions");
	if (harness->counters < 0 || harness->focus < 0 || harness->shedding < 0)
		return "the object lacks a map";
	harness->drain = rstwho_drain_create((uint32_t)harness->cpus, harness->slots);
	if (!harness->drain || rstwho_drain_map(harness->drain, find_map(harness, "rings"), harness->positions))
		return "cannot map the rings";
	if (harness_renew_lease(harness, LONG_LEASE))
		return "cannot renew the lease";
	return NULL;
}

struct harness *harness_open(const char *path, char *message, size_t size)
{
	return harness_open_with(path, RING_SLOTS, false, message, size);
}

struct harness *harness_open_as(const char *path, bool is_preemptible, char *message, size_t size)
{
	return harness_open_with(path, RING_SLOTS, is_preemptible, message, size);
}

struct harness *harness_open_with(const char *path, uint32_t slots, bool is_preemptible, char *message, size_t size)
{
	struct harness *harness = calloc(1, sizeof(*harness));
	const char *problem;
	int error;

	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	if (!harness)
		return NULL;
	harness->slots = slots;
	errno = 0;
	problem = prepare(harness, path, is_preemptible);
	error = errno;
	if (!problem)
		return harness;
	snprintf(message, size, "%s: %s (%s)", path, problem, strerror(error));
	harness_close(harness);
	return NULL;
}

void harness_close(struct harness *harness)
{
	rstwho_drain_destroy(harness->drain);
	bpf_object__close(harness->object);
	free(harness->per_cpu);
	free(harness);
}

const char *harness_program_name(enum harness_program program)
{
	return program_names[program];
}

int harness_program_descriptor(const struct harness *harness, enum harness_program program)
{
	return harness->programs[program];
}

uint32_t harness_verified_instructions(const struct harness *harness, enum harness_program program)
{
	struct bpf_prog_info info = { 0 };
	__u32 length = sizeof(info);

	if (bpf_obj_get_info_by_fd(harness->programs[program], &info, &length))
		return 0;
	return info.verified_insns;
}

int harness_renew_lease(struct harness *harness, uint64_t ticks)
{
	struct packet_lease_renewal renewal = { .ticks = ticks };
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &renewal, .ctx_size_in = sizeof(renewal));

	if (bpf_prog_test_run_opts(harness->renewal, &options))
		return -errno;
	return options.retval ? -EIO : 0;
}

static void tell_difference(const struct packet_counters *before, const struct packet_counters *after,
			    struct harness_result *result)
{
	result->seen += after->seen - before->seen;
	result->missed += after->missed - before->missed;
	result->idle += after->idle - before->idle;
	result->skipped += after->skipped - before->skipped;
	for (__u32 class = 0; class < PACKET_CLASS_COUNT; class ++) {
		result->recorded += after->recorded[class] - before->recorded[class];
		result->shed += after->shed[class] - before->shed[class];
		for (__u32 reason = 0; reason < PACKET_LOSS_COUNT; reason++)
			result->lost += after->lost[class][reason] - before->lost[class][reason];
	}
	for (__u32 reason = 0; reason < PACKET_REFUSAL_COUNT; reason++) {
		__u64 moved = after->refused[reason] - before->refused[reason];

		result->refused += moved;
		if (moved)
			result->refusal = reason;
	}
}

int harness_focus(struct harness *harness, uint32_t bit, bool is_on)
{
	const __u32 key = 0;
	struct packet_focus focus = { 0 };

	if (bpf_map_lookup_elem(harness->focus, &key, &focus))
		return -errno;
	if (is_on)
		focus.bits[bit / 64] |= 1ull << bit % 64;
	else
		focus.bits[bit / 64] &= ~(1ull << bit % 64);
	focus.count = 0;
	for (size_t i = 0; i < PACKET_FOCUS_BITS / 64; i++)
		focus.count += (__u32)__builtin_popcountll(focus.bits[i]);
	return bpf_map_update_elem(harness->focus, &key, &focus, BPF_ANY) ? -errno : 0;
}

int harness_hold_rings(struct harness *harness, bool is_held)
{
	for (__u32 cpu = 0; cpu < (__u32)harness->cpus; cpu++) {
		struct ring_position position;

		if (bpf_map_lookup_elem(harness->positions, &cpu, &position))
			return -errno;
		position.busy = is_held;
		if (bpf_map_update_elem(harness->positions, &cpu, &position, BPF_ANY))
			return -errno;
	}
	return 0;
}

int harness_shed(struct harness *harness, uint32_t bulk, uint32_t handshakes)
{
	const __u32 key = 0;
	/* Those of resets and ICMP errors must not matter. */
	const struct packet_shedding shedding = { .cut = { bulk, handshakes, bulk, bulk } };

	return bpf_map_update_elem(harness->shedding, &key, &shedding, BPF_ANY) ? -errno : 0;
}

void harness_drain(struct harness *harness)
{
	empty_rings(harness, NULL);
}

int harness_count(struct harness *harness, uint32_t way, struct harness_result *result)
{
	struct packet_counters after;

	memset(result, 0, sizeof(*result));
	if (read_counters(harness, way, &after))
		return -EIO;
	tell_difference(&harness->before[way], &after, result);
	harness->before[way] = after;
	return 0;
}

static int run_on_way(struct harness *harness, int program, __u32 way, struct bpf_test_run_opts *options,
		      struct harness_result *result)
{
	struct packet_counters after;

	memset(result, 0, sizeof(*result));
	if (bpf_prog_test_run_opts(program, options))
		return -errno;
	result->verdict = options->retval;
	empty_rings(harness, result);
	if (read_counters(harness, way, &after))
		return -EIO;
	tell_difference(&harness->before[way], &after, result);
	harness->before[way] = after;
	return 0;
}

static int run(struct harness *harness, enum harness_program program, struct bpf_test_run_opts *options,
	       struct harness_result *result)
{
	const __u32 way = program == HARNESS_TC_EGRESS ? PACKET_DIR_EGRESS : PACKET_DIR_INGRESS;

	return run_on_way(harness, harness->programs[program], way, options, result);
}

int harness_run(struct harness *harness, enum harness_program program, const uint8_t *frame, uint32_t length,
		struct harness_result *result)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = length, .repeat = 1);

	return run(harness, program, &options, result);
}

int harness_run_forwarded(struct harness *harness, const uint8_t *frame, uint32_t length, struct harness_result *result)
{
	const struct __sk_buff context = { .ingress_ifindex = 1 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = length, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = 1);

	return run(harness, HARNESS_TC_EGRESS, &options, result);
}

int harness_repeat(struct harness *harness, int program, uint32_t way, const uint8_t *frame, uint32_t length,
		   uint32_t times, uint32_t *nanoseconds, struct harness_result *result)
{
	const struct __sk_buff context = { .ingress_ifindex = 1 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = length, .repeat = (int)times);
	int failed;

	if (way == PACKET_DIR_EGRESS) {
		options.ctx_in = &context;
		options.ctx_size_in = sizeof(context);
	}
	failed = run_on_way(harness, program, way, &options, result);
	*nanoseconds = options.duration;
	return failed;
}
