/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * DNS queries on their way: what was asked, by whom, of whom. An answer counts only if it matches one: same addresses
 * and ports, id, name and type. They are kept in the pod's own tables, so that a storm of queries pushes out only what
 * is the same pod's: first in nsp_asks, where nothing needs to be allocated, and beyond that in its flow table.
 */
#ifndef NSP_DATAPATH_ASK_H
#define NSP_DATAPATH_ASK_H

#include "datapath/flow.h"

#define ASK_LIFE_NS (30ULL * 1000000000) /* as long as an unanswered exchange (profile.md 4) */

/* asked_query.state; and flow.ruling, where the third quarter of the hash stands above them. */
enum ask_flags {
    ASK_IS_ASK = 1, /* always: 0 means nothing */
    ASK_ANSWERED = 2,
    ASK_TRACED = 4,  /* by trace-dns: seen_ns is exact */
    ASK_WRITTEN = 8, /* asked_query alone: somebody is writing it */
    ASK_FLAGS = 15,
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

static __always_inline bool is_over(__u64 seen_ns, __u64 now)
{
    /* Signed: the exact time of a traced query may lie ahead of the coarse one. */
    return (__s64)(now - seen_ns) > (__s64)ASK_LIFE_NS;
}

/* --- in a set ----------------------------------------------------------------------------------------------------- */

/* The set that a query may stand in. */
static __always_inline struct ask_set *ask_set_of(__u32 slot, const struct flow_key *key, const struct ask *ask)
{
    void *table = bpf_map_lookup_elem(&nsp_asks, &slot);
    const __u64 *words = (const void *)key; /* the last one has type and port */
    __u32 index = (ask->name->hash[3] ^ (words[5] << 16 ^ ask->id) * 0x9e3779b97f4a7c15) >> 58;

    _Static_assert(NSP_ASK_SETS == 1 << (64 - 58), "the index has as many bits");
    return table ? bpf_map_lookup_elem(table, &index) : NULL;
}

/* Whether a place holds the query; state: as it was read before the rest. */
static __always_inline bool is_query(const struct asked_query *at, __u64 state, const struct flow_key *key, __u64 hash)
{
    const volatile __u64 *a = (const volatile void *)&at->key;
    const __u64 *b = (const void *)key;
    __u64 different = *(const volatile __u64 *)&at->hash ^ hash;

    for (__u32 i = 0; i < sizeof(*key) / 8; i++)
        different |= a[i] ^ b[i];
    return !different && state & ASK_IS_ASK && !(state & ASK_WRITTEN);
}

/* How little willingly a place is given up: what waits for its answer never is. Not 0: the query's own place comes
 * first. */
static __always_inline __u64 place_worth(const struct asked_query *at, __u64 state, __u64 now)
{
    if (state & ASK_WRITTEN)
        return ~0ULL;
    if (!(state & ASK_IS_ASK) || is_over(at->seen_ns, now))
        return 1;
    return state & ASK_ANSWERED ? at->seen_ns : ~0ULL;
}

/* False: there is no room in the set, or somebody else was faster. */
static __always_inline bool ask_enter(struct ask_set *set, const struct flow_key *key, const struct flow *value,
                                      __u64 hash, __u64 now)
{
    struct asked_query *place = NULL;
    __u64 least = ~0ULL, before = 0, after;

    for (__u32 i = 0; i < NSP_ASKS_IN_SET; i++) {
        struct asked_query *query = &set->queries[i];
        __u64 state = *(const volatile __u64 *)&query->state;
        const struct asked_query *at = loaded_after(query, state);
        __u64 worth = is_query(at, state, key, hash) ? 0 : place_worth(at, state, now);

        if (worth < least) {
            least = worth;
            before = state;
            place = query;
        }
    }
    after = (before | ASK_FLAGS) + 1;
    if (!place || __sync_val_compare_and_swap(&place->state, before, after | ASK_WRITTEN) != before)
        return false;
    place->seen_ns = value->seen_ns;
    place->key = *key;
    place->hash = hash;
    __builtin_memcpy(place->owner, value->owner, sizeof(place->owner));
    __sync_lock_test_and_set(&place->state, after | (value->ruling & ASK_FLAGS));
    return true;
}

/* --- either way --------------------------------------------------------------------------------------------------- */

/* The flow is the query's: remote is the resolver. */
SUBPROGRAM int ask_remember(struct inspection *in, const struct ask *ask)
{
    void *table = flow_table(in->slot);
    __u64 now = inspect_now(in), hash = ask->name->hash[2];
    struct flow value = {.seen_ns = ask->is_traced ? bpf_ktime_get_ns() : now};
    struct flow_key key;
    struct ask_set *set;

    if (!table || !in->owner.is_known)
        return 0;
    set_ask_key(&key, &in->packet.flow, ask);
    value.ruling = (hash & ~(__u64)ASK_FLAGS) | ASK_IS_ASK | (ask->is_traced ? ASK_TRACED : 0);
    __builtin_memcpy(value.owner, in->owner.path, 16);
    set = ask_set_of(in->slot, &key, ask);
    if (!set || !ask_enter(set, &key, &value, hash, now))
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

static __always_inline int ask_take_from_set(struct ask_set *set, const struct flow_key *key, __u64 hash, __u64 now,
                                             struct asker *asker)
{
    int result = ASK_NONE;

#pragma unroll /* Linux 6.1 does not take the loop as clang lays it out */
    for (__u32 i = 0; i < NSP_ASKS_IN_SET; i++) {
        struct asked_query *query = &set->queries[i];
        __u64 state = *(const volatile __u64 *)&query->state;

        const struct asked_query *at = loaded_after(query, state);

        if (!is_query(at, state, key, hash) || is_over(at->seen_ns, now))
            continue;
        result = ASK_REPEATED;
        __builtin_memcpy(asker->path, at->owner, 16);
        asker->asked_ns = at->seen_ns;
        asker->is_traced = state & ASK_TRACED;
        /* All of that belongs to this query if nobody has written since. */
        if (!(state & ASK_ANSWERED) && __sync_val_compare_and_swap(&query->state, state, state | ASK_ANSWERED) == state)
            return ASK_FOUND;
    }
    return result;
}

static __always_inline int ask_take_from_flows(void *table, const struct flow_key *key, __u64 hash, __u64 now,
                                               struct asker *asker)
{
    struct flow *found = bpf_map_lookup_elem(table, key);

    if (!found || is_over(found->seen_ns, now) || (found->ruling ^ hash) & ~(__u64)ASK_FLAGS)
        return ASK_NONE;
    __builtin_memcpy(asker->path, found->owner, 16);
    asker->asked_ns = found->seen_ns;
    asker->is_traced = found->ruling & ASK_TRACED;
    if (found->ruling & ASK_ANSWERED)
        return ASK_REPEATED;
    found->ruling |= ASK_ANSWERED;
    return ASK_FOUND;
}

/* Finds the query that is answered, and notes that it has been. */
SUBPROGRAM int ask_take(struct inspection *in, const struct ask *ask, struct asker *asker)
{
    void *table = flow_table(in->slot);
    __u64 now = inspect_now(in), hash = ask->name->hash[2];
    struct flow_key key;
    struct ask_set *set;
    int result = ASK_NONE;

    if (!table)
        return ASK_NONE;
    set_ask_key(&key, &in->packet.flow, ask);
    set = ask_set_of(in->slot, &key, ask);
    if (set)
        result = ask_take_from_set(set, &key, hash, now, asker);
    /* A query that was sent twice may stand in both: what one of them answered is answered. */
    return result == ASK_NONE ? ask_take_from_flows(table, &key, hash, now, asker) : result;
}

#endif
