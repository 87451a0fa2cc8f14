// SPDX-License-Identifier: Apache-2.0
// The system calls of a running agent. What is not listed fails with EPERM: it is never killed for it, and never gets
// SIGSYS, which EveryThread.c uses.
#define _GNU_SOURCE // syscall
#include "CLibbpf.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

// Those that are allowed whatever their arguments are. Names that only one machine has stand at the end.
static const int allowed[] = {
	// Files
	SYS_read,
	SYS_write,
	SYS_readv,
	SYS_writev,
	SYS_pread64,
	SYS_pwrite64,
	SYS_preadv,
	SYS_pwritev,
	SYS_lseek,
	SYS_close,
	SYS_close_range,
	SYS_dup,
	SYS_dup3,
	SYS_fcntl,
	SYS_ioctl,
	SYS_pipe2,
	SYS_openat,
	SYS_newfstatat,
	SYS_fstat,
	SYS_statx,
	SYS_faccessat,
	SYS_faccessat2,
	SYS_readlinkat,
	SYS_getdents64,
	SYS_getcwd,
	SYS_mkdirat,
	SYS_unlinkat,
	SYS_renameat,
	SYS_renameat2,
	SYS_ftruncate,
	SYS_truncate,
	SYS_fsync,
	SYS_fdatasync,
	SYS_fallocate,
	SYS_flock,
	SYS_fchmod,
	SYS_fchmodat,
	SYS_fchown,
	SYS_umask,
	SYS_utimensat,
	SYS_fadvise64,
	SYS_statfs,
	SYS_fstatfs,
	// Memory
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	SYS_brk,
	SYS_msync,
	SYS_mincore,
	SYS_membarrier,
	// Threads and processes
	SYS_futex,
	SYS_set_robust_list,
	SYS_get_robust_list,
	SYS_rseq,
	SYS_exit,
	SYS_exit_group,
	SYS_gettid,
	SYS_getpid,
	SYS_getppid,
	SYS_sched_yield,
	SYS_sched_getaffinity,
	SYS_set_tid_address,
	SYS_setpriority,
	SYS_getpriority,
	SYS_prctl,
	SYS_tgkill,
	SYS_kill,
	SYS_wait4,
	SYS_waitid,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
	SYS_getgroups,
	SYS_capget,
	SYS_capset,
	SYS_prlimit64,
	SYS_getrusage,
	SYS_sysinfo,
	SYS_uname,
	SYS_getrandom,
	// Time and signals
	SYS_clock_gettime,
	SYS_clock_getres,
	SYS_clock_nanosleep,
	SYS_nanosleep,
	SYS_gettimeofday,
	SYS_timerfd_create,
	SYS_timerfd_settime,
	SYS_timerfd_gettime,
	SYS_adjtimex,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_rt_sigsuspend,
	SYS_rt_sigtimedwait,
	SYS_rt_sigpending,
	SYS_sigaltstack,
	SYS_signalfd4,
	SYS_restart_syscall,
	// Waiting
	SYS_ppoll,
	SYS_pselect6,
	SYS_epoll_create1,
	SYS_epoll_ctl,
	SYS_epoll_pwait,
	SYS_eventfd2,
	// Sockets, but for their creation
	SYS_socketpair,
	SYS_bind,
	SYS_listen,
	SYS_accept,
	SYS_accept4,
	SYS_connect,
	SYS_getsockname,
	SYS_getpeername,
	SYS_setsockopt,
	SYS_getsockopt,
	SYS_sendto,
	SYS_sendmsg,
	SYS_sendmmsg,
	SYS_recvfrom,
	SYS_recvmsg,
	SYS_recvmmsg,
	SYS_shutdown,
	// Programs, maps and links; what of that needs capabilities needs them still
	SYS_bpf,
#ifdef __x86_64__
	SYS_open,
	SYS_stat,
	SYS_lstat,
	SYS_access,
	SYS_readlink,
	SYS_getdents,
	SYS_mkdir,
	SYS_rmdir,
	SYS_unlink,
	SYS_rename,
	SYS_chmod,
	SYS_dup2,
	SYS_pipe,
	SYS_poll,
	SYS_select,
	SYS_epoll_wait,
	SYS_epoll_create,
	SYS_eventfd,
	SYS_time,
	SYS_getrlimit,
	SYS_arch_prctl,
#endif
};

#ifdef MACHINE
#define NAMESPACES                                                                                                     \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

// The families that are in use: not the ones with the most faults in the kernel.
static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET };

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

// A filter that grows. It looks at the low halves of arguments only: the machines are little-endian, and all that is
// compared is in them.
struct filter {
	struct sock_filter code[2 * COUNT(allowed) + 64];
	unsigned short length;
};

static void add(struct filter *filter, struct sock_filter instruction)
{
	filter->code[filter->length++] = instruction;
}

static void load(struct filter *filter, size_t offset)
{
	add(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void end(struct filter *filter, uint32_t verdict)
{
	add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict));
}

// Skips so many instructions unless what is loaded has the value.
static void unless(struct filter *filter, uint32_t value, unsigned char skipped)
{
	add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skipped));
}

// Skips so many instructions unless what is loaded has one of the bits.
static void unless_any(struct filter *filter, uint32_t bits, unsigned char skipped)
{
	add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, skipped));
}

static void fill(struct filter *filter, _Bool starts_programs)
{
	const uint32_t pass = SECCOMP_RET_ALLOW, refused = SECCOMP_RET_ERRNO | EPERM;

	load(filter, offsetof(struct seccomp_data, arch));
	add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0));
	end(filter, refused);
	load(filter, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < COUNT(allowed); i++) {
		unless(filter, (uint32_t)allowed[i], 1);
		end(filter, pass);
	}
	if (starts_programs) {
		unless(filter, SYS_execve, 1);
		end(filter, pass);
	}
	// glibc makes threads by clone where there is no clone3, whose flags cannot be looked at.
	unless(filter, SYS_clone3, 1);
	end(filter, SECCOMP_RET_ERRNO | ENOSYS);
	// No new namespaces.
	unless(filter, SYS_clone, 4);
	load(filter, offsetof(struct seccomp_data, args[0]));
	unless_any(filter, NAMESPACES, 1);
	end(filter, refused);
	end(filter, pass);
	// No memory is writable and executable, and none becomes executable later.
	unless(filter, SYS_mmap, 5);
	load(filter, offsetof(struct seccomp_data, args[2]));
	unless_any(filter, PROT_EXEC, 2);
	unless_any(filter, PROT_WRITE, 1);
	end(filter, refused);
	end(filter, pass);
	unless(filter, SYS_mprotect, 4);
	load(filter, offsetof(struct seccomp_data, args[2]));
	unless_any(filter, PROT_EXEC, 1);
	end(filter, refused);
	end(filter, pass);
	unless(filter, SYS_socket, 1 + 2 * COUNT(families));
	load(filter, offsetof(struct seccomp_data, args[0]));
	for (size_t i = 0; i < COUNT(families); i++) {
		unless(filter, (uint32_t)families[i], 1);
		end(filter, pass);
	}
	end(filter, refused);
}
#endif

int rstwho_confine_calls(_Bool starts_programs)
{
#ifdef MACHINE
	struct filter filter = { .length = 0 };
	struct sock_fprog program = { .filter = filter.code };
	long failed;

	fill(&filter, starts_programs);
	program.len = filter.length;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	// All threads at once. A positive answer is the thread that could not be: it has a filter that this one lacks.
	failed = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
	return failed < 0 ? -errno : failed > 0 ? -ESRCH : 0;
#else
	(void)starts_programs;
	return -EOPNOTSUPP;
#endif
}
