// SPDX-License-Identifier: Apache-2.0
// The first and only process of a kernel that is booted to see whether it takes the kernel part: loads every object it
// is given, runs frames and all their truncations through every program, compares with the host parser, says what came
// out, and powers the machine off.
//
// Lines that begin with "kernel:" are for the script that reads the console.
#include <BPFHarness.h>

#include "privileges.h"
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define FRAME_BYTES 256

static const struct {
	const char *name;
	const char *bytes; // hexadecimal
	enum packet_refusal refusal;
} frames[] = {
	{ "a reset over IPv4",
	  "020000000002020000000001080045000028123440003f0615950a0400020a0100010016c7300000000061d98b4350140000e765000"
	  "0",
	  PACKET_PARSED },
	{ "a SYN over IPv6 with a tag and extension headers",
	  "0200000000020200000000018100006486dd600000090028003d20010db800040000000000000000000220010db80001000000000000"
	  "000000013c0000000000000006000000000000000016c73000000000000000006002000075660000020405b4",
	  PACKET_PARSED },
	{ "data over IPv6",
	  "02000000000202000000000186dd600000000018064020010db800040000000000000000000220010db8000100000000000000000001"
	  "0016c730000000000000000050100000b44d000064617461",
	  PACKET_PARSED },
	{ "time exceeded with a quote, behind two labels",
	  "0200000000020200000000018847000100400001114045000038123440004001148a0a0400020a0100010b002db90000000045000028"
	  "12344000400614950a0100010a040002c730001600000000",
	  PACKET_PARSED },
	{ "a reset in VXLAN",
	  "02000000000202000000000108004500006212344000401114500a0400020a010001c00012b5004e6db00800000000002a0002000000"
	  "00020200000000018100000708004500002c123440003d0617910a0400020a0100010016c730000000000000000050040000feb90000"
	  "676f6e65",
	  PACKET_PARSED },
	{ "packet too big with a quote, in GRE",
	  "02000000000202000000000108004500008012344000402f14140a0400020a010001200086dd0000000760000000003c3a4020010db8"
	  "00040000000000000000000220010db800010000000000000000000102002be00000050060000000000c114020010db8000100000000"
	  "00000000000120010db800040000000000000000000200359c40000c2f2464617461",
	  PACKET_PARSED },
	{ "GTP-U with an inner packet that is none",
	  "02000000000202000000000108004500004c12344000401114660a0400020a010001086808680038bd9830ff00280000000943000028"
	  "12344000400616950a0400020a0100010016c730000000000000000050040000d4920000",
	  PACKET_PARSED },
	{ "ARP", "020000000002020000000001080600010800060400010202020202020202020202020202020202020202",
	  PACKET_REFUSED_NOT_IP },
	{ "a later fragment",
	  "020000000002020000000001080045000028123440094006148c0a0400020a0100010016c730000000000000000050040000d492000"
	  "0",
	  PACKET_REFUSED_LATER_FRAGMENT },
};

#define FRAME_COUNT (sizeof(frames) / sizeof(frames[0]))

static const char *const objects[] = { "/rstwho.bpf.o", "/rstwho.bpf.swift-clang.o" };
static const struct {
	const char *path;
	bool (*trace)(const char *object, char *message, size_t bytes);
} traces[] = {
	{ "/reset_trace.bpf.o", trace_resets },
	{ "/reset_trace.bpf.swift-clang.o", trace_resets },
	{ "/drop_trace.bpf.o", trace_drops },
	{ "/drop_trace.bpf.swift-clang.o", trace_drops },
};

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("kernel: ", stdout);
	vprintf(format, arguments);
	va_end(arguments);
	fputs("\n", stdout);
	fflush(stdout);
}

static uint32_t decode(const char *text, uint8_t *bytes)
{
	uint32_t length = 0;
	unsigned int value;

	while (length < FRAME_BYTES && sscanf(text + 2 * length, "%2x", &value) == 1)
		bytes[length++] = (uint8_t)value;
	return length;
}

// Whether the program says of the frame what the host parser says, time and interface apart.
static bool agrees(const uint8_t *bytes, uint32_t length, struct harness_result *result, uint32_t *refusal)
{
	const struct frame_description description = { .wire_length = length, .link = PACKET_LINK_ETHERNET };
	struct packet_record record = { 0 };
	struct header_snapshot snapshot = { 0 };
	_Bool has_snapshot = false;

	*refusal = rstwho_parse_frame(bytes, length, &description, &record, &snapshot, &has_snapshot);
	if (result->seen != 1 || result->lost != 0 || result->recorded + result->refused != 1)
		return false;
	if (*refusal)
		return result->records == 0 && result->refusal == *refusal;
	result->record.time = 0;
	result->record.interface = 0;
	result->snapshot.time = 0;
	return result->records == 1 && memcmp(&record, &result->record, sizeof(record)) == 0 &&
	       has_snapshot == result->has_snapshot &&
	       (!has_snapshot || memcmp(&snapshot, &result->snapshot, sizeof(snapshot)) == 0);
}

