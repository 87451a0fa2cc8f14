/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one header parser. The BPF build runs it in the kernel, the host build on capture files; it uses neither maps nor
 * helpers, and reads nothing outside [data, data_end).
 *
 * The result goes to struct packet_parse, which in the kernel is map memory.
 */
#ifndef RSTWHO_PARSE_H
#define RSTWHO_PARSE_H

#include <linux/types.h>

#include "packet_record.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#define FLAG_FIN 0x01
#define FLAG_SYN 0x02
#define FLAG_RST 0x04

/* What the caller knows about a frame besides its bytes. */
struct packet_frame {
	__u32 wire_length; /* bytes on the wire; may exceed the bytes at hand */
	__u16 ethertype; /* host order; read only where link is PACKET_LINK_ETHERTYPE */
	__u16 vlan; /* a tag that stands beside the bytes: TCI's ID with HEADER_SNAPSHOT_VLAN_PRESENT, or 0 */
	__u8 link; /* enum packet_link */
};

/* A parsed packet: its record, and where its headers are. Offsets count from data. */
struct packet_parse {
	struct packet_record record; /* time and interface are the caller's */
	__u16 network_offset; /* of the (inner) IP header */
	__u16 transport_offset; /* of the (inner) L4 header */
	__u16 quote_offset; /* of the IP header quoted by an ICMP error, or 0 */
	__u16 headers_end; /* where the snapshot ends */
};

static __always_inline __u16 load16(const __u8 *p)
{
	return (__u16)(p[0] << 8 | p[1]);
}

static __always_inline __u32 load32(const __u8 *p)
{
	return (__u32)p[0] << 24 | (__u32)p[1] << 16 | (__u32)p[2] << 8 | p[3];
}

static __always_inline __u64 load64(const __u8 *p)
{
	return (__u64)load32(p) << 32 | load32(p + 4);
}

/*
 * Parses one frame. Returns PACKET_PARSED with *parse filled (time and interface untouched), or the reason of refusal
 * with *parse in an unspecified state.
 */
static __always_inline enum packet_refusal parse_packet(const void *data, const void *data_end,
							const struct packet_frame *frame, struct packet_parse *parse)
{
	const __u8 *cursor = data;
	const __u8 *end = data_end;
	struct packet_record *record = &parse->record;
	__u16 ethertype = frame->ethertype;
	__u8 protocol;

	if (frame->link == PACKET_LINK_ETHERNET) {
		if (cursor + 14 > end)
			return PACKET_REFUSED_TRUNCATED_LINK;
		ethertype = load16(cursor + 12);
		cursor += 14;
	} else if (frame->link == PACKET_LINK_IP) {
		if (cursor + 1 > end)
			return PACKET_REFUSED_TRUNCATED_IP;
		ethertype = cursor[0] >> 4 == 6 ? 0x86dd : 0x0800;
	}
	record->link_hash = 0;
	parse->quote_offset = 0;
	parse->network_offset = (__u16)(cursor - (const __u8 *)data);
	if (ethertype == 0x0800) {
		__u32 header;

		if (cursor + 20 > end)
			return PACKET_REFUSED_TRUNCATED_IP;
		header = (cursor[0] & 15u) * 4;
		if (cursor[0] >> 4 != 4)
			return PACKET_REFUSED_BAD_VERSION;
		if (header < 20)
			return PACKET_REFUSED_BAD_IHL;
		if (load16(cursor + 6) & 0x1fff)
			return PACKET_REFUSED_LATER_FRAGMENT;
		record->layers = cursor[6] & 0x40 ? PACKET_LAYERS_DF : 0;
		record->src_high = record->dst_high = 0;
		record->src_low = 0xffff00000000ull | load32(cursor + 12);
		record->dst_low = 0xffff00000000ull | load32(cursor + 16);
		record->id = load16(cursor + 4);
		record->ttl = cursor[8];
		record->tos = cursor[1];
		record->payload_length = load16(cursor + 2) - (__u16)header;
		protocol = cursor[9];
		cursor += header;
	} else if (ethertype == 0x86dd) {
		if (cursor + 40 > end)
			return PACKET_REFUSED_TRUNCATED_IP;
		record->layers = PACKET_LAYERS_IPV6;
		record->src_high = load64(cursor + 8);
		record->src_low = load64(cursor + 16);
		record->dst_high = load64(cursor + 24);
		record->dst_low = load64(cursor + 32);
		record->id = load32(cursor) & PACKET_ID_MASK;
		record->ttl = cursor[7];
		record->tos = (__u8)(load16(cursor) >> 4);
		record->payload_length = load16(cursor + 4);
		protocol = cursor[6];
		cursor += 40;
	} else {
		return PACKET_REFUSED_NOT_IP;
	}
	parse->transport_offset = (__u16)(cursor - (const __u8 *)data);
	record->class = PACKET_CLASS_BULK;
	record->flags = 0;
	record->seq = record->ack = 0;
	record->window = 0;
	if (protocol == 6) {
		__u32 header;

		if (cursor + 20 > end)
			return PACKET_REFUSED_TRUNCATED_TRANSPORT;
		header = (cursor[12] >> 4) * 4u;
		if (header < 20)
			return PACKET_REFUSED_BAD_DATA_OFFSET;
		record->src_port = load16(cursor);
		record->dst_port = load16(cursor + 2);
		record->seq = load32(cursor + 4);
		record->ack = load32(cursor + 8);
		record->flags = cursor[13];
		record->window = load16(cursor + 14);
		record->payload_length -= (__u16)header;
		if (record->flags & FLAG_RST)
			record->class = PACKET_CLASS_RESET;
		else if (record->flags & (FLAG_SYN | FLAG_FIN))
			record->class = PACKET_CLASS_HANDSHAKE;
		parse->headers_end = parse->transport_offset + (__u16)header;
		return PACKET_PARSED;
	}
	if (protocol == 17 || protocol == 1 || protocol == 58) {
		if (cursor + 8 > end)
			return PACKET_REFUSED_TRUNCATED_TRANSPORT;
		record->payload_length -= 8;
		parse->headers_end = parse->transport_offset + 8;
		if (protocol == 17) {
			record->layers |= PACKET_PROTOCOL_UDP << PACKET_LAYERS_PROTOCOL_SHIFT;
			record->src_port = load16(cursor);
			record->dst_port = load16(cursor + 2);
		} else {
			record->layers |= (protocol == 1 ? PACKET_PROTOCOL_ICMP : PACKET_PROTOCOL_ICMPV6)
					  << PACKET_LAYERS_PROTOCOL_SHIFT;
			record->window = load16(cursor);
			record->src_port = record->dst_port = load16(cursor + 4);
			record->seq = load16(cursor + 6);
			record->class = PACKET_CLASS_HANDSHAKE;
		}
		return PACKET_PARSED;
	}
	return PACKET_REFUSED_OTHER_PROTOCOL;
}

#endif
