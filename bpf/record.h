/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a packet that is parsed to its record in the ring, or to the counter that says why there is none. */
#ifndef RSTWHO_RECORD_H
#define RSTWHO_RECORD_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "counters.h"
#include "focus.h"
#include "rings.h"
#include "settings.h"
#include "shedding.h"

/* Where a packet is looked at. */
enum hook {
	HOOK_XDP,
	HOOK_TC_INGRESS,
	HOOK_TC_EGRESS,
};

/* The packet at hand. */
struct packet_context {
	struct packet_counters *count;
	struct ring ring;
	const struct packet_focus *focused; /* NULL where nothing is in focus; read for what is forwarded only */
	__u16 vlan; /* the tag beside the bytes, as in struct packet_frame */
	__u8 interface; /* PACKET_INTERFACE_* of the record */
	_Bool is_forwarded; /* on its way out, and recorded on its way in */
};

static __always_inline __u32 hash_of_record(const struct packet_record *record)
{
	const struct flow_hash_key key = hash_key();

	return flow_hash_of_record(&key, record);
}

static __always_inline _Bool is_focused(__u32 hash)
{
	const struct packet_focus *focused = find_focus();

	return focused && has_focus_on(focused, focus_bit(hash));
}

static __always_inline _Bool has_room_for_bulk(const struct packet_context *pkt)
{
	return has_room(&pkt->ring, 1, settings.ring_limit_bulk);
}

/*
 * Where the next bulk record goes, or NULL, and the loss is counted. Bulk in focus may use the room of handshakes: only
 * where there is none of its own does the hash matter.
 */
static __always_inline struct packet_record *reserve_bulk(const struct packet_context *pkt, _Bool has_room_left,
							  __u32 hash)
{
	struct packet_record *record;

	if (!has_room_left && !(is_focused(hash) && has_room(&pkt->ring, 1, settings.ring_limit_handshake))) {
		pkt->count->lost[PACKET_CLASS_BULK][PACKET_LOST_HEADROOM]++;
		return NULL;
	}
	record = slot_ahead(&pkt->ring, 0);
	if (!record)
		pkt->count->lost[PACKET_CLASS_BULK][PACKET_LOST_NO_RING]++;
	return record;
}

static __always_inline void finish_bulk(const struct packet_context *pkt, struct packet_record *record)
{
	record->time = (__u32)(bulk_time(&pkt->ring) >> 10);
	record->interface = pkt->interface;
	publish(&pkt->ring, 1);
	pkt->count->recorded[PACKET_CLASS_BULK]++;
}

/* Whether a flow's packet of this class is given up. A flow in focus is not. */
static __always_inline _Bool is_shed(__u32 hash, __u32 cut)
{
	return !keeps_flow(hash, cut) && !is_focused(hash);
}

/* Bytes behind the snapshot's are what they were. */
static __always_inline void fill_headers(void *context, enum hook hook, struct header_snapshot *headers,
					 const struct packet_parse *parse, const struct packet_frame *frame, __u64 now)
{
	__u32 length = read16(&parse->headers_end);
	__u32 last;
	long failed;

	headers->time = now;
	headers->wire_length = frame->wire_length;
	headers->network_offset = parse->network_offset;
	headers->transport_offset = parse->transport_offset;
	headers->quote_offset = parse->quote_offset;
	headers->vlan = frame->vlan;
	headers->link_type = frame->link;
	headers->reserved = 0;
	headers->length = 0;
	if (length > HEADER_SNAPSHOT_BYTES)
		length = HEADER_SNAPSHOT_BYTES;
	/*
	 * The verifier of 6.1 learns nothing from "is not 0", so what is bounded is the last byte's index; the compiler
	 * must not see that it was already.
	 */
	last = length - 1;
	asm volatile("" : "+r"(last));
	if (last >= HEADER_SNAPSHOT_BYTES)
		return;
	length = last + 1;
	if (hook == HOOK_XDP)
		failed = bpf_xdp_load_bytes(context, 0, headers->bytes, length);
	else
		failed = bpf_skb_load_bytes(context, 0, headers->bytes, length);
	if (!failed)
		headers->length = (__u16)length;
}

static __always_inline _Bool write_slot(const struct ring *ring, __u32 ahead, const void *from)
{
	struct packet_record *slot = slot_ahead(ring, ahead);

	if (!slot)
		return 0;
	__builtin_memcpy(slot, from, RING_SLOT_BYTES);
	return 1;
}

/* Copies a record and its snapshot into the ring's next slots; false where the CPU has no ring. */
static __always_inline _Bool write_event(const struct ring *ring, const struct packet_scratch *from, __u32 slots)
{
	const __u8 *headers = (const __u8 *)&from->headers;

	return write_slot(ring, 0, &from->parse.record) && (slots < 2 || write_slot(ring, 1, headers)) &&
	       (slots < 3 || write_slot(ring, 2, headers + RING_SLOT_BYTES)) &&
	       (slots < 4 || write_slot(ring, 3, headers + 2 * RING_SLOT_BYTES)) &&
	       (slots < 5 || write_slot(ring, 4, headers + 3 * RING_SLOT_BYTES));
}

static __always_inline void record_event(void *context, enum hook hook, const struct packet_context *pkt, __u32 class,
					 struct packet_scratch *found, const struct packet_frame *frame)
{
	const __u32 limit = class == PACKET_CLASS_HANDSHAKE ? settings.ring_limit_handshake : settings.ring_slots;
	__u32 slots = ring_entry_slots(read16(&found->parse.headers_end));
	__u64 now;

	if (!has_room(&pkt->ring, slots < RING_ENTRY_SLOTS ? slots : RING_ENTRY_SLOTS, limit)) {
		pkt->count
			->lost[class][class == PACKET_CLASS_HANDSHAKE ? PACKET_LOST_HEADROOM : PACKET_LOST_RING_FULL]++;
		return;
	}
	now = precise_time(&pkt->ring);
	found->parse.record.time = (__u32)(now >> 10);
	found->parse.record.interface = pkt->interface;
	fill_headers(context, hook, &found->headers, &found->parse, frame, now);
	slots = ring_entry_slots(found->headers.length);
	if (!write_event(&pkt->ring, found, slots)) {
		pkt->count->lost[class][PACKET_LOST_NO_RING]++;
		return;
	}
	publish(&pkt->ring, slots);
	pkt->count->recorded[class]++;
}

/* Hands a parsed packet to user space, or counts why not: it is shed, or there is no room. */
static __always_inline void record_packet(void *context, enum hook hook, const struct packet_context *pkt,
					  struct packet_scratch *found, const struct packet_frame *frame)
{
	__u32 class = read8(&found->parse.record.class);
	const _Bool has_room_left = has_room_for_bulk(pkt);
	__u32 cut, hash = 0;
	struct packet_record *record;

	if (class >= PACKET_CLASS_COUNT)
		class = PACKET_CLASS_BULK;
	cut = shedding_cut(class);
	if (cut || !has_room_left)
		hash = hash_of_record(&found->parse.record);
	if (cut && is_shed(hash, cut)) {
		pkt->count->shed[class]++;
		return;
	}
	if (class != PACKET_CLASS_BULK) {
		record_event(context, hook, pkt, class, found, frame);
		return;
	}
	record = reserve_bulk(pkt, has_room_left, hash);
	if (record) {
		__builtin_memcpy(record, &found->parse.record, sizeof(*record));
		finish_bulk(pkt, record);
	}
}

#endif
