/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the optional object tells user space: each TCP packet of a flow in focus that the kernel drops, as the
 * tracepoint skb:kfree_skb has it. A packet that is sent on or delivered does not come past there.
 */
#ifndef RSTWHO_DROP_TRACE_H
#define RSTWHO_DROP_TRACE_H

#include <linux/types.h>

/* The kernel gives reasons (since 5.17): `reason` is an enum skb_drop_reason of that kernel. */
#define DROP_TRACE_REASON 0x01

#define DROP_TRACE_RING_BYTES (1 << 18)

/* The packet's numbers as its headers were then. Addresses as in struct packet_record. */
struct drop_trace_event {
	__u64 time; /* CLOCK_MONOTONIC, ns */
	__u64 src_high;
	__u64 src_low;
	__u64 dst_high;
	__u64 dst_low;
	__u32 seq;
	__u32 ack;
	__u32 reason;
	__u16 src_port;
	__u16 dst_port;
	__u8 tcp_flags;
	__u8 flags; /* DROP_TRACE_* */
	__u8 reserved[6];
};

_Static_assert(sizeof(struct drop_trace_event) == 64, "no padding");

#endif
