// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The optional object: tells which resets this machine's own TCP stack sends (tcp:tcp_send_reset). It needs the running
 * kernel's BTF; where that or the tracepoint is missing, all else works without it.
 *
 * The tracepoint's arguments are read as plain numbers: its socket and packet may each be NULL, which verifiers before
 * 6.13 do not know, so that they would drop the check of a typed pointer.
 */
#include <linux/bpf.h>

#include "kernel_packet.h"
#include "reset_trace.h"

#include "lease.h"
#include "trace_settings.h"

#define AF_INET 2
#define AF_INET6 10
#define STATE_TIME_WAIT 6
#define STATE_NEW_SYN_RECV 12

struct in6_addr {
	__u8 bytes[16];
};

struct sock_common {
	unsigned short skc_family;
	unsigned char skc_state;
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
} KERNEL_TYPE;

typedef struct {
	int owned;
} KERNEL_TYPE socket_lock_t;

struct sock {
	struct sock_common __sk_common;
	socket_lock_t sk_lock;
} KERNEL_TYPE;

struct inet_sock {
	__be16 inet_sport;
} KERNEL_TYPE;

struct tcp_sock {
	__u32 snd_nxt;
	__u32 rcv_nxt;
} KERNEL_TYPE;

enum sk_rst_reason {
	SK_RST_REASON_NO_SOCKET = 1,
};

const volatile struct trace_settings settings = {};

/* Events on their way to user space. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RESET_TRACE_RING_BYTES);
} traces SEC(".maps");

/* Events that found no room in the ring. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} traces_lost SEC(".maps");

static __always_inline _Bool is_here(const struct sock *socket, const struct sk_buff *packet)
{
	struct net *net = NULL;
	unsigned int inode = 0;

	if (!socket)
		return namespace_of_packet(packet) == settings.namespace_inode;
	bpf_core_read(&net, sizeof(net), &socket->__sk_common.skc_net.net);
	bpf_core_read(&inode, sizeof(inode), &net->ns.inum);
	return inode == settings.namespace_inode;
}

/* An aborted socket's reset: addresses and numbers are the socket's. False for another family. */
static __always_inline _Bool describe_socket(struct reset_trace_event *event, const struct sock *socket)
{
	const struct inet_sock *inet = (const void *)socket;
	const struct tcp_sock *tcp = (const void *)socket;
	struct in6_addr address;
	unsigned short family = 0;
	__be32 address4 = 0;
	__be16 port = 0;
	int owned = 0;

	bpf_core_read(&family, sizeof(family), &socket->__sk_common.skc_family);
	if (family == AF_INET) {
		bpf_core_read(&address4, sizeof(address4), &socket->__sk_common.skc_rcv_saddr);
		event->src_high = 0;
		event->src_low = mapped(bpf_ntohl(address4));
		bpf_core_read(&address4, sizeof(address4), &socket->__sk_common.skc_daddr);
		event->dst_high = 0;
		event->dst_low = mapped(bpf_ntohl(address4));
	} else if (family == AF_INET6) {
		bpf_core_read(&address, sizeof(address), &socket->__sk_common.skc_v6_rcv_saddr);
		event->src_high = load64(address.bytes);
		event->src_low = load64(address.bytes + 8);
		bpf_core_read(&address, sizeof(address), &socket->__sk_common.skc_v6_daddr);
		event->dst_high = load64(address.bytes);
		event->dst_low = load64(address.bytes + 8);
	} else {
		return 0;
	}
	bpf_core_read(&port, sizeof(port), &inet->inet_sport);
	event->src_port = bpf_ntohs(port);
	bpf_core_read(&port, sizeof(port), &socket->__sk_common.skc_dport);
	event->dst_port = bpf_ntohs(port);
	bpf_core_read(&event->seq, sizeof(event->seq), &tcp->snd_nxt);
	bpf_core_read(&event->ack, sizeof(event->ack), &tcp->rcv_nxt);
	event->flags |= RESET_TRACE_ACTIVE | RESET_TRACE_ACK;
	/* A process holds the socket while it acts on it, a timer does not: the current process means nothing there. */
	bpf_core_read(&owned, sizeof(owned), &socket->sk_lock.owned);
	if (owned) {
		event->process = (__u32)(bpf_get_current_pid_tgid() >> 32);
		bpf_get_current_comm(event->command, sizeof(event->command));
	}
	return 1;
}

