/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel part hands to user space, byte for byte: one record per packet, and for resets, handshakes and ICMP a
 * snapshot of the packet's headers behind it. The host build fills the same structures from capture files.
 *
 * Numbers are in host byte order. Fixed widths and explicit reserved bytes: nothing is left to padding.
 */
#ifndef RSTWHO_PACKET_RECORD_H
#define RSTWHO_PACKET_RECORD_H

#include <linux/types.h>

/* How precious a packet is. Order matters: what is shed first comes first. */
enum packet_class {
	PACKET_CLASS_BULK = 0, /* data, bare ACKs, UDP, other ICMP */
	PACKET_CLASS_HANDSHAKE = 1, /* SYN, SYN-ACK, FIN, echo request and reply */
	PACKET_CLASS_ICMP = 2, /* ICMP errors and redirects */
	PACKET_CLASS_RESET = 3, /* TCP with RST */
	PACKET_CLASS_COUNT = 4
};

enum packet_protocol {
	PACKET_PROTOCOL_TCP = 0,
	PACKET_PROTOCOL_UDP = 1,
	PACKET_PROTOCOL_ICMP = 2,
	PACKET_PROTOCOL_ICMPV6 = 3
};

/* The tunnel that the record's five-tuple was found in. */
enum packet_tunnel {
	PACKET_TUNNEL_NONE = 0,
	PACKET_TUNNEL_IPIP = 1, /* IPv4 or IPv6 in IPv4 or IPv6: protocol 4 or 41 */
	PACKET_TUNNEL_GRE = 2,
	PACKET_TUNNEL_ERSPAN = 3,
	PACKET_TUNNEL_VXLAN = 4,
	PACKET_TUNNEL_GENEVE = 5,
	PACKET_TUNNEL_TEREDO = 6,
	PACKET_TUNNEL_GTPU = 7
};

/* Bits of packet_record.layers. */
#define PACKET_LAYERS_IPV6 0x01 /* the addresses are IPv6 (else IPv4-mapped) */
#define PACKET_LAYERS_PROTOCOL_SHIFT 1 /* two bits: enum packet_protocol */
#define PACKET_LAYERS_PROTOCOL_MASK 0x06
#define PACKET_LAYERS_DF 0x08 /* IPv4 "don't fragment" */
#define PACKET_LAYERS_FRAGMENT 0x10 /* first fragment of several */
#define PACKET_LAYERS_TUNNEL_SHIFT 5 /* three bits: enum packet_tunnel */
#define PACKET_LAYERS_TUNNEL_MASK 0xe0

/* Bits of packet_record.interface. */
#define PACKET_INTERFACE_SLOT_MASK 0x1f
#define PACKET_INTERFACE_EGRESS 0x80 /* seen leaving this machine */
#define PACKET_INTERFACE_MADE_HERE 0x40 /* egress with ingress_ifindex 0: this machine made it. Live capture only. */

/* The id field: IP-ID or flow label in the low bits, the VLAN above. */
#define PACKET_ID_MASK 0x000fffffu /* IPv4 identification (16 bits) or IPv6 flow label (20 bits) */
#define PACKET_DOMAIN_SHIFT 20 /* twelve bits: see packet_record.id */

/*
 * One packet, 64 bytes.
 *
 * ICMP and ICMPv6: an echo has its identifier in both ports and its sequence number in seq; every ICMP has
 * type << 8 | code in window; an error has the four bytes behind its checksum (MTU, gateway) in seq, and the quoted
 * ports in ack as source << 16 | destination.
 */
struct packet_record {
	__u64 src_high; /* IPv6 address, or IPv4-mapped (::ffff:a.b.c.d) */
	__u64 src_low;
	__u64 dst_high;
	__u64 dst_low;
	__u32 seq;
	__u32 ack;
	__u32 time; /* units of 1024 ns, low 32 bits */
	__u32 id; /* IP-ID or flow label, and above it the domain: the VLAN ID where there is one tag and no
		     tunnel, a hash of all tags and the tunnel's id otherwise, 0 for untagged */
	__u16 src_port;
	__u16 dst_port;
	__u16 window; /* TCP: not scaled */
	__u16 payload_length; /* L4 payload by the IP header's length; 65535 means that or more */
	__u16 link_hash; /* of the domain and the source MAC address */
	__u8 ttl; /* or hop limit; 0 where it is not known (a text that does not tell it) */
	__u8 flags; /* TCP flags as on the wire: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128 */
	__u8 tos; /* or traffic class */
	__u8 class; /* enum packet_class */
	__u8 layers; /* PACKET_LAYERS_* */
	__u8 interface; /* PACKET_INTERFACE_* */
};

