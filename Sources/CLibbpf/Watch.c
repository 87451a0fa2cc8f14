// SPDX-License-Identifier: Apache-2.0
#include "CLibbpf.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

static int watch_groups(unsigned int groups)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int watch = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (watch < 0)
		return -errno;
	if (bind(watch, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int failed = -errno;

		close(watch);
		return failed;
	}
	return watch;
}

int rstwho_address_watch(void)
{
	return watch_groups(RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
}

int rstwho_link_watch(void)
{
	return watch_groups(RTMGRP_LINK);
}

_Bool rstwho_watch_changed(int watch)
{
	char message[64]; // What it says does not matter: the rest is cut off.
	_Bool has_changed = 0;

	// More than these are for the next call.
	for (int i = 0; i < 1024; i++) {
		if (recv(watch, message, sizeof(message), MSG_TRUNC) >= 0 || errno == ENOBUFS)
			has_changed = 1;
		else if (errno != EINTR)
			break;
	}
	return has_changed;
}
