/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One level of tunnel: where the inner packet begins, and what with. */
#ifndef RSTWHO_PARSE_TUNNEL_H
#define RSTWHO_PARSE_TUNNEL_H

#include "parse_network.h"

#define PORT_GTPU 2152
#define PORT_TEREDO 3544
#define PORT_VXLAN 4789
#define PORT_GENEVE 6081
#define PORT_VXLAN_LINUX 8472 /* Linux's default from before the port was assigned */

#define ETHERTYPE_ERSPAN 0x88be /* type I and II */
#define ETHERTYPE_ERSPAN_III 0x22eb

#define GRE_CHECKSUM 0x8000
#define GRE_ROUTING 0x4000
#define GRE_KEY 0x2000
#define GRE_SEQUENCE 0x1000
#define GRE_VERSION 0x0007

#define GTPU_EXTENSIONS 3

/* The inner packet begins at offset with a header of that Ethertype; the tunnel's identifier widens the domain. */
static __always_inline void enter(struct packet_parse *parse, enum packet_tunnel tunnel, __u32 identifier,
				  __u16 ethertype, __u32 offset)
{
	parse->tunnel = (__u8)tunnel;
	parse->tags = 0;
	widen_domain(parse, (__u32)tunnel << 28 ^ identifier, 1);
	begin_link(parse, ethertype, offset);
}

/* GRE (RFC 2784, 2890) and ERSPAN in it. Version 1 (PPTP) carries PPP, which is not looked into. */
static __always_inline enum packet_refusal enter_gre(const __u8 *data, const __u8 *end, __u32 offset,
						     struct packet_parse *parse)
{
	const __u8 *p = header_at(data, end, parse, offset, 4);
	__u16 flags, ethertype;
	__u32 key = 0;

	if (!p)
		return PACKET_REFUSED_TRUNCATED_TRANSPORT;
	flags = load16(p);
	ethertype = load16(p + 2);
	if (flags & (GRE_VERSION | GRE_ROUTING))
		return PACKET_REFUSED_OTHER_PROTOCOL;
	offset += 4;
	if (flags & GRE_CHECKSUM)
		offset += 4;
	if (flags & GRE_KEY) {
		p = header_at(data, end, parse, offset, 4);
		if (!p)
			return PACKET_REFUSED_TRUNCATED_TRANSPORT;
		key = load32(p);
		offset += 4;
	}
	if (flags & GRE_SEQUENCE)
		offset += 4;
	if (ethertype != ETHERTYPE_ERSPAN && ethertype != ETHERTYPE_ERSPAN_III) {
		enter(parse, PACKET_TUNNEL_GRE, key, ethertype, offset);
		return PACKET_PARSED;
	}
	/* Type I has neither a sequence number nor a header of its own. */
	if (ethertype == ETHERTYPE_ERSPAN && !(flags & GRE_SEQUENCE)) {
		enter(parse, PACKET_TUNNEL_ERSPAN, 0, ETHERTYPE_ETHERNET, offset);
		return PACKET_PARSED;
	}
	parse->offset = (__u16)offset;
	offset = read16(&parse->offset);
	if (offset > PARSE_DEPTH)
		return PACKET_REFUSED_TOO_DEEP;
	p = header_at(data, end, parse, offset, ethertype == ETHERTYPE_ERSPAN ? 8 : 12);
	if (!p)
		return PACKET_REFUSED_TRUNCATED_TRANSPORT;
	key = load16(p + 2) & 0x3ff;
	offset += 8;
	if (ethertype == ETHERTYPE_ERSPAN_III)
		offset += p[11] & 1 ? 12 : 4;
	enter(parse, PACKET_TUNNEL_ERSPAN, key, ETHERTYPE_ETHERNET, offset);
	return PACKET_PARSED;
}

/* A tunnel that is an IP protocol of its own. */
static __always_inline enum packet_refusal enter_ip_tunnel(const __u8 *data, const __u8 *end, __u8 protocol,
							   struct packet_parse *parse)
{
	__u32 offset = read16(&parse->offset);

	if (offset > PARSE_DEPTH)
		return PACKET_REFUSED_TOO_DEEP;
	if (protocol == IP_PROTOCOL_GRE)
		return enter_gre(data, end, offset, parse);
	enter(parse, PACKET_TUNNEL_IPIP, 0, protocol == IP_PROTOCOL_IPV4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6, offset);
	return PACKET_PARSED;
}

/* VXLAN (RFC 7348): p has 8 bytes. */
static __always_inline int enter_vxlan(const __u8 *p, __u32 offset, struct packet_parse *parse)
{
	if (!(p[0] & 0x08))
		return 0;
	enter(parse, PACKET_TUNNEL_VXLAN, load32(p + 4) >> 8, ETHERTYPE_ETHERNET, offset + 8);
	return 1;
}

