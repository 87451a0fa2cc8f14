// SPDX-License-Identifier: Apache-2.0
// Sends many small frames of all classes out of an interface as fast as one core can, for tests that count packets.
//
//   lab-traffic INTERFACE DESTINATION-MAC DESTINATION-IPV4 COUNT
//
// Of each 64 frames 1 is a reset, 7 are handshakes (SYN, SYN-ACK, FIN, echo), 1 is ARP, 1 a later fragment, the rest
// TCP data, bare ACKs and UDP. Sources are 10.1.0.1 to 10.1.0.200. Exits 0 once COUNT frames were handed to the
// interface; the kernel may still drop some.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, FRAME = 118, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16, TCP_FIN = 1 };

struct target {
	uint8_t mac[6];
	uint32_t address; // network order
};

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, (uint16_t)(value >> 16));
	put16(at + 2, (uint16_t)value);
}

static uint16_t ip_checksum(const uint8_t *header)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(header[i] << 8 | header[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

// Writes frame number `number` and returns its length. Transport checksums stay 0: only routers see these frames.
static size_t write_frame(uint8_t *frame, const struct target *target, uint64_t number)
{
	static const uint8_t tcp_flags[8] = { TCP_RST | TCP_ACK, TCP_SYN,
					      TCP_SYN,		 TCP_SYN | TCP_ACK,
					      TCP_SYN | TCP_ACK, TCP_FIN | TCP_ACK,
					      TCP_FIN | TCP_ACK, TCP_ACK };
	unsigned kind = number % BATCH;
	uint8_t *ip = frame + 14;
	uint8_t *transport = ip + 20;
	uint16_t source_port = (uint16_t)(1024 + number / BATCH % 60000);
	size_t payload = kind < 16 ? 0 : kind % 48;
	uint8_t protocol = 6;
	size_t header = 20;

	memset(frame, 0, FRAME);
	memcpy(frame, target->mac, 6);
	frame[6] = 0x02;
	frame[11] = 0x63;
	if (kind == 9) {
		static const uint8_t arp[8] = { 0, 1, 8, 0, 6, 4, 0, 2 };

		put16(frame + 12, ETHERTYPE_ARP);
		memcpy(ip, arp, sizeof(arp));
		return 60;
	}
	if (kind == 8) {
		protocol = 1;
		header = 8;
	} else if (kind >= 48) {
		protocol = 17;
		header = 8;
	}
	put16(frame + 12, ETHERTYPE_IP);
	ip[0] = 0x45;
	put16(ip + 2, (uint16_t)(20 + header + payload));
	put16(ip + 4, (uint16_t)number);
	put16(ip + 6, kind == 10 ? 0x0010 : 0x4000);
	ip[8] = 63;
	ip[9] = protocol;
	put32(ip + 12, 0x0a010001u + (uint32_t)(number / BATCH % 200));
	memcpy(ip + 16, &target->address, 4);
	put16(ip + 10, ip_checksum(ip));
	if (protocol == 1) {
		transport[0] = 8;
		put16(transport + 4, source_port);
		put16(transport + 6, (uint16_t)number);
	} else {
		put16(transport, source_port);
		put16(transport + 2, (uint16_t)(8000 + kind));
		if (protocol == 17) {
			put16(transport + 4, (uint16_t)(header + payload));
		} else {
			put32(transport + 4, (uint32_t)number);
			put32(transport + 8, kind == 1 || kind == 2 ? 0 : 1);
			transport[12] = 0x50;
			transport[13] = kind < 8 ? tcp_flags[kind] : TCP_ACK;
			put16(transport + 14, 1024);
		}
	}
	return 14 + 20 + header + payload;
}

static int send_all(int descriptor, struct mmsghdr *messages, unsigned count)
{
	unsigned sent = 0;

	while (sent < count) {
		int now = sendmmsg(descriptor, messages + sent, count - sent, 0);

		if (now >= 0)
			sent += (unsigned)now;
		else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static uint8_t frames[BATCH][FRAME];
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec vectors[BATCH];
	struct target target;
	struct sockaddr_ll link = { .sll_family = AF_PACKET };
	uint64_t count;
	/* A quarter of a million frames a second at most: the machine that captures also sends and forwards. */
	const struct timespec pause = { .tv_nsec = BATCH * 4000L };
	int bypass = 1;
	int descriptor;

	if (argc != 5 ||
	    sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &target.mac[0], &target.mac[1], &target.mac[2],
		   &target.mac[3], &target.mac[4], &target.mac[5]) != 6 ||
	    inet_pton(AF_INET, argv[3], &target.address) != 1) {
		fprintf(stderr, "usage: lab-traffic INTERFACE DESTINATION-MAC DESTINATION-IPV4 COUNT\n");
		return 64;
	}
	count = strtoull(argv[4], NULL, 10);
	link.sll_ifindex = (int)if_nametoindex(argv[1]);
	descriptor = socket(AF_PACKET, SOCK_RAW, 0);
	if (link.sll_ifindex == 0 || descriptor < 0 ||
	    setsockopt(descriptor, SOL_PACKET, PACKET_QDISC_BYPASS, &bypass, sizeof(bypass)) < 0 ||
	    bind(descriptor, (struct sockaddr *)&link, sizeof(link)) < 0) {
		perror(argv[1]);
		return 1;
	}
	for (uint64_t number = 0; number < count;) {
		unsigned batch = count - number < BATCH ? (unsigned)(count - number) : BATCH;

		for (unsigned i = 0; i < batch; i++) {
			vectors[i].iov_base = frames[i];
			vectors[i].iov_len = write_frame(frames[i], &target, number++);
			messages[i].msg_hdr.msg_iov = &vectors[i];
			messages[i].msg_hdr.msg_iovlen = 1;
		}
		if (send_all(descriptor, messages, batch) < 0) {
			perror("sendmmsg");
			return 1;
		}
		nanosleep(&pause, NULL);
	}
	close(descriptor);
	return 0;
}
