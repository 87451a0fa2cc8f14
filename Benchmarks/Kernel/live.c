// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE // sigaction, nanosleep
#include "live.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../bpf/counters.h"

static volatile sig_atomic_t is_over;

static void end(int number)
{
	(void)number;
	is_over = 1;
}

int record_live(struct harness *harness, const char *interface, _Bool sheds)
{
	const struct sigaction action = { .sa_handler = end };
	const int index = (int)if_nametoindex(interface);
	const int program = harness_program_descriptor(harness, HARNESS_XDP);
	// As the agent does on a busy link: a fraction of what the ring holds.
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct harness_result result;
	int failed;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	failed = harness_shed(harness, sheds ? UINT32_MAX : 0, sheds ? UINT32_MAX : 0);
	if (!failed)
		failed = bpf_xdp_attach(index, program, XDP_FLAGS_DRV_MODE, NULL);
	if (failed) {
		fprintf(stderr, "%s: %s\n", interface, strerror(-failed));
		return 77;
	}
	printf("ready\n");
	fflush(stdout);
	while (!is_over) {
		harness_drain(harness);
		nanosleep(&pause, NULL);
	}
	bpf_xdp_detach(index, XDP_FLAGS_DRV_MODE, NULL);
	harness_drain(harness);
	failed = harness_count(harness, PACKET_DIR_INGRESS, &result);
	if (failed) {
		fprintf(stderr, "counters: %s\n", strerror(-failed));
		return 1;
	}
	printf("seen %" PRIu64 " packets\nrecorded %" PRIu64 " packets\nshed %" PRIu64 " packets\n", result.seen,
	       result.recorded, result.shed);
	printf("refused %" PRIu64 " packets\nlost %" PRIu64 " packets\n", result.refused, result.lost);
	return 0;
}
