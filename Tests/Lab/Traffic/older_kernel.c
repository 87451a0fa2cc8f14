// SPDX-License-Identifier: Apache-2.0
// Preloaded into a program (ld.so(8), LD_PRELOAD): its kernel knows no TCX, as before Linux 6.6, and answers as such a
// one does.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/syscall.h>

enum { TCX_INGRESS = 46, TCX_EGRESS = 47 }; // enum bpf_attach_type since 6.6

typedef long system_call(long number, ...);

static _Bool is_tcx(uint32_t type)
{
	return type == TCX_INGRESS || type == TCX_EGRESS;
}

long syscall(long number, ...)
{
	// Looked up each time: other libraries' constructors may come before one here, and a system call takes longer.
	system_call *real = (system_call *)dlsym(RTLD_NEXT, "syscall");
	long words[6];
	va_list list;

	// Every one of the six, whether it was given or not: they are words that the kernel does not look at then.
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		words[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_bpf) {
		const union bpf_attr *attr = (const union bpf_attr *)(uintptr_t)words[1];

		if ((words[0] == BPF_LINK_CREATE && is_tcx(attr->link_create.attach_type)) ||
		    (words[0] == BPF_PROG_QUERY && is_tcx(attr->query.attach_type))) {
			errno = EINVAL;
			return -1;
		}
	}
	return real(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
