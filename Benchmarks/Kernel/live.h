// SPDX-License-Identifier: Apache-2.0
#ifndef LIVE_H
#define LIVE_H

#include "BPFHarness.h"

// Looks at what arrives at an interface with the harness's XDP program, until SIGINT or SIGTERM, and empties the rings
// every millisecond. Says `ready` when it has begun, and in the end a line `NAME NUMBER packets` for each end of the
// ledger. `sheds`: all flows are shed. Returns an exit status.
int record_live(struct harness *harness, const char *interface, _Bool sheds);

#endif
