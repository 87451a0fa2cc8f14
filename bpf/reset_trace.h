/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the optional object tells user space: each reset that this machine's own TCP stack sends, as the tracepoint
 * tcp:tcp_send_reset has it. A packet filter's resets do not come past there.
 */
#ifndef RSTWHO_RESET_TRACE_H
#define RSTWHO_RESET_TRACE_H

#include <linux/types.h>

/* No packet drew it: a socket was aborted. Such an event comes after its reset has left. */
#define RESET_TRACE_ACTIVE 0x01
/* A full socket was there. */
#define RESET_TRACE_SOCKET 0x02
/* `ack` is what the reset acknowledges; without this the reset has no ACK flag. */
#define RESET_TRACE_ACK 0x04
/* The kernel gives reasons (since 6.10): `reason` is an enum sk_rst_reason of that kernel. */
#define RESET_TRACE_REASON 0x08

#define RESET_TRACE_COMMAND_BYTES 16 /* TASK_COMM_LEN */
#define RESET_TRACE_RING_BYTES (1 << 20)

/* In the reset's own direction. Addresses as in struct packet_record. */
struct reset_trace_event {
	__u64 time; /* CLOCK_MONOTONIC, ns */
	__u64 src_high;
	__u64 src_low;
	__u64 dst_high;
	__u64 dst_low;
	__u16 src_port;
	__u16 dst_port;
	__u32 seq;
	__u32 ack;
	__u32 reason;
	__u32 process; /* whose call it was; 0 where no process asked for it */
	__u32 flags; /* RESET_TRACE_* */
	char command[RESET_TRACE_COMMAND_BYTES]; /* the thread's name; only with `process` */
};

_Static_assert(sizeof(struct reset_trace_event) == 80, "no padding");

#endif
