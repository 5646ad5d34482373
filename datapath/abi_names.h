/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A part of abi.h, which includes it: names and the addresses that DNS answers gave for them. */
#ifndef NSP_DATAPATH_ABI_NAMES_H
#define NSP_DATAPATH_ABI_NAMES_H

#include <linux/types.h>

#include "datapath/abi_flow.h"

/* nsp_learnt[slot]: addresses learnt from DNS answers. Entries whose names have all expired go when room is needed. */
struct learnt_key {
    __u8 path[16]; /* of the block whose query taught it; all LEARNT_BY_POD: nameScope pod */
    __u8 address[16];
    __u32 epoch;
    __u32 reserved;
};
#define LEARNT_BY_POD 0xfe
#define LEARNT_NAMES_MAX 4 /* names that one address is known by at once; the one that ends first gives way */
struct learnt {
    __u64 used_ns; /* CLOCK_MONOTONIC coarse: when a flow to it was last seen */
    __u32 flows;   /* TCP connections to it that live: while there are some, its names do not expire */
    __u32 reserved;
    struct learnt_name {
        __u64 expires_ns; /* 0: free; 1: being written */
        __u64 hash[4];    /* key of nsp_names */
        __u32 length;     /* likewise */
        __u32 reserved;
    } names[LEARNT_NAMES_MAX];
};

/* nsp_names[slot]: the names they were learnt from. `name` as everywhere: right-aligned, folded, as on the wire. */
struct name_key {
    __u64 hash[4];
    __u32 length;
    __u32 epoch;
};
struct name {
    __u64 hash[4]; /* of the whole */
    __u16 length;  /* bytes, without the root's zero: 0..254 */
    __u8 labels;   /* 0..127 */
    __u8 reserved[5];
    __u8 starts[NSP_NAME_LABELS_MAX + 1]; /* where label i begins, counted from the name's first byte */
    __u8 text[NSP_NAME_SIZE];             /* ends at text[NSP_NAME_SIZE]; zero before its first byte */
};
struct known_name {
    __u64 expires_ns; /* the latest of its addresses' */
    struct name name;
};

/*
 * nsp_asks[slot]: DNS queries on their way, and those answered lately. A query may stand in one set alone; where others
 * that wait have taken all of it, the query stands in nsp_flows[slot], as FLOW_KEY_ASK.
 */
#define NSP_ASK_SETS 64
#define NSP_ASKS_IN_SET 4
struct ask_set {
    struct asked_query {
        __u64 state;   /* ask.h: enum ask_flags; above them a number that each writing raises */
        __u64 seen_ns; /* as struct flow.seen_ns */
        struct flow_key key;
        __u64 hash; /* third quarter of the name's: the first two are in the key */
        __u8 owner[16];
    } queries[NSP_ASKS_IN_SET];
};

#endif
