/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IPv4 (RFC 791) and IPv6 (RFC 8200) with its extension headers, up to the L4 header. */
#ifndef RSTWHO_PARSE_NETWORK_H
#define RSTWHO_PARSE_NETWORK_H

#include "parse_link.h"

#define IP_PROTOCOL_HOP_BY_HOP 0
#define IP_PROTOCOL_ICMP 1
#define IP_PROTOCOL_IPV4 4
#define IP_PROTOCOL_TCP 6
#define IP_PROTOCOL_UDP 17
#define IP_PROTOCOL_IPV6 41
#define IP_PROTOCOL_ROUTING 43
#define IP_PROTOCOL_FRAGMENT 44
#define IP_PROTOCOL_GRE 47
#define IP_PROTOCOL_AUTHENTICATION 51
#define IP_PROTOCOL_ICMPV6 58
#define IP_PROTOCOL_DESTINATION 60
#define IP_PROTOCOL_MOBILITY 135
#define IP_PROTOCOL_HIP 139
#define IP_PROTOCOL_SHIM6 140

/* The lower half of an IPv4 address as the record has it. */
static __always_inline __u64 mapped(__u32 address)
{
	return 0xffff00000000ull | address;
}

/* The record's part of an IPv4 header of which 20 bytes are at hand. */
static __always_inline void fill_ipv4(const __u8 *p, __u8 tunnel, struct packet_record *record)
{
	__u8 layers = (__u8)(tunnel << PACKET_LAYERS_TUNNEL_SHIFT);

	if (p[6] & 0x40)
		layers |= PACKET_LAYERS_DF;
	if (p[6] & 0x20)
		layers |= PACKET_LAYERS_FRAGMENT;
	record->src_high = 0;
	record->src_low = mapped(load32(p + 12));
	record->dst_high = 0;
	record->dst_low = mapped(load32(p + 16));
	record->id = load16(p + 4);
	record->ttl = p[8];
	record->tos = p[1];
	record->layers = layers;
}

/* The record's part of an IPv6 header of which 40 bytes are at hand. */
static __always_inline void fill_ipv6(const __u8 *p, __u8 tunnel, struct packet_record *record)
{
	__u32 first = load32(p);

	record->src_high = load64(p + 8);
	record->src_low = load64(p + 16);
	record->dst_high = load64(p + 24);
	record->dst_low = load64(p + 32);
	record->id = first & PACKET_ID_MASK;
	record->ttl = p[7];
	record->tos = (__u8)(first >> 20);
	record->layers = (__u8)(PACKET_LAYERS_IPV6 | tunnel << PACKET_LAYERS_TUNNEL_SHIFT);
}

/*
 * What an IP header without a length says about it: all that follows. Segmentation offload captured at the sender has
 * total length 0, and so have jumbograms (RFC 2675) and Linux's BIG TCP.
 */
static __always_inline __u32 length_on_wire(const struct packet_frame *frame, __u32 offset)
{
	return frame->wire_length > offset ? frame->wire_length - offset : 0;
}

static __always_inline enum packet_refusal parse_ipv4(const __u8 *data, const __u8 *end, __u32 offset,
						      const struct packet_frame *frame, struct packet_parse *parse)
{
	const __u8 *p = header_at(data, end, parse, offset, 20);
	__u32 header, length;

	if (!p)
		return PACKET_REFUSED_TRUNCATED_IP;
	header = (p[0] & 15u) * 4;
	length = load16(p + 2);
	if (p[0] >> 4 != 4)
		return PACKET_REFUSED_BAD_VERSION;
	if (header < 20)
		return PACKET_REFUSED_BAD_IHL;
	if (!length)
		length = length_on_wire(frame, offset);
	if (length < header)
		return PACKET_REFUSED_BAD_LENGTH;
	if (offset + header > read16(&parse->limit))
		return PACKET_REFUSED_TRUNCATED_IP;
	if (load16(p + 6) & 0x1fff)
		return PACKET_REFUSED_LATER_FRAGMENT;
	fill_ipv4(p, read8(&parse->tunnel), &parse->record);
	parse->protocol = p[9];
	parse->ip_payload = length - header;
	parse->offset = (__u16)(offset + header);
	narrow(parse, offset + length);
	return PACKET_PARSED;
}

