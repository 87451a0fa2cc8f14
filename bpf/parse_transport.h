/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* TCP, UDP, ICMP and ICMPv6, and the packet that an ICMP error quotes. */
#ifndef RSTWHO_PARSE_TRANSPORT_H
#define RSTWHO_PARSE_TRANSPORT_H

#include "parse_network.h"

#define ICMP_ECHO_REPLY 0
#define ICMP_UNREACHABLE 3
#define ICMP_SOURCE_QUENCH 4
#define ICMP_REDIRECT 5
#define ICMP_ECHO 8
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER 12

#define ICMPV6_UNREACHABLE 1
#define ICMPV6_PARAMETER 4 /* 2 is packet too big, 3 time exceeded */
#define ICMPV6_ECHO 128
#define ICMPV6_ECHO_REPLY 129
#define ICMPV6_REDIRECT 137
#define ICMPV6_OPTION_REDIRECTED 4 /* RFC 4861, 4.6.3: the quote */

#define QUOTE_EXTENSIONS 2
#define REDIRECT_OPTIONS 3

static __always_inline __u16 saturated(__u32 length)
{
	return length > 0xffff ? 0xffff : (__u16)length;
}

/* The snapshot ends at end, or where the packet or the bytes at hand do. */
static __always_inline void end_headers(struct packet_parse *parse, __u32 end)
{
	__u32 limit = read16(&parse->limit);

	parse->headers_end = (__u16)(end < limit ? end : limit);
}

/* The record's part of a TCP header of which 20 bytes are at hand. */
static __always_inline void fill_tcp(const __u8 *p, __u32 payload, struct packet_record *record)
{
	__u8 flags = p[13];

	record->src_port = load16(p);
	record->dst_port = load16(p + 2);
	record->seq = load32(p + 4);
	record->ack = load32(p + 8);
	record->flags = flags;
	record->window = load16(p + 14);
	record->payload_length = saturated(payload);
	record->class = PACKET_CLASS_BULK;
	if (flags & FLAG_RST)
		record->class = PACKET_CLASS_RESET;
	else if (flags & (FLAG_SYN | FLAG_FIN))
		record->class = PACKET_CLASS_HANDSHAKE;
}

/* Where the snapshot of a TCP packet ends whose header has so many bytes: a reset's text is kept. */
static __always_inline void end_tcp(__u32 header, __u32 payload, struct packet_parse *parse)
{
	__u32 text = 0;

	if (read8(&parse->record.flags) & FLAG_RST)
		text = payload < HEADER_SNAPSHOT_RESET_TEXT ? payload : HEADER_SNAPSHOT_RESET_TEXT;
	end_headers(parse, read16(&parse->transport_offset) + header + text);
}

static __always_inline enum packet_refusal parse_tcp(const __u8 *data, const __u8 *end, __u32 offset,
						     struct packet_parse *parse)
{
	__u32 payload = read32(&parse->ip_payload);
	const __u8 *p;
	__u32 header;

	if (payload < 20)
		return PACKET_REFUSED_BAD_LENGTH;
	p = header_at(data, end, parse, offset, 20);
	if (!p)
		return PACKET_REFUSED_TRUNCATED_TRANSPORT;
	header = (p[12] >> 4) * 4u;
	if (header < 20)
		return PACKET_REFUSED_BAD_DATA_OFFSET;
	if (payload < header)
		return PACKET_REFUSED_BAD_LENGTH;
	/* A capture may be cut inside the options: the record does not need them. */
	fill_tcp(p, payload - header, &parse->record);
	end_tcp(header, payload - header, parse);
	finish_record(parse);
	return PACKET_PARSED;
}

static __always_inline enum packet_refusal parse_udp(const __u8 *data, const __u8 *end, __u32 offset,
						     struct packet_parse *parse)
{
	struct packet_record *record = &parse->record;
	__u32 payload = read32(&parse->ip_payload);
	const __u8 *p;

