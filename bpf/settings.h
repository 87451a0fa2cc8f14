/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What user space tells the kernel part when its object is loaded: constants of one interface.
 */
#ifndef RSTWHO_SETTINGS_H
#define RSTWHO_SETTINGS_H

#include <linux/types.h>

#include "flow_hash.h"

/* Interfaces that can be watched at once: what fits PACKET_INTERFACE_SLOT_MASK. */
#define PACKET_SLOT_COUNT 32

/* The whole .rodata section of an object; written before it is loaded. */
struct packet_settings {
	__u32 ring_slots; /* of each CPU's ring; a power of two */
	__u32 ring_limit_bulk; /* slots of a ring that bulk may fill */
	__u32 ring_limit_handshake; /* … handshakes */
	__u8 slot; /* 0 ..< PACKET_SLOT_COUNT */
	__u8 link; /* enum packet_link: what frames of the interface begin with */
	__u8 is_preemptible; /* PREEMPT_RT: programs of one CPU may interrupt each other */
	__u8 reserved;
	struct flow_hash_key hash_key;
};

_Static_assert(sizeof(struct packet_settings) == 32, "no padding");

#ifdef __bpf__
const volatile struct packet_settings settings = {};

static __always_inline struct flow_hash_key hash_key(void)
{
	return (struct flow_hash_key){ .ends = settings.hash_key.ends, .flow = settings.hash_key.flow };
}
#endif

#endif