static __always_inline enum packet_refusal parse_ipv6(const __u8 *data, const __u8 *end, __u32 offset,
						      const struct packet_frame *frame, struct packet_parse *parse)
{
	const __u8 *p = header_at(data, end, parse, offset, 40);
	__u32 length;

	if (!p)
		return PACKET_REFUSED_TRUNCATED_IP;
	length = load16(p + 4);
	if (p[0] >> 4 != 6)
		return PACKET_REFUSED_BAD_VERSION;
	if (!length)
		length = length_on_wire(frame, offset + 40);
	fill_ipv6(p, read8(&parse->tunnel), &parse->record);
	parse->protocol = p[6];
	parse->ip_payload = length;
	parse->offset = (__u16)(offset + 40);
	narrow(parse, offset + 40 + length);
	return PACKET_PARSED;
}

/* Whether another extension header stands before the L4 header. IPv4 knows only the authentication header. */
static __always_inline int is_extension(__u8 protocol, int is_ipv6)
{
	if (protocol == IP_PROTOCOL_AUTHENTICATION)
		return 1;
	return is_ipv6 &&
	       (protocol == IP_PROTOCOL_HOP_BY_HOP || protocol == IP_PROTOCOL_ROUTING ||
		protocol == IP_PROTOCOL_FRAGMENT || protocol == IP_PROTOCOL_DESTINATION ||
		protocol == IP_PROTOCOL_MOBILITY || protocol == IP_PROTOCOL_HIP || protocol == IP_PROTOCOL_SHIM6);
}

/* Moves over one extension header of the kind that parse->protocol names. Sets parse->fragment for a first fragment. */
static __always_inline enum packet_refusal skip_extension(const __u8 *data, const __u8 *end, struct packet_parse *parse)
{
	__u8 protocol = read8(&parse->protocol);
	__u32 offset = read16(&parse->offset);
	__u32 payload = read32(&parse->ip_payload);
	const __u8 *p;
	__u32 size;

	if (offset > PARSE_DEPTH)
		return PACKET_REFUSED_TOO_DEEP;
	if (payload < 8)
		return PACKET_REFUSED_BAD_LENGTH;
	p = header_at(data, end, parse, offset, 8);
	if (!p)
		return PACKET_REFUSED_TRUNCATED_IP;
	size = (p[1] + 1u) * 8;
	if (protocol == IP_PROTOCOL_AUTHENTICATION)
		size = (p[1] + 2u) * 4;
	if (protocol == IP_PROTOCOL_FRAGMENT) {
		__u16 position = load16(p + 2);

		size = 8;
		if (position & 0xfff8)
			return PACKET_REFUSED_LATER_FRAGMENT;
		if (position & 1)
			parse->fragment = 1;
	}
	if (payload < size)
		return PACKET_REFUSED_BAD_LENGTH;
	if (offset + size > read16(&parse->limit))
		return PACKET_REFUSED_TRUNCATED_IP;
	parse->protocol = p[0];
	parse->ip_payload = payload - size;
	parse->offset = (__u16)(offset + size);
	return PACKET_PARSED;
}

/* One IP header and its extensions. */
static __always_inline enum packet_refusal parse_network(const __u8 *data, const __u8 *end,
							 const struct packet_frame *frame, struct packet_parse *parse)
{
	__u32 offset = read16(&parse->offset);
	int is_ipv6 = read16(&parse->ethertype) == ETHERTYPE_IPV6;
	enum packet_refusal refusal;

	if (offset > PARSE_DEPTH)
		return PACKET_REFUSED_TOO_DEEP;
	parse->network_offset = (__u16)offset;
	parse->fragment = 0;
	refusal = is_ipv6 ? parse_ipv6(data, end, offset, frame, parse) : parse_ipv4(data, end, offset, frame, parse);
	if (refusal)
		return refusal;
	/*
	 * Not "while an extension follows": before 6.8 the verifier takes a loop only where it goes back by a jump, and
	 * the compilers make one of a count's comparison.
	 */
	for (__u32 count = 0; count < PARSE_EXTENSIONS; count++) {
		if (!is_extension(read8(&parse->protocol), is_ipv6))
			break;
		refusal = skip_extension(data, end, parse);
		if (refusal)
			return refusal;
	}
	if (is_extension(read8(&parse->protocol), is_ipv6))
		return PACKET_REFUSED_TOO_MANY_EXTENSIONS;
	if (read8(&parse->fragment))
		parse->record.layers |= PACKET_LAYERS_FRAGMENT;
	return PACKET_PARSED;
}

#endif
