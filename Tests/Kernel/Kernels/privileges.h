// SPDX-License-Identifier: Apache-2.0
// What an agent does that has given up its capabilities.
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include <BPFHarness.h>

#include <stdbool.h>
#include <stddef.h>

// Whether a process without any capability can renew the lease, run the programs, read counters, shed, and attach what
// is loaded, and cannot load anything. Says what it could or where it failed.
bool works_without_privileges(struct harness *harness, const uint8_t *frame, uint32_t length, char *message,
			      size_t bytes);

#endif
