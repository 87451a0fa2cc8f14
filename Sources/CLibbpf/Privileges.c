// SPDX-License-Identifier: Apache-2.0
// Gives up capabilities on every thread of the process.
#define _GNU_SOURCE // syscall
#include "CLibbpf.h"
#include "EveryThread.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t kept;

static void keep_on_this_thread(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capget, &header, sets) != 0)
		return;
	// Whoever may not change the bounding set has no use for it either once there are no new privileges.
	for (int i = 0; i < 64; i++)
		if (!(kept >> i & 1))
			prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		const uint32_t rest = sets[i].permitted & (uint32_t)(kept >> 32 * i);

		sets[i].effective = sets[i].permitted = sets[i].inheritable = rest;
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, sets) != 0)
		return;
	// For the programs that this one starts.
	for (int i = 0; i < 64; i++)
		if (sets[i / 32].permitted >> i % 32 & 1)
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0);
}

// The number behind "NAME:" in a status file, in the given base; `otherwise` where it is not there.
static uint64_t field(const char *status, const char *name, int base, uint64_t otherwise)
{
	const char *found = strstr(status, name);

	return found ? strtoull(found + strlen(name), NULL, base) : otherwise;
}

// True where a thread has nothing beyond what is kept and gets nothing anew, or where it has ended.
static _Bool is_done(long thread)
{
	char path[64], status[8192];
	ssize_t length;
	int file;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/status", thread);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return errno == ENOENT || errno == ESRCH;
	length = read(file, status, sizeof(status) - 1);
	close(file);
	if (length <= 0)
		return length < 0 && errno == ESRCH;
	status[length] = 0;
	return !((field(status, "\nCapInh:", 16, ~0ull) | field(status, "\nCapPrm:", 16, ~0ull) |
		  field(status, "\nCapEff:", 16, ~0ull) | field(status, "\nCapAmb:", 16, ~0ull)) &
		 ~kept) &&
	       field(status, "\nNoNewPrivs:", 10, 0) == 1;
}

int rstwho_keep_capabilities(uint64_t capabilities)
{
	kept = capabilities;
	return rstwho_on_every_thread(keep_on_this_thread, is_done);
}
