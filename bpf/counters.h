/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel part counts. Everything that is seen ends in exactly one other counter:
 *
 *     seen = skipped + sum(recorded) + sum(shed) + sum(refused) + sum(lost)
 *
 * but for those that were missed or came while the lease was over, which are not in seen either: what is counted
 * elsewhere is added to without a lock by whoever has the CPU's ring.
 *
 * Included by the BPF build, which adds the map, and by user space, which reads it.
 */
#ifndef RSTWHO_COUNTERS_H
#define RSTWHO_COUNTERS_H

#include "packet_record.h"
#include "settings.h"

/*
 * Why a parsed packet has no record. The names that metrics use are made of these in one place (LossReason in Swift).
 */
enum packet_loss {
	PACKET_LOST_HEADROOM = 0, /* the rest of the ring is kept for more precious classes */
	PACKET_LOST_RING_FULL, /* not even a reset had room */
	PACKET_LOST_NO_RING, /* the CPU has no ring */
	PACKET_LOSS_COUNT
};

/* A packet's way past an interface. */
enum packet_dir { PACKET_DIR_INGRESS = 0, PACKET_DIR_EGRESS = 1, PACKET_DIR_COUNT };

/* Counters of one interface and way on one CPU. They only grow. */
struct packet_counters {
	__u64 seen; /* packets that reached the program while the lease held */
	__u64 segments; /* the same with every GRO or GSO packet counted as what is on the wire */
	__u64 missed; /* not even looked at: another packet was being looked at on the same CPU. Atomic. */
	__u64 idle; /* not even looked at: the lease had run out, see lease.h. Atomic. */
	__u64 skipped; /* forwarded packets on their way out, recorded on their way in */
	__u64 recorded[PACKET_CLASS_COUNT];
	__u64 shed[PACKET_CLASS_COUNT]; /* of flows that user space gave up; [ICMP] and [RESET] stay 0 */
	__u64 refused[PACKET_REFUSAL_COUNT]; /* by enum packet_refusal; [0] stays 0 */
	__u64 lost[PACKET_CLASS_COUNT][PACKET_LOSS_COUNT];
};

_Static_assert(sizeof(struct packet_counters) ==
		       8 * (5 + 2 * PACKET_CLASS_COUNT + PACKET_REFUSAL_COUNT + PACKET_CLASS_COUNT * PACKET_LOSS_COUNT),
	       "counters have no padding");

#ifdef __bpf__
/* What is counted, by slot * PACKET_DIR_COUNT + way. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PACKET_SLOT_COUNT *PACKET_DIR_COUNT);
	__type(key, __u32);
	__type(value, struct packet_counters);
} counters SEC(".maps");
#endif

#endif
