/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Was this address learnt for a name that these rules list? What was learnt (learn.h) says by which names the address
 * is known; the rules in force now are asked about the names, so that a new revision judges old lessons too.
 */
#ifndef NSP_DATAPATH_NAMES_H
#define NSP_DATAPATH_NAMES_H

#include "datapath/inspect.h"
#include "datapath/name_match.h"

#define NAME_BUSY 1                       /* learnt_name.expires_ns: somebody is writing it */
#define NAME_USE_NS (180ULL * 1000000000) /* how long a use counts for flows that nobody closes (profile.md 4) */

static __always_inline void *learnt_table(__u32 slot)
{
    return bpf_map_lookup_elem(&nsp_learnt, &slot);
}

static __always_inline void *name_table(__u32 slot)
{
    return bpf_map_lookup_elem(&nsp_names, &slot);
}

/* The key under which a block has learnt an address; path NULL: under which the whole pod has (nameScope: pod). */
static __always_inline void set_learnt_key(struct learnt_key *key, const __u8 *path, const __u8 address[16],
                                           __u32 epoch)
{
    if (path)
        __builtin_memcpy(key->path, path, 16);
    else
        __builtin_memset(key->path, LEARNT_BY_POD, 16);
    __builtin_memcpy(key->address, address, 16);
    key->epoch = epoch;
    key->reserved = 0;
}

/* One address and the names it is known by, while the rules are asked about them. */
struct name_search {
    const struct learnt *learnt;
    void *table; /* of names */
    __u64 now;
    __u32 rules;
    __u32 epoch;
    __u8 is_live; /* some flow keeps the names alive */
    __u8 reason;  /* the best so far */
    __u8 reserved[6];
};

static __always_inline struct known_name *find_known(void *table, const struct learnt_name *learnt, __u32 epoch)
{
    struct name_key key = {.epoch = epoch, .length = learnt->length};

    __builtin_memcpy(key.hash, learnt->hash, sizeof(key.hash));
    return bpf_map_lookup_elem(table, &key);
}

static long search_name(__u32 index, struct name_search *search)
{
    const struct learnt *learnt = search->learnt;
    const struct known_name *known;

    if (index >= LEARNT_NAMES_MAX || !learnt)
        return 1;

    const struct learnt_name *at = &learnt->names[index & (LEARNT_NAMES_MAX - 1)];
    __u64 expires = *(const volatile __u64 *)&at->expires_ns;

    if (expires <= NAME_BUSY)
        return 0;
    known = find_known(search->table, at, search->epoch);
    if (!known || !name_matches(&known->name, search->rules, LIST_FQDNS))
        return 0;
    if (expires <= search->now && !search->is_live) {
        search->reason = REASON_FQDN_EXPIRED;
        return 0;
    }
    search->reason = REASON_NONE;
    return 1;
}

static __always_inline bool learnt_is_live(const struct learnt *learnt, __u64 now)
{
    return learnt->flows || (learnt->used_ns && now - learnt->used_ns < NAME_USE_NS);
}

/* REASON_NONE, REASON_FQDN_EXPIRED or REASON_ADDRESS. by_pod: what all blocks share. */
SUBPROGRAM int names_refuse_by(const struct question *q, __u32 rules, int by_pod)
{
    struct name_search search = {.rules = rules, .reason = REASON_ADDRESS, .now = bpf_ktime_get_coarse_ns()};
    struct learnt_key key;
    void *table = learnt_table(q->slot);

    search.table = name_table(q->slot);
    search.epoch = q->epoch;
    if (!table || !search.table)
        return REASON_ADDRESS;
    set_learnt_key(&key, by_pod ? NULL : q->block.path, q->remote, q->epoch);
    search.learnt = bpf_map_lookup_elem(table, &key);
    if (!search.learnt)
        return REASON_ADDRESS;
    search.is_live = q->is_live || learnt_is_live(search.learnt, search.now);
    bpf_loop(LEARNT_NAMES_MAX, search_name, &search, 0);
    return search.reason;
}

#endif
