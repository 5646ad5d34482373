/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the bench tells its wrappers (owner.bpf.c): who owns the socket of the packets that follow. */
#ifndef NSP_TESTS_BENCH_OWNER_H
#define NSP_TESTS_BENCH_OWNER_H

#include <linux/types.h>

#include "datapath/abi.h"

struct owner {
    __u32 slot;
    __u32 epoch;
    __u8 protocol;
    __u8 type; /* SOCK_STREAM ... */
    __u8 is_passive;
    __u8 reserved;
    __u32 is_written; /* set by the wrapper once the run's socket has its owner; cleared before each run */
    __u8 path[16];
    /* Of a socket that has sent a query: its flow, and where in nsp_asks the query is remembered. */
    __u64 ruling;
    __u8 peer[16];
    __u16 peer_port_be;
    __u16 reserved2;
    __u32 sequence; /* of the first byte of each segment */
    __u32 ask_set;
    __u32 ask_place;
    __u32 reserved3;
};

/* What the empty program returns, so that a run of it cannot be taken for another. */
#define EMPTY_TC 3
#define EMPTY_CGROUP 1

#endif
