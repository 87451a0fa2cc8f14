// SPDX-License-Identifier: Apache-2.0
// A frame and what the host parser says of it, in a file: for programs that run frames where nothing of Swift is. An
// entry is this description and then the frame's bytes; entries follow each other without padding.
#ifndef EXPECTED_FRAME_H
#define EXPECTED_FRAME_H

#include <stdint.h>

#include "CPacket.h"

struct expected_frame {
	char name[56]; // ends with 0
	uint32_t length; // bytes that follow
	uint32_t refusal; // enum packet_refusal; PACKET_PARSED where there is a record
	struct packet_record record;
	struct header_snapshot snapshot;
	uint64_t has_snapshot;
};

_Static_assert(sizeof(struct expected_frame) == 56 + 8 + 64 + 256 + 8, "no padding");

#endif
