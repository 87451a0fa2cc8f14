// SPDX-License-Identifier: Apache-2.0
#include "trace.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/types.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../../../bpf/drop_trace.h"
#include "../../../bpf/focus.h"
#include "../../../bpf/lease.h"
#include "../../../bpf/reset_trace.h"
#include "../../../bpf/trace_settings.h"

#define CLOSED_PORT 9
#define OPEN_PORT 7

struct seen {
	struct reset_trace_event events[8];
	size_t count;
};

static int take(void *context, void *data, size_t size)
{
	struct seen *seen = context;

	if (size == sizeof(struct reset_trace_event) && seen->count < 8)
		memcpy(&seen->events[seen->count++], data, size);
	return 0;
}

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int control = socket(AF_INET, SOCK_DGRAM, 0);

	ioctl(control, SIOCGIFFLAGS, &request);
	request.ifr_flags |= IFF_UP;
	ioctl(control, SIOCSIFFLAGS, &request);
	close(control);
}

static int connect_to(uint16_t port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int client = socket(AF_INET, SOCK_STREAM, 0);

	connect(client, (const struct sockaddr *)&address, sizeof(address));
	return client;
}

// A connection that is refused, and one that the server closes with SO_LINGER 0.
static void make_resets(void)
{
	const struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(OPEN_PORT) };
	const struct linger abort = { .l_onoff = 1, .l_linger = 0 };
	const int yes = 1;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int client, server;
	char byte;

	close(connect_to(CLOSED_PORT));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	bind(listener, (const struct sockaddr *)&address, sizeof(address));
	listen(listener, 1);
	client = connect_to(OPEN_PORT);
	server = accept(listener, NULL, NULL);
	setsockopt(server, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
	close(server);
	// Until the reset has come in: on a busy machine the client's FIN may cross it and is answered by another.
	recv(client, &byte, sizeof(byte), 0);
	close(client);
	close(listener);
}

static bool gives_reasons(void)
{
	struct utsname system;
	int major = 0, minor = 0;

	uname(&system);
	sscanf(system.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 10);
}

// Before 6.10 there is no event without a socket, and no reason.
static bool is_expected(const struct seen *seen)
{
	const bool reasons = gives_reasons();
	const uint32_t common = reasons ? RESET_TRACE_REASON : 0;
	const struct reset_trace_event *aborted = &seen->events[reasons ? 1 : 0];
	const struct reset_trace_event *refused = &seen->events[0];

	if (seen->count != (reasons ? 2 : 1))
		return false;
	if (reasons && (refused->src_port != CLOSED_PORT || refused->flags != (common | RESET_TRACE_ACK) ||
			refused->process || refused->seq || !refused->ack))
		return false;
	return aborted->src_port == OPEN_PORT && aborted->process == (uint32_t)getpid() && aborted->command[0] &&
	       aborted->flags == (common | RESET_TRACE_ACTIVE | RESET_TRACE_SOCKET | RESET_TRACE_ACK);
}

bool trace_resets(const char *path, char *message, size_t bytes)
{
	struct bpf_object *object = bpf_object__open(path);
	const struct packet_lease lease = { .expires = UINT64_MAX };
	const uint32_t key = 0;
	struct trace_settings settings = { .hash_key = { .ends = 0 } };
	struct stat namespace = { 0 };
	struct seen seen = { .count = 0 };
	struct ring_buffer *ring = NULL;
	struct bpf_link *link = NULL;
	int failed;

	if (!object) {
		snprintf(message, bytes, "%s: %s", path, strerror(errno));
		return false;
	}
	stat("/proc/self/ns/net", &namespace);
	settings.namespace_inode = (uint32_t) namespace.st_ino;
	failed = bpf_map__set_initial_value(bpf_object__find_map_by_name(object, ".rodata"), &settings,
					    sizeof(settings));
	if (!failed)
		failed = bpf_object__load(object);
	if (!failed)
		failed = bpf_map_update_elem(bpf_object__find_map_fd_by_name(object, "lease"), &key, &lease, BPF_ANY);
	if (!failed) {
		link = bpf_program__attach_trace(bpf_object__find_program_by_name(object, "rstwho_reset"));
		ring = ring_buffer__new(bpf_object__find_map_fd_by_name(object, "traces"), take, &seen, NULL);
	}
	if (failed || !link || !ring) {
		snprintf(message, bytes, "%s: cannot be loaded and attached: error %d", path, failed);
	} else {
		raise_loopback();
		make_resets();
		ring_buffer__consume(ring);
		failed = is_expected(&seen) ? 0 : -EINVAL;
		snprintf(message, bytes, "%s: %zu events of a closed port and an abort, %s", path, seen.count,
			 gives_reasons() ? "with reasons" : "without reasons");
	}
	ring_buffer__free(ring);
	bpf_link__destroy(link);
	bpf_object__close(object);
	return !failed && link && ring;
}

