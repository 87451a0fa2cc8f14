/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From the first byte, or from the end of a tunnel's header, to the IP header: Ethernet, tags, MPLS, PPPoE. */
#ifndef RSTWHO_PARSE_LINK_H
#define RSTWHO_PARSE_LINK_H

#include "parse_cursor.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100 /* 802.1Q */
#define ETHERTYPE_PROVIDER 0x88a8 /* 802.1ad */
#define ETHERTYPE_QINQ 0x9100 /* before 802.1ad */
#define ETHERTYPE_METADATA 0x8909 /* Cisco MetaData: a security group tag */
#define ETHERTYPE_MPLS 0x8847
#define ETHERTYPE_MPLS_UPSTREAM 0x8848 /* RFC 5332 */
#define ETHERTYPE_PPPOE 0x8864 /* the session stage */
#define ETHERTYPE_ETHERNET 0x6558 /* transparent Ethernet bridging: an Ethernet header follows */
#define ETHERTYPE_NONE 0 /* only the version nibble tells what follows */

#define PPP_IPV4 0x0021
#define PPP_IPV6 0x0057
#define PPP_MPLS 0x0281

/* Two Ethernet headers (a pseudowire has one of its own), all tags and labels, PPPoE, a version nibble, and the end. */
#define PARSE_LINK_STEPS (2 + PARSE_TAGS + PARSE_LABELS + 2)

/* What a version nibble stands for, where nothing else tells. */
static __always_inline __u16 ethertype_of_nibble(__u8 first)
{
	return first >> 4 == 4 ? ETHERTYPE_IPV4 : first >> 4 == 6 ? ETHERTYPE_IPV6 : 0xffff;
}

static __always_inline enum packet_refusal skip_ethernet(const __u8 *data, const __u8 *end, __u32 offset,
							 struct packet_parse *parse)
{
	const __u8 *p = header_at(data, end, parse, offset, 14);

	if (!p)
		return PACKET_REFUSED_TRUNCATED_LINK;
	parse->source_mac = fold_mac(p + 6);
	parse->ethertype = load16(p + 12);
	parse->offset = (__u16)(offset + 14);
	return PACKET_PARSED;
}

static __always_inline enum packet_refusal skip_tag(const __u8 *data, const __u8 *end, __u32 offset,
						    struct packet_parse *parse, int is_metadata)
{
	const __u8 *p = header_at(data, end, parse, offset, is_metadata ? 8 : 4);
	__u8 tags = read8(&parse->tags);
	__u32 identifier;

	if (tags >= PARSE_TAGS)
		return PACKET_REFUSED_TOO_MANY_TAGS;
	if (!p)
		return PACKET_REFUSED_TRUNCATED_LINK;
	parse->tags = tags + 1;
	if (is_metadata) {
		/* Version, length, option, security group tag: of the sender's group, not of the way. */
		parse->ethertype = load16(p + 6);
		parse->offset = (__u16)(offset + 8);
		return PACKET_PARSED;
	}
	identifier = load16(p) & 0xfff;
	if (identifier) /* 0 is a priority without a VLAN */
		widen_domain(parse, identifier, 0);
	parse->ethertype = load16(p + 2);
	parse->offset = (__u16)(offset + 4);
	return PACKET_PARSED;
}

/*
 * One label (RFC 3032). What the last one carries is known to the router that pops it; to others the first nibble tells
 * (RFC 4928): 4 and 6 are IP, 0 is a pseudowire's control word (RFC 4385), taken for Ethernet's.
 */
static __always_inline enum packet_refusal skip_label(const __u8 *data, const __u8 *end, __u32 offset,
						      struct packet_parse *parse)
{
	__u8 labels = read8(&parse->labels);
	const __u8 *p = header_at(data, end, parse, offset, 5);

	if (labels >= PARSE_LABELS)
		return PACKET_REFUSED_TOO_MANY_LABELS;
	if (!p)
		return PACKET_REFUSED_TRUNCATED_LINK;
	parse->labels = labels + 1;
	parse->offset = (__u16)(offset + 4);
	if (!(p[2] & 1))
		return PACKET_PARSED;
	if (p[4] >> 4 == 0) {
		parse->offset = (__u16)(offset + 8);
		parse->ethertype = ETHERTYPE_ETHERNET;
		return PACKET_PARSED;
	}
	parse->ethertype = ethertype_of_nibble(p[4]);
	return PACKET_PARSED;
}

static __always_inline enum packet_refusal skip_pppoe(const __u8 *data, const __u8 *end, __u32 offset,
						      struct packet_parse *parse)
{
	const __u8 *p = header_at(data, end, parse, offset, 8);
	__u16 protocol;

	if (!p)
		return PACKET_REFUSED_TRUNCATED_LINK;
	protocol = load16(p + 6);
	if (p[0] != 0x11 || p[1] != 0)
		return PACKET_REFUSED_NOT_IP;
	if (protocol == PPP_IPV4)
		parse->ethertype = ETHERTYPE_IPV4;
	else if (protocol == PPP_IPV6)
		parse->ethertype = ETHERTYPE_IPV6;
	else if (protocol == PPP_MPLS)
		parse->ethertype = ETHERTYPE_MPLS;
	else
		return PACKET_REFUSED_NOT_IP;
	parse->offset = (__u16)(offset + 8);
	return PACKET_PARSED;
}

/* Moves on to the IP header: ethertype is then IPv4's or IPv6's. */
static __always_inline enum packet_refusal find_network(const __u8 *data, const __u8 *end, struct packet_parse *parse)
{
	for (__u32 step = 0; step < PARSE_LINK_STEPS; step++) {
		__u16 ethertype = read16(&parse->ethertype);
		__u32 offset = read16(&parse->offset);
		enum packet_refusal refusal;

		if (ethertype == ETHERTYPE_IPV4 || ethertype == ETHERTYPE_IPV6)
			return PACKET_PARSED;
		if (offset > PARSE_DEPTH)
			return PACKET_REFUSED_TOO_DEEP;
		if (ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_PROVIDER || ethertype == ETHERTYPE_QINQ) {
			refusal = skip_tag(data, end, offset, parse, 0);
		} else if (ethertype == ETHERTYPE_METADATA) {
			refusal = skip_tag(data, end, offset, parse, 1);
		} else if (ethertype == ETHERTYPE_ETHERNET) {
			refusal = skip_ethernet(data, end, offset, parse);
		} else if (ethertype == ETHERTYPE_MPLS || ethertype == ETHERTYPE_MPLS_UPSTREAM) {
			refusal = skip_label(data, end, offset, parse);
		} else if (ethertype == ETHERTYPE_PPPOE) {
			refusal = skip_pppoe(data, end, offset, parse);
		} else {
			return PACKET_REFUSED_NOT_IP;
		}
		if (refusal)
			return refusal;
	}
	return PACKET_REFUSED_TOO_DEEP;
}

/* The state before the first link header: the frame's own, or those within a tunnel. */
static __always_inline void begin_link(struct packet_parse *parse, __u16 ethertype, __u32 offset)
{
	parse->ethertype = ethertype;
	parse->offset = (__u16)offset;
	parse->labels = 0;
}

#endif
