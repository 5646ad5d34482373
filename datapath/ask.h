/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * DNS queries on their way: what was asked, by whom, of whom. An answer counts only if it matches one: same addresses
 * and ports, id, name and type. They are kept in the pod's own flow table, so that a storm of queries pushes out only
 * what is the same pod's.
 */
#ifndef NSP_DATAPATH_ASK_H
#define NSP_DATAPATH_ASK_H

#include "datapath/flow.h"

#define ASK_LIFE_NS (30ULL * 1000000000) /* as long as an unanswered exchange (profile.md 4) */

/* flow.ruling of an ask: the third quarter of the hash, but for the lowest bits, which are these. */
enum ask_flags {
    ASK_IS_ASK = 1, /* always: a ruling of 0 means nothing */
    ASK_ANSWERED = 2,
    ASK_TRACED = 4, /* by trace-dns: seen_ns is exact */
    ASK_FLAGS = 7,
};

/* What names one query, beside the flow it belongs to. */
struct ask {
    const struct name *name;
    __u16 id;   /* as on the wire */
    __u16 type; /* host byte order */
    bool is_traced;
};

/*
 * Half of the name's hash is in the key, the third quarter in the value: 2^-96 for two names to meet, and whoever
 * answers has still to guess the ports and the id.
 */
static __always_inline void set_ask_key(struct flow_key *key, const struct flow_key *flow, const struct ask *ask)
{
    __u16 *reserved = (void *)key->reserved;

    *key = *flow;
    __builtin_memcpy(key->local, ask->name->hash, 16);
    key->local_port_be = ask->id;
    key->opened = FLOW_KEY_ASK;
    reserved[0] = ask->type;
    reserved[1] = flow->local_port_be;
    reserved[2] = 0;
}

/* The flow is the query's: remote is the resolver. */
SUBPROGRAM int ask_remember(const struct inspection *in, const struct ask *ask)
{
    void *table = flow_table(in->slot);
    struct flow value = {.seen_ns = ask->is_traced ? bpf_ktime_get_ns() : bpf_ktime_get_coarse_ns()};
    struct flow_key key;

    if (!table || !in->owner.is_known)
        return 0;
    set_ask_key(&key, &in->packet.flow, ask);
    value.ruling = (ask->name->hash[2] & ~(__u64)ASK_FLAGS) | ASK_IS_ASK | (ask->is_traced ? ASK_TRACED : 0);
    __builtin_memcpy(value.owner, in->owner.path, 16);
    flow_enter(table, &key, &value);
    return 0;
}

enum ask_result {
    ASK_NONE,     /* nobody asked that */
    ASK_FOUND,    /* this is its answer: *asker is filled */
    ASK_REPEATED, /* it has been answered before */
};

struct asker {
    __u8 path[16]; /* of the executable that asked */
    __u64 asked_ns;
    bool is_traced;
};

/* Finds the query that is answered, and notes that it has been. */
SUBPROGRAM int ask_take(const struct inspection *in, const struct ask *ask, struct asker *asker)
{
    void *table = flow_table(in->slot);
    struct flow_key key;
    struct flow *found;

    if (!table)
        return ASK_NONE;
    set_ask_key(&key, &in->packet.flow, ask);
    found = bpf_map_lookup_elem(table, &key);
    /* Signed: the exact time of a traced query may lie ahead of the coarse one. */
    if (!found || (__s64)(bpf_ktime_get_coarse_ns() - found->seen_ns) > (__s64)ASK_LIFE_NS)
        return ASK_NONE;
    __builtin_memcpy(asker->path, found->owner, 16);
    asker->asked_ns = found->seen_ns;
    asker->is_traced = found->ruling & ASK_TRACED;
    if ((found->ruling ^ ask->name->hash[2]) & ~(__u64)ASK_FLAGS)
        return ASK_NONE;
    if (found->ruling & ASK_ANSWERED)
        return ASK_REPEATED;
    found->ruling |= ASK_ANSWERED;
    return ASK_FOUND;
}

#endif