static bool run_program(struct harness *harness, const char *object, enum harness_program program)
{
	const uint32_t pass = program == HARNESS_XDP || program == HARNESS_XDP_FRAGS ? 2 : (uint32_t)-1;
	uint32_t runs = 0;

	for (size_t i = 0; i < FRAME_COUNT; i++) {
		uint8_t bytes[FRAME_BYTES];
		uint32_t whole = decode(frames[i].bytes, bytes);

		for (uint32_t length = whole; length >= 14; length--) {
			struct harness_result result;
			uint32_t refusal;

			if (harness_run(harness, program, bytes, length, &result)) {
				// What is shorter than Ethernet and IPv6 may be turned down for a TC program.
				if (length >= 54) {
					say("%s %s: %s, %u bytes: not taken", object, harness_program_name(program),
					    frames[i].name, length);
					return false;
				}
				continue;
			}
			runs++;
			if (!agrees(bytes, length, &result, &refusal) || result.verdict != pass ||
			    (length == whole && refusal != frames[i].refusal)) {
				say("%s %s: %s, %u bytes: host says %u, kernel %u (verdict %d, %u records)", object,
				    harness_program_name(program), frames[i].name, length, refusal, result.refusal,
				    (int)result.verdict, result.records);
				return false;
			}
		}
	}
	say("%s %s: %u instructions verified, %u frames as the host parser", object, harness_program_name(program),
	    harness_verified_instructions(harness, program), runs);
	return true;
}

// Whether focus on its flow has a forwarded packet recorded that is skipped otherwise.
static bool run_focus(struct harness *harness, const char *object)
{
	bool good = true;
	uint32_t count = 0;

	for (size_t i = 0; i < FRAME_COUNT; i++) {
		uint8_t bytes[FRAME_BYTES];
		const uint32_t length = decode(frames[i].bytes, bytes);
		struct harness_result before, focused;
		uint32_t bit;

		if (harness_run_forwarded(harness, bytes, length, &before) || before.skipped == 0 || frames[i].refusal)
			continue;
		harness_run(harness, HARNESS_TC_INGRESS, bytes, length, &focused);
		bit = rstwho_focus_bit(&focused.record);
		if (harness_focus(harness, bit, true) || harness_run_forwarded(harness, bytes, length, &focused) ||
		    focused.recorded != 1 || harness_focus(harness, bit, false)) {
			say("%s: %s: not recorded in focus", object, frames[i].name);
			good = false;
		}
		count++;
	}
	say("%s: %u forwarded frames recorded in focus", object, count);
	return good && count > 0;
}

static bool run_without_privileges(struct harness *harness, const char *object)
{
	uint8_t bytes[FRAME_BYTES];
	const uint32_t length = decode(frames[0].bytes, bytes);
	char message[256];
	const bool good = works_without_privileges(harness, bytes, length, message, sizeof(message));

	say("%s: %s", object, message);
	return good;
}

static bool run_object(const char *object)
{
	char message[512] = "";
	struct harness *harness = harness_open(object, message, sizeof(message));
	bool good = harness != NULL;

	if (!harness) {
		say("%s", message);
		return false;
	}
	for (int program = 0; program < HARNESS_PROGRAM_COUNT; program++)
		good &= run_program(harness, object, (enum harness_program)program);
	good &= run_focus(harness, object);
	good &= run_without_privileges(harness, object);
	harness_close(harness);
	return good;
}

static bool run_trace(size_t index)
{
	char message[512] = "";
	bool good = traces[index].trace(traces[index].path, message, sizeof(message));

	say("%s", message);
	return good;
}

static void mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	if (mount(type, path, type, 0, NULL) && errno != EBUSY)
		say("cannot mount %s: %s", path, strerror(errno));
}

int main(void)
{
	struct utsname system = { 0 };
	int console;

	mount_at("devtmpfs", "/dev");
	console = open("/dev/console", O_RDWR);
	if (console >= 0) {
		dup2(console, STDIN_FILENO);
		dup2(console, STDOUT_FILENO);
		dup2(console, STDERR_FILENO);
	}
	mount_at("sysfs", "/sys");
	mount_at("proc", "/proc");
	uname(&system);
	say("booted %s", system.release);
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		say("%s %s", run_object(objects[i]) ? "passed" : "failed", objects[i]);
	for (size_t i = 0; i < sizeof(traces) / sizeof(traces[0]); i++)
		say("%s %s", run_trace(i) ? "passed" : "failed", traces[i].path);
	say("done");
	sync();
	reboot(RB_AUTOBOOT); // qemu ends with -no-reboot
	return EXIT_FAILURE;
}
