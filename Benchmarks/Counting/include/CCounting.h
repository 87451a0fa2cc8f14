// SPDX-License-Identifier: Apache-2.0
// Counts what a benchmark's process allocates and reference-counts, in all threads: malloc and its relatives are
// interposed, and so are the Swift runtime's retain and release.
#ifndef CCOUNTING_H
#define CCOUNTING_H

#include <stdint.h>

// Calls of malloc, calloc, realloc, aligned_alloc, memalign and posix_memalign so far.
uint64_t counting_allocations(void);

// Calls of swift_retain and swift_release by the program's own code so far.
uint64_t counting_references(void);

// ns of CPU time of this thread.
uint64_t counting_cpu_time(void);

#endif
