/* SPDX-License-Identifier: Apache-2.0 */
/* One way through the datapath: what goes in, and what must come out in the same run, so that no broken early exit
 * looks fast. */
#ifndef NSP_TESTS_BENCH_PROG_CASE_H
#define NSP_TESTS_BENCH_PROG_CASE_H

#include "tests/bench/bench.h"
#include "tests/bench/packets.h"
#include "tests/bench/reader.h"
#include "tests/bench/world.h"

/* What runs first. */
enum wrapper {
    WRAPPER_NONE,
    WRAPPER_KEEP,    /* the socket keeps its ruling */
    WRAPPER_FORGET,  /* it loses its ruling before each packet */
    WRAPPER_RECEIVE, /* keeps, before cgroup_skb/ingress */
    WRAPPER_ANSWER,  /* the same, and the query has not been answered yet */
    WRAPPER_FIRST,   /* keeps, and each segment is the first of its stream */
    WRAPPER_NEXT,    /* keeps, and each segment is the next of its stream */
    WRAPPERS,
};

enum target {
    TARGET_EMPTY,
    TARGET_PARSE,
    TARGET_FROM_POD,
    TARGET_TO_POD,
    TARGET_INGRESS,
};

/* What happens to the events. */
enum telling {
    TELL_SELDOM, /* the token bucket is empty */
    TELL_ROOM,   /* no limit, nobody reads, the ring has room */
    TELL_FULL,   /* no limit, nobody reads, the ring is full */
    TELL_READER, /* no limit, a reader that sleeps when there is nothing */
};

struct prog_case {
    const char *name;
    double goal, aim;
    enum wrapper wrapper;
    enum target target;
    struct packet_shape packet;
    enum world_binary binary;
    enum telling telling;
    bool grows;    /* measured in every world */
    bool is_named; /* its peer must have been learnt from an answer before */
    /* What must come of it: of the flow. */
    __u8 direction, verdict, reason;
};

extern const struct prog_case prog_cases[];
extern const size_t prog_cases_count;

/* A few thousand runs at a time, so that the ring can take an event of each. */
bool prog_case_is_batch(const struct prog_case *test);
bool prog_case_is_received(const struct prog_case *test);
/* What is subtracted: the same wrapper before an empty program, run as often at a time. */
const struct prog_case *prog_case_baseline(const struct prog_case *test);

/* One packet, whose verdict is checked. */
double prog_case_send(const struct prog_case *test, const struct world *world);
/* Runs it about `runs` times and checks everything; returns nanoseconds of CPU time a run. */
double prog_case_run(const struct prog_case *test, const struct world *world, unsigned int runs);

#endif
