/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IPv4 without options or IPv6 without extensions, and TCP behind it: what most packets of a busy link are. They are
 * told by a few comparisons at fixed offsets, and refused for nothing: what is not plain goes the slow path. So the two
 * cannot disagree.
 */
#ifndef RSTWHO_PARSE_PLAIN_H
#define RSTWHO_PARSE_PLAIN_H

#include "parse_transport.h"

/* What has to be at hand: the IP header and TCP's, without options. */
#define PLAIN_BYTES_IPV4 40
#define PLAIN_BYTES_IPV6 60

/* Bytes of the TCP header at tcp. */
static __always_inline __u32 tcp_header(const __u8 *tcp)
{
	return (tcp[12] >> 4) * 4u;
}

/* Whether plain TCP begins at ip, where PLAIN_BYTES_IPV4 are at hand. */
static __always_inline int is_plain_ipv4(const __u8 *ip)
{
	const __u32 header = tcp_header(ip + 20);

	return ip[0] == 0x45 && !(load16(ip + 6) & 0x3fff) && ip[9] == IP_PROTOCOL_TCP && header >= 20 &&
	       load16(ip + 2) >= 20 + header;
}

/* The same of IPv6, with PLAIN_BYTES_IPV6. */
static __always_inline int is_plain_ipv6(const __u8 *ip)
{
	const __u32 header = tcp_header(ip + 40);

	return ip[0] >> 4 == 6 && ip[6] == IP_PROTOCOL_TCP && header >= 20 && load16(ip + 4) >= header;
}

/* The record of plain TCP, but for its domain. */
static __always_inline void fill_plain_ipv4(const __u8 *ip, struct packet_record *record)
{
	fill_ipv4(ip, PACKET_TUNNEL_NONE, record);
	fill_tcp(ip + 20, load16(ip + 2) - 20 - tcp_header(ip + 20), record);
}

static __always_inline void fill_plain_ipv6(const __u8 *ip, struct packet_record *record)
{
	fill_ipv6(ip, PACKET_TUNNEL_NONE, record);
	fill_tcp(ip + 40, load16(ip + 4) - tcp_header(ip + 40), record);
}

#endif
