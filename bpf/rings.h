/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way of records to user space: a ring of slots for each CPU, with one producer and one consumer, and all classes
 * of packets in one ring, so that their order is kept.
 *
 * A slot is a cache line. A record takes one; where the packet's class has a snapshot it follows in the next ones, as
 * many as its bytes need. An entry may begin in a ring's last slot and go on in its first.
 *
 * The producer writes an entry's slots, then moves `head`; the consumer reads them, then moves `tail`. Both only count
 * up, in slots, and nothing but the remainder is used as an index, so that no value of theirs leads out of the ring.
 */
#ifndef RSTWHO_RINGS_H
#define RSTWHO_RINGS_H

#include "packet_record.h"

#define RING_SLOT_BYTES 64
/* The most that an entry takes: a record and a whole snapshot. */
#define RING_ENTRY_SLOTS 5

_Static_assert(sizeof(struct packet_record) == RING_SLOT_BYTES, "a record is a slot");
_Static_assert(sizeof(struct packet_record) + sizeof(struct header_snapshot) == RING_ENTRY_SLOTS * RING_SLOT_BYTES,
	       "a whole snapshot fits");

/* Slots of the entry whose snapshot has so many bytes of headers. */
static inline __attribute__((always_inline)) __u32 ring_entry_slots(__u32 length)
{
	return 1 + (__builtin_offsetof(struct header_snapshot, bytes) + length + RING_SLOT_BYTES - 1) / RING_SLOT_BYTES;
}

/* One CPU's ring. Its two sides write a cache line each. */
struct ring_position {
	__u64 head; /* slots that were ever filled; moved when all of an entry is in its place */
	__u64 clock; /* ns: CLOCK_MONOTONIC when this CPU last looked at it */
	__u64 tick; /* jiffies64 of the last bulk record */
	__u32 tick_records; /* bulk records since the tick began */
	__u32 busy; /* a packet is being looked at: an entry may follow whose time is older than now */
	__u64 reserved[4];
	__u64 tail; /* the consumer's: slots that it is done with */
	__u64 consumer_reserved[7];
};

_Static_assert(sizeof(struct ring_position) == 2 * RING_SLOT_BYTES, "two cache lines");
_Static_assert(__builtin_offsetof(struct ring_position, tail) == RING_SLOT_BYTES, "the consumer's comes second");

#ifdef __bpf__
#include "parse.h"
#include "settings.h"

/* The slots of all rings, one ring behind the other by CPU; user space says how many. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct packet_record);
} rings SEC(".maps");

/* By CPU, of all that there can be. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ring_position);
} ring_positions SEC(".maps");

/* Where a packet is parsed, and its snapshot made, before it is known whether it gets a record. */
struct packet_scratch {
	struct packet_parse parse;
	struct header_snapshot headers;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet_scratch);
} scratch SEC(".maps");

/* A CPU's ring while one packet is looked at on it. */
struct ring {
	struct ring_position *position;
	__u32 first; /* index of its first slot */
};

/*
 * Takes this CPU's ring, or tells that another packet has it.
 *
 * Programs of one CPU do not interrupt each other as long as softirqs and sections without them are not preempted.
 * Where they are (PREEMPT_RT), and where a program is run by BPF_PROG_TEST_RUN, the second comes away empty-handed
 * rather than mix its record with the first one's. What is preempted need not go on first: then the flag is taken by an
 * atomic instruction.
 */
static __always_inline _Bool take_ring(struct ring *ring)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct ring_position *position = bpf_map_lookup_elem(&ring_positions, &cpu);

	if (!position)
		return 0;
	if (settings.is_preemptible) {
		if (__sync_lock_test_and_set(&position->busy, 1))
			return 0;
	} else {
		if (*(volatile __u32 *)&position->busy)
			return 0;
		*(volatile __u32 *)&position->busy = 1;
	}
	ring->position = position;
	ring->first = cpu * settings.ring_slots;
	return 1;
}

/* Also says that no older entry will follow: `head` was moved before, by an instruction that orders it. */
static __always_inline void leave_ring(const struct ring *ring)
{
	asm volatile("" ::: "memory");
	*(volatile __u32 *)&ring->position->busy = 0;
}

/* Whether an entry of so many slots stays below a limit. */
static __always_inline _Bool has_room(const struct ring *ring, __u32 slots, __u32 limit)
{
	return ring->position->head - *(const volatile __u64 *)&ring->position->tail + slots <= limit;
}

/* The slot so many after the last entry's; NULL where the CPU has no ring. */
static __always_inline struct packet_record *slot_ahead(const struct ring *ring, __u32 ahead)
{
	__u32 index = ring->first + (((__u32)ring->position->head + ahead) & (settings.ring_slots - 1));

	return bpf_map_lookup_elem(&rings, &index);
}

/*
 * Makes an entry visible that was written to the slots ahead. The consumer's look at `tail` came before they were
 * written: a processor does not write before it knows that it comes this way.
 */
static __always_inline void publish(const struct ring *ring, __u32 slots)
{
	/* BPF of Linux 6.1 has no store with release; an exchange is a full barrier. */
	__sync_lock_test_and_set(&ring->position->head, ring->position->head + slots);
}

/* Of the bulk records of one tick, so many have a time of their own, */
#define CLOCK_EACH 64
/* and of those that follow the first of so many. */
#define CLOCK_STRIDE 32

/* Looks at the clock. */
static __always_inline __u64 precise_time(const struct ring *ring)
{
	__u64 now = bpf_ktime_get_ns();

	ring->position->clock = now;
	return now;
}

/*
 * The time of a bulk record: as long as there are few, the clock's; where there are many, its last value on this CPU,
 * which is at most CLOCK_STRIDE bulk records old, and no older than the tick.
 */
static __always_inline __u64 bulk_time(const struct ring *ring)
{
	struct ring_position *position = ring->position;
	__u64 tick = bpf_jiffies64();
	__u32 records = 0;

	if (position->tick == tick)
		records = position->tick_records + 1;
	else
		position->tick = tick;
	position->tick_records = records;
	if (records < CLOCK_EACH || records % CLOCK_STRIDE == 0)
		return precise_time(ring);
	return position->clock;
}
#endif

#endif
