// SPDX-License-Identifier: Apache-2.0
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stddef.h>

// Loads the optional object, lets this kernel refuse a connection and abort another on its loopback, and looks at the
// events. True where they are what a kernel of this version tells. `message` says what came of it.
bool trace_resets(const char *object, char *message, size_t bytes);

// The same for the object that tells of dropped packets, with the SYN of a refused connection: it is told, with its
// reason, while flows are in focus, and not without.
bool trace_drops(const char *object, char *message, size_t bytes);

#endif
