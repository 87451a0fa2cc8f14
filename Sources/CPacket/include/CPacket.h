// SPDX-License-Identifier: Apache-2.0
// The host build of the parser in bpf/: the same header that the kernel's verifier accepted, compiled for capture
// files.
#ifndef CPACKET_H
#define CPACKET_H

#include <stdint.h>

#include "../../../bpf/flow_hash.h"
#include "../../../bpf/packet_record.h"

// A packet as the engine sees it, live and from a file. The pointer is valid only while the batch that holds it is.
struct observed_packet {
	struct packet_record record;
	uint64_t time; // ns since 1970; 0 where the source tells no time (text without timestamps)
	uint64_t frame; // 1-based number in the file or text; 0 live
	const struct header_snapshot *headers; // NULL where there is none
};

// What rstwho_parse_frame is told about a frame.
struct frame_description {
	uint64_t time; // ns since 1970
	uint32_t wire_length; // bytes on the wire
	uint16_t ethertype; // host order, for PACKET_LINK_ETHERTYPE
	uint16_t vlan; // as header_snapshot.vlan
	uint8_t link; // enum packet_link
	uint8_t interface; // PACKET_INTERFACE_* for the record
};

// Parses a captured frame into *record and, where the packet's class has one, *snapshot.
// Returns PACKET_PARSED (0), or the enum packet_refusal that says why there is no record.
// Sets *has_snapshot. Reads only bytes[0 ..< captured_length].
uint32_t rstwho_parse_frame(const uint8_t *bytes, uint32_t captured_length, const struct frame_description *description,
			    struct packet_record *record, struct header_snapshot *snapshot, _Bool *has_snapshot);

// The keyed hash of a record's flow, by which the kernel part sheds (bpf/shedding.h): the highest hashes first. The
// same for both directions. Only addresses and ports count.
uint32_t rstwho_flow_hash(const struct flow_hash_key *key, const struct packet_record *record);

// The bit of a flow with that hash in the kernel part's focus, below 65536.
uint32_t rstwho_focus_bit(uint32_t hash);

// The mixing step of all hashes (bpf/flow_hash.h), for the tables in user space.
static inline uint64_t rstwho_hash_mix(uint64_t state, uint64_t word)
{
	return hash_mix(state, word);
}

// Asks for a cache line that will be written to soon. Swift has no intrinsic for it.
static inline void rstwho_prefetch(const void *address)
{
	__builtin_prefetch(address, 1);
}

#endif
