/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flows that user space gives up when packets come faster than it can look at them: of each class that may be shed,
 * those with the highest hashes. So a larger share always holds a smaller one, on this machine and on every other with
 * the same key.
 */
#ifndef RSTWHO_SHEDDING_H
#define RSTWHO_SHEDDING_H

#include <linux/types.h>

#include "flow_hash.h"
#include "focus.h"
#include "packet_record.h"

/*
 * By class: the part of the hashes that is shed, from the top, in 2^-32; 0 keeps all. Resets and ICMP errors are never
 * shed, whatever stands here. A flow is kept or shed whole as long as no more of the handshakes is shed than of bulk.
 */
struct packet_shedding {
	__u32 cut[PACKET_CLASS_COUNT];
};

_Static_assert(sizeof(struct packet_shedding) == 4 * PACKET_CLASS_COUNT, "no padding");

/* Whether a flow with this hash is kept. */
static __always_inline _Bool keeps_flow(__u32 hash, __u32 cut)
{
	return hash <= ~cut;
}

#ifdef __bpf__
/* Written by user space while the programs run. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet_shedding);
} shedding SEC(".maps");

/* The cut of a class; 0 where it sheds none. */
static __always_inline __u32 shedding_cut(__u32 class)
{
	__u32 key = 0;
	const struct packet_shedding *wanted;

	if (class != PACKET_CLASS_BULK && class != PACKET_CLASS_HANDSHAKE)
		return 0;
	wanted = bpf_map_lookup_elem(&shedding, &key);
	if (!wanted)
		return 0;
	return class == PACKET_CLASS_BULK ? wanted->cut[PACKET_CLASS_BULK] : wanted->cut[PACKET_CLASS_HANDSHAKE];
}

#endif

#endif
