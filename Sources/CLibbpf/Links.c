// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE // strnlen
#include "CLibbpf.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/if.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void copy_name(char *to, size_t capacity, const void *from, size_t length)
{
	if (length >= capacity)
		length = capacity - 1;
	memcpy(to, from, length);
	to[length] = 0;
}

static uint32_t number_of(struct rtattr *attribute)
{
	uint32_t value = 0;

	if (RTA_PAYLOAD(attribute) >= sizeof(value))
		memcpy(&value, RTA_DATA(attribute), sizeof(value));
	return value;
}

static void read_info(struct rstwho_link *link, struct rtattr *nest)
{
	int left = (int)RTA_PAYLOAD(nest);

	for (struct rtattr *part = RTA_DATA(nest); RTA_OK(part, left); part = RTA_NEXT(part, left)) {
		if (part->rta_type == IFLA_INFO_KIND)
			copy_name(link->kind, sizeof(link->kind), RTA_DATA(part), RTA_PAYLOAD(part));
	}
}

static void read_xdp(struct rstwho_link *link, struct rtattr *nest)
{
	int left = (int)RTA_PAYLOAD(nest);

	for (struct rtattr *part = RTA_DATA(nest); RTA_OK(part, left); part = RTA_NEXT(part, left)) {
		switch (part->rta_type) {
		case IFLA_XDP_PROG_ID:
		case IFLA_XDP_DRV_PROG_ID:
		case IFLA_XDP_SKB_PROG_ID:
		case IFLA_XDP_HW_PROG_ID:
			if (!link->xdp_program)
				link->xdp_program = number_of(part);
			break;
		default:
			break;
		}
	}
}

static void read_link(struct rstwho_link *link, struct nlmsghdr *message)
{
	const struct ifinfomsg *info = NLMSG_DATA(message);
	int left = (int)IFLA_PAYLOAD(message);
	_Bool is_elsewhere = 0;

	memset(link, 0, sizeof(*link));
	link->index = info->ifi_index;
	link->hardware = info->ifi_type;
	link->flags = info->ifi_flags;
	for (struct rtattr *part = IFLA_RTA(info); RTA_OK(part, left); part = RTA_NEXT(part, left)) {
		switch (part->rta_type & NLA_TYPE_MASK) {
		case IFLA_IFNAME:
			copy_name(link->name, sizeof(link->name), RTA_DATA(part), RTA_PAYLOAD(part));
			break;
		case IFLA_MTU:
			link->mtu = number_of(part);
			break;
		case IFLA_MASTER:
			link->master = (int32_t)number_of(part);
			break;
		case IFLA_LINK:
			link->lower = (int32_t)number_of(part);
			break;
		case IFLA_LINK_NETNSID:
			is_elsewhere = 1;
			break;
		case IFLA_LINKINFO:
			read_info(link, part);
			break;
		case IFLA_XDP:
			read_xdp(link, part);
			break;
		default:
			break;
		}
	}
	// A veth's IFLA_LINK is its peer, an interface's own index means that it stands on nothing, and another
	// namespace's index says nothing here.
	if (strcmp(link->kind, "veth") == 0 || link->lower == link->index || is_elsewhere)
		link->lower = 0;
}

// Sends a dump request and calls `take` with each answer of type `wanted`. 0 or -errno.
static int dump(struct nlmsghdr *request, uint16_t wanted, void (*take)(struct nlmsghdr *message, void *context),
		void *context)
{
	_Alignas(struct nlmsghdr) char buffer[65536];
	int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int failed;

	if (netlink < 0)
		return -errno;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	if (send(netlink, request, request->nlmsg_len, 0) < 0)
		goto failed;
	for (;;) {
		ssize_t received = recv(netlink, buffer, sizeof(buffer), 0);
		int left = (int)received;

		if (received < 0 && errno == EINTR)
			continue;
		if (received <= 0)
			goto failed;
		for (struct nlmsghdr *message = (void *)buffer; NLMSG_OK(message, (uint32_t)left);
		     message = NLMSG_NEXT(message, left)) {
			if (message->nlmsg_type == NLMSG_DONE) {
				close(netlink);
				return 0;
			}
			if (message->nlmsg_type == NLMSG_ERROR) {
				const struct nlmsgerr *error = NLMSG_DATA(message);

				close(netlink);
				return error->error ? error->error : -EIO;
			}
			if (message->nlmsg_type == wanted)
				take(message, context);
		}
	}
failed:
	failed = errno ? -errno : -EIO;
	close(netlink);
	return failed;
}

struct link_list {
	struct rstwho_link *links;
	uint32_t capacity;
	int only;
	int found;
};

static void take_link(struct nlmsghdr *message, void *context)
{
	struct link_list *list = context;
	struct rstwho_link link;

	read_link(&link, message);
	if (list->only && link.index != list->only)
		return;
	if ((uint32_t)list->found < list->capacity && list->links)
		list->links[list->found] = link;
	list->found++;
}

