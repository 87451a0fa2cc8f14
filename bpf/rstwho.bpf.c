// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel part: looks at every packet that passes an interface, hands a record of it to user space, counts, and lets
 * it pass. It keeps no state of hosts or flows.
 *
 * One object is loaded per interface, with its own settings; the maps are shared by all of them.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "counters.h"
#include "focus.h"
#include "lease.h"
#include "rings.h"
#include "settings.h"
#include "shedding.h"

/* Where a packet is looked at. */
enum hook {
	HOOK_XDP,
	HOOK_TC_INGRESS,
	HOOK_TC_EGRESS,
};

/* The linear part that is asked for where the headers are not in it: more than a snapshot and the parser's bound. */
#define PULL_BYTES (PARSE_DEPTH + 128)

static __always_inline struct packet_counters *find_counters(enum packet_way way)
{
	__u32 key = settings.slot * PACKET_WAY_COUNT + way;

	return bpf_map_lookup_elem(&counters, &key);
}

static __always_inline struct packet_parse *find_scratch(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&scratch, &key);
}

static __always_inline void count_refusal(struct packet_counters *count, __u32 refusal)
{
	/* The compiler knows what parse_skb can return and would leave the bound out; the verifier does not. */
	asm volatile("" : "+r"(refusal));
	if (refusal < PACKET_REFUSAL_COUNT)
		count->refused[refusal]++;
}

/* Room for an entry of `bytes` below `limit`, or the reason why there is none; the fill is read without a lock. */
static __always_inline _Bool has_headroom(void *ring, __u32 limit, __u32 bytes)
{
	return bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) + bytes + RING_ENTRY_HEADER_BYTES <= limit;
}

/*
 * The record's own time is taken after its place in the ring was reserved: whoever finds the ring empty knows that no
 * record older than that moment can come from it.
 */
static __always_inline __u64 fill_record(struct packet_record *to, const struct packet_record *from, __u8 interface)
{
	__u64 now = bpf_ktime_get_ns();

	__builtin_memcpy(to, from, sizeof(*to));
	to->time = (__u32)(now >> 10);
	to->interface = interface;
	return now;
}

static __always_inline void fill_headers(void *context, enum hook hook, struct header_snapshot *headers,
					 const struct packet_parse *parse, const struct packet_frame *frame, __u64 now)
{
	__u32 length = *(const volatile __u16 *)&parse->headers_end;
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
	__builtin_memset(headers->bytes, 0, sizeof(headers->bytes));
	headers->length = 0;
	if (length > HEADER_SNAPSHOT_BYTES)
		length = HEADER_SNAPSHOT_BYTES;
	/*
	 * The verifier of 6.1 learns nothing from "is not 0", so what is bounded is the last byte's index; the compiler must
	 * not see that it was already.
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

static __always_inline _Bool is_focused(const struct packet_record *record)
{
	const struct packet_focus *focused = find_focus();

	return focused && has_focus_on(focused, focus_bit(flow_hash_of_record(record)));
}

/* Hands a parsed packet to user space, or counts why not: it is shed, or there is no room. Bulk in focus may use the room of handshakes. */
static __always_inline void record_packet(void *context, enum hook hook, struct packet_counters *count,
					  const struct packet_parse *parse, const struct packet_frame *frame,
					  __u8 interface)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 class = *(const volatile __u8 *)&parse->record.class;
	void *ring;

	if (class >= PACKET_CLASS_COUNT)
		class = PACKET_CLASS_BULK;
	if (is_shed(&parse->record, class)) {
		count->shed[class]++;
		return;
	}
	ring = bpf_map_lookup_elem(&rings, &cpu);
	if (!ring) {
		count->lost[class][PACKET_LOST_NO_RING]++;
		return;
	}
	if (class == PACKET_CLASS_BULK) {
		struct packet_record *record;

		if (!has_headroom(ring, settings.ring_limit_bulk, sizeof(*record)) &&
		    !(is_focused(&parse->record) &&
		      has_headroom(ring, settings.ring_limit_handshake, sizeof(*record)))) {
			count->lost[class][PACKET_LOST_HEADROOM]++;
			return;
		}
		record = bpf_ringbuf_reserve(ring, sizeof(*record), 0);
		if (!record) {
			count->lost[class][PACKET_LOST_RING_FULL]++;
			return;
		}
		fill_record(record, &parse->record, interface);
		bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	} else {
		struct packet_event *event;
		__u64 now;

		if (class == PACKET_CLASS_HANDSHAKE &&
		    !has_headroom(ring, settings.ring_limit_handshake, sizeof(*event))) {
			count->lost[class][PACKET_LOST_HEADROOM]++;
			return;
		}
		event = bpf_ringbuf_reserve(ring, sizeof(*event), 0);
		if (!event) {
			count->lost[class][PACKET_LOST_RING_FULL]++;
			return;
		}
		now = fill_record(&event->record, &parse->record, interface);
		fill_headers(context, hook, &event->headers, parse, frame, now);
		bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	}
	count->recorded[class]++;
}

