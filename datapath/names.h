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

static __always_inline struct known_name *find_known(void *table, const struct learnt_name *learnt, __u32 epoch)
{
    struct name_key key = {.epoch = epoch, .length = learnt->length};

    __builtin_memcpy(key.hash, learnt->hash, sizeof(key.hash));
    return bpf_map_lookup_elem(table, &key);
}

static __always_inline bool learnt_is_live(const struct learnt *learnt, __u64 now)
{
    return learnt->flows || (learnt->used_ns && now - learnt->used_ns < NAME_USE_NS);
}

/* One peer, while the parts of a block are asked about the names it is known by. */
struct name_look_up {
    struct inspection *in;
    const struct block *block;
    const struct learnt *own, *shared; /* what the block has learnt, and the whole pod; NULL: nothing */
    void *names;
    __u64 now;
};

/* Whether a name of this address is in the part's fqdns; notes whether it lives. */
static __always_inline bool look_at_name(const struct name_look_up *l, const struct learnt *learnt, __u32 index,
                                         __u32 rules)
{
    const struct learnt_name *at = &learnt->names[index & (LEARNT_NAMES_MAX - 1)];
    __u64 expires = *(const volatile __u64 *)&at->expires_ns;
    struct question *q = &l->in->question;
    const struct known_name *known;
    __u8 part = 1 << (q->part & 7);

    if (expires <= NAME_BUSY)
        return false;
    known = find_known(l->names, at, q->epoch);
    if (!known || !name_matches(&known->name, rules, LIST_FQDNS))
        return false;
    if (expires <= l->now && !q->is_live && !learnt_is_live(learnt, l->now)) {
        q->is_expired |= part;
        return false;
    }
    q->is_named |= part;
    return true;
}

/* One name of one part; q->name counts them. A part that one allows needs no other. */
static long look_up_name(__u32 index, struct name_look_up *l)
{
    struct question *q = &l->in->question;
    const struct block *block = l->block;
    __u32 wanted = q->wants_names & ~q->is_looked_at;

    (void)index;
    if (!wanted || !block)
        return 1;
    q->part = lowest_bit(wanted);

    __u32 rules_id = block->parts[q->part & (NSP_PARTS_MAX - 1)].rules[EGRESS], name = q->name++;
    const struct rules *rules = bpf_map_lookup_elem(&nsp_rules, &rules_id);
    const struct learnt *learnt = name < LEARNT_NAMES_MAX                   ? l->own
                                  : rules && rules->flags & RULES_POD_NAMES ? l->shared
                                                                            : NULL;

    if ((learnt && look_at_name(l, learnt, name, rules_id)) || q->name == 2 * LEARNT_NAMES_MAX) {
        q->is_looked_at |= 1 << (q->part & 7);
        q->name = 0;
    }
    return 0;
}

/* Whether some part may hear what the whole pod has learnt; of several, that is found out when they are asked. */
static __always_inline bool may_share_names(const struct block *block)
{
    __u32 rules_id = block->parts[0].rules[EGRESS];
    const struct rules *rules = bpf_map_lookup_elem(&nsp_rules, &rules_id);

    return block->count != 1 || !rules || rules->flags & RULES_POD_NAMES;
}

/* Fills is_named and is_expired of in->question, for the parts that want to know. */
__weak __noinline int names_look_up(__u32 desk)
{
    struct inspection *in = bpf_map_lookup_elem(&nsp_desks, &desk);
    struct name_look_up l = {.in = in};
    struct learnt_key *key;
    struct question *q;
    void *table;

    if (!in)
        return 0;
    q = &in->question;
    key = &in->learnt;
    l.now = inspect_now(in);
    l.names = name_table(q->slot);
    table = learnt_table(q->slot);
    l.block = bpf_map_lookup_elem(&nsp_blocks, &q->block);
    if (!l.names || !table || !l.block)
        return 0;
    set_learnt_key(key, q->block.path, q->peer.address, q->epoch);
    l.own = bpf_map_lookup_elem(table, key);
    if (may_share_names(l.block)) {
        set_learnt_key(key, NULL, q->peer.address, q->epoch);
        l.shared = bpf_map_lookup_elem(table, key);
    }
    if (!(settled(!!l.own) | settled(!!l.shared)))
        return 0;
    look_up_name(0, &l); /* mostly, that is all */
    if (q->wants_names & ~q->is_looked_at)
        bpf_loop(NSP_PARTS_MAX * 2 * LEARNT_NAMES_MAX, look_up_name, &l, 0);
    return 1;
}

/* --- connections keep the names that allowed them -------------------------------------------------------------------
 */

enum held_names { /* struct socket_state.holds_name */
                  HOLDS_OWN = 1,
                  HOLDS_SHARED = 2,
};

static __always_inline struct learnt *find_learnt(struct inspection *in, const struct socket_state *state, bool is_own)
{
    void *table = learnt_table(state->slot);

    set_learnt_key(&in->learnt, is_own ? state->path : NULL, state->peer, state->epoch);
    return table ? bpf_map_lookup_elem(table, &in->learnt) : NULL;
}

/* A TCP socket whose peer is allowed as a learnt address: for as long as it is open, that does not expire. */
static __always_inline void names_hold(struct inspection *in, struct socket_state *state)
{
    struct learnt *own = find_learnt(in, state, true);

    if (own) {
        __sync_fetch_and_add(&own->flows, 1);
        state->holds_name |= HOLDS_OWN;
    }

    struct learnt *shared = find_learnt(in, state, false);

    if (shared) {
        __sync_fetch_and_add(&shared->flows, 1);
        state->holds_name |= HOLDS_SHARED;
    }
}

static __always_inline void release_learnt(struct learnt *learnt)
{
    if (learnt && learnt->flows)
        __sync_fetch_and_add(&learnt->flows, -1);
}

/* The socket is closed, or goes elsewhere. */
static __always_inline void names_release(struct inspection *in, struct socket_state *state)
{
    if (state->holds_name & HOLDS_OWN)
        release_learnt(find_learnt(in, state, true));
    if (state->holds_name & HOLDS_SHARED)
        release_learnt(find_learnt(in, state, false));
    state->holds_name = 0;
}

#endif
