/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel part counts, and the lease it works under. Everything that is seen ends in exactly one other counter:
 *
 *     seen = skipped + sum(recorded) + sum(refused) + sum(lost)
 *
 * Included by the BPF build, which adds the maps, and by user space, which reads them.
 */
#ifndef RSTWHO_COUNTERS_H
#define RSTWHO_COUNTERS_H

#include "packet_record.h"

/* Why a parsed packet has no record. The names that metrics use are made of these in one place (LossReason in Swift). */
enum packet_loss {
	PACKET_LOST_HEADROOM = 0, /* the rest of the ring is kept for more precious classes */
	PACKET_LOST_RING_FULL, /* not even a reset had room */
	PACKET_LOST_NO_RING, /* the CPU has no ring */
	PACKET_LOSS_COUNT
};

/* A packet's way past an interface. */
enum packet_way { PACKET_WAY_INGRESS = 0, PACKET_WAY_EGRESS = 1, PACKET_WAY_COUNT };

/* Interfaces that can be watched at once: what fits PACKET_INTERFACE_SLOT_MASK. */
#define PACKET_SLOT_COUNT 32

/* Counters of one interface and way on one CPU. They only grow. */
struct packet_counters {
	__u64 seen; /* packets that reached the program while the lease held */
	__u64 segments; /* the same with every GRO or GSO packet counted as what is on the wire */
	__u64 skipped; /* forwarded packets on their way out, recorded on their way in */
	__u64 recorded[PACKET_CLASS_COUNT];
	__u64 refused[PACKET_REFUSAL_COUNT]; /* by enum packet_refusal; [0] stays 0 */
	__u64 lost[PACKET_CLASS_COUNT][PACKET_LOSS_COUNT];
};

_Static_assert(sizeof(struct packet_counters) ==
		       8 * (3 + PACKET_CLASS_COUNT + PACKET_REFUSAL_COUNT + PACKET_CLASS_COUNT * PACKET_LOSS_COUNT),
	       "counters have no padding");

/* The programs return at once after this. Jiffies, because reading them costs nothing. */
struct packet_lease {
	__u64 expires; /* jiffies64 */
};

/* The argument of the program that renews the lease. */
struct packet_lease_renewal {
	__u64 ticks; /* jiffies from now */
};

#ifdef __bpf__
/* What is counted, by slot * PACKET_WAY_COUNT + way. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PACKET_SLOT_COUNT *PACKET_WAY_COUNT);
	__type(key, __u32);
	__type(value, struct packet_counters);
} counters SEC(".maps");

/* Until when the programs may work. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet_lease);
} lease SEC(".maps");
#endif

#endif