int rstwho_list_links(struct rstwho_link *links, uint32_t capacity, int only)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} request = {
		.header = { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETLINK },
		.info = { .ifi_family = AF_UNSPEC },
	};
	struct link_list list = { .links = links, .capacity = capacity, .only = only };
	int failed = dump(&request.header, RTM_NEWLINK, take_link, &list);

	return failed ? failed : list.found;
}

struct neighbour_list {
	struct rstwho_neighbour *neighbours;
	uint32_t capacity;
	uint32_t found;
};

static void take_neighbour(struct nlmsghdr *message, void *context)
{
	const uint16_t known = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
	struct neighbour_list *list = context;
	const struct ndmsg *entry = NLMSG_DATA(message);
	int left = (int)(message->nlmsg_len - NLMSG_LENGTH(sizeof(*entry)));
	struct rstwho_neighbour neighbour = { .interface = entry->ndm_ifindex,
					      .is_ipv6 = entry->ndm_family == AF_INET6 };
	const size_t length = neighbour.is_ipv6 ? 16 : 4;
	_Bool has_address = 0, has_station = 0;

	if (list->found >= list->capacity || !(entry->ndm_state & known) || entry->ndm_flags & NTF_PROXY ||
	    (entry->ndm_family != AF_INET && entry->ndm_family != AF_INET6))
		return;
	for (struct rtattr *part = (struct rtattr *)((char *)NLMSG_DATA(message) + NLMSG_ALIGN(sizeof(*entry)));
	     RTA_OK(part, left); part = RTA_NEXT(part, left)) {
		if (part->rta_type == NDA_DST && RTA_PAYLOAD(part) == length) {
			memcpy(neighbour.address, RTA_DATA(part), length);
			has_address = 1;
		} else if (part->rta_type == NDA_LLADDR && RTA_PAYLOAD(part) == sizeof(neighbour.station)) {
			memcpy(neighbour.station, RTA_DATA(part), sizeof(neighbour.station));
			has_station = 1;
		}
	}
	// A group address stands for no station.
	if (has_address && has_station && !(neighbour.station[0] & 1))
		list->neighbours[list->found++] = neighbour;
}

int rstwho_list_neighbours(struct rstwho_neighbour *neighbours, uint32_t capacity)
{
	struct {
		struct nlmsghdr header;
		struct ndmsg entry;
	} request = {
		.header = { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETNEIGH },
		.entry = { .ndm_family = AF_UNSPEC },
	};
	struct neighbour_list list = { .neighbours = neighbours, .capacity = capacity };
	int failed = dump(&request.header, RTM_NEWNEIGH, take_neighbour, &list);

	return failed ? failed : (int)list.found;
}

static void count_filter(struct nlmsghdr *message, void *context)
{
	const struct tcmsg *filter = NLMSG_DATA(message);

	// A chain's priority is told too, with handle 0; only filters have one.
	*(int *)context += filter->tcm_handle != 0;
}

int rstwho_clsact_filters(int interface)
{
	static const uint32_t parents[] = { TC_H_MIN_INGRESS, TC_H_MIN_EGRESS };
	int count = 0;

	for (int i = 0; i < 2; i++) {
		struct {
			struct nlmsghdr header;
			struct tcmsg filter;
		} request = {
			.header = { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETTFILTER },
			.filter = { .tcm_family = AF_UNSPEC,
				    .tcm_ifindex = interface,
				    .tcm_parent = TC_H_MAKE(TC_H_CLSACT, parents[i]) },
		};
		int failed = dump(&request.header, RTM_NEWTFILTER, count_filter, &count);

		if (failed)
			return failed;
	}
	return count;
}

int rstwho_control_socket(void)
{
	int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return control < 0 ? -errno : control;
}

_Bool rstwho_has_interface(int control, int interface)
{
	struct ifreq request = { .ifr_ifindex = interface };

	return ioctl(control, SIOCGIFNAME, &request) == 0 || errno != ENODEV;
}

int rstwho_promiscuous_socket(int interface)
{
	// Protocol 0: the socket itself receives nothing.
	int packet = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct packet_mreq request = { .mr_ifindex = interface, .mr_type = PACKET_MR_PROMISC };

	if (packet < 0)
		return -errno;
	if (setsockopt(packet, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof(request)) < 0) {
		int failed = -errno;

		close(packet);
		return failed;
	}
	return packet;
}

int rstwho_hold_name(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int holder = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t length = strnlen(name, sizeof(address.sun_path) - 1);

	if (holder < 0)
		return -errno;
	memcpy(address.sun_path + 1, name, length);
	if (bind(holder, (const struct sockaddr *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)) < 0) {
		int failed = -errno;

		close(holder);
		return failed;
	}
	return holder;
}
