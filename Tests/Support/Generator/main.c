// SPDX-License-Identifier: Apache-2.0
// Sends many TCP packets out of an interface, more than a million a second: the kernel makes them (frames.bpf.c).
//
//   frame-generator INTERFACE DESTINATION-MAC [NAME=NUMBER]…
//
//   seconds     how long (5)
//   rate        packets a second at the most, 0 for as many as go (0)
//   flows       a power of two (65536)
//   hosts       that they come from, a power of two (256): 11.0.0.0 and following
//   resets      of 65536 packets (0)
//   handshakes  of 65536 packets: SYNs (0)
//   first       number of the first packet, which makes its flow and its kind (0): several generators differ by it
//   bytes       of each frame without its check sequence, 60 to 1514 (60)
//
// The other end of a veth needs an XDP program or GRO, or it takes none of them. TCP checksums are not right; IP's are.
// Prints how many packets were made and in how many seconds; the interface may have dropped some.
#define _GNU_SOURCE // clock_nanosleep
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frames.h"

#if !__has_embed("../../../build/frames.bpf.o")
#error "The generator's program is not built: run `make bpf` first, then build again."
#else
_Alignas(16) static const unsigned char object_bytes[] = {
#embed "../../../build/frames.bpf.o"
};
#endif

enum { BATCH = 64, SHORT_RUN = 16 * BATCH, LONGEST_RUN = 1 << 24, MAXIMUM = 1514 };

struct options {
	uint64_t seconds, rate, flows, hosts, resets, handshakes, first, bytes;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void pause_until(double time)
{
	struct timespec until = { .tv_sec = (time_t)time };

	until.tv_nsec = (long)((time - (double)until.tv_sec) * 1e9);
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static int read_option(const char *text, struct options *options)
{
	const struct {
		const char *name;
		uint64_t *value;
		uint64_t least, most;
		_Bool is_power;
	} known[] = {
		{ "seconds", &options->seconds, 1, 3600, 0 },	{ "rate", &options->rate, 0, UINT32_MAX, 0 },
		{ "flows", &options->flows, 1, 1u << 31, 1 },	{ "hosts", &options->hosts, 1, 1u << 24, 1 },
		{ "resets", &options->resets, 0, 65536, 0 },	{ "handshakes", &options->handshakes, 0, 65536, 0 },
		{ "first", &options->first, 0, UINT32_MAX, 0 }, { "bytes", &options->bytes, 60, MAXIMUM, 0 },
	};
	const char *equals = strchr(text, '=');

	for (size_t i = 0; equals && i < sizeof(known) / sizeof(*known); i++) {
		char *end;
		uint64_t value;

		if (strlen(known[i].name) != (size_t)(equals - text) ||
		    strncmp(known[i].name, text, (size_t)(equals - text)) != 0)
			continue;
		value = strtoull(equals + 1, &end, 10);
		if (*end || end == equals + 1 || value < known[i].least || value > known[i].most ||
		    (known[i].is_power && (value & (value - 1))))
			return -1;
		*known[i].value = value;
		return 0;
	}
	return -1;
}

static int read_mac(const char *text, uint8_t mac[6])
{
	unsigned bytes[6];

	if (sscanf(text, "%x:%x:%x:%x:%x:%x", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4], &bytes[5]) != 6)
		return -1;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)bytes[i];
	return 0;
}

// All that the program does not write.
static void fill(uint8_t *frame, uint64_t bytes)
{
	uint16_t total = htons((uint16_t)(bytes > 60 ? bytes - 14 : 40));
	const uint8_t destination[4] = { 10, 1, 0, 1 };

	memset(frame, 0, MAXIMUM);
	frame[12] = 0x08;
	frame[14] = 0x45;
	memcpy(frame + 16, &total, sizeof(total));
	frame[20] = 0x40; // don't fragment
	frame[23] = 6;
	memcpy(frame + 30, destination, sizeof(destination));
	frame[46] = 0x50;
}

