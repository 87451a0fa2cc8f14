// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE // ppoll
#include "CLibbpf.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>

int rstwho_event_create(void)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return event < 0 ? -errno : event;
}

_Bool rstwho_event_wait(int event, uint64_t nanoseconds)
{
	struct pollfd polled = { .fd = event, .events = POLLIN };
	struct timespec timeout = {
		.tv_sec = (time_t)(nanoseconds / 1000000000),
		.tv_nsec = (long)(nanoseconds % 1000000000),
	};

	return ppoll(&polled, 1, &timeout, NULL) > 0;
}
