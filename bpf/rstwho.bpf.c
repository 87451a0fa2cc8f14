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
#include "record.h"
#include "rings.h"
#include "settings.h"
#include "shedding.h"

/* The linear part that is asked for where the headers are not in it: more than a snapshot and the parser's bound. */
#define PULL_BYTES (PARSE_DEPTH + 128)

static __always_inline struct packet_counters *find_counters(enum packet_dir way)
{
	__u32 key = settings.slot * PACKET_DIR_COUNT + way;

	return bpf_map_lookup_elem(&counters, &key);
}

static __always_inline struct packet_scratch *find_scratch(void)
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
 * Of what is forwarded, these are recorded on their way out too: a reset, for its copy, and what asks for an answer
 * (SYN, SYN-ACK, echo), because address translation may have given it another five-tuple, which the answer will have.
 */
static __always_inline _Bool is_recorded_on_egress(const struct packet_record *record)
{
	if (record->class == PACKET_CLASS_RESET)
		return 1;
	/* A FIN is of the handshake's class, an echo has no flags. */
	return record->class == PACKET_CLASS_HANDSHAKE && (record->flags == 0 || record->flags & FLAG_SYN);
}

/* The hash of a plain packet's flow. */
static __always_inline __u32 plain_hash(const __u8 *ip, int is_ipv6)
{
	const struct flow_hash_key key = hash_key();

	if (is_ipv6)
		return flow_hash(&key, flow_end(&key, load64(ip + 8), load64(ip + 16), load16(ip + 40)),
				 flow_end(&key, load64(ip + 24), load64(ip + 32), load16(ip + 42)));
	return flow_hash(&key, flow_end(&key, 0, mapped(load32(ip + 12)), load16(ip + 20)),
			 flow_end(&key, 0, mapped(load32(ip + 16)), load16(ip + 22)));
}

/*
 * Looks at plain TCP, for which the packet's own bytes are enough. False where headers are to be kept: the slow path is
 * for that.
 */
static __always_inline _Bool observe_plain(const __u8 *ip, int is_ipv6, const struct packet_context *pkt)
{
	const __u8 flags = ip[(is_ipv6 ? 40 : 20) + 13];
	const _Bool has_room_left = has_room_for_bulk(pkt);
	struct packet_record *record;
	__u32 class = PACKET_CLASS_BULK, cut, hash = 0;

	if (flags & FLAG_RST)
		return 0;
	if (pkt->is_forwarded) {
		if (flags & FLAG_SYN)
			return 0;
		if (!pkt->focused || !has_focus_on(pkt->focused, focus_bit(plain_hash(ip, is_ipv6)))) {
			pkt->count->skipped++;
			return 1;
		}
	}
	if (flags & (FLAG_SYN | FLAG_FIN))
		class = PACKET_CLASS_HANDSHAKE;
	cut = shedding_cut(class);
	if (cut || !has_room_left)
		hash = plain_hash(ip, is_ipv6);
	if (cut && is_shed(hash, cut)) {
		pkt->count->shed[class]++;
		return 1;
	}
	if (class != PACKET_CLASS_BULK)
		return 0;
	record = reserve_bulk(pkt, has_room_left, hash);
	if (!record)
		return 1;
	if (is_ipv6)
		fill_plain_ipv6(ip, record);
	else
		fill_plain_ipv4(ip, record);
	fill_domain(pkt->vlan & 0xfff, settings.link == PACKET_LINK_ETHERNET ? fold_mac(ip - 8) : 0, record);
	finish_bulk(pkt, record);
	return 1;
}

/* The fast path. False where the packet has to go the long one. */
static __always_inline _Bool fast_path(const __u8 *data, const __u8 *end, const struct packet_context *pkt)
{
	const __u8 *ip = data;
	__u16 ethertype;

	if (settings.link == PACKET_LINK_ETHERNET)
		ip += 14;
	if (ip + PLAIN_BYTES_IPV4 > end)
		return 0;
	ethertype = settings.link == PACKET_LINK_ETHERNET ? load16(ip - 2) : ethertype_of_nibble(ip[0]);
	if (ethertype == ETHERTYPE_IPV4)
		return is_plain_ipv4(ip) && observe_plain(ip, 0, pkt);
	if (ethertype == ETHERTYPE_IPV6 && ip + PLAIN_BYTES_IPV6 <= end)
		return is_plain_ipv6(ip) && observe_plain(ip, 1, pkt);
	return 0;
}

