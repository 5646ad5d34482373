/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs remember of the pod beside its sockets. */
#ifndef NSP_TESTS_MODEL_TABLES_H
#define NSP_TESTS_MODEL_TABLES_H

#include <jansson.h>

#include "tests/bpf/world.h"

/* A new history: nothing is remembered. */
json_t *tables_clear(const struct world *world);
/* Time passes: every stamp is `ns` older. */
json_t *tables_wait(const struct world *world, __u64 ns);

#endif
