/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NSP_TESTS_BENCH_PEER_CLIENT_H
#define NSP_TESTS_BENCH_PEER_CLIENT_H

#include "tests/bench/peer.h"

struct peer_order {
    enum peer_work work;
    unsigned int count;
    char name[256];
};

struct peer_reply {
    double seconds;
    int failure;     /* an errno: what went wrong, or EPROTO for a wrong answer; 0: all is well */
    unsigned int at; /* how many were done until then */
};

/* Does what comes in by `control` until that is closed. */
_Noreturn void peer_work_for(int control, const char *server_text);

#endif