_Static_assert(sizeof(struct packet_record) == 64, "a record is one cache line");
_Static_assert(__builtin_offsetof(struct packet_record, seq) == 32, "addresses come first");
_Static_assert(__builtin_offsetof(struct packet_record, interface) == 63, "no padding");

/* The bytes of a snapshot: enough for tags, one tunnel, IPv6 with extensions, TCP options, and an ICMP quote. */
#define HEADER_SNAPSHOT_BYTES 232
/* Of a reset's own payload, which is diagnostic text (RFC 9293, 3.5.3), at most this much is kept. */
#define HEADER_SNAPSHOT_RESET_TEXT 64

/*
 * The headers of a reset, a handshake or an ICMP packet, from the link layer on, never payload: it ends with the L4
 * header (for an ICMP error with the quoted L4 header). Offsets count from bytes[0]; 0 means absent for vlan and quote.
 */
struct header_snapshot {
	__u64 time; /* ns; CLOCK_MONOTONIC from the kernel, since 1970 in user space */
	__u32 wire_length; /* of the whole frame */
	__u16 length; /* bytes that are valid */
	__u16 network_offset; /* of the (inner) IP header */
	__u16 transport_offset; /* of the (inner) TCP, UDP or ICMP header */
	__u16 quote_offset; /* of the IP header that an ICMP error quotes */
	__u16 vlan; /* the tag that the device kept beside the bytes (skb->vlan_tci), with bit 12 set if present */
	__u8 link_type; /* enum packet_link */
	__u8 reserved;
	__u8 bytes[HEADER_SNAPSHOT_BYTES];
};

_Static_assert(sizeof(struct header_snapshot) == 256, "24 bytes of description, then the headers");

#define HEADER_SNAPSHOT_VLAN_PRESENT 0x1000

/* What a frame begins with. */
enum packet_link {
	PACKET_LINK_ETHERNET = 0,
	PACKET_LINK_IP = 1, /* no link header: tun, wg, ppp, raw captures */
	PACKET_LINK_ETHERTYPE = 2 /* bytes begin behind a link header of another kind, whose Ethertype is known (SLL) */
};

/*
 * Why the parser refused a packet. One counter each; 0 is not a refusal. The names that metrics and texts use are made
 * of these in one place (RefusalReason in Swift).
 */
enum packet_refusal {
	PACKET_PARSED = 0,
	PACKET_REFUSED_NOT_IP, /* ARP, LLDP, 802.3 … */
	PACKET_REFUSED_TRUNCATED_LINK, /* the frame ends inside the link header, a tag, MPLS or PPPoE */
	PACKET_REFUSED_TRUNCATED_IP, /* … inside the IP header or an extension header */
	PACKET_REFUSED_TRUNCATED_TRANSPORT, /* … inside the TCP, UDP or ICMP header */
	PACKET_REFUSED_BAD_VERSION, /* the version is neither 4 nor 6, or not what the link layer said */
	PACKET_REFUSED_BAD_IHL, /* IPv4 header length below 5 words */
	PACKET_REFUSED_BAD_LENGTH, /* the IP total length is shorter than its headers */
	PACKET_REFUSED_BAD_DATA_OFFSET, /* TCP data offset below 5 words */
	PACKET_REFUSED_LATER_FRAGMENT, /* not the first fragment: there is no L4 header */
	PACKET_REFUSED_OTHER_PROTOCOL, /* neither TCP, UDP, ICMP nor a tunnel that is looked into */
	PACKET_REFUSED_TOO_MANY_TAGS, /* more than 4 */
	PACKET_REFUSED_TOO_MANY_LABELS, /* more MPLS labels than are looked at */
	PACKET_REFUSED_TOO_MANY_EXTENSIONS, /* more than 6 IPv6 extension headers */
	PACKET_REFUSED_TOO_DEEP, /* the L4 header begins beyond the parser's bound */
	PACKET_REFUSAL_COUNT
};

#endif
