/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flows that user space wants to see in full, on their way in and on their way out: one bit for each value of a
 * flow's hash. Flows that share a bit are recorded with it; user space tells them apart.
 */
#ifndef RSTWHO_FOCUS_H
#define RSTWHO_FOCUS_H

#include <linux/types.h>

#include "flow_hash.h"

#define PACKET_FOCUS_BITS 65536

/* Written by user space through a shared mapping: the bits first, then their number. */
struct packet_focus {
	__u32 count; /* bits that are set; 0, and no packet's hash is computed */
	__u32 reserved;
	__u64 bits[PACKET_FOCUS_BITS / 64];
};

_Static_assert(sizeof(struct packet_focus) == 8 + PACKET_FOCUS_BITS / 8, "no padding");

/* The bit of a flow with this hash (flow_hash.h). */
static __always_inline __u32 focus_bit(__u32 hash)
{
	return hash >> 16;
}

#ifdef __bpf__
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet_focus);
} focus SEC(".maps");

/* NULL where no flow is in focus. */
static __always_inline const struct packet_focus *find_focus(void)
{
	__u32 key = 0;
	const struct packet_focus *found = bpf_map_lookup_elem(&focus, &key);

	return found && found->count ? found : NULL;
}

static __always_inline _Bool has_focus_on(const struct packet_focus *focused, __u32 bit)
{
	/* The compiler knows the range and would leave the bound out; the verifier may not. */
	asm volatile("" : "+r"(bit));
	bit &= PACKET_FOCUS_BITS - 1;
	return focused->bits[bit >> 6] >> (bit & 63) & 1;
}
#endif

#endif
