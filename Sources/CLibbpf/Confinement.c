// SPDX-License-Identifier: Apache-2.0
// What an agent may still do once it runs: Landlock for files, seccomp for system calls. Both are for the case that a
// parser is taken over; neither takes away what the agent does by itself.
#define _GNU_SOURCE // O_PATH
#include "CLibbpf.h"
#include "EveryThread.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// From Linux 6.2 on; the header of 6.1 does not have it.
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
// No devices: nobody makes one here.
#define WRITING                                                                                                        \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |              \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK)
#define DEVICES (LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO)
// What a rule on a file can allow; the rest is for directories.
#define OF_A_FILE                                                                                                      \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |                   \
	 LANDLOCK_ACCESS_FS_TRUNCATE)

static int ruleset = -1;

// The threads that are in the ruleset's domain, as far as there is room: one more than fits is never done.
static _Atomic long confined[1024];

static void confine_this_thread(void)
{
	const long thread = syscall(SYS_gettid);

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		return;
	for (size_t i = 0; i < sizeof(confined) / sizeof(*confined); i++) {
		long free = 0;

		if (atomic_compare_exchange_strong(&confined[i], &free, thread) || free == thread)
			return;
	}
}

static _Bool is_confined(long thread)
{
	for (size_t i = 0; i < sizeof(confined) / sizeof(*confined) && confined[i]; i++)
		if (confined[i] == thread)
			return 1;
	return 0;
}

// Allows `access` below each path; paths that are not there are left out.
static int allow(const char *const *paths, uint64_t access)
{
	for (; *paths; paths++) {
		struct landlock_path_beneath_attr rule = { .allowed_access = access };
		struct stat status;
		int failed = 0;

		rule.parent_fd = open(*paths, O_PATH | O_CLOEXEC);
		if (rule.parent_fd < 0)
			continue;
		if (fstat(rule.parent_fd, &status) == 0 && !S_ISDIR(status.st_mode))
			rule.allowed_access &= OF_A_FILE;
		if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
			failed = -errno;
		close(rule.parent_fd);
		if (failed)
			return failed;
	}
	return 0;
}

int rstwho_confine_files(const char *const *writable, const char *const *readable, const char *const *executable)
{
	struct landlock_ruleset_attr handled = { .handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | READING | WRITING |
								      DEVICES | LANDLOCK_ACCESS_FS_MAKE_SYM };
	const long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	// Directories can be listed: libbpf opens the root's to get a number for a descriptor (bpf_map__reuse_fd).
	static const char *const root[] = { "/", NULL };
	uint64_t writing = WRITING;
	int failed;

	if (version < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? -EOPNOTSUPP : -errno;
	if (version >= 3) {
		handled.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
		writing |= LANDLOCK_ACCESS_FS_TRUNCATE;
	}
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled.handled_access_fs), 0);
	if (ruleset < 0)
		return -errno;
	failed = allow(writable, READING | writing);
	if (!failed)
		failed = allow(root, LANDLOCK_ACCESS_FS_READ_DIR);
	if (!failed)
		failed = allow(readable, READING);
	if (!failed)
		failed = allow(executable, READING | LANDLOCK_ACCESS_FS_EXECUTE);
	if (!failed)
		failed = rstwho_on_every_thread(confine_this_thread, is_confined);
	close(ruleset);
	ruleset = -1;
	return failed;
}
