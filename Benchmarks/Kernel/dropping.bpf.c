// SPDX-License-Identifier: Apache-2.0
// The kernel part with one difference: at XDP every packet is dropped when it has been recorded, so that what is
// measured on a link is the program and nothing behind it. For the benchmark only.
#include <linux/bpf.h>

// Said before the kernel part says what becomes of a packet.
#define XDP_PASS XDP_DROP

#include "../../bpf/rstwho.bpf.c"
