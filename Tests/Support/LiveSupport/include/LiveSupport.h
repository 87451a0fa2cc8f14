// SPDX-License-Identifier: Apache-2.0
// What the tests of live capture need of Linux and the Glibc module for Swift does not show.
#ifndef LIVESUPPORT_H
#define LIVESUPPORT_H

#include <stdint.h>

// Moves the calling thread into a new network namespace, which vanishes with the thread and its children. 0 or -errno.
int live_new_namespace(void);

// Hands `count` copies of a frame to an interface by its index, as fast as it takes them. Returns how many it took, or
// -errno.
int live_send(int interface, const uint8_t *_Nonnull frame, uint32_t length, uint32_t count);

// Attaches a program to an interface's TCX hook that accepts every packet, so that no program behind it sees one.
// Returns the link's descriptor, or -errno.
int live_attach_accepting(int interface, _Bool is_egress);

// Takes CAP_NET_RAW from the calling thread for good. 0 or -errno.
int live_drop_net_raw(void);

// Keeps the calling thread on one CPU. 0 or -errno.
int live_pin(uint32_t cpu);

#endif
