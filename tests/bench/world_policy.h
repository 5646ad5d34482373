/* SPDX-License-Identifier: Apache-2.0 */
/* The one policy of a world: its blocks, rules, ports and prefixes, written as policyd's sync writes them. */
#ifndef NSP_TESTS_BENCH_WORLD_POLICY_H
#define NSP_TESTS_BENCH_WORLD_POLICY_H

#include "tests/bench/world.h"

#define WORLD_POLICY 1

void world_write_policy(const struct world *world);
/* The ruling of a UDP flow from the pod that some part allows and whose datagrams are read. */
__u64 world_ruling(void);
/* The key under which the policy knows an executable. */
void world_path(const struct world *world, enum world_binary binary, __u8 path[16]);

#endif
