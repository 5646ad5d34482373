/* SPDX-License-Identifier: Apache-2.0 */
/* The table of test_packets.c. */
#ifndef NSP_TESTS_BPF_PACKET_CASES_H
#define NSP_TESTS_BPF_PACKET_CASES_H

#include "datapath/abi.h"
#include "tests/bpf/run.h"

/* What is special about the socket. */
enum who {
    WHO_OWNER,     /* its process runs `path`; without a path: no socket at all */
    WHO_FOREIGN,   /* a socket that our hooks never saw */
    WHO_OTHER_POD, /* a socket of another pod */
    WHO_UNTRUSTED, /* the path cannot be believed */
    WHO_LISTENER,  /* accepted by its process */
};

struct packet_case {
    const char *name;
    enum run_program program;
    const char *path;
    enum who who;
    struct packet_spec packet;
    __u8 verdict; /* enum verdict */
    __u8 reason;
    bool is_reset;
};

extern const char packet_profile[];
extern const struct packet_case packet_cases[];
extern const size_t packet_cases_count;

#endif
