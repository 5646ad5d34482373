/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the tests tell their BPF program (owner.bpf.c) and hear from it. */
#ifndef NSP_TESTS_BPF_OWNER_H
#define NSP_TESTS_BPF_OWNER_H

#include <linux/types.h>

/* Becomes the struct socket_state of the test packet's socket; names as there. */
struct owner {
    __u32 slot;
    __u32 epoch;
    __u64 ruling;
    __u8 peer[16];
    __u16 peer_port_be;
    __u8 protocol;
    __u8 type;
    __u8 is_passive;
    __u8 untrusted;
    __u16 is_absent; /* the socket gets no storage */
    __u32 pid;
    __u8 path[16];
    __u64 cgroup_id;
    __u8 is_image;
    __u8 reserved[7];
};

/* Places of owner_seen. */
enum owner_place {
    SEEN_FROM_POD, /* behind nsp_from_pod */
    SEEN_AT_POD,   /* at the pod's end */
    SEEN_PLACES,
};

#endif
