// SPDX-License-Identifier: Apache-2.0
// libbpf for Swift: what Swift cannot import (macros, option structs with bit-fields, the embedded object), and the
// drain of the rings, which is C so that no call per packet crosses into Swift.
#ifndef CLIBBPF_H
#define CLIBBPF_H

#include <CPacket.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdint.h>

#include "../../../bpf/counters.h"
#include "../../../bpf/drop_trace.h"
#include "../../../bpf/focus.h"
#include "../../../bpf/lease.h"
#include "../../../bpf/reset_trace.h"
#include "../../../bpf/rings.h"
#include "../../../bpf/settings.h"
#include "../../../bpf/shedding.h"
#include "../../../bpf/trace_settings.h"

// All functions return 0 or a non-negative result, or a negative errno.

// The kernel part, as it was compiled into this binary.
const void *_Nonnull rstwho_object_bytes(void);
size_t rstwho_object_size(void);

// Silences libbpf's own messages on stderr: errors are told by us.
void rstwho_quiet_libbpf(void);

// Opens the embedded object under the name that its maps bear in bpftool. NULL with errno.
struct bpf_object *_Nullable rstwho_open_object(const void *_Nonnull bytes, size_t size);

// Attaches a program to an interface; the descriptor that is returned is the link. `attach_type` is one of these, or
// BPF_XDP, for which `flags` are XDP_FLAGS_*; for TCX they are BPF_F_*. (The TCX types are younger than the headers
// that we build with.)
#define RSTWHO_TCX_INGRESS 46
#define RSTWHO_TCX_EGRESS 47
int rstwho_link_create(int program, int interface, int attach_type, uint32_t flags);

// The interface that a link of ours is attached to; 0 once somebody has detached it.
int rstwho_link_interface(int link, uint32_t *_Nonnull interface);
// Detaches every link of the system whose program has one of the ids. How many there were, or a negative errno.
int rstwho_detach_links(const uint32_t *_Nonnull program_ids, uint32_t count);
// A loaded program's id.
int rstwho_program_id(int program, uint32_t *_Nonnull program_id);

// clsact, where there is no TCX (before Linux 6.6). A filter is named by interface, way, handle and priority.
struct rstwho_filter {
	int interface;
	uint32_t is_egress;
	uint32_t handle;
	uint32_t priority;
};
int rstwho_clsact_create(int interface); // -EEXIST where there is one
int rstwho_clsact_destroy(int interface); // with everything on it
int rstwho_clsact_filters(int interface); // how many are on it, whosever
int rstwho_filter_attach(const struct rstwho_filter *_Nonnull filter, int program);
int rstwho_filter_detach(const struct rstwho_filter *_Nonnull filter);
int rstwho_filter_program(const struct rstwho_filter *_Nonnull filter, uint32_t *_Nonnull program_id);

// The XDP program of an interface: 0 and *program_id 0 where there is none.
int rstwho_xdp_program(int interface, uint32_t *_Nonnull program_id);

// The programs on an interface's TCX hook. Fills in up to `capacity` ids and returns how many. -EINVAL: no TCX here.
int rstwho_tcx_programs(int interface, _Bool is_egress, uint32_t *_Nonnull ids, uint32_t capacity);

// A loaded program's name, for telling ours from foreign ones.
#define RSTWHO_PROGRAM_NAME_BYTES 16
int rstwho_program_name(uint32_t program_id, char name[_Nonnull RSTWHO_PROGRAM_NAME_BYTES]);

// Runs a SEC("syscall") program once. Returns its result (0 or positive), or a negative errno.
int rstwho_run_program(int program, const void *_Nonnull context, uint32_t size);

// An interface of this network namespace, as rtnetlink(7) tells it.
struct rstwho_link {
	char name[16]; // IFNAMSIZ
	char kind[16]; // veth, bond, vlan …; empty for hardware
	int32_t index;
	int32_t master; // the bond, team or bridge that it belongs to, or 0
	int32_t lower; // the underlying interface in this namespace (of a VLAN, a tunnel), or 0; unset for a veth
	uint32_t mtu;
	uint32_t flags; // IFF_*
	uint32_t xdp_program; // id, or 0
	uint16_t hardware; // ARPHRD_*
};

// Fills in up to `capacity` links, all of them or those with index `only` (0 for all). Returns how many there are,
// which may be more.
int rstwho_list_links(struct rstwho_link *_Nullable links, uint32_t capacity, int only);

// A socket for ioctl(2) on interfaces of the namespace that it was made in.
int rstwho_control_socket(void);
// False once no interface has this index.
_Bool rstwho_has_interface(int control, int interface);

// Whether an offload, named as ethtool(8) shows it with -k (rx-gro-hw), is on: 1 or 0. -ENOENT where there is none of
// that name.
int rstwho_feature_is_on(int control, const char *_Nonnull interface, const char *_Nonnull feature);
// The rate of an interface's link, Mbit/s. -ENODATA where it has none now.
int rstwho_link_megabits(int control, const char *_Nonnull interface);