struct dropped {
	struct drop_trace_event event;
	uint32_t count; // of SYNs to the closed port
};

static int take_drop(void *context, void *data, size_t size)
{
	struct dropped *dropped = context;
	const struct drop_trace_event *event = data;

	if (size == sizeof(*event) && event->dst_port == CLOSED_PORT && event->tcp_flags & 2) {
		dropped->event = *event;
		dropped->count++;
	}
	return 0;
}

// The running kernel's number for a reason, or -1.
static int64_t reason_named(const char *name)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	const int id = kernel ? btf__find_by_name_kind(kernel, "skb_drop_reason", BTF_KIND_ENUM) : -1;
	int64_t value = -1;

	if (id >= 0) {
		const struct btf_type *type = btf__type_by_id(kernel, (uint32_t)id);

		for (int i = 0; i < btf_vlen(type); i++)
			if (!strcmp(btf__name_by_offset(kernel, btf_enum(type)[i].name_off), name))
				value = btf_enum(type)[i].val;
	}
	btf__free(kernel);
	return value;
}

// What is told of a refused connection with focus on all flows, or on none.
static int refuse(struct bpf_object *object, struct ring_buffer *ring, bool is_focused, struct dropped *dropped)
{
	static struct packet_focus focus;
	const uint32_t key = 0;
	int failed;

	memset(focus.bits, is_focused ? 0xff : 0, sizeof(focus.bits));
	focus.count = is_focused ? PACKET_FOCUS_BITS : 0;
	failed = bpf_map_update_elem(bpf_object__find_map_fd_by_name(object, "focus"), &key, &focus, BPF_ANY);
	if (failed)
		return failed;
	dropped->count = 0;
	close(connect_to(CLOSED_PORT));
	ring_buffer__consume(ring);
	return 0;
}

bool trace_drops(const char *path, char *message, size_t bytes)
{
	struct bpf_object *object = bpf_object__open(path);
	const struct packet_lease lease = { .expires = UINT64_MAX };
	const uint32_t key = 0;
	struct trace_settings settings = { .hash_key = { .ends = 0 } };
	struct stat namespace = { 0 };
	struct dropped dropped = { .count = 0 };
	struct ring_buffer *ring = NULL;
	struct bpf_link *link = NULL;
	bool good = false;
	int failed;

	if (!object) {
		snprintf(message, bytes, "%s: %s", path, strerror(errno));
		return false;
	}
	stat("/proc/self/ns/net", &namespace);
	settings.namespace_inode = (uint32_t) namespace.st_ino;
	failed = bpf_map__set_initial_value(bpf_object__find_map_by_name(object, ".rodata"), &settings,
					    sizeof(settings));
	if (!failed)
		failed = bpf_object__load(object);
	if (!failed)
		failed = bpf_map_update_elem(bpf_object__find_map_fd_by_name(object, "lease"), &key, &lease, BPF_ANY);
	if (!failed) {
		link = bpf_program__attach_trace(bpf_object__find_program_by_name(object, "rstwho_drop"));
		ring = ring_buffer__new(bpf_object__find_map_fd_by_name(object, "drops"), take_drop, &dropped, NULL);
	}
	if (failed || !link || !ring) {
		snprintf(message, bytes, "%s: cannot be loaded and attached: error %d", path, failed);
	} else {
		raise_loopback();
		failed = refuse(object, ring, false, &dropped);
		const uint32_t without = dropped.count;
		failed = failed ? failed : refuse(object, ring, true, &dropped);
		good = !failed && without == 0 && dropped.count == 1 && dropped.event.flags == DROP_TRACE_REASON &&
		       dropped.event.reason == reason_named("SKB_DROP_REASON_NO_SOCKET");
		snprintf(message, bytes, "%s: %u drops told without focus, %u with, reason %u", path, without,
			 dropped.count, dropped.event.reason);
	}
	ring_buffer__free(ring);
	bpf_link__destroy(link);
	bpf_object__close(object);
	return good;
}