static __always_inline void describe_skb(const struct __sk_buff *skb, struct packet_frame *frame)
{
	frame->wire_length = skb->len;
	frame->ethertype = 0;
	frame->vlan = skb->vlan_present ? (skb->vlan_tci & 0x0fff) | HEADER_SNAPSHOT_VLAN_PRESENT : 0;
	frame->link = settings.link;
}

/*
 * One parse of what is linear in the skb, called a second time where the headers were not linear. A global function is
 * verified once and by itself, not once for each state in which it is called.
 */
__noinline int parse_skb(struct __sk_buff *skb, struct packet_parse *parse)
{
	struct packet_frame frame;

	if (!parse)
		return PACKET_REFUSED_TOO_DEEP;
	describe_skb(skb, &frame);
	return parse_packet((const void *)(long)skb->data, (const void *)(long)skb->data_end, &frame, parse);
}

static __always_inline _Bool is_truncated(__u32 refusal)
{
	return refusal >= PACKET_REFUSED_TRUNCATED_LINK && refusal <= PACKET_REFUSED_TRUNCATED_TRANSPORT;
}

/*
 * Of what is forwarded, these are recorded on their way out too: a reset, for its copy, and what asks for an answer (SYN,
 * SYN-ACK, echo), because address translation may have given it another five-tuple, which the answer will have.
 */
static __always_inline _Bool counts_on_the_way_out(const struct packet_record *record)
{
	if (record->class == PACKET_CLASS_RESET)
		return 1;
	/* A FIN is of the handshake's class, an echo has no flags. */
	return record->class == PACKET_CLASS_HANDSHAKE && (record->flags == 0 || record->flags & FLAG_SYN);
}

static __always_inline __u64 mapped(__u32 address)
{
	return 0xffff00000000ull | address;
}

/*
 * True for plain TCP that does not, and that is not in focus (`focused` is NULL where nothing is): most of what is forwarded,
 * told without a parse.
 */
static __always_inline _Bool is_plainly_passing(const struct __sk_buff *skb, const struct packet_focus *focused)
{
	const __u8 *ip = (const void *)(long)skb->data;
	const __u8 *end = (const void *)(long)skb->data_end;
	__u32 bit;

	if (settings.link == PACKET_LINK_ETHERNET) {
		__u16 ethertype;

		if (ip + 14 > end)
			return 0;
		ethertype = load16(ip + 12);
		if (ethertype != 0x0800 && ethertype != 0x86dd)
			return 0;
		ip += 14;
	}
	if (ip + 40 > end)
		return 0;
	if (ip[0] == 0x45) {
		if (ip[9] != 6 || load16(ip + 6) & 0x3fff || ip[33] & (FLAG_RST | FLAG_SYN))
			return 0;
		if (!focused)
			return 1;
		bit = focus_bit(flow_hash(flow_end(0, mapped(load32(ip + 12)), load16(ip + 20)),
					  flow_end(0, mapped(load32(ip + 16)), load16(ip + 22))));
		return !has_focus_on(focused, bit);
	}
	if (ip[0] >> 4 == 6 && ip + 60 <= end) {
		if (ip[6] != 6 || ip[53] & (FLAG_RST | FLAG_SYN))
			return 0;
		if (!focused)
			return 1;
		bit = focus_bit(flow_hash(flow_end(load64(ip + 8), load64(ip + 16), load16(ip + 40)),
					  flow_end(load64(ip + 24), load64(ip + 32), load16(ip + 42))));
		return !has_focus_on(focused, bit);
	}
	return 0;
}

