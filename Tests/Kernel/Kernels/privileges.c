// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE // pipe2
#include "privileges.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOPBACK 1 // its index, in every network namespace
#define TCX_INGRESS 46 // enum bpf_attach_type, from Linux 6.6 on

static int give_up(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};

	for (int i = 0; i < 64; i++)
		prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return syscall(SYS_capset, &header, none) == 0 ? 0 : -errno;
}

static int attach(struct harness *harness, enum harness_program program, int type, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
	const int link = bpf_link_create(harness_program_descriptor(harness, program), LOOPBACK,
					 (enum bpf_attach_type)type, &options);

	if (link < 0)
		return link;
	close(link);
	return 0;
}

// The first thing that does not work, or NULL; *failed gets its errno.
static const char *try_all(struct harness *harness, const uint8_t *frame, uint32_t length, bool *has_tcx, int *failed)
{
	struct harness_result result;
	int map;

	if ((*failed = give_up()))
		return "capabilities cannot be given up";
	if ((*failed = harness_renew_lease(harness, 1000)))
		return "the lease";
	if ((*failed = harness_run(harness, HARNESS_TC_INGRESS, frame, length, &result)) || result.seen != 1)
		return "a run and its counters";
	if ((*failed = harness_shed(harness, 1, 0)) || (*failed = harness_shed(harness, 0, 0)))
		return "shedding";
	if ((*failed = attach(harness, HARNESS_XDP, BPF_XDP, XDP_FLAGS_SKB_MODE)))
		return "attaching XDP";
	*failed = attach(harness, HARNESS_TC_INGRESS, TCX_INGRESS, 0);
	*has_tcx = *failed != -EINVAL; // an older kernel does not know the type
	if (*has_tcx && *failed)
		return "attaching TCX";
	map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "none", 4, 4, 1, NULL);
	*failed = map;
	return map == -EPERM ? NULL : "loading is not refused: privileges were not given up";
}

bool works_without_privileges(struct harness *harness, const uint8_t *frame, uint32_t length, char *message,
			      size_t bytes)
{
	int status = 0, disabled = open("/proc/sys/kernel/unprivileged_bpf_disabled", O_WRONLY | O_CLOEXEC);
	ssize_t count;
	int ends[2];
	pid_t child;

	// As Debian has it: nothing for those without privileges, until root says otherwise.
	if (disabled < 0 || write(disabled, "2", 1) != 1 || close(disabled) || pipe2(ends, O_CLOEXEC)) {
		snprintf(message, bytes, "cannot begin: %s", strerror(errno));
		return false;
	}
	child = fork();
	if (child == 0) {
		bool has_tcx = false;
		int failed = 0;
		const char *what = try_all(harness, frame, length, &has_tcx, &failed);

		if (what)
			dprintf(ends[1], "without capabilities: %s: %s", what, strerror(failed < 0 ? -failed : failed));
		else
			dprintf(ends[1], "without capabilities: lease, counters, shedding, attaching (XDP%s)",
				has_tcx ? ", TCX" : "");
		_exit(what != NULL);
	}
	close(ends[1]);
	count = child < 0 ? -1 : read(ends[0], message, bytes - 1);
	close(ends[0]);
	message[count > 0 ? count : 0] = 0;
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}
