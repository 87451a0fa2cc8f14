/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the parser's layers share: the state, checked access to the packet's bytes, and the domain.
 *
 * The verifier follows every way through the parser. It finishes only because the state between two layers lies in map
 * memory (struct packet_parse) and is read back as volatile: whatever came before, a layer begins with unknown values
 * that it bounds itself. The host build does the same, so that a refusal is the same one.
 */
#ifndef RSTWHO_PARSE_CURSOR_H
#define RSTWHO_PARSE_CURSOR_H

#include <linux/types.h>

#include "packet_record.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* No header is looked at that begins farther than this from the frame's first byte. */
#define PARSE_DEPTH 512
/* No offset that is looked at has other bits: PARSE_DEPTH and the parts of a header that a layer steps over. */
#define PARSE_MASK 1023

#define PARSE_TAGS 4
#define PARSE_LABELS 6
#define PARSE_EXTENSIONS 6

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
	__u16 headers_end; /* where the snapshot ends; never beyond the bytes at hand */

	/* From here on the parser's own state. */
	__u32 ip_payload; /* bytes behind the IP header and its extensions, by the IP header's length */
	__u32 source_mac; /* of the innermost Ethernet header, folded; 0 where there is none */
	__u16 offset; /* where the next header begins */
	__u16 limit; /* bytes at hand that belong to the packet: Ethernet's padding does not */
	__u16 ethertype; /* of the next header, while that is a link or IP header */
	__u16 domain; /* twelve bits: see packet_record.id */
	__u8 protocol; /* IP protocol of the next header */
	__u8 tunnel; /* enum packet_tunnel */
	__u8 tags;
	__u8 labels;
	__u8 tagged; /* domain is not empty */
	__u8 fragment; /* first fragment of several */
	__u16 outer_network_offset;
	__u16 outer_transport_offset;
	__u16 outer_headers_end;
	struct packet_record outer; /* the tunnel's own UDP packet, while the inner one is tried */
};

#ifdef __bpf__
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define from_big16(value) __builtin_bswap16(value)
#define from_big32(value) __builtin_bswap32(value)
#define from_big64(value) __builtin_bswap64(value)
#else
#define from_big16(value) (value)
#define from_big32(value) (value)
#define from_big64(value) (value)
#endif

/* The kernel allows unaligned loads from packets where the machine does; bytes would cost four times as much. */
static __always_inline __u16 load16(const __u8 *p)
{
	return from_big16(*(const __u16 *)p);
}

static __always_inline __u32 load32(const __u8 *p)
{
	return from_big32(*(const __u32 *)p);
}

static __always_inline __u64 load64(const __u8 *p)
{
	return from_big64(*(const __u64 *)p);
}
#else
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
#endif

/* Reading back from map memory: the compiler must not remember what it stored there. */
static __always_inline __u8 read8(const __u8 *field)
{
	return *(const volatile __u8 *)field;
}

static __always_inline __u16 read16(const __u16 *field)
{
	return *(const volatile __u16 *)field;
}

static __always_inline __u32 read32(const __u32 *field)
{
	return *(const volatile __u32 *)field;
}

/*
 * The size bytes that begin at offset, or NULL where the frame does not hold them. The kernel wants a comparison of
 * pointers; in C that is undefined beyond the end, so the host build compares lengths.
 */
static __always_inline const __u8 *bytes_at(const __u8 *data, const __u8 *end, __u32 offset, __u32 size)
{
#ifdef __bpf__
	__u64 index = offset;
	const __u8 *p;

	/*
	 * Every layer has refused offsets beyond PARSE_DEPTH, but the compiler may have compared a copy of which the
	 * verifier does not know that it is one: the mask, which changes nothing, is what it believes.
	 */
	asm volatile("" : "+r"(index));
	p = data + (index & PARSE_MASK);
	/* The compiler must compare and use this very pointer: the verifier knows no other to be in bounds. */
	asm volatile("" : "+r"(p));
	return p + size <= end ? p : (const __u8 *)0;
#else
	return (__u64)(end - data) >= (__u64)offset + size ? data + offset : (const __u8 *)0;
#endif
}

/* The same for a header of the packet: it must also lie within the lengths that the headers before it gave. */
static __always_inline const __u8 *header_at(const __u8 *data, const __u8 *end, const struct packet_parse *parse,
					     __u32 offset, __u32 size)
{
	if (offset + size > read16(&parse->limit))
		return (const __u8 *)0;
	return bytes_at(data, end, offset, size);
}

/* What begins at offset ends at end, counted from the frame's first byte: what the frame holds beyond is padding. */
static __always_inline void narrow(struct packet_parse *parse, __u32 end)
{
	if (end < read16(&parse->limit))
		parse->limit = (__u16)end;
}

/* Adds a tag or a tunnel to the domain. A single VLAN ID stands for itself, all else is a hash in twelve bits. */
static __always_inline void widen_domain(struct packet_parse *parse, __u32 value, int is_hash)
{
	__u32 domain = read16(&parse->domain);

	if (is_hash || read8(&parse->tagged))
		domain = ((domain + 1) * 0x85ebca6bu ^ value) * 0x9e3779b1u >> 20;
	else
		domain = value;
	parse->domain = (__u16)domain;
	parse->tagged = 1;
}

/* A MAC address in 32 bits. */
static __always_inline __u32 fold_mac(const __u8 *p)
{
	return load16(p) ^ load32(p + 2);
}

/* The domain's place in a record. The last thing that is done to it. */
static __always_inline void fill_domain(__u32 domain, __u32 source_mac, struct packet_record *record)
{
	record->id |= domain << PACKET_DOMAIN_SHIFT;
	record->link_hash = (__u16)(((domain + 1) * 0x85ebca6bu ^ source_mac) * 0x9e3779b1u >> 16);
}

static __always_inline void finish_record(struct packet_parse *parse)
{
	fill_domain(read16(&parse->domain), read32(&parse->source_mac), &parse->record);
}

/* The state before the first header. */
static __always_inline void begin(const __u8 *data, const __u8 *end, const struct packet_frame *frame,
				  struct packet_parse *parse)
{
	__u64 length = (__u64)(end - data);

	parse->limit = length > 0xffff ? 0xffff : (__u16)length;
	parse->source_mac = 0;
	parse->domain = 0;
	parse->tagged = 0;
	parse->tags = 0;
	parse->tunnel = PACKET_TUNNEL_NONE;
	parse->quote_offset = 0;
	if (frame->vlan & HEADER_SNAPSHOT_VLAN_PRESENT) {
		parse->tags = 1;
		if (frame->vlan & 0xfff)
			widen_domain(parse, frame->vlan & 0xfff, 0);
	}
}

#endif
