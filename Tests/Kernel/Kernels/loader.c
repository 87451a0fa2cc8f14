// SPDX-License-Identifier: Apache-2.0
// The first and only process of a kernel that is booted to see whether it takes the kernel part: loads every object it
// is given, runs the frames of a file through every program, compares with what the host parser said of them, says what
// came out, and powers the machine off.
//
// Lines that begin with "kernel:" are for the script that reads the console.
#include <BPFHarness.h>
#include <ExpectedFrame.h>

#include "privileges.h"
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

// The frames, where the script puts them (`struct expected_frame`).
#define FRAMES_PATH "/frames.bin"
// What a test run takes of a frame in one page; what is longer is not sent.
#define LONGEST_FRAME 3500
// What is shorter may be turned down for a TC program: Ethernet and IPv6.
#define SHORTEST_FRAME 54

static struct {
	const uint8_t *bytes;
	size_t length;
	uint32_t count;
} frames;

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

// The entry that begins `*offset` bytes into the file, which is moved on to the next; NULL at the end, or where it is
// damaged.
static const uint8_t *next_frame(size_t *offset, struct expected_frame *frame)
{
	const uint8_t *bytes;

	if (frames.length - *offset < sizeof(*frame))
		return NULL;
	memcpy(frame, frames.bytes + *offset, sizeof(*frame));
	bytes = frames.bytes + *offset + sizeof(*frame);
	if (frame->length > frames.length - *offset - sizeof(*frame) || frame->name[sizeof(frame->name) - 1])
		return NULL;
	*offset += sizeof(*frame) + frame->length;
	return bytes;
}

static bool read_frames(void)
{
	struct expected_frame frame;
	struct stat status;
	uint8_t *bytes = NULL;
	size_t offset = 0;
	ssize_t length = 0;
	int file = open(FRAMES_PATH, O_RDONLY);

	if (file < 0 || fstat(file, &status) || !(bytes = malloc((size_t)status.st_size)))
		return false;
	while ((size_t)length < (size_t)status.st_size) {
		const ssize_t part = read(file, bytes + length, (size_t)(status.st_size - length));

		if (part <= 0)
			return false;
		length += part;
	}
	close(file);
	frames.bytes = bytes;
	frames.length = (size_t)length;
	while (next_frame(&offset, &frame))
		frames.count++;
	return frames.count > 0 && offset == frames.length;
}

// Whether the program says of the frame what the host parser says, time and interface apart.
static bool agrees(const struct expected_frame *frame, const struct harness_result *result)
{
	struct packet_record record = result->record;
	struct header_snapshot snapshot = result->snapshot;

	if (result->seen != 1 || result->lost != 0 || result->recorded + result->refused != 1)
		return false;
	if (frame->refusal)
		return result->records == 0 && result->refusal == frame->refusal;
	record.time = frame->record.time;
	record.interface = frame->record.interface;
	snapshot.time = frame->snapshot.time;
	return result->records == 1 && memcmp(&record, &frame->record, sizeof(record)) == 0 &&
	       (frame->has_snapshot != 0) == result->has_snapshot &&
	       (!result->has_snapshot || memcmp(&snapshot, &frame->snapshot, sizeof(snapshot)) == 0);
}

// Whether the comparison above finds a difference in each byte of an expectation that it has to look at.
static bool finds_damage(const struct expected_frame *frame, const struct harness_result *result)
{
	struct expected_frame damaged = *frame;
	uint8_t *const record = (uint8_t *)&damaged.record;
	uint8_t *const snapshot = (uint8_t *)&damaged.snapshot;
	bool found = true;

	for (size_t i = 0; i < sizeof(damaged.record); i++) {
		const bool is_time = i - offsetof(struct packet_record, time) < sizeof(damaged.record.time);

		record[i] ^= 1;
		found &= agrees(&damaged, result) == (is_time || i == offsetof(struct packet_record, interface));
		record[i] ^= 1;
	}
	for (size_t i = sizeof(damaged.snapshot.time); result->has_snapshot && i < sizeof(damaged.snapshot); i++) {
		snapshot[i] ^= 1;
		found &= !agrees(&damaged, result);
		snapshot[i] ^= 1;
	}
	damaged.has_snapshot = !frame->has_snapshot;
	found &= !agrees(&damaged, result);
	damaged = *frame;
	damaged.refusal = PACKET_REFUSED_NOT_IP;
	return found && !agrees(&damaged, result);
}