// The number that every possible CPU's number is below, a multiple of 64: from sched_getaffinity(2), so that no mounted
// or masked file has a say. Fills in the CPUs that the calling thread may run on, one bit each.
#define RSTWHO_CPU_WORDS 1024
int rstwho_cpu_bound(uint64_t allowed[_Nonnull RSTWHO_CPU_WORDS]);

// Gives free memory of this process back to the kernel, which malloc(3) does by itself only at the heap's end.
void rstwho_release_memory(void);

// Whether something keeps the kernel's clock in step (STA_UNSYNC, adjtimex(2)): 1 or 0.
int rstwho_clock_is_synchronised(void);

// The offset of the kernel's clock and its estimated error, in microseconds; an error of -1 where nothing keeps it in
// step. 0 or a negative errno.
int rstwho_clock_offset(int32_t *_Nonnull offset, int32_t *_Nonnull error);

// Makes an interface promiscuous as long as the socket that is returned is open.
int rstwho_promiscuous_socket(int interface);

// Leaves every thread of this process with nothing but `capabilities` (bits by number, linux/capability.h), of which it
// keeps what it has; programs that it starts inherit them, and nothing gives more (no_new_privs). -ETIMEDOUT where some
// thread could not be reached within two seconds. One call at a time.
int rstwho_keep_capabilities(uint64_t capabilities);

// Confines every thread of this process, and those that they start, for good (Landlock): files below the paths are all
// that can be opened (NULL ends a list), those of `readable` for reading only; without `executable` no program can be
// started. 0, or a negative errno: -EOPNOTSUPP where the kernel has no Landlock.
int rstwho_confine_files(const char *_Nullable const *_Nonnull writable, const char *_Nullable const *_Nonnull readable,
			 const char *_Nullable const *_Nonnull executable);

// Leaves this process and the threads and programs that it starts with the system calls that the agent makes; all
// others fail with EPERM (seccomp). 0, or a negative errno: -EOPNOTSUPP on other machines than x86-64 and arm64.
int rstwho_confine_calls(_Bool starts_programs);

// Holds a name in this network namespace (an abstract Unix socket) as long as the socket that is returned is open.
// -EADDRINUSE where another process holds it.
int rstwho_hold_name(const char *_Nonnull name);

// An address on a link that this network namespace has talked to, and the MAC address that answered for it.
struct rstwho_neighbour {
	int32_t interface;
	_Bool is_ipv6;
	uint8_t station[6];
	uint8_t address[16]; // network order; IPv4 in the first four bytes
};

// The neighbours that the kernel knows, at most `capacity`. Their number, or a negative errno.
int rstwho_list_neighbours(struct rstwho_neighbour *_Nonnull neighbours, uint32_t capacity);

// A socket that hears of each address that this network namespace gets or loses.
int rstwho_address_watch(void);
// The same for interfaces that come, go or change.
int rstwho_link_watch(void);
// True if there was one since the last call, or if some were missed. Does not wait.
_Bool rstwho_watch_changed(int watch);

// An eventfd, which the Glibc module for Swift lacks. Waiting: true once something other than 0 was written to it.
int rstwho_event_create(void);
_Bool rstwho_event_wait(int event, uint64_t nanoseconds);

// The kernel part's focus, mapped from its map's descriptor, which may be closed then. NULL with errno.
struct packet_focus *_Nullable rstwho_focus_map(int map);
void rstwho_focus_unmap(struct packet_focus *_Nullable focus);
// Sets or clears a bit (rstwho_focus_bit). One writer at a time.
void rstwho_focus_set(struct packet_focus *_Nonnull focus, uint32_t bit, _Bool is_on);

// The optional objects: the one that tells of the resets that this machine's own TCP stack sends, and the one that
// tells of packets of focused flows that its kernel drops. NULL with errno.
struct bpf_object *_Nullable rstwho_open_reset_trace(void);
struct bpf_object *_Nullable rstwho_open_drop_trace(void);

// Calls `handle` for each member of an enumeration of the running kernel, for example "sk_rst_reason". Returns how
// many: -ENOENT where the kernel has none of that name, or no BTF.
int rstwho_kernel_names(const char *_Nonnull enumeration, void *_Nullable context,
			void (*_Nonnull handle)(void *_Nullable context, uint32_t value, const char *_Nonnull name));

// A ring of such objects' events, all of `event_bytes`.
struct rstwho_traces;
struct rstwho_traces *_Nullable rstwho_traces_open(int descriptor, uint32_t event_bytes); // NULL with errno
void rstwho_traces_close(struct rstwho_traces *_Nullable traces);
// Takes up to `capacity` events, in the order of the ring. Returns how many.
int rstwho_traces_next(struct rstwho_traces *_Nonnull traces, void *_Nonnull events, uint32_t capacity);

