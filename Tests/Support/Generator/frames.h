// SPDX-License-Identifier: Apache-2.0
// What the generator's program makes of a frame; shared with the program in the kernel.
#ifndef FRAMES_H
#define FRAMES_H

#include <linux/types.h>

struct frame_settings {
	__u32 interface; // where frames leave, by index
	__u32 flow_mask; // flows, a power of two, less one
	__u32 host_mask; // hosts that they come from, likewise
	__u32 resets; // of 65536 frames
	__u32 handshakes; // of 65536 frames: SYNs
	__u32 first; // number of the first packet
	__u32 source; // the first host's address, host byte order
	__u8 destination[6]; // MAC address
	__u8 ttl;
	__u8 reserved;
};

#endif
