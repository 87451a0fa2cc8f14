// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE // clock_gettime
#include "CLibbpf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

// A bulk record's time is the lower end of a step of this many ns.
#define TIME_STEP 1024u
// How often a ring is looked at again whose program is in the middle of a packet. That takes it less than 1 µs, unless
// it is interrupted.
#define LOOKS_AT_BUSY 64

struct ring {
	struct ring_position *shared; // where the producer is, and where we are
	const struct packet_record *slots;
	uint64_t position; // next slot to read
	uint64_t limit; // the producer's position when the ring was last looked at
	uint64_t last; // ns: no record older than this will come from this ring
	uint64_t head_time; // ns, of the entry at position; valid while the ring is in the heap
	uint32_t head_slots; // of the entry at position
	_Bool is_busy; // a packet was being looked at, whose record may come behind the limit
};

struct rstwho_drain {
	uint32_t ring_count;
	uint32_t ring_slots;
	uint32_t heap_count;
	uint64_t consumed[PACKET_CLASS_COUNT];
	uint32_t *heap; // indices of rings, the oldest head first
	struct ring *rings;
	void *slots_memory; // what to unmap; NULL for a test's memory
	void *positions_memory;
};

struct rstwho_drain *rstwho_drain_create(uint32_t ring_count, uint32_t ring_slots)
{
	struct rstwho_drain *drain = calloc(1, sizeof(*drain));

	if (!drain)
		return NULL;
	drain->ring_count = ring_count;
	drain->ring_slots = ring_slots;
	drain->rings = calloc(ring_count ? ring_count : 1, sizeof(*drain->rings));
	drain->heap = calloc(ring_count ? ring_count : 1, sizeof(*drain->heap));
	if (!drain->rings || !drain->heap) {
		rstwho_drain_destroy(drain);
		return NULL;
	}
	return drain;
}