static bool run_program(struct harness *harness, const char *object, enum harness_program program)
{
	const uint32_t pass = program == HARNESS_XDP || program == HARNESS_XDP_FRAGS ? 2 : (uint32_t)-1;
	uint32_t runs = 0, records = 0, checked = 0, differing = 0;
	struct expected_frame frame;
	const uint8_t *bytes;
	size_t offset = 0;

	while ((bytes = next_frame(&offset, &frame))) {
		struct harness_result result;

		if (frame.length > LONGEST_FRAME)
			continue;
		if (harness_run(harness, program, bytes, frame.length, &result)) {
			if (frame.length >= SHORTEST_FRAME) {
				say("%s %s: %s, %u bytes: not taken", object, harness_program_name(program), frame.name,
				    frame.length);
				return false;
			}
			continue;
		}
		runs++;
		records += result.records;
		if (!agrees(&frame, &result) || result.verdict != pass) {
			if (differing++ < 5)
				say("%s %s: %s, %u bytes: host says %u, kernel %u (verdict %d, %u records)", object,
				    harness_program_name(program), frame.name, frame.length, frame.refusal,
				    result.refusal, (int)result.verdict, result.records);
		} else if (!frame.refusal && checked < 32) {
			checked++;
			if (!finds_damage(&frame, &result)) {
				say("%s %s: %s: a damaged expectation is not found", object,
				    harness_program_name(program), frame.name);
				return false;
			}
		}
	}
	say("%s %s: %u instructions verified, %u frames, %u records as the host parser's, %u differ", object,
	    harness_program_name(program), harness_verified_instructions(harness, program), runs, records, differing);
	return differing == 0 && records > 1000 && runs - records > 500 && checked > 0;
}

// Whether focus on its flow has a forwarded packet recorded that is skipped otherwise.
static bool run_focus(struct harness *harness, const char *object)
{
	struct expected_frame frame;
	const uint8_t *bytes;
	bool good = true;
	uint32_t count = 0;
	size_t offset = 0;

	while ((bytes = next_frame(&offset, &frame)) && count < 100) {
		struct harness_result before, focused;
		uint32_t bit;

		if (frame.refusal || frame.length > LONGEST_FRAME ||
		    harness_run_forwarded(harness, bytes, frame.length, &before) || before.skipped == 0)
			continue;
		bit = rstwho_focus_bit(rstwho_flow_hash(&harness_hash_key, &frame.record));
		if (harness_focus(harness, bit, true) ||
		    harness_run_forwarded(harness, bytes, frame.length, &focused) || focused.recorded != 1 ||
		    harness_focus(harness, bit, false)) {
			say("%s: %s: not recorded in focus", object, frame.name);
			good = false;
		}
		count++;
	}
	say("%s: %u forwarded frames recorded in focus", object, count);
	return good && count > 0;
}

static bool run_without_privileges(struct harness *harness, const char *object)
{
	struct expected_frame frame;
	size_t offset = 0;
	// The first is a reset.
	const uint8_t *bytes = next_frame(&offset, &frame);
	char message[256] = "no frame";
	const bool good = bytes && works_without_privileges(harness, bytes, frame.length, message, sizeof(message));

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
	if (!read_frames())
		say("cannot read %s", FRAMES_PATH);
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		say("%s %s", run_object(objects[i]) ? "passed" : "failed", objects[i]);
	for (size_t i = 0; i < sizeof(traces) / sizeof(traces[0]); i++)
		say("%s %s", run_trace(i) ? "passed" : "failed", traces[i].path);
	say("done");
	sync();
	reboot(RB_AUTOBOOT); // qemu ends with -no-reboot
	return EXIT_FAILURE;
}
