// SPDX-License-Identifier: Apache-2.0
#include "CLibbpf.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int rstwho_link_create(int program, int interface, int attach_type, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);

	return bpf_link_create(program, interface, (enum bpf_attach_type)attach_type, &options);
}

int rstwho_link_interface(int link, uint32_t *interface)
{
	struct bpf_link_info info = {};
	uint32_t size = sizeof(info);
	int failed = bpf_obj_get_info_by_fd(link, &info, &size);

	// XDP's and TCX's part both begin with the interface (linux/bpf.h); the headers that we build with lack the
	// latter.
	*interface = info.xdp.ifindex;
	return failed;
}

int rstwho_detach_links(const uint32_t *program_ids, uint32_t count)
{
	uint32_t id = 0;
	int detached = 0;

	while (bpf_link_get_next_id(id, &id) == 0) {
		struct bpf_link_info info = {};
		uint32_t size = sizeof(info);
		const int link = bpf_link_get_fd_by_id(id);
		int failed = 0;

		if (link < 0) {
			// It has gone meanwhile.
			if (errno == ENOENT)
				continue;
			return -errno;
		}
		if (bpf_obj_get_info_by_fd(link, &info, &size) == 0)
			for (uint32_t i = 0; i < count && !failed; i++)
				if (info.prog_id == program_ids[i]) {
					failed = bpf_link_detach(link);
					detached += !failed;
					break;
				}
		close(link);
		if (failed)
			return failed;
	}
	return detached;
}

int rstwho_program_id(int program, uint32_t *program_id)
{
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);
	int failed = bpf_obj_get_info_by_fd(program, &info, &size);

	*program_id = info.id;
	return failed;
}

static struct bpf_tc_hook hook_of(int interface, enum bpf_tc_attach_point point)
{
	struct bpf_tc_hook hook = {
		.sz = sizeof(hook),
		.ifindex = interface,
		.attach_point = point,
	};

	return hook;
}

int rstwho_clsact_create(int interface)
{
	struct bpf_tc_hook hook = hook_of(interface, BPF_TC_INGRESS);

	return bpf_tc_hook_create(&hook);
}

int rstwho_clsact_destroy(int interface)
{
	struct bpf_tc_hook hook = hook_of(interface, BPF_TC_INGRESS | BPF_TC_EGRESS);

	return bpf_tc_hook_destroy(&hook);
}

static struct bpf_tc_hook hook_of_filter(const struct rstwho_filter *filter)
{
	return hook_of(filter->interface, filter->is_egress ? BPF_TC_EGRESS : BPF_TC_INGRESS);
}

int rstwho_filter_attach(const struct rstwho_filter *filter, int program)
{
	struct bpf_tc_hook hook = hook_of_filter(filter);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program, .handle = filter->handle, .priority = filter->priority);

	return bpf_tc_attach(&hook, &options);
}

int rstwho_filter_detach(const struct rstwho_filter *filter)
{
	struct bpf_tc_hook hook = hook_of_filter(filter);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = filter->handle, .priority = filter->priority);

	return bpf_tc_detach(&hook, &options);
}

int rstwho_filter_program(const struct rstwho_filter *filter, uint32_t *program_id)
{
	struct bpf_tc_hook hook = hook_of_filter(filter);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = filter->handle, .priority = filter->priority);
	int failed = bpf_tc_query(&hook, &options);

	*program_id = options.prog_id;
	return failed;
}

int rstwho_xdp_program(int interface, uint32_t *program_id)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, options);
	int failed = bpf_xdp_query(interface, 0, &options);

	// In the mode that has several programs (driver and hardware) the first that is set stands for them.
	*program_id = options.prog_id	    ? options.prog_id
		      : options.drv_prog_id ? options.drv_prog_id
		      : options.skb_prog_id ? options.skb_prog_id
					    : options.hw_prog_id;
	return failed;
}

int rstwho_tcx_programs(int interface, _Bool is_egress, uint32_t *ids, uint32_t capacity)
{
	int type = is_egress ? RSTWHO_TCX_EGRESS : RSTWHO_TCX_INGRESS;
	int failed = bpf_prog_query(interface, (enum bpf_attach_type)type, 0, NULL, ids, &capacity);

	return failed ? failed : (int)capacity;
}

int rstwho_program_name(uint32_t program_id, char name[RSTWHO_PROGRAM_NAME_BYTES])
{
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);
	int descriptor = bpf_prog_get_fd_by_id(program_id);
	int failed;

	if (descriptor < 0)
		return descriptor;
	failed = bpf_obj_get_info_by_fd(descriptor, &info, &size);
	close(descriptor);
	_Static_assert(sizeof(info.name) == RSTWHO_PROGRAM_NAME_BYTES, "the kernel's BPF_OBJ_NAME_LEN");
	memcpy(name, info.name, RSTWHO_PROGRAM_NAME_BYTES);
	return failed;
}
