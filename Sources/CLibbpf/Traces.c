// SPDX-License-Identifier: Apache-2.0
#include "CLibbpf.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#if !__has_embed("../../build/reset_trace.bpf.o") || !__has_embed("../../build/drop_trace.bpf.o")
#error "The kernel part is not built: run `make bpf` first (it needs clang and libbpf-dev), then build again."
#else
// Aligned as libelf reads it.
_Alignas(16) static const unsigned char reset_object[] = {
#embed "../../build/reset_trace.bpf.o"
};
_Alignas(16) static const unsigned char drop_object[] = {
#embed "../../build/drop_trace.bpf.o"
};
#endif

struct bpf_object *rstwho_open_reset_trace(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "rstwho_trace");

	return bpf_object__open_mem(reset_object, sizeof(reset_object), &options);
}

struct bpf_object *rstwho_open_drop_trace(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "rstwho_drops");

	return bpf_object__open_mem(drop_object, sizeof(drop_object), &options);
}

int rstwho_kernel_names(const char *enumeration, void *context,
			void (*handle)(void *context, uint32_t value, const char *name))
{
	struct btf *kernel = btf__load_vmlinux_btf();
	const struct btf_type *type;
	int id, count;

	if (!kernel)
		return -ENOENT;
	id = btf__find_by_name_kind(kernel, enumeration, BTF_KIND_ENUM);
	if (id < 0) {
		btf__free(kernel);
		return -ENOENT;
	}
	type = btf__type_by_id(kernel, (uint32_t)id);
	count = btf_vlen(type);
	for (int i = 0; i < count; i++) {
		const struct btf_enum *member = &btf_enum(type)[i];
		const char *name = btf__name_by_offset(kernel, member->name_off);

		handle(context, (uint32_t)member->val, name ? name : "");
	}
	btf__free(kernel);
	return count;
}

struct rstwho_traces {
	struct ring_buffer *ring;
	uint32_t event_bytes;
	uint8_t *events; // where the events go that are being taken
	uint32_t capacity;
	uint32_t count;
};

static int take(void *context, void *data, size_t size)
{
	struct rstwho_traces *traces = context;

	if (size == traces->event_bytes && traces->count < traces->capacity)
		memcpy(traces->events + size * traces->count++, data, size);
	// An error ends the look at the ring after this event: there is no room for another.
	return traces->count < traces->capacity ? 0 : -ENOSPC;
}

struct rstwho_traces *rstwho_traces_open(int descriptor, uint32_t event_bytes)
{
	struct rstwho_traces *traces = calloc(1, sizeof(*traces));

	if (!traces)
		return NULL;
	traces->event_bytes = event_bytes;
	traces->ring = ring_buffer__new(descriptor, take, traces, NULL);
	if (!traces->ring) {
		free(traces);
		return NULL;
	}
	return traces;
}

void rstwho_traces_close(struct rstwho_traces *traces)
{
	if (!traces)
		return;
	ring_buffer__free(traces->ring);
	free(traces);
}

int rstwho_traces_next(struct rstwho_traces *traces, void *events, uint32_t capacity)
{
	int result;

	traces->events = events;
	traces->capacity = capacity;
	traces->count = 0;
	result = ring_buffer__consume(traces->ring);
	return result < 0 && result != -ENOSPC ? result : (int)traces->count;
}