// One direction of a TCP connection; addresses as in struct packet_record.
struct rstwho_tuple {
	uint64_t src_high;
	uint64_t src_low;
	uint64_t dst_high;
	uint64_t dst_low;
	uint16_t src_port;
	uint16_t dst_port;
};

// The original direction of the tracked connection whose replies look like `reply` before they are translated back.
// -ENOENT where this network namespace tracks none. Waits 100 ms at most.
int rstwho_conntrack_original(const struct rstwho_tuple *_Nonnull reply, struct rstwho_tuple *_Nonnull original);

// A tracked connection: how packets of both directions arrive, what was seen of it (IPS_SEEN_REPLY, IPS_ASSURED,
// IPS_SEQ_ADJUST of linux/netfilter/nf_conntrack_common.h), and its TCP_CONNTRACK_* state (nf_conntrack_tcp.h), 0 where
// the kernel does not tell.
struct rstwho_connection {
	struct rstwho_tuple original;
	struct rstwho_tuple reply;
	_Bool is_replied;
	_Bool is_assured;
	_Bool adjusts_sequence;
	uint8_t state;
};
// The tracked connection one of whose directions arrives as `tuple`, in the default zone. Errors as above.
int rstwho_conntrack_find(const struct rstwho_tuple *_Nonnull tuple, struct rstwho_connection *_Nonnull connection);

// The drain: takes records out of all rings in the order of their times.
//
// A ring is never reordered; the ring whose next record is oldest is taken first. A record becomes visible only when it
// is sure that no ring holds or will get an older one: that is so up to the clock read before the rings are looked at,
// but for a ring whose program is in the middle of a packet. Where a record says that it is older than what its ring
// has told before (a bulk record's time is that of an earlier look at the clock), its time is that of what was told.
//
// Not safe for use by two threads at once.
struct rstwho_drain;

// For `ring_count` rings, by CPU, of `ring_slots` each, a power of two; none is attached yet. NULL where memory is
// short.
struct rstwho_drain *_Nullable rstwho_drain_create(uint32_t ring_count, uint32_t ring_slots);
void rstwho_drain_destroy(struct rstwho_drain *_Nullable drain);

// Maps the maps `rings` and `ring_positions` (bpf/rings.h). The descriptors are not kept. No record may be older than
// this call. Once only.
int rstwho_drain_map(struct rstwho_drain *_Nonnull drain, int rings, int positions);

// Attaches memory that is laid out as those maps are. No record is older than `since`, ns. For tests of the order.
void rstwho_drain_attach(struct rstwho_drain *_Nonnull drain, const struct packet_record *_Nonnull slots,
			 struct ring_position *_Nonnull positions, uint64_t since);

struct rstwho_drained {
	uint32_t count; // packets filled in
	_Bool has_more; // the arrays were too small for what was ready
	uint64_t watermark; // ns since 1970: no older packet will follow
	uint32_t backlog; // bytes that waited in the fullest ring
};

// Takes up to `capacity` packets. `now`: CLOCK_MONOTONIC in ns, read before the call. `offset` is added to it for times
// since 1970. A snapshot of headers goes to snapshots[i] for packets[i] that has one, and is pointed to from there.
struct rstwho_drained rstwho_drain_next(struct rstwho_drain *_Nonnull drain, uint64_t now, int64_t offset,
					struct observed_packet *_Nonnull packets,
					struct header_snapshot *_Nonnull snapshots, uint32_t capacity);

// Entries that were written and not yet taken.
uint64_t rstwho_drain_waiting(const struct rstwho_drain *_Nonnull drain);

// Whether a program is in the middle of a packet, whose record may follow.
_Bool rstwho_drain_is_busy(const struct rstwho_drain *_Nonnull drain);

// Records taken so far, of one class.
uint64_t rstwho_drain_consumed(const struct rstwho_drain *_Nonnull drain, uint32_t packet_class);

// A packet socket that is bound to an interface: its descriptor. Without a link header packets begin with that of the
// network. A receive waits for 100 ms at most.
int rstwho_packet_socket(int interface, int has_link_header);

struct rstwho_packet {
	_Bool has_link_header; // set by the caller
	uint8_t *_Nullable bytes; // in the caller's buffer
	uint32_t length;
	uint32_t wire_length;
	uint64_t time; // ns since 1970
	uint8_t type; // PACKET_HOST ... PACKET_OUTGOING
	uint16_t protocol; // ETH_P_*
};

// 1 with a packet, 0 without one. `size` is more than 4: a VLAN tag that was taken out is put back into the frame.
int rstwho_packet_receive(int descriptor, uint8_t *_Nonnull buffer, size_t size, int waits,
			  struct rstwho_packet *_Nonnull packet);

// Packets since the last call that found no room in the socket.
int rstwho_packet_drops(int descriptor, uint32_t *_Nonnull drops);

#endif
