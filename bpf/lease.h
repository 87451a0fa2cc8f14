/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The lease that user space renews: when it is over, every program counts the packet and returns, so that a dead or
 * hung agent costs next to nothing, and what passed meanwhile is known. Before the first renewal and after the end
 * nothing is counted: nobody expects those packets to be seen.
 */
#ifndef RSTWHO_LEASE_H
#define RSTWHO_LEASE_H

#include <linux/types.h>

/* In jiffies, because reading them costs nothing. */
struct packet_lease {
	__u64 expires; /* jiffies64; 0 before the first renewal and after the end */
};

/* The argument of the program that renews the lease. */
struct packet_lease_renewal {
	__u64 ticks; /* jiffies from now; 0 ends the lease */
};

#ifdef __bpf__
/* Until when the programs may work; one for all objects. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet_lease);
} lease SEC(".maps");

static __always_inline _Bool lease_holds(void)
{
	__u32 key = 0;
	const struct packet_lease *current = bpf_map_lookup_elem(&lease, &key);

	return current && bpf_jiffies64() < current->expires;
}

/* Whether a lease that does not hold ran out: nobody ended it. */
static __always_inline _Bool lease_ran_out(void)
{
	__u32 key = 0;
	const struct packet_lease *current = bpf_map_lookup_elem(&lease, &key);

	return current && current->expires != 0;
}
#endif

#endif
