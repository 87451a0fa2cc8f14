// SPDX-License-Identifier: Apache-2.0
// Writes a capture of made-up TCP connections for the benchmark of file readers; the same bytes on every run and
// machine.
//
//   capture-generator FILE [PACKETS [KIND]]
//
// The kind is friendly, or one of those that a reader finds hardest (KINDS below says what each is).
//
// Friendly: 8192 connections are open at a time, to 4096 servers on 2 to 17 hops. Each has a handshake, a request, an
// answer of 4 to 67 segments with an acknowledgement for every second one, and ends: 94 of 100 with FINs, three with a
// reset of the server, three with a reset that a device two hops away sends in the server's name. Ethernet, IPv4,
// options as Linux has them, checksums right, 128 bytes kept of each frame, 10 µs from packet to packet.
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SLOTS = 8192,
	SERVERS = 4096,
	KEPT = 128, // bytes of a frame
	SEGMENT = 1448,
	FIN = 1,
	SYN = 2,
	RST = 4,
	PSH = 8,
	ACK = 16,
};

// One connection and what it comes to next.
struct connection {
	uint32_t number; // makes its addresses and its length
	uint32_t step;
	uint32_t sent[2]; // next sequence number of client and server
	uint16_t ip_id[2];
};

static struct connection connections[SLOTS];
static uint32_t opened;

// A permutation of the numbers (the finalizer of MurmurHash3).
static uint32_t mixed(uint32_t value)
{
	value ^= value >> 16;
	value *= 0x85ebca6b;
	value ^= value >> 13;
	value *= 0xc2b2ae35;
	return value ^ value >> 16;
}

static void put16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static void put32(uint8_t *to, uint32_t value)
{
	put16(to, value >> 16);
	put16(to + 2, value);
}

static uint32_t sum_of(const uint8_t *bytes, uint32_t count)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < count; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	return sum;
}

static uint32_t folded(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
}

// What one packet of a connection is.
struct segment {
	_Bool from_server;
	uint8_t flags;
	uint8_t ttl;
	uint16_t payload;
	_Bool is_forged;
};

// How many segments the answer has.
static uint32_t answer_of(uint32_t number)
{
	return 4 + mixed(number + 7) % 64;
}

/*
 * The next packet of a connection; its last one frees the slot. Steps: 0 SYN, 1 SYN-ACK, 2 ACK, 3 request, then the
 * answer (two segments and an ACK, again and again), then the end.
 */
static struct segment next_segment(struct connection *connection)
{
	const uint32_t kind = mixed(connection->number + 3) % 100;
	const uint32_t answer = answer_of(connection->number) / 2 * 3;
	const uint8_t far = (uint8_t)(64 - 1 - mixed(connection->number) % SERVERS % 16);
	struct segment segment = { .ttl = 64 };
	const uint32_t step = connection->step++;

	segment.flags = ACK;
	if (step == 0) {
		segment.flags = SYN;
	} else if (step == 1) {
		segment.from_server = 1;
		segment.flags = SYN | ACK;
	} else if (step == 3) {
		segment.flags = PSH | ACK;
		segment.payload = 120;
	} else if (step >= 4 && step < 4 + answer) {
		segment.from_server = (step - 4) % 3 < 2;
		segment.payload = segment.from_server ? SEGMENT : 0;
	} else if (step == 4 + answer && kind < 6) {
		segment.from_server = 1;
		segment.flags = kind < 3 ? RST | ACK : RST;
		segment.is_forged = kind >= 3;
		connection->step = 0;
	} else if (step == 4 + answer) {
		segment.flags = FIN | ACK;
	} else if (step == 5 + answer) {
		segment.from_server = 1;
		segment.flags = FIN | ACK;
	} else if (step > 5 + answer) {
		connection->step = 0;
	}
	if (segment.from_server)
		segment.ttl = segment.is_forged ? 63 : far;
	return segment;
}

// What a capture is made of.
enum kind {
	FRIENDLY,
	RANDOM,
	DOUBLED,
	SYNS,
	PAIRS,
	RESETS_1,
	RESETS_10,
	RESETS_100,
	ERRORS,
	FRAGMENTS,
	KINDS,
};

static const char *const kinds[KINDS] = {
	[FRIENDLY] = "friendly",
	[RANDOM] = "random", // sequence numbers are random, so that every packet looks sent again; 1 in 100 is a reset
	[DOUBLED] = "doubled", // a mirror shows each packet before and behind a router
	[SYNS] = "syns", // nothing but SYNs, each of a connection of its own
	[PAIRS] = "pairs", // connections of two packets: a SYN and its SYN-ACK
	[RESETS_1] = "resets-1", // friendly, and 1 in 100 packets is a reset of an open connection
	[RESETS_10] = "resets-10", // … 10 in 100
	[RESETS_100] = "resets-100", // nothing but resets
	[ERRORS] = "errors", // ICMP errors, each about a packet of an open connection
	[FRAGMENTS] = "fragments", // fragments of 8 bytes: every second one is a first one
};

