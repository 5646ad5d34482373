/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one packet of a history through one shipped program. */
#ifndef NSP_TESTS_MODEL_PACKETS_H
#define NSP_TESTS_MODEL_PACKETS_H

#include <jansson.h>

#include "tests/bpf/world.h"

/* Beside a started world. */
void packets_start(struct world *world);
void packets_stop(void);
/* Whose shares are read. */
void packets_set_policy(__u32 policy);

/*
 * [program, socket, frame, keep, begins, sequence]: program 0 from the pod, 1 to the pod, 2 to a socket; socket null or
 * [place, protocol, type, passive, untrusted, path, cgroup id] of which the last six matter for a new one; frame in
 * hexadecimal digits. begins 1: the first segment with data from its side, whose number is given. keep 0: the last
 * packet of this socket, so that the program's own return value is seen. Answers [passes (-1: cannot be seen), is
 * reset, [[direction, verdict, reason, count]...], [[profile, verdict, count]...]].
 */
json_t *packets_run(struct world *world, const json_t *packet);
/* All sockets are new again. */
void packets_forget(void);

/* What the sockets remember is `ns` older. */
void packets_wait(__u64 ns);

#endif
