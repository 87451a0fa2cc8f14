// SPDX-License-Identifier: Apache-2.0
// Whole packets of an interface by a packet socket (packet(7)): for a capture that a person looks at. Control messages
// are macros, which Swift cannot import.
#define _GNU_SOURCE
#include "CLibbpf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int rstwho_packet_socket(int interface, int has_link_header)
{
	int type = (has_link_header ? SOCK_RAW : SOCK_DGRAM) | SOCK_CLOEXEC;
	// No protocol until it is bound: nothing of other interfaces comes in between.
	int descriptor = socket(AF_PACKET, type, 0);
	if (descriptor < 0)
		return -errno;
	int on = 1;
	int size = 16 << 20;
	setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	setsockopt(descriptor, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on));
	if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
		setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	struct timeval timeout = { .tv_usec = 100000 };
	setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = interface,
	};
	if (bind(descriptor, (struct sockaddr *)&address, sizeof(address)) != 0) {
		int reason = errno;
		close(descriptor);
		return -reason;
	}
	return descriptor;
}

// Puts a tag back that the device or the kernel took out of an Ethernet frame, 4 bytes before which are free.
static uint8_t *with_tag(uint8_t *frame, const struct tpacket_auxdata *aux)
{
	uint16_t protocol = aux->tp_status & TP_STATUS_VLAN_TPID_VALID ? aux->tp_vlan_tpid : ETH_P_8021Q;
	memmove(frame - 4, frame, 12);
	uint16_t tag[2] = { htons(protocol), htons(aux->tp_vlan_tci) };
	memcpy(frame + 8, tag, sizeof(tag));
	return frame - 4;
}

int rstwho_packet_receive(int descriptor, uint8_t *buffer, size_t size, int waits, struct rstwho_packet *packet)
{
	union {
		char bytes[256];
		struct cmsghdr align;
	} control;
	struct sockaddr_ll from = { 0 };
	struct iovec piece = { .iov_base = buffer + 4, .iov_len = size - 4 };
	struct msghdr message = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t length = recvmsg(descriptor, &message, MSG_TRUNC | (waits ? 0 : MSG_DONTWAIT));
	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	struct timespec time = { 0 };
	struct tpacket_auxdata aux = { 0 };
	for (struct cmsghdr *entry = CMSG_FIRSTHDR(&message); entry; entry = CMSG_NXTHDR(&message, entry)) {
		if (entry->cmsg_level == SOL_SOCKET && entry->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(&time, CMSG_DATA(entry), sizeof(time));
		else if (entry->cmsg_level == SOL_PACKET && entry->cmsg_type == PACKET_AUXDATA)
			memcpy(&aux, CMSG_DATA(entry), sizeof(aux));
	}
	if (time.tv_sec == 0)
		clock_gettime(CLOCK_REALTIME, &time);
	size_t kept = (size_t)length < size - 4 ? (size_t)length : size - 4;
	packet->bytes = buffer + 4;
	packet->length = (uint32_t)kept;
	packet->wire_length = (uint32_t)length;
	packet->time = (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
	packet->type = from.sll_pkttype;
	packet->protocol = ntohs(from.sll_protocol);
	if (packet->has_link_header && aux.tp_status & TP_STATUS_VLAN_VALID && kept >= 12) {
		packet->bytes = with_tag(buffer + 4, &aux);
		packet->length += 4;
		packet->wire_length += 4;
	}
	return 1;
}

int rstwho_packet_drops(int descriptor, uint32_t *drops)
{
	struct tpacket_stats stats = { 0 };
	socklen_t size = sizeof(stats);
	if (getsockopt(descriptor, SOL_PACKET, PACKET_STATISTICS, &stats, &size) != 0)
		return -errno;
	*drops = stats.tp_drops;
	return 0;
}
