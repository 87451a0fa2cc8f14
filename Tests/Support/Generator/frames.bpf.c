// SPDX-License-Identifier: Apache-2.0
// Makes each frame of BPF_PROG_TEST_RUN (BPF_F_TEST_XDP_LIVE_FRAMES) a packet of its own and sends it out. The frame
// holds Ethernet, IPv4 without options and TCP without options; its addresses' hosts, ports and numbers are written
// here.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "frames.h"

#define TCP_SYN 2
#define TCP_RST 4
#define TCP_ACK 16

const volatile struct frame_settings settings;

// Packets made so far. One thread runs the program.
static __u32 made;

// A permutation of the numbers (the finalizer of MurmurHash3): flows and kinds in no order that repeats soon.
static __u32 mixed(__u32 value)
{
	value ^= value >> 16;
	value *= 0x85ebca6b;
	value ^= value >> 13;
	value *= 0xc2b2ae35;
	return value ^ value >> 16;
}

static __u16 checksum(const struct iphdr *ip)
{
	const __u16 *words = (const __u16 *)ip;
	__u32 sum = 0;

	for (int i = 0; i < 10; i++)
		sum += i == 5 ? 0 : words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

SEC("xdp") int make_frame(struct xdp_md *context)
{
	__u8 *frame = (__u8 *)(long)context->data;
	const __u8 *end = (const __u8 *)(long)context->data_end;
	struct iphdr *ip = (struct iphdr *)(frame + ETH_HLEN);
	struct tcphdr *tcp = (struct tcphdr *)(ip + 1);

	if ((const __u8 *)(tcp + 1) > end)
		return XDP_ABORTED;

	__u32 number = settings.first + made++;
	__u32 mix = mixed(number);
	__u32 flow = mix & settings.flow_mask;
	__u32 kind = mixed(number + 0x9e3779b9) & 0xffff;
	__u8 flags = TCP_ACK;

	if (kind < settings.resets)
		flags = TCP_RST;
	else if (kind < settings.resets + settings.handshakes)
		flags = TCP_SYN;
	// The page may come back from a router, which has changed these.
	for (int i = 0; i < 6; i++)
		frame[i] = settings.destination[i];
	frame[6] = 0x02;
	frame[7] = frame[8] = frame[9] = frame[10] = 0;
	frame[11] = 0x65;
	ip->ttl = settings.ttl;
	ip->id = bpf_htons((__u16)number);
	ip->saddr = bpf_htonl(settings.source + (flow & settings.host_mask));
	ip->check = checksum(ip);
	tcp->source = bpf_htons(443);
	// Flows of one host differ by their other end's port.
	tcp->dest = bpf_htons(1024 + flow / (settings.host_mask + 1) % 60000);
	tcp->seq = bpf_htonl(number);
	tcp->ack_seq = flags == TCP_ACK ? bpf_htonl(1) : 0;
	((__u8 *)tcp)[13] = flags;
	return bpf_redirect(settings.interface, 0);
}

char LICENSE[] SEC("license") = "Apache-2.0";
