// SPDX-License-Identifier: Apache-2.0
#include "CPacket.h"

#include <string.h>

#include "../../bpf/focus.h"
#include "../../bpf/parse.h"

/*
 * Bulk in plain TCP over Ethernet, which is most of a capture: straight into the record, with what parse_plain_tcp
 * fills it with. Nothing else of the parser's state is wanted, as such a packet has no snapshot.
 */
static inline _Bool parse_plain_bulk(const uint8_t *bytes, uint32_t length, struct packet_record *record)
{
	const uint8_t *ip = bytes + 14;
	const uint8_t rare = FLAG_FIN | FLAG_SYN | FLAG_RST;

	if (length < 14 + PLAIN_BYTES_IPV4)
		return 0;
	if (load16(bytes + 12) == ETHERTYPE_IPV4) {
		if (!is_plain_ipv4(ip) || ip[20 + 13] & rare)
			return 0;
		fill_plain_ipv4(ip, record);
	} else if (load16(bytes + 12) == ETHERTYPE_IPV6 && length >= 14 + PLAIN_BYTES_IPV6) {
		if (!is_plain_ipv6(ip) || ip[40 + 13] & rare)
			return 0;
		fill_plain_ipv6(ip, record);
	} else {
		return 0;
	}
	fill_domain(0, fold_mac(bytes + 6), record);
	return 1;
}

uint32_t rstwho_parse_frame(const uint8_t *bytes, uint32_t captured_length, const struct frame_description *description,
			    struct packet_record *record, struct header_snapshot *snapshot, _Bool *has_snapshot)
{
	const struct packet_frame frame = {
		.wire_length = description->wire_length,
		.ethertype = description->ethertype,
		.vlan = description->vlan,
		.link = description->link,
	};
	struct packet_parse parse;
	uint32_t refusal;

	*has_snapshot = 0;
	if (description->link == PACKET_LINK_ETHERNET && !(description->vlan & HEADER_SNAPSHOT_VLAN_PRESENT) &&
	    parse_plain_bulk(bytes, captured_length, record)) {
		record->time = (uint32_t)(description->time >> 10);
		record->interface = description->interface;
		return PACKET_PARSED;
	}
	memset(&parse, 0, sizeof(parse));
	refusal = parse_packet(bytes, bytes + captured_length, &frame, &parse);
	if (refusal != PACKET_PARSED)
		return refusal;
	parse.record.time = (uint32_t)(description->time >> 10);
	parse.record.interface = description->interface;
	*record = parse.record;
	if (record->class == PACKET_CLASS_BULK)
		return PACKET_PARSED;
	uint32_t length = parse.headers_end;
	if (length > captured_length)
		length = captured_length;
	if (length > HEADER_SNAPSHOT_BYTES)
		length = HEADER_SNAPSHOT_BYTES;
	memset(snapshot, 0, sizeof(*snapshot));
	snapshot->time = description->time;
	snapshot->wire_length = description->wire_length;
	snapshot->length = (uint16_t)length;
	snapshot->network_offset = parse.network_offset;
	snapshot->transport_offset = parse.transport_offset;
	snapshot->quote_offset = parse.quote_offset;
	snapshot->vlan = description->vlan;
	snapshot->link_type = description->link;
	memcpy(snapshot->bytes, bytes, length);
	*has_snapshot = 1;
	return PACKET_PARSED;
}

uint32_t rstwho_flow_hash(const struct flow_hash_key *key, const struct packet_record *record)
{
	return flow_hash_of_record(key, record);
}

uint32_t rstwho_focus_bit(uint32_t hash)
{
	return focus_bit(hash);
}