static size_t whole_pages(size_t bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

static size_t slots_bytes(const struct rstwho_drain *drain)
{
	return whole_pages((size_t)drain->ring_count * drain->ring_slots * RING_SLOT_BYTES);
}

static size_t positions_bytes(const struct rstwho_drain *drain)
{
	return whole_pages((size_t)drain->ring_count * sizeof(struct ring_position));
}

void rstwho_drain_destroy(struct rstwho_drain *drain)
{
	if (!drain)
		return;
	if (drain->slots_memory)
		munmap(drain->slots_memory, slots_bytes(drain));
	if (drain->positions_memory)
		munmap(drain->positions_memory, positions_bytes(drain));
	free(drain->rings);
	free(drain->heap);
	free(drain);
}

int rstwho_drain_map(struct rstwho_drain *drain, int rings, int positions)
{
	struct timespec now = {};
	void *memory;

	if (drain->slots_memory)
		return -EBUSY;
	clock_gettime(CLOCK_MONOTONIC, &now);
	memory = mmap(NULL, slots_bytes(drain), PROT_READ, MAP_SHARED, rings, 0);
	if (memory == MAP_FAILED)
		return -errno;
	drain->slots_memory = memory;
	memory = mmap(NULL, positions_bytes(drain), PROT_READ | PROT_WRITE, MAP_SHARED, positions, 0);
	if (memory == MAP_FAILED)
		return -errno;
	drain->positions_memory = memory;
	rstwho_drain_attach(drain, drain->slots_memory, drain->positions_memory,
			    (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
	return 0;
}

void rstwho_drain_attach(struct rstwho_drain *drain, const struct packet_record *slots, struct ring_position *positions,
			 uint64_t since)
{
	for (uint32_t i = 0; i < drain->ring_count; i++) {
		struct ring *ring = &drain->rings[i];

		ring->shared = &positions[i];
		ring->slots = slots + (size_t)i * drain->ring_slots;
		ring->position = __atomic_load_n(&positions[i].tail, __ATOMIC_ACQUIRE);
		ring->limit = ring->position;
		ring->last = since;
	}
}

static const struct packet_record *slot_at(const struct rstwho_drain *drain, const struct ring *ring, uint64_t position)
{
	return &ring->slots[position & (drain->ring_slots - 1)];
}

// What describes the snapshot that begins in a slot.
static struct header_snapshot description_of(const struct packet_record *slot)
{
	struct header_snapshot headers;

	memcpy(&headers, slot, offsetof(struct header_snapshot, bytes));
	if (headers.length > HEADER_SNAPSHOT_BYTES)
		headers.length = HEADER_SNAPSHOT_BYTES;
	return headers;
}

static uint32_t entry_slots(const struct rstwho_drain *drain, const struct ring *ring, uint64_t position)
{
	if (slot_at(drain, ring, position)->class == PACKET_CLASS_BULK)
		return 1;
	return ring_entry_slots(description_of(slot_at(drain, ring, position + 1)).length);
}

// Looks at where the producer is. Acquire: what is before its position was written before.
static void look_at_producer(const struct rstwho_drain *drain, struct ring *ring)
{
	uint64_t first = ring->limit;

	for (int i = 0; i < LOOKS_AT_BUSY; i++) {
		ring->is_busy = __atomic_load_n(&ring->shared->busy, __ATOMIC_ACQUIRE) != 0;
		ring->limit = __atomic_load_n(&ring->shared->head, __ATOMIC_ACQUIRE);
		if (i == 0)
			first = ring->limit;
		// Whichever packet was looked at first is through.
		if (ring->limit != first)
			ring->is_busy = 0;
		if (!ring->is_busy)
			break;
	}
	// No program does that; whoever else wrote there must not make us read for ever.
	if (ring->limit - ring->position > drain->ring_slots)
		ring->position = ring->limit;
}

// A record's 32 bits of time made whole. Records of a ring do not go back in time; where the clocks of CPUs seem to (a
// program moved between them), time stands still.
static uint64_t whole_time(uint64_t last, uint32_t time)
{
	uint64_t steps = last / TIME_STEP;
	int32_t ahead = (int32_t)(time - (uint32_t)steps);
	uint64_t whole = ahead < 0 ? last : (steps + (uint32_t)ahead) * TIME_STEP;

	return whole < last ? last : whole;
}

enum head { HEAD_READY, HEAD_NONE, HEAD_BUSY };

// Looks at a ring's next entry without taking it.
static enum head look(const struct rstwho_drain *drain, struct ring *ring)
{
	const struct packet_record *slot = slot_at(drain, ring, ring->position);
	struct header_snapshot headers;

	if (ring->limit - ring->position - 1 >= drain->ring_slots)
		return ring->is_busy ? HEAD_BUSY : HEAD_NONE;
	if (slot->class == PACKET_CLASS_BULK) {
		ring->head_slots = 1;
		ring->head_time = whole_time(ring->last, slot->time);
		return HEAD_READY;
	}
	headers = description_of(slot_at(drain, ring, ring->position + 1));
	ring->head_slots = ring_entry_slots(headers.length);
	ring->head_time = headers.time > ring->last ? headers.time : ring->last;
	return HEAD_READY;
}

static _Bool is_older(const struct rstwho_drain *drain, uint32_t left, uint32_t right)
{
	return drain->rings[drain->heap[left]].head_time < drain->rings[drain->heap[right]].head_time;
}

static void swap(struct rstwho_drain *drain, uint32_t left, uint32_t right)
{
	uint32_t moved = drain->heap[left];

	drain->heap[left] = drain->heap[right];
	drain->heap[right] = moved;
}

static void sift_down(struct rstwho_drain *drain)
{
	uint32_t parent = 0;

	for (;;) {
		uint32_t oldest = parent;

		for (uint32_t child = 2 * parent + 1; child <= 2 * parent + 2 && child < drain->heap_count; child++) {
			if (is_older(drain, child, oldest))
				oldest = child;
		}
		if (oldest == parent)
			return;
		swap(drain, parent, oldest);
		parent = oldest;
	}
}

static void push(struct rstwho_drain *drain, uint32_t index)
{
	uint32_t child = drain->heap_count++;

	drain->heap[child] = index;
	while (child > 0 && is_older(drain, child, (child - 1) / 2)) {
		swap(drain, child, (child - 1) / 2);
		child = (child - 1) / 2;
	}
}

static void pop(struct rstwho_drain *drain)
{
	drain->heap[0] = drain->heap[--drain->heap_count];
	sift_down(drain);
}

static uint64_t smaller(uint64_t left, uint64_t right)
{
	return left < right ? left : right;
}

// Duplicates the snapshot of the entry at a ring's position; what is beyond its length is 0.
static void take_headers(const struct rstwho_drain *drain, const struct ring *ring, struct header_snapshot *snapshot)
{
	uint8_t *to = (uint8_t *)snapshot;

	memset(snapshot, 0, sizeof(*snapshot));
	for (uint32_t i = 1; i < ring->head_slots; i++)
		memcpy(to + (size_t)(i - 1) * RING_SLOT_BYTES, slot_at(drain, ring, ring->position + i),
		       RING_SLOT_BYTES);
	if (snapshot->length > HEADER_SNAPSHOT_BYTES)
		snapshot->length = HEADER_SNAPSHOT_BYTES;
	memset(snapshot->bytes + snapshot->length, 0, (size_t)(HEADER_SNAPSHOT_BYTES - snapshot->length));
}

// Duplicates the oldest ring's head out.
static void take(struct rstwho_drain *drain, const struct ring *ring, int64_t offset, struct observed_packet *packet,
		 struct header_snapshot *snapshot)
{
	packet->record = *slot_at(drain, ring, ring->position);
	packet->time = ring->head_time + (uint64_t)offset;
	packet->frame = 0;
	packet->headers = NULL;
	if (ring->head_slots > 1) {
		take_headers(drain, ring, snapshot);
		snapshot->time = packet->time;
		packet->headers = snapshot;
	}
	if (packet->record.class < PACKET_CLASS_COUNT)
		drain->consumed[packet->record.class]++;
}

struct rstwho_drained rstwho_drain_next(struct rstwho_drain *drain, uint64_t now, int64_t offset,
					struct observed_packet *packets, struct header_snapshot *snapshots,
					uint32_t capacity)
{
	struct rstwho_drained drained = { 0 };
	const uint64_t passed = now - now % TIME_STEP; // every ring that is found empty has passed this
	uint64_t bound = passed; // nothing younger is taken now

	drain->heap_count = 0;
	for (uint32_t i = 0; i < drain->ring_count; i++) {
		struct ring *ring = &drain->rings[i];
		uint64_t backlog;

		if (!ring->slots)
			continue;
		look_at_producer(drain, ring);
		backlog = (ring->limit - ring->position) * RING_SLOT_BYTES;
		if (backlog > drained.backlog)
			drained.backlog = (uint32_t)backlog;
		switch (look(drain, ring)) {
		case HEAD_READY:
			push(drain, i);
			break;
		case HEAD_NONE:
			if (ring->last < passed)
				ring->last = passed;
			break;
		case HEAD_BUSY:
			bound = smaller(bound, ring->last);
			break;
		}
	}
	while (drain->heap_count > 0) {
		struct ring *ring = &drain->rings[drain->heap[0]];

		if (ring->head_time > bound)
			break;
		if (drained.count == capacity) {
			drained.has_more = 1;
			// What is left is not older than what was taken last.
			if (capacity > 0)
				bound = packets[capacity - 1].time - (uint64_t)offset;
			break;
		}
		take(drain, ring, offset, &packets[drained.count], &snapshots[drained.count]);
		drained.count++;
		ring->last = ring->head_time;
		ring->position += ring->head_slots;
		switch (look(drain, ring)) {
		case HEAD_READY:
			sift_down(drain);
			break;
		case HEAD_NONE:
			// The limit was read after the clock: what comes behind it is not older.
			if (ring->last < passed)
				ring->last = passed;
			pop(drain);
			break;
		case HEAD_BUSY:
			bound = smaller(bound, ring->last);
			pop(drain);
			break;
		}
	}
	// Release: the entries were read before the kernel may write over them.
	for (uint32_t i = 0; i < drain->ring_count; i++) {
		struct ring *ring = &drain->rings[i];

		if (ring->slots && ring->shared->tail != ring->position)
			__atomic_store_n(&ring->shared->tail, ring->position, __ATOMIC_RELEASE);
	}
	drained.watermark = bound + (uint64_t)offset;
	return drained;
}

uint64_t rstwho_drain_waiting(const struct rstwho_drain *drain)
{
	uint64_t waiting = 0;

	for (uint32_t i = 0; i < drain->ring_count; i++) {
		const struct ring *ring = &drain->rings[i];
		uint64_t limit, position = ring->position;

		if (!ring->slots)
			continue;
		limit = __atomic_load_n(&ring->shared->head, __ATOMIC_ACQUIRE);
		while (limit - position - 1 < drain->ring_slots) {
			waiting++;
			position += entry_slots(drain, ring, position);
		}
	}
	return waiting;
}

_Bool rstwho_drain_is_busy(const struct rstwho_drain *drain)
{
	for (uint32_t i = 0; i < drain->ring_count; i++) {
		const struct ring *ring = &drain->rings[i];

		if (ring->shared && __atomic_load_n(&ring->shared->busy, __ATOMIC_ACQUIRE))
			return 1;
	}
	return 0;
}

uint64_t rstwho_drain_consumed(const struct rstwho_drain *drain, uint32_t packet_class)
{
	return packet_class < PACKET_CLASS_COUNT ? drain->consumed[packet_class] : 0;
}