// The packet that a hostile capture has in the place of a friendly one.
static void change(enum kind kind, uint64_t number, struct connection *connection, struct segment *segment)
{
	const uint8_t far = (uint8_t)(64 - 1 - mixed(connection->number) % SERVERS % 16);
	const uint32_t chance = mixed((uint32_t)number + 29) % 100;
	uint32_t resets = 0;

	switch (kind) {
	case RANDOM:
		connection->sent[0] = mixed((uint32_t)number * 2);
		connection->sent[1] = mixed((uint32_t)number * 2 + 1);
		resets = 1;
		break;
	case SYNS:
		*segment = (struct segment){ .flags = SYN, .ttl = 64 };
		connection->step = 0;
		break;
	case PAIRS:
		if (connection->step == 2)
			connection->step = 0;
		break;
	case RESETS_1:
		resets = 1;
		break;
	case RESETS_10:
		resets = 10;
		break;
	case RESETS_100:
		resets = 100;
		break;
	default:
		break;
	}
	if (chance < resets)
		*segment = (struct segment){ .from_server = 1, .flags = RST | ACK, .ttl = far };
}

// A record of a pcap file: its header, then the frame. Returns its length.
static uint32_t write_record(uint8_t *to, uint64_t number, struct connection *connection, const struct segment *segment)
{
	const uint32_t server = mixed(connection->number) % SERVERS;
	const uint32_t client = mixed(connection->number + 1) & 0xffff;
	const _Bool side = segment->from_server;
	const uint32_t options = segment->is_forged ? 0 : segment->flags & SYN ? 20 : 12;
	const uint32_t headers = 14 + 20 + 20 + options;
	const uint32_t length = headers + segment->payload;
	const uint32_t kept = length < KEPT ? length : KEPT;
	const uint32_t microseconds = (uint32_t)(number * 10 % 1000000);
	const uint32_t milliseconds = (uint32_t)(number / 100);
	uint8_t *frame = to + 16, *ip = frame + 14, *tcp = ip + 20;
	const uint32_t addresses[2] = { 0x0a000000 | client, 0xc6120000 | server };
	const uint32_t ports[2] = { 1024 + mixed(connection->number + 2) % 60000, 443 };
	uint32_t sum;

	memset(to, 0, 16 + headers);
	// In the byte order of the file's magic number, which is written as this machine has it.
	memcpy(to, &(uint32_t){ (uint32_t)(1700000000 + number * 10 / 1000000) }, 4);
	memcpy(to + 4, &microseconds, 4);
	memcpy(to + 8, &kept, 4);
	memcpy(to + 12, &length, 4);
	memset(frame + headers, 0x61, kept - (kept < headers ? kept : headers));

	frame[0] = frame[6] = 2;
	frame[5] = side;
	frame[11] = !side;
	frame[12] = 8;

	ip[0] = 0x45;
	put16(ip + 2, length - 14);
	put16(ip + 4, segment->is_forged ? 0 : connection->ip_id[side]++);
	ip[6] = 0x40;
	ip[8] = segment->ttl;
	ip[9] = 6;
	put32(ip + 12, addresses[side]);
	put32(ip + 16, addresses[!side]);
	put16(ip + 10, folded(sum_of(ip, 20)));

	put16(tcp, ports[side]);
	put16(tcp + 2, ports[!side]);
	put32(tcp + 4, connection->sent[side]);
	put32(tcp + 8, segment->flags & ACK ? connection->sent[!side] : 0);
	tcp[12] = (uint8_t)((20 + options) / 4 << 4);
	tcp[13] = segment->flags;
	put16(tcp + 14, segment->is_forged ? 0 : 502);
	if (options == 20)
		memcpy(tcp + 20, (const uint8_t[]){ 2, 4, 5, 0xb4, 4, 2, 8, 10 }, 8);
	else if (options)
		memcpy(tcp + 20, (const uint8_t[]){ 1, 1, 8, 10 }, 4);
	if (options) {
		put32(tcp + (options == 20 ? 28 : 24), 1000000 + milliseconds);
		put32(tcp + (options == 20 ? 32 : 28), segment->flags & ACK ? 2000000 : 0);
	}
	if (options == 20)
		memcpy(tcp + 36, (const uint8_t[]){ 1, 3, 3, 7 }, 4);
	// The payload is of one letter, and of even length.
	sum = sum_of(ip + 12, 8) + 6 + (length - 34) + sum_of(tcp, 20 + options) + segment->payload / 2 * 0x6161;
	put16(tcp + 16, folded(sum));

	connection->sent[side] += segment->payload + (segment->flags & (SYN | FIN) ? 1 : 0);
	return 16 + kept;
}

