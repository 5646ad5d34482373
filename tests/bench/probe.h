/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process of a pod that writes a byte to a live TCP connection every 50 µs, or tries to connect when it has none, and
 * notes when it is refused and when it is let through again. A server outside the pod reads.
 */
#ifndef NSP_TESTS_BENCH_PROBE_H
#define NSP_TESTS_BENCH_PROBE_H

#include <stdbool.h>
#include <sys/types.h>

#include "tests/bench/node.h"

#define PROBE_PORT 7777

struct probe {
    /* Written by the probe; atomic. */
    long long changed_ns; /* CLOCK_MONOTONIC, of the last change of is_allowed */
    int is_allowed;
    int failure;       /* an errno that is neither success nor refusal; ends the probe */
    int is_connecting; /* what failed so: connect, else send */
    pid_t pid, server;
};

/*
 * The probe is this program again, started anew inside the sandbox: whoever changes the mount namespace without exec is
 * not believed to be the file that it names. main() begins with this; it returns unless the program is the probe.
 */
void probe_if_asked(int argc, char **argv);

/* Ends the bench on failure. `address`: of the server, in the calling process's network namespace. */
struct probe *probe_start(const struct node_pod *pod, const char *address);
void probe_stop(struct probe *probe);
/* Until it is refused or allowed; false after some seconds. */
bool probe_wait(const struct probe *probe, bool is_allowed);

#endif
