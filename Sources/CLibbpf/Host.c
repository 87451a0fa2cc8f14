// SPDX-License-Identifier: Apache-2.0
// What only C reaches of this machine's state: the kernel's clock discipline, its CPUs, and the offloads of an
// interface by name.
#define _GNU_SOURCE // adjtimex, syscall
#include "CLibbpf.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <malloc.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

// More than any driver has.
#define MAXIMUM_FEATURES 512

int rstwho_clock_is_synchronised(void)
{
	struct timex state = { 0 };

	if (adjtimex(&state) < 0)
		return -errno;
	return !(state.status & STA_UNSYNC);
}

int rstwho_clock_offset(int32_t *offset, int32_t *error)
{
	struct timex state = { 0 };

	if (adjtimex(&state) < 0)
		return -errno;
	*offset = (int32_t)(state.status & STA_NANO ? state.offset / 1000 : state.offset);
	*error = state.status & STA_UNSYNC ? -1 : (int32_t)state.esterror;
	return 0;
}

int rstwho_cpu_bound(uint64_t allowed[RSTWHO_CPU_WORDS])
{
	// The kernel refuses every length that its highest CPU number does not fit into (kernel/sched/syscalls.c).
	for (size_t words = 1; words <= RSTWHO_CPU_WORDS; words *= 2) {
		memset(allowed, 0, RSTWHO_CPU_WORDS * sizeof(*allowed));
		if (syscall(SYS_sched_getaffinity, 0, words * sizeof(*allowed), allowed) >= 0)
			return (int)(words * 64);
		if (errno != EINVAL)
			return -errno;
	}
	return -ERANGE;
}

void rstwho_release_memory(void)
{
	malloc_trim(0);
}

static int ask(int control, const char *interface, void *command)
{
	struct ifreq request = { .ifr_data = command };

	if (strlen(interface) >= sizeof(request.ifr_name))
		return -ENODEV;
	strcpy(request.ifr_name, interface);
	return ioctl(control, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

// How many features the kernel has names for, or a negative errno.
static int count_of(int control, const char *interface)
{
	struct ethtool_sset_info *info = calloc(1, sizeof(*info) + sizeof(uint32_t));
	int result;

	if (!info)
		return -ENOMEM;
	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1ull << ETH_SS_FEATURES;
	result = ask(control, interface, info);
	if (!result)
		result = info->sset_mask && info->data[0] <= MAXIMUM_FEATURES ? (int)info->data[0] : -EOPNOTSUPP;
	free(info);
	return result;
}

// The number of a feature among so many, or a negative errno: -ENOENT where there is none of that name.
static int number_of(int control, const char *interface, const char *feature, uint32_t count)
{
	struct ethtool_gstrings *names = calloc(1, sizeof(*names) + (size_t)count * ETH_GSTRING_LEN);
	int result;

	if (!names)
		return -ENOMEM;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = count;
	result = ask(control, interface, names);
	if (!result) {
		result = -ENOENT;
		for (uint32_t i = 0; i < count && result < 0; i++)
			if (strncmp((const char *)names->data + (size_t)i * ETH_GSTRING_LEN, feature,
				    ETH_GSTRING_LEN) == 0)
				result = (int)i;
	}
	free(names);
	return result;
}

int rstwho_feature_is_on(int control, const char *interface, const char *feature)
{
	const int count = count_of(control, interface);
	const int number = count < 0 ? count : number_of(control, interface, feature, (uint32_t)count);
	const uint32_t blocks = ((uint32_t)count + 31) / 32;
	struct ethtool_gfeatures *features;
	int result;

	if (number < 0)
		return number;
	features = calloc(1, sizeof(*features) + blocks * sizeof(features->features[0]));
	if (!features)
		return -ENOMEM;
	features->cmd = ETHTOOL_GFEATURES;
	features->size = blocks;
	result = ask(control, interface, features);
	if (!result)
		result = features->features[number / 32].active >> number % 32 & 1;
	free(features);
	return result;
}

int rstwho_link_megabits(int control, const char *interface)
{
	struct ethtool_cmd link = { .cmd = ETHTOOL_GSET };
	const int failed = ask(control, interface, &link);
	uint32_t megabits;

	if (failed)
		return failed;
	megabits = ethtool_cmd_speed(&link);
	// All ones, in 16 or 32 bits: the link is down, or has no rate.
	return megabits == 0 || megabits == UINT16_MAX || megabits > INT32_MAX ? -ENODATA : (int)megabits;
}