/* The answer to a packet: turns its addresses round, and its numbers as tcp_v4_send_reset does. */
static __always_inline _Bool describe_answer(struct reset_trace_event *event, const struct sk_buff *packet)
{
	__u8 ip[40] = {};
	__u8 tcp[20] = {};
	unsigned char *head = NULL;
	__u16 network = 0, transport = 0;
	unsigned int length = 0;

	bpf_core_read(&head, sizeof(head), &packet->head);
	bpf_core_read(&network, sizeof(network), &packet->network_header);
	bpf_core_read(&transport, sizeof(transport), &packet->transport_header);
	bpf_core_read(&length, sizeof(length), &packet->len);
	if (bpf_probe_read_kernel(ip, 20, head + network) || bpf_probe_read_kernel(tcp, sizeof(tcp), head + transport))
		return 0;
	if (ip[0] >> 4 == 4) {
		event->src_high = 0;
		event->src_low = mapped(load32(ip + 16));
		event->dst_high = 0;
		event->dst_low = mapped(load32(ip + 12));
	} else {
		if (bpf_probe_read_kernel(ip, sizeof(ip), head + network))
			return 0;
		event->src_high = load64(ip + 24);
		event->src_low = load64(ip + 32);
		event->dst_high = load64(ip + 8);
		event->dst_low = load64(ip + 16);
	}
	event->src_port = load16(tcp + 2);
	event->dst_port = load16(tcp);
	if (tcp[13] & 0x10) {
		event->seq = load32(tcp + 8);
	} else {
		event->ack = load32(tcp + 4) + (tcp[13] >> 1 & 1) + (tcp[13] & 1) + length - (tcp[12] >> 4) * 4;
		event->flags |= RESET_TRACE_ACK;
	}
	return 1;
}

static __always_inline void trace_reset(const __u64 *arguments)
{
	const struct sock *socket;
	const struct sk_buff *packet;
	struct reset_trace_event *event;
	__u64 values[3] = {};
	const __u32 count = bpf_core_type_exists(enum sk_rst_reason) ? 3 : 2;
	_Bool is_known;

	if (!lease_holds())
		return;
	bpf_probe_read_kernel(values, count * sizeof(values[0]), arguments);
	socket = (const void *)values[0];
	packet = (const void *)values[1];
	if (!is_here(socket, packet))
		return;
	event = bpf_ringbuf_reserve(&traces, sizeof(*event), 0);
	if (!event) {
		__u32 key = 0;
		__u64 *lost = bpf_map_lookup_elem(&traces_lost, &key);

		if (lost)
			__sync_fetch_and_add(lost, 1);
		return;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->time = bpf_ktime_get_ns();
	if (bpf_core_type_exists(enum sk_rst_reason)) {
		event->reason = (__u32)values[2];
		event->flags |= RESET_TRACE_REASON;
	}
	if (socket) {
		unsigned char state = 0;

		bpf_core_read(&state, sizeof(state), &socket->__sk_common.skc_state);
		if (state != STATE_TIME_WAIT && state != STATE_NEW_SYN_RECV)
			event->flags |= RESET_TRACE_SOCKET;
	}
	is_known = packet ? describe_answer(event, packet) : describe_socket(event, socket);
	if (is_known)
		bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	else
		bpf_ringbuf_discard(event, BPF_RB_NO_WAKEUP);
}

SEC("tp_btf/tcp_send_reset")
int rstwho_reset(const __u64 *arguments)
{
	trace_reset(arguments);
	return 0;
}

const char rstwho_license[] SEC("license") = "Dual BSD/GPL";
