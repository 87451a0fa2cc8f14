// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The optional object: tells which packets of flows in focus the kernel drops, and why (skb:kfree_skb). It needs the running
 * kernel's BTF; where that or the tracepoint is missing, all else works without it.
 *
 * While nothing is in focus a drop costs two look-ups. The tracepoint's arguments are read as plain numbers: there are two
 * before 5.17, three up to 6.10 and four since.
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

/* False where it is no TCP packet with its ports. The transport header's place is set late: the IP header tells it. */
static __always_inline _Bool describe(struct drop_trace_event *event, const struct sk_buff *packet)
{
	__u8 ip[40] = {};
	__u8 tcp[20] = {};
	unsigned char *head = NULL;
	__u16 network = 0;
	__u32 header;

	bpf_core_read(&head, sizeof(head), &packet->head);
	bpf_core_read(&network, sizeof(network), &packet->network_header);
	if (bpf_probe_read_kernel(ip, sizeof(ip), head + network))
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
	if (bpf_probe_read_kernel(tcp, sizeof(tcp), head + network + header))
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
	const __u32 count = bpf_core_type_exists(enum skb_drop_reason) ? 3 : 2;
	const struct packet_focus *focused = find_focus();
	struct drop_trace_event event = {};
	const struct sk_buff *packet;
	__u64 values[3] = {};

	if (!focused || !lease_holds())
		return;
	bpf_probe_read_kernel(values, count * sizeof(values[0]), arguments);
	packet = (const void *)values[0];
	if (namespace_of_packet(packet) != settings.namespace_inode || !describe(&event, packet))
		return;
	if (!has_focus_on(focused, focus_bit(flow_hash(flow_end(event.src_high, event.src_low, event.src_port),
						       flow_end(event.dst_high, event.dst_low, event.dst_port)))))
		return;
	event.time = bpf_ktime_get_ns();
	if (bpf_core_type_exists(enum skb_drop_reason)) {
		event.reason = (__u32)values[2];
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
