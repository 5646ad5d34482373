/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chain of CNI plugins, each started by fork and exec as a runtime does, with nothing else in what is measured: no
 * shell, no jq. Ends the bench when a plugin fails.
 */
#ifndef NSP_TESTS_BENCH_CHAIN_H
#define NSP_TESTS_BENCH_CHAIN_H

#include <jansson.h>
#include <stdbool.h>

#include "tests/bench/node.h"

struct chain {
    const struct node *node;
    const struct node_pod *pod;
    bool has_nsp;   /* after bridge and portmap */
    json_t *result; /* of ADD */
};

struct chain_times {
    double all; /* seconds, of all plugins of the chain */
    double nsp; /* of the last one */
};

struct chain_times chain_add(struct chain *chain);
struct chain_times chain_delete(struct chain *chain);

/* The pod's IPv4 address and its gateway's, from the result. */
void chain_addresses(const struct chain *chain, char address[16], char gateway[16]);

#endif
