// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE // unshare, sendmmsg, sched_setaffinity
#include "LiveSupport.h"

#include <CLibbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int live_new_namespace(void)
{
	return unshare(CLONE_NEWNET) == 0 ? 0 : -errno;
}

int live_attach_accepting(int interface, _Bool is_egress)
{
	// return 0 (TC_ACT_OK)
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int program = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "accept_all", "GPL", code, 2, NULL);
	int link;

	if (program < 0)
		return program;
	link = rstwho_link_create(program, interface, is_egress ? RSTWHO_TCX_EGRESS : RSTWHO_TCX_INGRESS, 0);
	close(program);
	return link;
}

int live_drop_net_raw(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, sets) < 0)
		return -errno;
	sets[0].effective &= ~(1u << CAP_NET_RAW);
	sets[0].permitted &= ~(1u << CAP_NET_RAW);
	return syscall(SYS_capset, &header, sets) < 0 ? -errno : 0;
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
