// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE // unshare, sendmmsg, sched_setaffinity
#include "LiveSupport.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int live_new_namespace(void)
{
	return unshare(CLONE_NEWNET) == 0 ? 0 : -errno;
}

int live_pin(uint32_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0 ? 0 : -errno;
}

int live_send(int interface, const uint8_t *frame, uint32_t length, uint32_t count)
{
	enum { BATCH = 64 };
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_ifindex = interface };
	struct iovec part = { .iov_base = (void *)frame, .iov_len = length };
	struct mmsghdr messages[BATCH];
	uint32_t sent = 0;
	int packet = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (packet < 0)
		return -errno;
	memset(messages, 0, sizeof(messages));
	for (int i = 0; i < BATCH; i++) {
		messages[i].msg_hdr.msg_name = &address;
		messages[i].msg_hdr.msg_namelen = sizeof(address);
		messages[i].msg_hdr.msg_iov = &part;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (sent < count) {
		uint32_t wanted = count - sent < BATCH ? count - sent : BATCH;
		int taken = sendmmsg(packet, messages, wanted, 0);

		if (taken < 0 && (errno == EINTR || errno == ENOBUFS || errno == EAGAIN))
			continue;
		if (taken < 0) {
			int failed = -errno;

			close(packet);
			return failed;
		}
		sent += (uint32_t)taken;
	}
	close(packet);
	return (int)sent;
}
