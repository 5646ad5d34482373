/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A datapath of its own with one READY pod and one policy, filled as policyd fills it, and the wrappers loaded against
 * its maps. Worlds differ in how many blocks the policy has beside those that are measured.
 */
#ifndef NSP_TESTS_BENCH_WORLD_H
#define NSP_TESTS_BENCH_WORLD_H

#include <linux/types.h>
#include <stdbool.h>

#include "datapath/pins.h"
#include "tests/bench/owner.h"

/* What the bench's rules allow, one prefix and one port each; everything else is refused. */
#define WORLD_SERVER4                                                                                                  \
    {                                                                                                                  \
        10, 20, 0, 9                                                                                                   \
    } /* in one prefix of every rule set */
#define WORLD_SERVER6                                                                                                  \
    {                                                                                                                  \
        0xfd, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9                                                           \
    }
#define WORLD_POD4                                                                                                     \
    {                                                                                                                  \
        10, 19, 0, 2                                                                                                   \
    }
#define WORLD_POD6                                                                                                     \
    {                                                                                                                  \
        0xfd, 0, 0x19, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2                                                           \
    }
#define WORLD_PORT 8080
#define WORLD_OTHER_PORT 9090 /* refused by port */

#define WORLD_NAME "backend.shop.svc.cluster.local"    /* exact: 30 characters, 5 labels */
#define WORLD_STARRED "backend.apps.svc.cluster.local" /* by *.apps.svc.cluster.local, as long */
#define WORLD_DEEP "one.two.apps.example.internal"     /* by **.example.internal */
#define WORLD_FORBIDDEN "backend.evil.svc.cluster.local"
#define WORLD_ALIAS "backend-7.shop.svc.cluster.local"

/* The executables that the policy knows, and one that it does not. */
enum world_binary {
    BINARY_CLIENT,  /* enforce: one IPv4 and one IPv6 prefix */
    BINARY_IGNORED, /* the same rules, action ignore */
    BINARY_CIDRS_1000,
    BINARY_CIDRS_10000,
    BINARY_CIDRS_100000,
    BINARY_RESOLVER, /* may ask for some names */
    BINARY_NAMED,    /* may reach what one name leads to */
    BINARY_HTTP,     /* may GET two paths */
    BINARY_UNLISTED,
    WORLD_BINARIES,
};

enum world_program {
    WORLD_KEEP,
    WORLD_FORGET,
    WORLD_RECEIVE,
    WORLD_ANSWER,
    WORLD_FIRST,
    WORLD_NEXT,
    WORLD_EMPTY,
    WORLD_EMPTY_IN,
    WORLD_PARSE,
    WORLD_PROGRAMS,
};

/* What the policies hold beside what is measured. */
struct world_shape {
    const char *name;
    __u32 others;  /* blocks with a rule set and a name of their own, of up to 250 policies */
    bool is_plain; /* no rule anywhere is about names or requests */
};

struct world {
    struct world_shape shape;
    struct datapath datapath;
    struct bpf_object *wrappers;
    struct owner *owner; /* mapped: the wrappers' variable */
    int programs[WORLD_PROGRAMS];
    int next_tc, next_cgroup; /* program arrays of one entry: what runs after the wrapper */
    __u32 slot, epoch;
};

/* Each ends the bench on failure. */
void world_start(struct world *world, const char *directory, const struct world_shape *shape);
void world_stop(struct world *world);

/* The owner that the wrapper writes into the socket of the next run. */
void world_own(const struct world *world, enum world_binary binary, __u8 protocol, __u8 type);

/* The pod's counters, of all CPUs together. */
struct traffic world_traffic(const struct world *world);
/* A map that the pod's slot has of its own: MAP_FLOWS, MAP_LEARNT. The caller closes it. */
int world_open_table(const struct world *world, enum pins_map map);
/* What a refused request to WORLD_SERVER4 leaves behind: packets to the pod would look for its flow. */
void world_forget_refusal(const struct world *world);
struct tally world_tally(const struct world *world, int direction, int verdict, int reason);

#endif