static int load(const struct options *options, unsigned interface, const uint8_t mac[6])
{
	struct frame_settings settings = {
		.interface = interface,
		.flow_mask = (uint32_t)options->flows - 1,
		.host_mask = (uint32_t)options->hosts - 1,
		.resets = (uint32_t)options->resets,
		.handshakes = (uint32_t)options->handshakes,
		.first = (uint32_t)options->first,
		.source = 0x0b000000,
		.ttl = 50,
	};
	struct bpf_object *object = bpf_object__open_mem(object_bytes, sizeof(object_bytes), NULL);
	struct bpf_map *map;

	memcpy(settings.destination, mac, sizeof(settings.destination));
	if (!object)
		return -1;
	map = bpf_object__find_map_by_name(object, ".rodata");
	if (!map || bpf_map__set_initial_value(map, &settings, sizeof(settings)) || bpf_object__load(object))
		return -1;
	return bpf_program__fd(bpf_object__find_program_by_name(object, "make_frame"));
}

// Waits until so many packets are due, and says how many are next: more than before where they were late, but no more
// than an eighth of a second has.
static uint32_t next_run(uint64_t rate, double due, uint32_t frames)
{
	if (now() < due)
		pause_until(due);
	else if (frames < rate / 8 && frames < LONGEST_RUN)
		frames *= 2;
	return frames;
}

// As many as take a second, or what is left of the time, by what the last run took.
static uint32_t longest_run(uint32_t frames, double seconds, double left)
{
	const double wanted = left > 1 ? 1 : left;
	const double next = (double)frames * wanted / (seconds > 1e-6 ? seconds : 1e-6);

	if (next >= LONGEST_RUN)
		return LONGEST_RUN;
	return next > SHORT_RUN ? (uint32_t)next / BATCH * BATCH : SHORT_RUN;
}

int main(int count, char **arguments)
{
	struct options options = { .seconds = 5, .flows = 65536, .hosts = 256, .bytes = 60 };
	uint8_t mac[6], frame[MAXIMUM];
	uint64_t made = 0;
	unsigned interface;
	double begun, start, end;
	uint32_t frames;
	int program;

	if (count < 3 || read_mac(arguments[2], mac)) {
		fprintf(stderr, "usage: frame-generator INTERFACE DESTINATION-MAC [NAME=NUMBER]...\n");
		return 64;
	}
	for (int i = 3; i < count; i++) {
		if (read_option(arguments[i], &options)) {
			fprintf(stderr, "%s: no such option, or no such value of it\n", arguments[i]);
			return 64;
		}
	}
	interface = if_nametoindex(arguments[1]);
	if (!interface) {
		fprintf(stderr, "%s: no such interface\n", arguments[1]);
		return 66;
	}
	fill(frame, options.bytes);
	program = load(&options, interface, mac);
	if (program < 0) {
		fprintf(stderr, "the program cannot be loaded: %s\n", strerror(errno));
		return 77;
	}
	begun = now();
	// Before and after a run the kernel waits for all processors, which takes milliseconds: runs are as short as
	// the rate allows, and long where there is none to keep.
	frames = options.rate ? SHORT_RUN : 16 * SHORT_RUN;
	for (end = begun + (double)options.seconds; (start = now()) < end;) {
		LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = (uint32_t)options.bytes,
			    .repeat = (int)frames, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);

		if (bpf_prog_test_run_opts(program, &run)) {
			if (errno == EINTR)
				continue;
			fprintf(stderr, "live frames: %s\n", strerror(errno));
			return 74;
		}
		made += frames;
		if (options.rate)
			frames = next_run(options.rate, begun + (double)made / (double)options.rate, frames);
		else
			frames = longest_run(frames, now() - start, end - now());
	}
	printf("%" PRIu64 " packets in %.2f s\n", made, now() - begun);
	return 0;
}
