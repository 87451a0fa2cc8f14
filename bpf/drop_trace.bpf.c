// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The optional object: tells which packets of flows in focus the kernel drops, and why (skb:kfree_skb). It needs the
 * running kernel's BTF; where that or the tracepoint is missing, all else works without it.
 *
 * It runs for each packet that the machine drops, in every namespace, and a flood may be dropped at a million a second:
 * while nothing is in focus that costs two look-ups, else two reads of headers. The packet is a typed pointer, whose
 * members cost a load each, where a helper that reads memory costs several nanoseconds.
 */
#include <linux/bpf.h>

#include "drop_trace.h"
#include "kernel_packet.h"

#include "focus.h"
#include "lease.h"
#include "trace_settings.h"

#define PROTOCOL_TCP 6

enum skb_drop_reason {
	SKB_DROP_REASON_NOT_SPECIFIED = 2,
};

const volatile struct trace_settings settings = {};

/* Events on their way to user space. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, DROP_TRACE_RING_BYTES);
} drops SEC(".maps");

/* Events that found no room in the ring. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} drops_lost SEC(".maps");

static __always_inline _Bool is_here(const struct sk_buff *packet)
{
	const struct net_device *device = packet->dev;

	return device && device->nd_net.net->ns.inum == settings.namespace_inode;
}

/* False where it is no TCP packet with its ports. The transport header's place is set late: the IP header tells it. */
static __always_inline _Bool describe(struct drop_trace_event *event, const struct sk_buff *packet)
{
	__u8 ip[40] = {};
	__u8 tcp[20] = {};
	const unsigned char *network = packet->head + packet->network_header;
	__u32 header;

	if (bpf_probe_read_kernel(ip, sizeof(ip), network))
		return 0;
	if (ip[0] >> 4 == 4) {
		header = (ip[0] & 15) * 4u;
		if (ip[9] != PROTOCOL_TCP || header < 20 || load16(ip + 6) & 0x1fff)
			return 0;
		event->src_low = mapped(load32(ip + 12));
		event->dst_low = mapped(load32(ip + 16));
	} else if (ip[0] >> 4 == 6) {
		header = 40;
		if (ip[6] != PROTOCOL_TCP)
			return 0;
		event->src_high = load64(ip + 8);
		event->src_low = load64(ip + 16);
		event->dst_high = load64(ip + 24);
		event->dst_low = load64(ip + 32);
	} else {
		return 0;
	}
	if (bpf_probe_read_kernel(tcp, sizeof(tcp), network + header))
		return 0;
	event->src_port = load16(tcp);
	event->dst_port = load16(tcp + 2);
	event->seq = load32(tcp + 4);
	event->ack = load32(tcp + 8);
	event->tcp_flags = tcp[13];
	return 1;
}

static __always_inline void count_lost(void)
{
	__u32 key = 0;
	__u64 *lost = bpf_map_lookup_elem(&drops_lost, &key);

	if (lost)
		__sync_fetch_and_add(lost, 1);
}

static __always_inline void trace_drop(const __u64 *arguments)
{
	const struct packet_focus *focused = find_focus();
	struct drop_trace_event event = {};
	const struct sk_buff *packet = (const void *)arguments[0];
	const struct flow_hash_key key = { .ends = settings.hash_key.ends, .flow = settings.hash_key.flow };
	__u32 hash;

	if (!focused || !lease_holds())
		return;
	if (!is_here(packet) || !describe(&event, packet))
		return;
	hash = flow_hash(&key, flow_end(&key, event.src_high, event.src_low, event.src_port),
			 flow_end(&key, event.dst_high, event.dst_low, event.dst_port));
	if (!has_focus_on(focused, focus_bit(hash)))
		return;
	event.time = bpf_ktime_get_ns();
	if (bpf_core_type_exists(enum skb_drop_reason)) {
		/* There since 5.17, as this type is. */
		event.reason = (__u32)arguments[2];
		event.flags = DROP_TRACE_REASON;
	}
	if (bpf_ringbuf_output(&drops, &event, sizeof(event), BPF_RB_NO_WAKEUP))
		count_lost();
}

SEC("tp_btf/kfree_skb")
int rstwho_drop(const __u64 *arguments)
{
	trace_drop(arguments);
	return 0;
}

const char rstwho_license[] SEC("license") = "Dual BSD/GPL";
