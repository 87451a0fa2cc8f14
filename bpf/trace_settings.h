/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What user space tells the optional objects when they are loaded.
 */
#ifndef RSTWHO_TRACE_SETTINGS_H
#define RSTWHO_TRACE_SETTINGS_H

#include <linux/types.h>

#include "flow_hash.h"

/* The whole .rodata section of such an object; written before it is loaded. */
struct trace_settings {
	__u32 namespace_inode; /* of the network namespace whose events are told: tracepoints are machine-wide */
	__u32 reserved;
	struct flow_hash_key hash_key; /* as in struct packet_settings */
};

#endif