static __always_inline void observe_frame_skb(struct __sk_buff *skb, enum hook hook, struct packet_context *pkt)
{
	struct packet_scratch *found;
	struct packet_parse *parse;
	struct packet_frame frame;
	__u32 refusal, segments = skb->gso_segs;

	pkt->count->seen++;
	pkt->count->segments += segments ? segments : 1;
	describe_skb(skb, &frame);
	pkt->vlan = frame.vlan;
	if (hook == HOOK_TC_EGRESS) {
		pkt->is_forwarded = skb->ingress_ifindex != 0;
		pkt->interface |= pkt->is_forwarded ? PACKET_INTERFACE_EGRESS
						    : PACKET_INTERFACE_EGRESS | PACKET_INTERFACE_MADE_HERE;
		if (pkt->is_forwarded)
			pkt->focused = find_focus();
	}
	if (fast_path((const void *)(long)skb->data, (const void *)(long)skb->data_end, pkt))
		return;
	found = find_scratch();
	if (!found)
		return;
	parse = &found->parse;
	refusal = parse_skb(skb, parse);
	if (is_truncated(refusal) && skb->data_end - skb->data < skb->len) {
		__u32 wanted = skb->len < PULL_BYTES ? skb->len : PULL_BYTES;

		if (bpf_skb_pull_data(skb, wanted) == 0)
			refusal = parse_skb(skb, parse);
	}
	if (pkt->is_forwarded &&
	    (refusal != PACKET_PARSED ||
	     !(is_recorded_on_egress(&parse->record) ||
	       (pkt->focused && has_focus_on(pkt->focused, focus_bit(hash_of_record(&parse->record))))))) {
		pkt->count->skipped++;
		return;
	}
	if (refusal != PACKET_PARSED)
		count_refusal(pkt->count, refusal);
	else
		record_packet(skb, hook, pkt, found, &frame);
}

static __always_inline void observe_frame_xdp(struct xdp_md *context, struct packet_context *pkt)
{
	const void *data = (const void *)(long)context->data, *end = (const void *)(long)context->data_end;
	struct packet_scratch *found;
	struct packet_frame frame = {
		.wire_length = 0,
		.link = settings.link,
	};
	__u32 refusal;

	pkt->count->seen++;
	pkt->count->segments++;
	if (fast_path(data, end, pkt))
		return;
	found = find_scratch();
	if (!found)
		return;
	frame.wire_length = (__u32)bpf_xdp_get_buff_len(context);
	refusal = parse_packet(data, end, &frame, &found->parse);
	if (refusal != PACKET_PARSED)
		count_refusal(pkt->count, refusal);
	else
		record_packet(context, HOOK_XDP, pkt, found, &frame);
}

/* Counts a packet that comes while the lease is over. */
static __always_inline void count_idle(enum packet_dir way)
{
	struct packet_counters *count;

	if (!lease_ran_out())
		return;
	count = find_counters(way);
	if (count)
		__sync_fetch_and_add(&count->idle, 1);
}

/* Begins a packet; false where there is none: the lease is over, or the CPU's ring is taken. */
static __always_inline _Bool begin_packet(enum packet_dir way, struct packet_context *pkt)
{
	if (!lease_holds()) {
		count_idle(way);
		return 0;
	}
	pkt->count = find_counters(way);
	if (!pkt->count)
		return 0;
	if (!take_ring(&pkt->ring)) {
		__sync_fetch_and_add(&pkt->count->missed, 1);
		return 0;
	}
	pkt->interface = settings.slot & PACKET_INTERFACE_SLOT_MASK;
	return 1;
}

static __always_inline void observe_skb(struct __sk_buff *skb, enum hook hook)
{
	struct packet_context pkt = {};

	if (!begin_packet(hook == HOOK_TC_EGRESS ? PACKET_DIR_EGRESS : PACKET_DIR_INGRESS, &pkt))
		return;
	observe_frame_skb(skb, hook, &pkt);
	leave_ring(&pkt.ring);
}

static __always_inline void observe_xdp(struct xdp_md *context)
{
	struct packet_context pkt = {};

	if (!begin_packet(PACKET_DIR_INGRESS, &pkt))
		return;
	observe_frame_xdp(context, &pkt);
	leave_ring(&pkt.ring);
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
	current->expires = renewal->ticks ? bpf_jiffies64() + renewal->ticks : 0;
	return 0;
}

const char rstwho_license[] SEC("license") = "Dual BSD/GPL";
