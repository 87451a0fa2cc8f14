// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE // clock_gettime
#include "CLibbpf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

// Of include/uapi/linux/bpf.h and kernel/bpf/ringbuf.c: an entry's length comes first, with these bits.
#define ENTRY_BUSY BPF_RINGBUF_BUSY_BIT
#define ENTRY_DISCARDED BPF_RINGBUF_DISCARD_BIT

// A bulk record's time is the lower end of a step of this many ns.
#define TIME_STEP 1024u

// The data of a ring is mapped twice in a row, so that an entry that wraps around reads straight on.
struct ring {
	uint64_t *consumer; // shared with the kernel: where we are
	const uint64_t *producer; // shared with the kernel: where it is
	const uint8_t *data;
	void *consumer_page; // what to unmap; NULL for a test's memory
	void *producer_pages;
	uint64_t position; // next entry to read
	uint64_t limit; // the producer's position when the rings were last looked at
	uint64_t last; // ns: no record older than this will come from this ring
	uint64_t head_time; // ns, of the entry at position; valid while the ring is in the heap
	uint32_t head_bytes; // of the entry at position, without its header
};

struct rstwho_drain {
	uint32_t ring_count;
	uint32_t ring_bytes;
	uint32_t heap_count;
	uint64_t consumed[PACKET_CLASS_COUNT];
	uint32_t *heap; // indices of rings, the oldest head first
	struct ring *rings;
};

struct rstwho_drain *rstwho_drain_create(uint32_t ring_count, uint32_t ring_bytes)
{
	struct rstwho_drain *drain = calloc(1, sizeof(*drain));

	if (!drain)
		return NULL;
	drain->ring_count = ring_count;
	drain->ring_bytes = ring_bytes;
	drain->rings = calloc(ring_count ? ring_count : 1, sizeof(*drain->rings));
	drain->heap = calloc(ring_count ? ring_count : 1, sizeof(*drain->heap));
	if (!drain->rings || !drain->heap) {
		rstwho_drain_destroy(drain);
		return NULL;
	}
	return drain;
}

void rstwho_drain_destroy(struct rstwho_drain *drain)
{
	if (!drain)
		return;
	for (uint32_t i = 0; drain->rings && i < drain->ring_count; i++) {
		struct ring *ring = &drain->rings[i];
		size_t page = (size_t)sysconf(_SC_PAGESIZE);

		if (ring->consumer_page)
			munmap(ring->consumer_page, page);
		if (ring->producer_pages)
			munmap(ring->producer_pages, page + 2 * (size_t)drain->ring_bytes);
	}
	free(drain->rings);
	free(drain->heap);
	free(drain);
}

int rstwho_drain_attach(struct rstwho_drain *drain, uint32_t index, int descriptor)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *consumer, *producer;
	struct timespec now = {};
	int failed;

	if (index >= drain->ring_count)
		return -EINVAL;
	clock_gettime(CLOCK_MONOTONIC, &now);
	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	producer = mmap(NULL, page + 2 * (size_t)drain->ring_bytes, PROT_READ, MAP_SHARED, descriptor, (off_t)page);
	if (producer == MAP_FAILED) {
		failed = -errno;
		munmap(consumer, page);
		return failed;
	}
	failed = rstwho_drain_attach_memory(drain, index, consumer, producer, (const uint8_t *)producer + page,
					    (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
	drain->rings[index].consumer_page = consumer;
	drain->rings[index].producer_pages = producer;
	return failed;
}

int rstwho_drain_attach_memory(struct rstwho_drain *drain, uint32_t index, uint64_t *consumer, const uint64_t *producer,
			       const uint8_t *data, uint64_t since)
{
	struct ring *ring;

	if (index >= drain->ring_count)
		return -EINVAL;
	ring = &drain->rings[index];
	ring->consumer = consumer;
	ring->producer = producer;
	ring->data = data;
	ring->position = __atomic_load_n(consumer, __ATOMIC_ACQUIRE);
	ring->last = since;
	return 0;
}

static const uint8_t *entry_at(const struct rstwho_drain *drain, const struct ring *ring, uint64_t position)
{
	return ring->data + (position & (drain->ring_bytes - 1));
}

// The word before an entry. Acquire: what follows it was written before the busy bit was cleared.
static uint32_t entry_word(const uint8_t *entry)
{
	return __atomic_load_n((const uint32_t *)(const void *)entry, __ATOMIC_ACQUIRE);
}

static uint32_t entry_bytes(uint32_t word)
{
	return word & ~(ENTRY_BUSY | ENTRY_DISCARDED);
}

// From the start of one entry to the start of the next.
static uint64_t entry_stride(uint32_t bytes)
{
	return ((uint64_t)bytes + RING_ENTRY_HEADER_BYTES + 7) & ~(uint64_t)7;
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
	while (ring->position < ring->limit) {
		const uint8_t *entry = entry_at(drain, ring, ring->position);
		uint32_t word = entry_word(entry);

		if (word & ENTRY_BUSY)
			return HEAD_BUSY;
		ring->head_bytes = entry_bytes(word);
		if (!(word & ENTRY_DISCARDED)) {
			struct packet_event event;

			if (ring->head_bytes == sizeof(event.record)) {
				memcpy(&event.record, entry + RING_ENTRY_HEADER_BYTES, sizeof(event.record));
				ring->head_time = whole_time(ring->last, event.record.time);
				return HEAD_READY;
			}
			if (ring->head_bytes == sizeof(event)) {
				memcpy(&event, entry + RING_ENTRY_HEADER_BYTES,
				       offsetof(struct packet_event, headers.wire_length));
				ring->head_time = event.headers.time > ring->last ? event.headers.time : ring->last;
				return HEAD_READY;
			}
		}
		ring->position += entry_stride(ring->head_bytes);
	}
	return HEAD_NONE;
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

// Copies the oldest ring's head out.
static void take(struct rstwho_drain *drain, const struct ring *ring, int64_t offset, struct observed_packet *packet,
		 struct header_snapshot *snapshot)
{
	const uint8_t *entry = entry_at(drain, ring, ring->position) + RING_ENTRY_HEADER_BYTES;

	memcpy(&packet->record, entry, sizeof(packet->record));
	packet->time = ring->head_time + (uint64_t)offset;
	packet->frame = 0;
	packet->headers = NULL;
	if (ring->head_bytes == sizeof(struct packet_event)) {
		memcpy(snapshot, entry + offsetof(struct packet_event, headers), sizeof(*snapshot));
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

		if (!ring->data)
			continue;
		ring->limit = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
		backlog = ring->limit - ring->position;
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
		ring->position += entry_stride(ring->head_bytes);
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

		if (ring->data && *ring->consumer != ring->position)
			__atomic_store_n(ring->consumer, ring->position, __ATOMIC_RELEASE);
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

		if (!ring->data)
			continue;
		limit = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
		while (position < limit) {
			uint32_t word = entry_word(entry_at(drain, ring, position));

			waiting += !(word & ENTRY_DISCARDED);
			position += entry_stride(entry_bytes(word));
		}
	}
	return waiting;
}

uint64_t rstwho_drain_consumed(const struct rstwho_drain *drain, uint32_t packet_class)
{
	return packet_class < PACKET_CLASS_COUNT ? drain->consumed[packet_class] : 0;
}
