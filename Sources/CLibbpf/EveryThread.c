// SPDX-License-Identifier: Apache-2.0
// Capabilities and Landlock domains belong to threads (capabilities(7), landlock(7)), and neither the kernel nor glibc
// changes them for all: like libcap's psx, this sends each thread a signal whose handler does it. It is SIGSYS, which
// the threads of libdispatch leave open where they block nearly everything.
#define _GNU_SOURCE // struct sigaction, tgkill's number
#include "EveryThread.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// How often threads are looked at, a millisecond apart: a thread that sleeps in the kernel handles its signal at once.
#define LOOKS 2000

static void (*act_of_thread)(void);

static void handle(int number, siginfo_t *info, void *context)
{
	const int saved = errno;

	(void)context;
	if (info->si_code == SI_TKILL && info->si_pid == getpid()) {
		act_of_thread();
	} else {
		// Somebody else's: what it means without a handler.
		signal(number, SIG_DFL);
		raise(number);
	}
	errno = saved;
}

// Signals the threads that are not done. Returns how many there are, or a negative errno.
static int look(_Bool (*is_done)(long thread))
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
		// One that has ended since is done at the next look.
		syscall(SYS_tgkill, getpid(), thread, SIGSYS);
	}
	closedir(threads);
	return waiting;
}

int rstwho_on_every_thread(void (*act)(void), _Bool (*is_done)(long thread))
{
	// The handler stays: a thread may have been signalled twice.
	struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_RESTART };
	const struct timespec pause = { .tv_nsec = 1000000 };

	act_of_thread = act;
	sigfillset(&action.sa_mask);
	if (sigaction(SIGSYS, &action, NULL) != 0)
		return -errno;
	act();
	for (int i = 0; i < LOOKS; i++) {
		// Threads that begin inherit from one that may not have been done: what counts is a look that finds all
		// done.
		const int waiting = look(is_done);

		if (waiting <= 0)
			return waiting;
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}
