/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one header parser. The BPF build runs it in the kernel, the host build on capture files; it uses neither maps nor
 * helpers, and reads nothing outside [data, data_end).
 *
 * The result goes to struct packet_parse, which in the kernel is map memory. So does the parser's own state: after each
 * layer the offset is read back from there and bounded, so that the verifier sees one state per layer, not one per way
 * to get there.
 */
#ifndef RSTWHO_PARSE_H
#define RSTWHO_PARSE_H

#include <linux/types.h>

#include "packet_record.h"
#include "parse_cursor.h"
#include "parse_link.h"
#include "parse_network.h"
#include "parse_tunnel.h"
#include "parse_transport.h"
#include "parse_plain.h"

/* Keeps what was found of the tunnel's own packet while the inner one is tried, */
static __always_inline void keep_outer(struct packet_parse *parse)
{
	parse->outer = parse->record;
	parse->outer_network_offset = parse->network_offset;
	parse->outer_transport_offset = parse->transport_offset;
	parse->outer_headers_end = parse->headers_end;
}

/* and goes back to it where that fails. */
static __always_inline void restore_outer(struct packet_parse *parse)
{
	parse->record = parse->outer;
	parse->network_offset = parse->outer_network_offset;
	parse->transport_offset = parse->outer_transport_offset;
	parse->headers_end = parse->outer_headers_end;
	parse->quote_offset = 0;
}

/* Fills *parse as the slow path does where an Ethernet frame holds plain TCP, and returns 1. */
static __always_inline int parse_plain_tcp(const __u8 *data, const __u8 *end, struct packet_parse *parse)
{
	const __u8 *p = bytes_at(data, end, 0, 14 + PLAIN_BYTES_IPV4);
	__u32 length, header;

	if (!p)
		return 0;
	if (load16(p + 12) == ETHERTYPE_IPV4) {
		if (!is_plain_ipv4(p + 14))
			return 0;
		fill_plain_ipv4(p + 14, &parse->record);
		parse->transport_offset = 34;
		length = load16(p + 16) - 20;
		header = tcp_header(p + 34);
	} else if (load16(p + 12) == ETHERTYPE_IPV6) {
		p = bytes_at(data, end, 0, 14 + PLAIN_BYTES_IPV6);
		if (!p || !is_plain_ipv6(p + 14))
			return 0;
		fill_plain_ipv6(p + 14, &parse->record);
		parse->transport_offset = 54;
		length = load16(p + 18);
		header = tcp_header(p + 54);
	} else {
		return 0;
	}
	parse->source_mac = fold_mac(p + 6);
	parse->network_offset = 14;
	narrow(parse, parse->transport_offset + length);
	end_tcp(header, length - header, parse);
	finish_record(parse);
	return 1;
}

/* The state before the first link header of the frame itself. */
static __always_inline enum packet_refusal begin_frame(const __u8 *data, const __u8 *end,
						       const struct packet_frame *frame, struct packet_parse *parse)
{
	const __u8 *p;

	if (frame->link == PACKET_LINK_IP) {
		p = bytes_at(data, end, 0, 1);
		if (!p)
			return PACKET_REFUSED_TRUNCATED_IP;
		if (p[0] >> 4 != 4 && p[0] >> 4 != 6)
			return PACKET_REFUSED_BAD_VERSION;
		begin_link(parse, ethertype_of_nibble(p[0]), 0);
	} else {
		begin_link(parse, frame->link == PACKET_LINK_ETHERNET ? ETHERTYPE_ETHERNET : frame->ethertype, 0);
	}
	return PACKET_PARSED;
}

/*
 * Parses one frame. Returns PACKET_PARSED with *parse filled (record.time and record.interface are the caller's to
 * fill, afterwards), or the reason of refusal with *parse in an unspecified state.
 *
 * In a tunnel the record is the inner packet's. Where the inner packet cannot be parsed the record is that of the outer
 * UDP packet; an outer packet without ports (IPIP, GRE) is refused for the inner one's reason.
 */
static __always_inline enum packet_refusal parse_packet(const void *data, const void *data_end,
							const struct packet_frame *frame, struct packet_parse *parse)
{
	enum packet_refusal refusal;

	begin(data, data_end, frame, parse);
	if (frame->link == PACKET_LINK_ETHERNET && parse_plain_tcp(data, data_end, parse))
		return PACKET_PARSED;
	refusal = begin_frame(data, data_end, frame, parse);
	if (refusal)
		return refusal;
	for (__u32 level = 0; level < 2; level++) {
		__u8 protocol;

		refusal = find_network(data, data_end, parse);
		if (refusal)
			break;
		refusal = parse_network(data, data_end, frame, parse);
		if (refusal)
			break;
		protocol = read8(&parse->protocol);
		if (level == 0 &&
		    (protocol == IP_PROTOCOL_GRE || protocol == IP_PROTOCOL_IPV4 || protocol == IP_PROTOCOL_IPV6)) {
			refusal = enter_ip_tunnel(data, data_end, protocol, parse);
			if (refusal)
				return refusal;
			continue;
		}
		refusal = parse_transport(data, data_end, parse);
		if (refusal)
			break;
		if (level == 1 || protocol != IP_PROTOCOL_UDP || !enter_udp_tunnel(data, data_end, parse))
			return PACKET_PARSED;
		keep_outer(parse);
	}
	if (read8(&parse->tunnel) < PACKET_TUNNEL_VXLAN)
		return refusal;
	restore_outer(parse);
	return PACKET_PARSED;
}

#endif
