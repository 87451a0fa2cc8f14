// SPDX-License-Identifier: Apache-2.0
// Asks the kernel's connection tracking for one connection by ctnetlink (linux/netfilter/nfnetlink_conntrack.h).
#include "CLibbpf.h"

#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

// More than a connection's attributes take (labels, helpers and names included).
#define ANSWER_BYTES 8192

struct request {
	struct nlmsghdr header;
	struct nfgenmsg family;
	uint8_t attributes[128];
};

static _Bool is_ipv4(const struct rstwho_tuple *tuple)
{
	return tuple->src_high == 0 && tuple->src_low >> 32 == 0xffff;
}

static struct nlattr *put(struct request *request, uint16_t type, const void *data, uint16_t length)
{
	struct nlattr *attribute = (void *)((uint8_t *)request + request->header.nlmsg_len);

	attribute->nla_type = type;
	attribute->nla_len = NLA_HDRLEN + length;
	memcpy((uint8_t *)attribute + NLA_HDRLEN, data, length);
	request->header.nlmsg_len += NLA_ALIGN(attribute->nla_len);
	return attribute;
}

static void end(const struct request *request, struct nlattr *nest)
{
	nest->nla_len = (uint16_t)((const uint8_t *)request + request->header.nlmsg_len - (uint8_t *)nest);
}

static void put_address(struct request *request, _Bool v4, uint16_t type4, uint16_t type6, uint64_t high, uint64_t low)
{
	uint64_t bytes[2] = { __builtin_bswap64(high), __builtin_bswap64(low) };

	if (v4)
		put(request, type4, (uint8_t *)bytes + 12, 4);
	else
		put(request, type6, bytes, 16);
}

static void put_tuple(struct request *request, uint16_t type, const struct rstwho_tuple *tuple)
{
	const uint8_t protocol = IPPROTO_TCP;
	const uint16_t source = htons(tuple->src_port), destination = htons(tuple->dst_port);
	const _Bool v4 = is_ipv4(tuple);
	struct nlattr *whole = put(request, type | NLA_F_NESTED, "", 0);
	struct nlattr *part = put(request, CTA_TUPLE_IP | NLA_F_NESTED, "", 0);

	put_address(request, v4, CTA_IP_V4_SRC, CTA_IP_V6_SRC, tuple->src_high, tuple->src_low);
	put_address(request, v4, CTA_IP_V4_DST, CTA_IP_V6_DST, tuple->dst_high, tuple->dst_low);
	end(request, part);
	part = put(request, CTA_TUPLE_PROTO | NLA_F_NESTED, "", 0);
	put(request, CTA_PROTO_NUM, &protocol, sizeof(protocol));
	put(request, CTA_PROTO_SRC_PORT, &source, sizeof(source));
	put(request, CTA_PROTO_DST_PORT, &destination, sizeof(destination));
	end(request, part);
	end(request, whole);
}

// The attribute of a type within `length` bytes, with its data and their length; NULL where it is not there.
static const uint8_t *find(const uint8_t *bytes, size_t length, uint16_t type, size_t *found)
{
	while (length >= NLA_HDRLEN) {
		struct nlattr attribute;

		memcpy(&attribute, bytes, sizeof(attribute));
		if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > length)
			return NULL;
		if ((attribute.nla_type & NLA_TYPE_MASK) == type) {
			*found = attribute.nla_len - NLA_HDRLEN;
			return bytes + NLA_HDRLEN;
		}
		if ((size_t)NLA_ALIGN(attribute.nla_len) >= length)
			return NULL;
		bytes += NLA_ALIGN(attribute.nla_len);
		length -= NLA_ALIGN(attribute.nla_len);
	}
	return NULL;
}

static _Bool read_address(const uint8_t *bytes, size_t length, uint16_t type4, uint16_t type6, uint64_t *high,
			  uint64_t *low)
{
	size_t found;
	const uint8_t *address = find(bytes, length, type4, &found);
	uint64_t halves[2] = { 0 };

	if (address && found == 4) {
		uint32_t octets;

		memcpy(&octets, address, sizeof(octets));
		*high = 0;
		*low = 0xffff00000000ull | ntohl(octets);
		return true;
	}
	address = find(bytes, length, type6, &found);
	if (!address || found != sizeof(halves))
		return false;
	memcpy(halves, address, sizeof(halves));
	*high = __builtin_bswap64(halves[0]);
	*low = __builtin_bswap64(halves[1]);
	return true;
}

static _Bool read_port(const uint8_t *bytes, size_t length, uint16_t type, uint16_t *port)
{
	size_t found;
	const uint8_t *value = find(bytes, length, type, &found);

	if (!value || found != sizeof(*port))
		return false;
	*port = (uint16_t)(value[0] << 8 | value[1]);
	return true;
}

