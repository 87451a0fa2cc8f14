// SPDX-License-Identifier: Apache-2.0
// What the programs of the kernel part are measured against and through: programs that do nothing, and programs that
// give a packet another source address before they call (bpf_tail_call) the program that is measured, or one that does
// nothing.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

// Sources, a power of two, less one; written before the programs are loaded.
const volatile __u32 source_mask;

// Packets so far; one thread runs the programs.
static __u32 made;

// What is called behind the new source, by hook: a map of programs takes one type only.
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next_xdp SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next_tc SEC(".maps");

// A permutation of the numbers (the finalizer of MurmurHash3): no order that a cache could follow.
static __u32 mixed(__u32 value)
{
	value ^= value >> 16;
	value *= 0x85ebca6b;
	value ^= value >> 13;
	value *= 0xc2b2ae35;
	return value ^ value >> 16;
}

static __always_inline void change_source(void *data, const void *end)
{
	struct iphdr *ip = data + ETH_HLEN;

	if ((const void *)(ip + 1) > end)
		return;
	ip->saddr = bpf_htonl(0x0b000000 + (mixed(made++) & source_mask));
}

SEC("xdp") int sources_xdp(struct xdp_md *context)
{
	change_source((void *)(long)context->data, (const void *)(long)context->data_end);
	bpf_tail_call(context, &next_xdp, 0);
	return XDP_ABORTED;
}

SEC("tc") int sources_tc(struct __sk_buff *context)
{
	change_source((void *)(long)context->data, (const void *)(long)context->data_end);
	bpf_tail_call(context, &next_tc, 0);
	return TC_ACT_SHOT;
}

SEC("xdp") int empty_xdp(struct xdp_md *context)
{
	(void)context;
	return XDP_PASS;
}

// What a program that keeps nothing costs a link at the least.
SEC("xdp") int drop_xdp(struct xdp_md *context)
{
	(void)context;
	return XDP_DROP;
}

SEC("tc") int empty_tc(struct __sk_buff *context)
{
	(void)context;
	return TC_ACT_UNSPEC;
}

// The end of the way for packets of a benchmark, behind the program that is measured: the stack does nothing with them.
SEC("tc") int drop_tc(struct __sk_buff *context)
{
	(void)context;
	return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Apache-2.0";
