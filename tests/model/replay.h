/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the runner (runner.c) tells its BPF program (replay.bpf.c). */
#ifndef NSP_TESTS_MODEL_REPLAY_H
#define NSP_TESTS_MODEL_REPLAY_H

#include "tests/bpf/owner.h"

#define REPLAY_SOCKETS_MAX 32

/* One packet's socket. BPF_PROG_TEST_RUN makes a new one each time: what the last one remembered is given to it. */
struct replay_wanted {
    struct owner owner; /* of a new socket */
    __u64 older_ns;     /* how long ago it was kept, beyond what the clock says */
    __u64 cgroup_id;    /* the container of its process; 0: not known */
    __u32 socket;       /* place of replay_kept */
    __u32 sequence;     /* of a TCP segment's first byte */
    __u8 has_socket;    /* 0: the packet's socket owns nothing */
    __u8 is_new;
    __u8 direction; /* of the packet: enum direction */
    __u8 begins;    /* the first segment with data from this side */
    __u8 keeps;     /* the program runs a second time, to keep what the socket remembers */
    __u8 is_second; /* written by the program */
    __u8 reserved[6];
};

#endif