static __always_inline void observe_skb(struct __sk_buff *skb, enum hook hook)
{
	const enum packet_way way = hook == HOOK_TC_EGRESS ? PACKET_WAY_EGRESS : PACKET_WAY_INGRESS;
	const _Bool is_forwarded = hook == HOOK_TC_EGRESS && skb->ingress_ifindex != 0;
	struct packet_counters *count;
	struct packet_parse *parse;
	struct packet_frame frame;
	const struct packet_focus *focused = NULL;
	__u8 interface = settings.slot & PACKET_INTERFACE_SLOT_MASK;
	__u32 refusal, segments;

	if (!lease_holds())
		return;
	count = find_counters(way);
	parse = find_scratch();
	if (!count || !parse)
		return;
	segments = skb->gso_segs;
	count->seen++;
	count->segments += segments ? segments : 1;
	if (is_forwarded)
		focused = find_focus();
	if (is_forwarded && is_plainly_passing(skb, focused)) {
		count->skipped++;
		return;
	}
	refusal = parse_skb(skb, parse);
	if (is_truncated(refusal) && skb->data_end - skb->data < skb->len) {
		__u32 wanted = skb->len < PULL_BYTES ? skb->len : PULL_BYTES;

		if (bpf_skb_pull_data(skb, wanted) == 0)
			refusal = parse_skb(skb, parse);
	}
	if (is_forwarded && (refusal != PACKET_PARSED ||
			     !(counts_on_the_way_out(&parse->record) ||
			       (focused && has_focus_on(focused, focus_bit(flow_hash_of_record(&parse->record))))))) {
		count->skipped++;
		return;
	}
	if (refusal != PACKET_PARSED) {
		count_refusal(count, refusal);
		return;
	}
	if (hook == HOOK_TC_EGRESS)
		interface |=
			is_forwarded ? PACKET_INTERFACE_EGRESS : PACKET_INTERFACE_EGRESS | PACKET_INTERFACE_MADE_HERE;
	describe_skb(skb, &frame);
	record_packet(skb, hook, count, parse, &frame, interface);
}

static __always_inline void observe_xdp(struct xdp_md *context)
{
	struct packet_counters *count;
	struct packet_parse *parse;
	struct packet_frame frame = {
		.wire_length = 0,
		.link = settings.link,
	};
	__u32 refusal;

	if (!lease_holds())
		return;
	count = find_counters(PACKET_WAY_INGRESS);
	parse = find_scratch();
	if (!count || !parse)
		return;
	count->seen++;
	count->segments++;
	frame.wire_length = (__u32)bpf_xdp_get_buff_len(context);
	refusal = parse_packet((const void *)(long)context->data, (const void *)(long)context->data_end, &frame, parse);
	if (refusal != PACKET_PARSED) {
		count_refusal(count, refusal);
		return;
	}
	record_packet(context, HOOK_XDP, count, parse, &frame, settings.slot & PACKET_INTERFACE_SLOT_MASK);
}

/*
 * The one place where a packet's fate is said: it passes. For a TC program that is "not my decision": the next program
 * and filter are asked as if this one were not there.
 */
#define PASS_SKB TC_ACT_UNSPEC
#define PASS_XDP XDP_PASS

SEC("tc")
int rstwho_ingress(struct __sk_buff *skb)
{
	observe_skb(skb, HOOK_TC_INGRESS);
	return PASS_SKB;
}

SEC("tc")
int rstwho_egress(struct __sk_buff *skb)
{
	observe_skb(skb, HOOK_TC_EGRESS);
	return PASS_SKB;
}

/* For drivers that can hand over packets in several buffers: the flag follows from the section's name. */
SEC("xdp.frags")
int rstwho_xdp_frags(struct xdp_md *context)
{
	observe_xdp(context);
	return PASS_XDP;
}

/* For those that cannot. */
SEC("xdp")
int rstwho_xdp(struct xdp_md *context)
{
	observe_xdp(context);
	return PASS_XDP;
}

/* Run by user space (BPF_PROG_TEST_RUN), which cannot read jiffies. */
SEC("syscall")
int rstwho_renew_lease(struct packet_lease_renewal *renewal)
{
	__u32 key = 0;
	struct packet_lease *current = bpf_map_lookup_elem(&lease, &key);

	if (!current)
		return 1;
	current->expires = bpf_jiffies64() + renewal->ticks;
	return 0;
}

const char rstwho_license[] SEC("license") = "Dual BSD/GPL";
