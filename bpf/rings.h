/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way of records to user space: one ring per CPU, so that producers never contend, and all classes of packets in
 * one ring, so that their order is kept.
 */
#ifndef RSTWHO_RINGS_H
#define RSTWHO_RINGS_H

#include "packet_record.h"

/* An entry of a ring: a bare record for bulk, this for every other class. */
struct packet_event {
	struct packet_record record;
	struct header_snapshot headers;
};

_Static_assert(sizeof(struct packet_event) == 320, "a record and a snapshot, nothing between");

/* The kernel puts this before each entry (struct bpf_ringbuf_hdr). */
#define RING_ENTRY_HEADER_BYTES 8

#ifdef __bpf__
#include "parse.h"

/* The rings, by CPU; user space puts them in, all of one size. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_RINGBUF);
			__uint(max_entries, 65536);
		});
} rings SEC(".maps");

/* Where a packet is parsed before it is known whether it gets a record. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet_parse);
} scratch SEC(".maps");
#endif

#endif
