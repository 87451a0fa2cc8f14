/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which flows user space gives up when packets come faster than it can look at them: of each class that may be shed,
 * those are kept whose hash has none of the mask's bits.
 */
#ifndef RSTWHO_SHEDDING_H
#define RSTWHO_SHEDDING_H

#include <linux/types.h>

#include "flow_hash.h"
#include "focus.h"
#include "packet_record.h"

/*
 * By class: n - 1 to keep one flow of n, a power of two; 0 keeps all. Resets and ICMP errors are never shed, whatever
 * stands here. A flow is kept or shed whole as long as the mask of handshakes has no bit that bulk's has not.
 */
struct packet_shedding {
	__u32 mask[PACKET_CLASS_COUNT];
};

_Static_assert(sizeof(struct packet_shedding) == 4 * PACKET_CLASS_COUNT, "no padding");

/* Whether a flow with this hash is kept. */
static __always_inline _Bool keeps_flow(__u32 hash, __u32 mask)
{
	return (hash & mask) == 0;
}

#ifdef __bpf__
/* Written by user space while the programs run. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet_shedding);
} shedding SEC(".maps");

/* The mask of a class; 0 where it sheds none. */
static __always_inline __u32 shedding_mask(__u32 class)
{
	__u32 key = 0;
	const struct packet_shedding *wanted;

	if (class != PACKET_CLASS_BULK && class != PACKET_CLASS_HANDSHAKE)
		return 0;
	wanted = bpf_map_lookup_elem(&shedding, &key);
	if (!wanted)
		return 0;
	return class == PACKET_CLASS_BULK ? wanted->mask[PACKET_CLASS_BULK] : wanted->mask[PACKET_CLASS_HANDSHAKE];
}

#endif

#endif
