// SPDX-License-Identifier: Apache-2.0
// Gives up capabilities on every thread of the process. They belong to threads (capabilities(7)), and neither the
// kernel nor glibc changes them for all: like libcap's psx, this sends each thread a signal whose handler does it. It
// is SIGSYS, which the threads of libdispatch leave open where they block nearly everything.
#define _GNU_SOURCE // struct sigaction, tgkill's number
#include "CLibbpf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// How often threads are looked at, a millisecond apart: a thread that sleeps in the kernel handles its signal at once.
#define LOOKS 2000

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

static void handle(int number, siginfo_t *info, void *context)
{
	const int saved = errno;

	(void)context;
	if (info->si_code == SI_TKILL && info->si_pid == getpid()) {
		keep_on_this_thread();
	} else {
		// Somebody else's: what it means without a handler.
		signal(number, SIG_DFL);
		raise(number);
	}
	errno = saved;
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

// Signals the threads that are not done. Returns how many there are, or a negative errno.
static int look(void)
{
	DIR *threads = opendir("/proc/self/task");
	struct dirent *entry;
	int waiting = 0;

	if (!threads)
		return -errno;
	while ((entry = readdir(threads))) {
		const long thread = strtol(entry->d_name, NULL, 10);

		if (thread <= 0 || is_done(thread))
			continue;
		waiting++;
		syscall(SYS_tgkill, getpid(), thread, SIGSYS);
	}
	closedir(threads);
	return waiting;
}

int rstwho_keep_capabilities(uint64_t capabilities)
{
	// The handler stays: a thread may have been signalled twice.
	struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_RESTART };
	const struct timespec pause = { .tv_nsec = 1000000 };

	kept = capabilities;
	sigfillset(&action.sa_mask);
	if (sigaction(SIGSYS, &action, NULL) != 0)
		return -errno;
	keep_on_this_thread();
	for (int i = 0; i < LOOKS; i++) {
		// Threads that begin inherit from one that may not have been done: what counts is a look that finds all
		// done.
		const int waiting = look();

		if (waiting <= 0)
			return waiting;
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}
