/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods of one node that talk to each other, with and without us: made by the CNI plugins, judged by profiles that a
 * real policyd reads. All their processes run on one CPU, since waking another costs more than all that is measured.
 */
#ifndef NSP_TESTS_BENCH_TOWN_H
#define NSP_TESTS_BENCH_TOWN_H

#include <stdbool.h>

#include "tests/bench/peer.h"

enum town_pod {
    TOWN_SERVER,        /* without the nsp plugin */
    TOWN_SERVER_JUDGED, /* with a profile whose ingress allows the clients */
    TOWN_PLAIN,         /* a client without the nsp plugin; asks TOWN_SERVER, the others TOWN_SERVER_JUDGED */
    TOWN_RULES,         /* a client whose rules have addresses and ports */
    TOWN_NAMES,         /* a client whose rules have names and requests too */
    TOWN_TOLD,          /* the same with the action alert, and each name that it asks for is an event */
    TOWN_PODS,
};

/* The names that TOWN_NAMES may ask for; end with NULL. Ends the bench on failure; town_stop() is its clean-up. */
void town_start(const char *const *names);
void town_stop(void);

/* Microseconds for each of `count`. */
double town_ask(enum town_pod client, enum peer_work work, unsigned int count, const char *name);

/* What was counted of a judged pod since town_start: violations of all kinds, and how many of them became events. */
struct town_counts {
    unsigned long packets, violations, reported, unlike; /* unlike: violations that are no name asked for */
    unsigned int learnt;                                 /* addresses */
};
struct town_counts town_count(enum town_pod pod);

/*
 * Ends the bench unless nothing was refused where all is allowed, names were learnt where there are rules for them, and
 * TOWN_TOLD's queries, `queries` of them, were all counted as violations. Returns the share of those that were told.
 */
double town_check(unsigned long queries);

#endif
