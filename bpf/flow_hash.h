/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The keyed hash of a flow, equal for both of its directions and in both builds. Shedding compares it with a threshold,
 * focus takes its upper bits. Only addresses and ports count; in a tunnel those of the inner packet.
 *
 * Each end is mixed word by word, which is a bijection of the last word for every state before it, and the two ends are
 * added only after that. Without the key nobody can choose flows that share a value or lie below a threshold. See
 * docs/decisions, 23.
 */
#ifndef RSTWHO_FLOW_HASH_H
#define RSTWHO_FLOW_HASH_H

#include <linux/types.h>

#include "packet_record.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* The secret of one machine, or of a fleet that samples the same flows everywhere. */
struct flow_hash_key {
	__u64 ends; /* the state that each end starts from */
	__u64 flow; /* mixed with the sum of both */
};

/*
 * Mixes a word into a state: the one mixing step of all our hashes, a bijection of the word for every state. Two
 * products, for one alone lets a change of the highest bit through, which the next word can undo. (Constant and shifts
 * are those of Maiga's xmxmx, "The construct of a bit mixer", 2020.)
 */
static __always_inline __u64 hash_mix(__u64 state, __u64 word)
{
	state ^= word;
	state = (state ^ state >> 32) * 0x0e9846af9b1a615dull;
	state = (state ^ state >> 32) * 0x0e9846af9b1a615dull;
	return state ^ state >> 28;
}

/* One end's share of the hash. */
static __always_inline __u64 flow_end(const struct flow_hash_key *key, __u64 high, __u64 low, __u16 port)
{
	return hash_mix(hash_mix(hash_mix(key->ends, high), low), port);
}

/* The hash of a flow by its ends, in either order: its upper half is the better mixed one. */
static __always_inline __u32 flow_hash(const struct flow_hash_key *key, __u64 one, __u64 other)
{
	return (__u32)(hash_mix(key->flow, one + other) >> 32);
}

static __always_inline __u32 flow_hash_of_record(const struct flow_hash_key *key, const struct packet_record *record)
{
	return flow_hash(key, flow_end(key, record->src_high, record->src_low, record->src_port),
			 flow_end(key, record->dst_high, record->dst_low, record->dst_port));
}

#endif
