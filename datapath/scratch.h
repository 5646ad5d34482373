/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Room for what is too large for a stack, one for each CPU and program. Only programs that run in softirq use it, and
 * those do not interrupt each other; a hook that runs in a process must not (a softirq would overwrite its work).
 */
#ifndef NSP_DATAPATH_SCRATCH_H
#define NSP_DATAPATH_SCRATCH_H

#include "datapath/dns_answer.h"
#include "datapath/inspect.h"

/* Where in the packet the next byte is, and how many follow. */
struct cursor {
    __u32 offset;
    __u32 left;
    __u32 sequence;
};

struct scratch {
    struct dns_message message;
    struct dns_query query;
    struct dns_answer answer;
    struct known_name known; /* to enter what an answer teaches */
    struct learnt blank;     /* always zero */
    struct chunk chunk;
    struct cursor cursor; /* in the segment that is read */
    struct {
        __u16 port;     /* of the connection's destination */
        __u8 direction; /* who sends the segment; EGRESS: the pod */
        __u8 read;      /* enum read_result */
        __u8 result;    /* enum stream_result */
        __u8 reserved[3];
    } run; /* over that segment: stream_read.h */
};

/* Index: enum desk (inspect.h), of the programs that run in softirq. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, DESK_SOCKET);
    __type(key, __u32);
    __type(value, struct scratch);
} NSP_MAP(nsp_scratch);

static __always_inline struct scratch *scratch_of(__u32 desk)
{
    return bpf_map_lookup_elem(&nsp_scratch, &desk);
}

static __always_inline const struct control *control_of_node(void)
{
    const __u32 zero = 0;

    return bpf_map_lookup_elem(&nsp_control, &zero);
}

#endif