	if (payload < 8)
		return PACKET_REFUSED_BAD_LENGTH;
	p = header_at(data, end, parse, offset, 8);
	if (!p)
		return PACKET_REFUSED_TRUNCATED_TRANSPORT;
	record->layers |= PACKET_PROTOCOL_UDP << PACKET_LAYERS_PROTOCOL_SHIFT;
	record->src_port = load16(p);
	record->dst_port = load16(p + 2);
	record->seq = 0;
	record->ack = 0;
	record->flags = 0;
	record->window = 0;
	record->payload_length = saturated(payload - 8);
	record->class = PACKET_CLASS_BULK;
	end_headers(parse, offset + 8);
	finish_record(parse);
	return PACKET_PARSED;
}

/* The quoted ports, or the identifier of a quoted echo, and the end of the quoted L4 header. */
static __always_inline void parse_quoted_transport(const __u8 *data, const __u8 *end, struct packet_parse *parse)
{
	__u8 protocol = read8(&parse->protocol);
	__u32 offset = read16(&parse->offset);
	const __u8 *p;
	__u32 header = 8;

	if (offset > PARSE_DEPTH)
		return;
	end_headers(parse, offset);
	if (protocol == IP_PROTOCOL_TCP || protocol == IP_PROTOCOL_UDP) {
		p = header_at(data, end, parse, offset, 4);
		if (!p)
			return;
		parse->record.ack = load32(p);
		if (protocol == IP_PROTOCOL_TCP) {
			p = header_at(data, end, parse, offset, 13);
			header = p && p[12] >> 4 > 5 ? (p[12] >> 4) * 4u : 20;
		}
	} else if (protocol == IP_PROTOCOL_ICMP || protocol == IP_PROTOCOL_ICMPV6) {
		p = header_at(data, end, parse, offset, 8);
		if (p && (p[0] == ICMP_ECHO_REPLY || p[0] == ICMP_ECHO || p[0] >> 1 == ICMPV6_ECHO >> 1))
			parse->record.ack = (__u32)load16(p + 4) << 16 | load16(p + 4);
	} else {
		return;
	}
	end_headers(parse, offset + header);
}

/* The packet that an ICMP error quotes, from parse->offset on. What is missing of it stays 0 in the record. */
static __always_inline void parse_quote(const __u8 *data, const __u8 *end, struct packet_parse *parse)
{
	__u32 offset = read16(&parse->offset);
	int is_ipv6 = read8(&parse->record.layers) & PACKET_LAYERS_IPV6;
	const __u8 *p;

	if (offset > PARSE_DEPTH)
		return;
	if (!is_ipv6) {
		__u32 header;

		p = header_at(data, end, parse, offset, 20);
		if (!p)
			return;
		header = (p[0] & 15u) * 4;
		if (p[0] >> 4 != 4 || header < 20 || offset + header > read16(&parse->limit))
			return;
		parse->quote_offset = (__u16)offset;
		end_headers(parse, offset + header);
		if (load16(p + 6) & 0x1fff)
			return;
		parse->protocol = p[9];
		parse->offset = (__u16)(offset + header);
	} else {
		p = header_at(data, end, parse, offset, 40);
		if (!p || p[0] >> 4 != 6)
			return;
		parse->quote_offset = (__u16)offset;
		end_headers(parse, offset + 40);
		parse->protocol = p[6];
		parse->offset = (__u16)(offset + 40);
		parse->ip_payload = 0xffffffff;
		for (__u32 count = 0; count < QUOTE_EXTENSIONS; count++) {
			if (!is_extension(read8(&parse->protocol), 1))
				break;
			if (skip_extension(data, end, parse))
				return;
		}
	}
	parse_quoted_transport(data, end, parse);
}

/*
 * Finds the quote of an ICMPv6 redirect among its options, behind the target and destination addresses (RFC 4861, 4.5).
 */
