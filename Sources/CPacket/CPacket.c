// SPDX-License-Identifier: Apache-2.0
#include "CPacket.h"

#include <string.h>

#include "../../bpf/flow_hash.h"
#include "../../bpf/focus.h"
#include "../../bpf/parse.h"

uint32_t rstwho_parse_frame(const uint8_t *bytes, uint32_t captured_length, const struct frame_description *description,
			    struct packet_record *record, struct header_snapshot *snapshot, _Bool *has_snapshot)
{
	const struct packet_frame frame = {
		.wire_length = description->wire_length,
		.ethertype = description->ethertype,
		.vlan = description->vlan,
		.link = description->link,
	};
	struct packet_parse parse = { 0 };
	uint32_t refusal = parse_packet(bytes, bytes + captured_length, &frame, &parse);

	*has_snapshot = 0;
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

uint32_t rstwho_flow_hash(const struct packet_record *record)
{
	return flow_hash_of_record(record);
}

uint32_t rstwho_focus_bit(const struct packet_record *record)
{
	return focus_bit(flow_hash_of_record(record));
}