static _Bool read_tuple(const uint8_t *bytes, size_t length, uint16_t type, struct rstwho_tuple *tuple)
{
	size_t whole_length, part_length;
	const uint8_t *whole = find(bytes, length, type, &whole_length);
	const uint8_t *part = whole ? find(whole, whole_length, CTA_TUPLE_IP, &part_length) : NULL;

	if (!part ||
	    !read_address(part, part_length, CTA_IP_V4_SRC, CTA_IP_V6_SRC, &tuple->src_high, &tuple->src_low) ||
	    !read_address(part, part_length, CTA_IP_V4_DST, CTA_IP_V6_DST, &tuple->dst_high, &tuple->dst_low))
		return false;
	part = find(whole, whole_length, CTA_TUPLE_PROTO, &part_length);
	return part && read_port(part, part_length, CTA_PROTO_SRC_PORT, &tuple->src_port) &&
	       read_port(part, part_length, CTA_PROTO_DST_PORT, &tuple->dst_port);
}

// Asks for the connection one of whose tuples `tuple` is, given as `type`. Fills in `answer`: the length of its
// attributes behind *attributes, or a negative errno.
static ssize_t ask(uint16_t type, const struct rstwho_tuple *tuple, uint8_t answer[ANSWER_BYTES],
		   const uint8_t **attributes)
{
	const struct timeval patience = { .tv_usec = 100000 };
	struct request request = {
		.header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg)),
			    .nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
			    .nlmsg_flags = NLM_F_REQUEST },
		.family = { .nfgen_family = is_ipv4(tuple) ? AF_INET : AF_INET6, .version = NFNETLINK_V0 },
	};
	const size_t start = NLMSG_LENGTH(sizeof(struct nfgenmsg));
	struct nlmsghdr header;
	ssize_t received;
	int result;
	int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (netlink < 0)
		return -errno;
	put_tuple(&request, type, tuple);
	setsockopt(netlink, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	received = send(netlink, &request, request.header.nlmsg_len, 0);
	if (received >= 0)
		received = recv(netlink, answer, ANSWER_BYTES, 0);
	result = received < 0 ? -errno : -EBADMSG;
	close(netlink);
	if (received < (ssize_t)sizeof(header))
		return result;
	memcpy(&header, answer, sizeof(header));
	if (header.nlmsg_type == NLMSG_ERROR && received >= (ssize_t)(sizeof(header) + sizeof(int))) {
		memcpy(&result, answer + sizeof(header), sizeof(result));
		return result < 0 ? result : -EBADMSG;
	}
	if (header.nlmsg_len > (size_t)received || header.nlmsg_len < start ||
	    header.nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW))
		return -EBADMSG;
	*attributes = answer + start;
	return (ssize_t)(header.nlmsg_len - start);
}

int rstwho_conntrack_original(const struct rstwho_tuple *reply, struct rstwho_tuple *original)
{
	_Alignas(struct nlmsghdr) uint8_t answer[ANSWER_BYTES];
	const uint8_t *attributes;
	const ssize_t length = ask(CTA_TUPLE_REPLY, reply, answer, &attributes);

	if (length < 0)
		return (int)length;
	return read_tuple(attributes, (size_t)length, CTA_TUPLE_ORIG, original) ? 0 : -EBADMSG;
}

static uint8_t read_state(const uint8_t *bytes, size_t length)
{
	size_t found;
	const uint8_t *part = find(bytes, length, CTA_PROTOINFO, &found);

	part = part ? find(part, found, CTA_PROTOINFO_TCP, &found) : NULL;
	part = part ? find(part, found, CTA_PROTOINFO_TCP_STATE, &found) : NULL;
	return part && found == 1 ? *part : 0;
}

int rstwho_conntrack_find(const struct rstwho_tuple *tuple, struct rstwho_connection *connection)
{
	_Alignas(struct nlmsghdr) uint8_t answer[ANSWER_BYTES];
	const uint8_t *attributes, *status;
	uint32_t bits = 0;
	// The kernel looks for either direction, whichever the question names (nf_conntrack_find_get).
	const ssize_t length = ask(CTA_TUPLE_ORIG, tuple, answer, &attributes);
	size_t found;

	if (length < 0)
		return (int)length;
	memset(connection, 0, sizeof(*connection));
	if (!read_tuple(attributes, (size_t)length, CTA_TUPLE_ORIG, &connection->original) ||
	    !read_tuple(attributes, (size_t)length, CTA_TUPLE_REPLY, &connection->reply))
		return -EBADMSG;
	status = find(attributes, (size_t)length, CTA_STATUS, &found);
	if (status && found == sizeof(bits)) {
		memcpy(&bits, status, sizeof(bits));
		bits = ntohl(bits);
	}
	connection->is_replied = bits & IPS_SEEN_REPLY;
	connection->is_assured = bits & IPS_ASSURED;
	connection->adjusts_sequence = bits & IPS_SEQ_ADJUST;
	connection->state = read_state(attributes, (size_t)length);
	return 0;
}
