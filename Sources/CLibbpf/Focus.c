// SPDX-License-Identifier: Apache-2.0
#include "CLibbpf.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t mapped_bytes(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (sizeof(struct packet_focus) + page - 1) / page * page;
}

struct packet_focus *rstwho_focus_map(int map)
{
	void *memory = mmap(NULL, mapped_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void rstwho_focus_unmap(struct packet_focus *focus)
{
	if (focus)
		munmap(focus, mapped_bytes());
}

void rstwho_focus_set(struct packet_focus *focus, uint32_t bit, _Bool is_on)
{
	const __u64 mask = 1ull << bit % 64;
	__u64 *word = &focus->bits[bit % PACKET_FOCUS_BITS / 64];
	const _Bool was_on = *word & mask;

	if (is_on == was_on)
		return;
	// The programs read word and count without a lock; each is whole by itself.
	if (is_on) {
		__atomic_fetch_or(word, mask, __ATOMIC_RELEASE);
		__atomic_fetch_add(&focus->count, 1, __ATOMIC_RELEASE);
	} else {
		__atomic_fetch_sub(&focus->count, 1, __ATOMIC_RELEASE);
		__atomic_fetch_and(word, ~mask, __ATOMIC_RELEASE);
	}
}