static __always_inline int find_redirected(const __u8 *data, const __u8 *end, __u32 offset, struct packet_parse *parse)
{
	parse->offset = (__u16)(offset + 40);
	for (__u32 count = 0; count < REDIRECT_OPTIONS; count++) {
		const __u8 *p;

		offset = read16(&parse->offset);
		if (offset > PARSE_DEPTH)
			return 0;
		p = header_at(data, end, parse, offset, 8);
		if (!p || !p[1])
			return 0;
		if (p[0] == ICMPV6_OPTION_REDIRECTED) {
			parse->offset = (__u16)(offset + 8);
			return 1;
		}
		parse->offset = (__u16)(offset + p[1] * 8u);
	}
	return 0;
}

static __always_inline enum packet_refusal parse_icmp(const __u8 *data, const __u8 *end, __u32 offset, int is_v6,
						      struct packet_parse *parse)
{
	struct packet_record *record = &parse->record;
	__u32 payload = read32(&parse->ip_payload);
	const __u8 *p;
	__u8 type;
	int is_echo, is_error;

	if (payload < 8)
		return PACKET_REFUSED_BAD_LENGTH;
	p = header_at(data, end, parse, offset, 8);
	if (!p)
		return PACKET_REFUSED_TRUNCATED_TRANSPORT;
	type = p[0];
	if (is_v6) {
		is_echo = type == ICMPV6_ECHO || type == ICMPV6_ECHO_REPLY;
		is_error = (type >= ICMPV6_UNREACHABLE && type <= ICMPV6_PARAMETER) || type == ICMPV6_REDIRECT;
		record->layers |= PACKET_PROTOCOL_ICMPV6 << PACKET_LAYERS_PROTOCOL_SHIFT;
	} else {
		is_echo = type == ICMP_ECHO || type == ICMP_ECHO_REPLY;
		is_error = type == ICMP_UNREACHABLE || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
			   type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER;
		record->layers |= PACKET_PROTOCOL_ICMP << PACKET_LAYERS_PROTOCOL_SHIFT;
	}
	record->src_port = is_echo ? load16(p + 4) : 0;
	record->dst_port = record->src_port;
	record->seq = is_echo ? load16(p + 6) : load32(p + 4);
	record->ack = 0;
	record->flags = 0;
	record->window = load16(p);
	record->payload_length = saturated(payload - 8);
	record->class = is_error ? PACKET_CLASS_ICMP : is_echo ? PACKET_CLASS_HANDSHAKE : PACKET_CLASS_BULK;
	end_headers(parse, offset + 8);
	finish_record(parse);
	if (!is_error)
		return PACKET_PARSED;
	if (is_v6 && type == ICMPV6_REDIRECT) {
		end_headers(parse, offset + 40);
		if (!find_redirected(data, end, offset, parse))
			return PACKET_PARSED;
	} else {
		parse->offset = (__u16)(offset + 8);
	}
	parse_quote(data, end, parse);
	return PACKET_PARSED;
}

/* The L4 header by parse->protocol. */
static __always_inline enum packet_refusal parse_transport(const __u8 *data, const __u8 *end,
							   struct packet_parse *parse)
{
	__u8 protocol = read8(&parse->protocol);
	__u32 offset = read16(&parse->offset);
	int is_ipv6 = read8(&parse->record.layers) & PACKET_LAYERS_IPV6;

	if (offset > PARSE_DEPTH)
		return PACKET_REFUSED_TOO_DEEP;
	parse->transport_offset = (__u16)offset;
	if (protocol == IP_PROTOCOL_TCP)
		return parse_tcp(data, end, offset, parse);
	if (protocol == IP_PROTOCOL_UDP)
		return parse_udp(data, end, offset, parse);
	if (protocol == (is_ipv6 ? IP_PROTOCOL_ICMPV6 : IP_PROTOCOL_ICMP))
		return parse_icmp(data, end, offset, is_ipv6, parse);
	return PACKET_REFUSED_OTHER_PROTOCOL;
}

#endif
