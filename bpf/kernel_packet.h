/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the optional objects read of the kernel's own packets: the members of its types that are needed, found when an
 * object is loaded, and big-endian numbers of headers. For programs of tracepoints only.
 */
#ifndef RSTWHO_KERNEL_PACKET_H
#define RSTWHO_KERNEL_PACKET_H

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#define KERNEL_TYPE __attribute__((preserve_access_index))

struct ns_common {
	unsigned int inum;
} KERNEL_TYPE;

struct net {
	struct ns_common ns;
} KERNEL_TYPE;

typedef struct {
	struct net *net;
} KERNEL_TYPE possible_net_t;

struct net_device {
	possible_net_t nd_net;
} KERNEL_TYPE;

struct sk_buff {
	struct net_device *dev;
	unsigned int len;
	__u16 transport_header;
	__u16 network_header;
	unsigned char *head;
} KERNEL_TYPE;

static __always_inline __u64 load64(const __u8 *bytes)
{
	__u64 value;

	__builtin_memcpy(&value, bytes, sizeof(value));
	return bpf_be64_to_cpu(value);
}

static __always_inline __u32 load32(const __u8 *bytes)
{
	__u32 value;

	__builtin_memcpy(&value, bytes, sizeof(value));
	return bpf_ntohl(value);
}

static __always_inline __u16 load16(const __u8 *bytes)
{
	return (__u16)(bytes[0] << 8 | bytes[1]);
}

static __always_inline __u64 mapped(__u32 address)
{
	return 0xffff00000000ull | address;
}

/* The number of the network namespace of a packet's device; 0 where it has none. */
static __always_inline unsigned int namespace_of_packet(const struct sk_buff *packet)
{
	struct net_device *device = NULL;
	struct net *net = NULL;
	unsigned int inode = 0;

	bpf_core_read(&device, sizeof(device), &packet->dev);
	if (!device)
		return 0;
	bpf_core_read(&net, sizeof(net), &device->nd_net.net);
	bpf_core_read(&inode, sizeof(inode), &net->ns.inum);
	return inode;
}

#endif
