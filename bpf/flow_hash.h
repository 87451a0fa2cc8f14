/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hash of a flow, the same for both of its directions and in both builds: focus takes its upper bits, shedding its
 * lower ones. Only addresses and ports matter, in a tunnel those of the inner packet.
 */
#ifndef RSTWHO_FLOW_HASH_H
#define RSTWHO_FLOW_HASH_H

#include <linux/types.h>

#include "packet_record.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* One end's share of the hash. */
static __always_inline __u64 flow_end(__u64 high, __u64 low, __u16 port)
{
	__u64 hash = (high ^ 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;

	hash = (hash ^ hash >> 32 ^ low) * 0xc4ceb9fe1a85ec53ull;
	return (hash ^ hash >> 29 ^ port) * 0xbf58476d1ce4e5b9ull;
}

static __always_inline __u32 flow_hash(__u64 one, __u64 other)
{
	__u64 hash = (one ^ one >> 31) + (other ^ other >> 31);

	return (__u32)((hash * 0x9e3779b97f4a7c15ull) >> 32);
}

static __always_inline __u32 flow_hash_of_record(const struct packet_record *record)
{
	return flow_hash(flow_end(record->src_high, record->src_low, record->src_port),
			 flow_end(record->dst_high, record->dst_low, record->dst_port));
}

#endif
