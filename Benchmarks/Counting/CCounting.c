// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CCounting.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <time.h>

// glibc's own entry points behind the names that are interposed here.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static uint64_t allocations;
static uint64_t references;

static void count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

void *malloc(size_t size)
{
	count(&allocations);
	return __libc_malloc(size);
}

void *calloc(size_t elements, size_t size)
{
	count(&allocations);
	return __libc_calloc(elements, size);
}

void *realloc(void *memory, size_t size)
{
	count(&allocations);
	return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size)
{
	count(&allocations);
	return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	count(&allocations);
	return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
	count(&allocations);
	*memory = __libc_memalign(alignment, size);
	return *memory ? 0 : ENOMEM;
}

uint64_t counting_allocations(void)
{
	return __atomic_load_n(&allocations, __ATOMIC_RELAXED);
}

// What the compiler calls for reference counting, found first here. The runtime's own functions keep all registers but
// the result's (SWIFT_REFCOUNT_CC), and code relies on it.
#define KEEPS_REGISTERS __attribute__((preserve_most))
typedef void *(*retain_function)(void *)KEEPS_REGISTERS;
typedef void (*release_function)(void *) KEEPS_REGISTERS;
static retain_function real_retain;
static retain_function real_bridge_retain;
static release_function real_release;
static release_function real_bridge_release;

__attribute__((constructor)) static void find_functions(void)
{
	real_retain = (retain_function)dlsym(RTLD_NEXT, "swift_retain");
	real_bridge_retain = (retain_function)dlsym(RTLD_NEXT, "swift_bridgeObjectRetain");
	real_release = (release_function)dlsym(RTLD_NEXT, "swift_release");
	real_bridge_release = (release_function)dlsym(RTLD_NEXT, "swift_bridgeObjectRelease");
}

KEEPS_REGISTERS void *swift_retain(void *object)
{
	count(&references);
	return real_retain(object);
}

KEEPS_REGISTERS void *swift_bridgeObjectRetain(void *object)
{
	count(&references);
	return real_bridge_retain(object);
}

KEEPS_REGISTERS void swift_release(void *object)
{
	count(&references);
	real_release(object);
}

KEEPS_REGISTERS void swift_bridgeObjectRelease(void *object)
{
	count(&references);
	real_bridge_release(object);
}

uint64_t counting_references(void)
{
	return __atomic_load_n(&references, __ATOMIC_RELAXED);
}

uint64_t counting_cpu_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
