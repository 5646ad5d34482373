/* SPDX-License-Identifier: Apache-2.0 */
/* A loaded datapath with one pod on the sandbox's veth, whose policy policyd's own code compiles and writes. */
#ifndef NSP_TESTS_BPF_WORLD_H
#define NSP_TESTS_BPF_WORLD_H

#include "datapath/pins.h"
#include "policyd/store.h"
#include "policyd/sync.h"
#include "tests/bpf/owner.h"

struct world {
    struct datapath datapath;
    struct store store;
    struct sync sync;
    __u32 slot, epoch;
    struct pod_tally before; /* as world_mark() found it */
};

/* Fails the running test with the message where something goes wrong. What is pinned stays, for the next group. */
void world_start(struct world *world);
void world_stop(struct world *world);

/* The manifest (YAML, one SecurityProfile in namespace "test") comes in force and the pod is READY. */
void world_apply(struct world *world, const char *manifest);
void world_remove_profile(struct world *world, const char *name);
/* PENDING, perhaps with POD_OPEN. */
void world_set_pending(struct world *world, __u64 flags);

/* A socket owned by the executable at `path` of this pod; type SOCK_STREAM for TCP, SOCK_DGRAM otherwise. */
struct owner world_owner(const struct world *world, const char *path, __u8 protocol);

/* Notes the counters; world_changed() finds what has been counted since: how many, and the last one's place. */
struct change {
    int seen, reported;
    __u8 direction, verdict, reason;
};
void world_mark(struct world *world);
struct change world_changed(const struct world *world);
/* How many have been counted since, in one place. */
int world_counted(const struct world *world, int direction, int verdict, int reason);
/* Traces and learnt flows that have been told since. */
int world_told(const struct world *world);
/* Waits, at most a second, until something has been counted there; fails the test if nothing is. */
void world_wait(const struct world *world, int direction, int verdict, int reason);
/* Violations that the profile at this place of the policy in force ever had. */
int world_share(const struct world *world, int profile, int verdict);
/* Whether seen = reported + suppressed + lost, everywhere. */
int world_adds_up(const struct world *world);

#endif