/* GENEVE (RFC 8926): p has 8 bytes. */
static __always_inline int enter_geneve(const __u8 *p, __u32 offset, struct packet_parse *parse)
{
	if (p[0] >> 6)
		return 0;
	enter(parse, PACKET_TUNNEL_GENEVE, load32(p + 4) >> 8, load16(p + 2), offset + 8 + (p[0] & 0x3fu) * 4);
	return 1;
}

/* Teredo (RFC 4380, 5.1.1): an authentication and an origin indication may stand before the IPv6 packet. */
static __always_inline int enter_teredo(const __u8 *data, const __u8 *end, __u32 offset, struct packet_parse *parse)
{
	const __u8 *p = header_at(data, end, parse, offset, 8);

	if (!p)
		return 0;
	if (p[0] == 0 && p[1] == 1) {
		parse->offset = (__u16)(offset + 13u + p[2] + p[3]);
		offset = read16(&parse->offset);
		if (offset > PARSE_DEPTH)
			return 0;
		p = header_at(data, end, parse, offset, 8);
		if (!p)
			return 0;
	}
	if (p[0] == 0 && p[1] == 0) {
		parse->offset = (__u16)(offset + 8);
		offset = read16(&parse->offset);
		if (offset > PARSE_DEPTH)
			return 0;
	}
	enter(parse, PACKET_TUNNEL_TEREDO, 0, ETHERTYPE_IPV6, offset);
	return 1;
}

/* One extension header of GTP-U: its length comes first, its last byte names the next one. */
static __always_inline int skip_gtpu_extension(const __u8 *data, const __u8 *end, struct packet_parse *parse)
{
	__u32 offset = read16(&parse->offset);
	const __u8 *p;

	if (offset > PARSE_DEPTH)
		return 0;
	p = header_at(data, end, parse, offset, 4);
	if (!p || !p[0])
		return 0;
	parse->offset = (__u16)(offset + p[0] * 4u - 1);
	offset = read16(&parse->offset);
	if (offset > PARSE_DEPTH)
		return 0;
	p = header_at(data, end, parse, offset, 1);
	if (!p)
		return 0;
	parse->protocol = p[0];
	parse->offset = (__u16)(offset + 1);
	return 1;
}

/*
 * GTP-U version 1 (3GPP TS 29.281): message type 255 carries a user's packet. The tunnel's identifier differs between
 * the directions, so that the domain does without it.
 */
static __always_inline int enter_gtpu(const __u8 *data, const __u8 *end, __u32 offset, struct packet_parse *parse)
{
	const __u8 *p = header_at(data, end, parse, offset, 8);
	__u8 flags, extension = 0;

	if (!p)
		return 0;
	flags = p[0];
	if (flags >> 4 != 3 || p[1] != 255)
		return 0;
	offset += 8;
	if (flags & 7) {
		p = header_at(data, end, parse, offset, 4);
		if (!p)
			return 0;
		if (flags & 4)
			extension = p[3];
		offset += 4;
	}
	parse->offset = (__u16)offset;
	parse->protocol = extension;
	for (__u32 count = 0; count < GTPU_EXTENSIONS; count++) {
		if (!read8(&parse->protocol))
			break;
		if (!skip_gtpu_extension(data, end, parse))
			return 0;
	}
	offset = read16(&parse->offset);
	if (offset > PARSE_DEPTH || read8(&parse->protocol))
		return 0;
	p = header_at(data, end, parse, offset, 1);
	if (!p)
		return 0;
	enter(parse, PACKET_TUNNEL_GTPU, 0, ethertype_of_nibble(p[0]), offset);
	return 1;
}

/* Whether the UDP packet whose record is filled carries an inner packet: 1, and the state stands at it; or 0. */
static __always_inline int enter_udp_tunnel(const __u8 *data, const __u8 *end, struct packet_parse *parse)
{
	__u16 source = read16(&parse->record.src_port);
	__u16 destination = read16(&parse->record.dst_port);
	__u32 offset = read16(&parse->transport_offset);
	const __u8 *p;

	if (offset > PARSE_DEPTH)
		return 0;
	offset += 8;
	if (destination == PORT_VXLAN || destination == PORT_VXLAN_LINUX || destination == PORT_GENEVE) {
		p = header_at(data, end, parse, offset, 8);
		if (!p)
			return 0;
		return destination == PORT_GENEVE ? enter_geneve(p, offset, parse) : enter_vxlan(p, offset, parse);
	}
	if (destination == PORT_TEREDO || source == PORT_TEREDO)
		return enter_teredo(data, end, offset, parse);
	if (destination == PORT_GTPU || source == PORT_GTPU)
		return enter_gtpu(data, end, offset, parse);
	return 0;
}

#endif
