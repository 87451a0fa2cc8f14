// SPDX-License-Identifier: Apache-2.0
// Runs single frames through the loaded programs of the kernel part (BPF_PROG_TEST_RUN) and tells what came out: the
// record, the snapshot, or the counter that moved. For tests, in Swift and under other kernels.
#ifndef BPF_HARNESS_H
#define BPF_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CPacket.h"

enum harness_program { HARNESS_TC_INGRESS, HARNESS_TC_EGRESS, HARNESS_XDP_FRAGS, HARNESS_XDP, HARNESS_PROGRAM_COUNT };

// What became of one frame.
struct harness_result {
	uint32_t verdict; // what the program returned: TC_ACT_UNSPEC or XDP_PASS
	uint32_t refusal; // enum packet_refusal whose counter moved, or 0
	uint32_t records; // entries that came out of the rings
	uint64_t missed; // not looked at
	uint64_t idle; // came after the lease had run out
	uint64_t seen; // by how much the ledger's counters moved
	uint64_t skipped;
	uint64_t recorded;
	uint64_t shed;
	uint64_t refused;
	uint64_t lost;
	bool has_snapshot;
	struct packet_record record;
	struct header_snapshot snapshot;
};

struct harness;

// The key that every harness loads its object with.
extern const struct flow_hash_key harness_hash_key;

// Loads every program of the object file at `path`. NULL on failure, with the reason in `message`.
struct harness *harness_open(const char *path, char *message, size_t size);
// The same; is_preemptible says that programs of a CPU may interrupt each other (PREEMPT_RT).
struct harness *harness_open_as(const char *path, bool is_preemptible, char *message, size_t size);
// The same with so many slots of a record in each CPU's ring, a power of two.
struct harness *harness_open_with(const char *path, uint32_t slots, bool is_preemptible, char *message, size_t size);
void harness_close(struct harness *harness);

// The kernel's count of instructions that it verified for a program; 0 where it does not tell.
uint32_t harness_verified_instructions(const struct harness *harness, enum harness_program program);
// The program's name in the object.
const char *harness_program_name(enum harness_program program);

// Lets the programs work for so many jiffies from now; 0 ends the lease. 0, or a negative errno.
int harness_renew_lease(struct harness *harness, uint64_t ticks);

// Runs a frame through a program. 0, or a negative errno where the kernel does not take such a frame.
int harness_run(struct harness *harness, enum harness_program program, const uint8_t *frame, uint32_t length,
		struct harness_result *result);
// Runs it through the TC egress program as a packet that arrived on an interface and is forwarded.
int harness_run_forwarded(struct harness *harness, const uint8_t *frame, uint32_t length,
			  struct harness_result *result);

// The program's descriptor, for who calls it from a program of its own.
int harness_program_descriptor(const struct harness *harness, enum harness_program program);

// Runs a frame so often through a program, which is one of the harness's or calls one of them, and then empties the
// rings. `way` is the one that counts (enum packet_dir). On the way out it is a forwarded packet. *nanoseconds gets the
// mean of a run, rounded down. 0, or a negative errno.
int harness_repeat(struct harness *harness, int program, uint32_t way, const uint8_t *frame, uint32_t length,
		   uint32_t times, uint32_t *nanoseconds, struct harness_result *result);

// Takes what is in the rings and forgets it.
void harness_drain(struct harness *harness);
// By how much the ledger's counters of a way moved since they were last looked at. 0, or a negative errno.
int harness_count(struct harness *harness, uint32_t way, struct harness_result *result);

// Puts the flows of a bit (rstwho_focus_bit) into focus, or takes them out. 0, or a negative errno.
int harness_focus(struct harness *harness, uint32_t bit, bool is_on);

// Takes the rings of all CPUs, as a program does while it looks at a packet, or lets them go. 0, or a negative errno.
int harness_hold_rings(struct harness *harness, bool is_held);

// Sheds these parts of the flow hashes (rstwho_flow_hash), from the top, in 2^-32; 0 keeps all. 0, or a negative errno.
int harness_shed(struct harness *harness, uint32_t bulk, uint32_t handshakes);

#endif
