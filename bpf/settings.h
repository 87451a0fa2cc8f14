/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What user space tells the kernel part: constants of one interface when its object is loaded, and the lease.
 */
#ifndef RSTWHO_SETTINGS_H
#define RSTWHO_SETTINGS_H

#include <linux/types.h>

/* Interfaces that can be watched at once: what fits PACKET_INTERFACE_SLOT_MASK. */
#define PACKET_SLOT_COUNT 32

/* The whole .rodata section of an object; written before it is loaded. */
struct packet_settings {
	__u32 ring_limit_bulk; /* bytes of a ring that bulk may fill */
	__u32 ring_limit_handshake; /* … handshakes */
	__u8 slot; /* 0 ..< PACKET_SLOT_COUNT */
	__u8 link; /* enum packet_link: what frames of the interface begin with */
	__u8 reserved[2];
};

_Static_assert(sizeof(struct packet_settings) == 12, "no padding");

/* The programs return at once when this is over. Jiffies, because reading them costs nothing. */
struct packet_lease {
	__u64 expires; /* jiffies64 */
};

/* The argument of the program that renews the lease. */
struct packet_lease_renewal {
	__u64 ticks; /* jiffies from now; 0 ends the lease */
};

#ifdef __bpf__
const volatile struct packet_settings settings = {};

/* Until when the programs may work. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet_lease);
} lease SEC(".maps");
#endif

#endif