// Gives a record another length and its frame a right header.
static uint32_t finish(uint8_t *record, uint32_t length)
{
	uint8_t *ip = record + 16 + 14;

	memcpy(record + 8, &length, 4);
	memcpy(record + 12, &length, 4);
	put16(ip + 2, length - 14);
	put16(ip + 10, 0);
	put16(ip + 10, folded(sum_of(ip, 20)));
	return 16 + length;
}

// The same packet one hop farther on, from another next hop.
static void route(uint8_t *record)
{
	uint8_t *ip = record + 16 + 14;

	record[16 + 11] ^= 8;
	ip[8]--;
	put16(ip + 10, 0);
	put16(ip + 10, folded(sum_of(ip, 20)));
}

// The ICMP error (host unreachable) that a router on hop 2 sends about the record's packet: quotes 28 bytes.
static uint32_t turn_into_error(uint8_t *record)
{
	uint8_t *ip = record + 16 + 14, *icmp = ip + 20, quoted[28];

	memcpy(quoted, ip, sizeof(quoted));
	memcpy(ip + 16, quoted + 12, 4);
	put32(ip + 12, 0xac100000 | quoted[15]);
	ip[8] = 63;
	ip[9] = 1;
	memset(icmp, 0, 8);
	icmp[0] = 3;
	icmp[1] = 1;
	memcpy(icmp + 8, quoted, sizeof(quoted));
	put16(icmp + 2, folded(sum_of(icmp, 36)));
	return finish(record, 14 + 20 + 36);
}

static uint32_t cut_into_fragment(uint8_t *record, _Bool is_first)
{
	put16(record + 16 + 14 + 6, is_first ? 0x2000 : 0x2001);
	return finish(record, 14 + 20 + 8);
}

static enum kind kind_of(const char *name)
{
	enum kind kind = FRIENDLY;

	while (kind < KINDS && strcmp(kinds[kind], name) != 0)
		kind++;
	return kind;
}

static void open_connection(struct connection *connection)
{
	const uint32_t number = opened++;

	*connection = (struct connection){
		.number = number,
		.sent = { mixed(number + 11), mixed(number + 13) },
		.ip_id = { (uint16_t)mixed(number + 17), (uint16_t)mixed(number + 19) },
	};
}

int main(int count, char **arguments)
{
	const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t zone, accuracy, kept, link;
	} header = { 0xa1b2c3d4, 2, 4, 0, 0, KEPT, 1 };
	const uint64_t packets = count > 2 ? strtoull(arguments[2], NULL, 10) : 2000000;
	const enum kind kind = count > 3 ? kind_of(arguments[3]) : FRIENDLY;
	uint8_t record[16 + KEPT];
	FILE *file;
	_Bool failed;

	if (count < 2 || packets == 0 || packets > 1000000000 || kind == KINDS) {
		fprintf(stderr, "usage: capture-generator FILE [PACKETS [KIND]]\nkinds:");
		for (int i = 0; i < KINDS; i++)
			fprintf(stderr, " %s", kinds[i]);
		fprintf(stderr, "\n");
		return 64;
	}
	file = fopen(arguments[1], "wb");
	if (!file) {
		fprintf(stderr, "%s: %s\n", arguments[1], strerror(errno));
		return 73;
	}
	setvbuf(file, NULL, _IOFBF, 1 << 20);
	failed = fwrite(&header, sizeof(header), 1, file) != 1;
	for (uint64_t number = 0; number < packets && !failed; number++) {
		struct connection *connection = &connections[mixed((uint32_t)number) % SLOTS];
		struct segment segment;
		uint32_t length;

		if (connection->step == 0)
			open_connection(connection);
		segment = next_segment(connection);
		change(kind, number, connection, &segment);
		length = write_record(record, number, connection, &segment);
		if (kind == ERRORS)
			length = turn_into_error(record);
		else if (kind == FRAGMENTS)
			length = cut_into_fragment(record, number % 2 == 0);
		failed = fwrite(record, length, 1, file) != 1;
		if (kind == DOUBLED && number + 1 < packets && !failed) {
			route(record);
			failed = fwrite(record, length, 1, file) != 1;
			number++;
		}
	}
	if (fclose(file) || failed) {
		fprintf(stderr, "%s: %s\n", arguments[1], strerror(errno));
		return 74;
	}
	printf("%" PRIu64 " packets, %" PRIu32 " connections\n", packets, opened);
	return 0;
}
