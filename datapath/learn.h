/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a DNS answer teaches: by which name an address may be reached from now on, until when, and for whom. Only names
 * that some rule in force lists are learnt, so that nobody can fill a pod's tables with names that no rule needs. Full
 * tables teach nothing more, say so, and are cleared of what has expired at most once a second.
 */
#ifndef NSP_DATAPATH_LEARN_H
#define NSP_DATAPATH_LEARN_H

#include "datapath/flow.h"
#include "datapath/names.h"

#define RECLAIM_NS 1000000000ULL

/* One name and whom it is learnt for. */
struct lesson {
    const struct name *name;
    __u32 slot;
    __u32 epoch;
    __u64 now;
    __u64 expires_ns;
    const __u8 *path; /* NULL: for the whole pod */
};

/* Loopback, link-local, multicast, metadata and the like: profile.md 14. */
static __always_inline bool is_unlearnable_ipv4(const __u8 *a)
{
    return a[0] == 0 || a[0] == 127 || (a[0] == 169 && a[1] == 254) || a[0] >= 224;
}

static __always_inline bool is_unlearnable_ipv6(const __u8 a[16])
{
    const __u32 *words = (const void *)a;

    if (!words[0] && !words[1] && !words[2])
        return true; /* ::, ::1, and the long dead IPv4-compatible ones */
    return a[0] == 0xff || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) ||
           (words[0] == bpf_htonl(0xfd000ec2) && !words[1] && !words[2] && words[3] == bpf_htonl(0x254));
}

SUBPROGRAM int is_learnable(const __u8 address[16])
{
    struct cidr_key key = {.prefix_length = 128};

    if (is_mapped_ipv4(address) ? is_unlearnable_ipv4(address + 12) : is_unlearnable_ipv6(address))
        return 0;
    __builtin_memcpy(key.address, address, 16);
    return !bpf_map_lookup_elem(&nsp_unlearnable, &key);
}

static __always_inline void extend(__u64 *expires_ns, __u64 until)
{
    if (*(volatile __u64 *)expires_ns < until)
        *(volatile __u64 *)expires_ns = until;
}

/* --- room --------------------------------------------------------------------------------------------------------- */

struct reclaim {
    __u64 now;
    void *names;
};

/* The names of an address that is in use are needed for as long. */
static __always_inline void keep_names(const struct learnt *learnt, const struct learnt_key *key,
                                       const struct reclaim *reclaim)
{
    for (int i = 0; i < LEARNT_NAMES_MAX; i++) {
        struct known_name *known = find_known(reclaim->names, &learnt->names[i], key->epoch);

        if (known)
            extend(&known->expires_ns, reclaim->now + 1);
    }
}

static long reclaim_learnt(void *map, const struct learnt_key *key, struct learnt *learnt, struct reclaim *reclaim)
{
    __u64 last = 0;

    for (int i = 0; i < LEARNT_NAMES_MAX; i++)
        last = learnt->names[i].expires_ns > last ? learnt->names[i].expires_ns : last;
    if (learnt_is_live(learnt, reclaim->now))
        keep_names(learnt, key, reclaim);
    else if (last <= reclaim->now)
        bpf_map_delete_elem(map, key);
    return 0;
}

static long reclaim_name(void *map, const void *key, struct known_name *known, struct reclaim *reclaim)
{
    if (known->expires_ns <= reclaim->now)
        bpf_map_delete_elem(map, key);
    return 0;
}

static __always_inline bool may_reclaim(__u32 slot, __u64 now)
{
    struct pod_tally *pod = bpf_map_lookup_elem(&nsp_tallies, &slot);

    if (!pod || now - pod->reclaimed_ns < RECLAIM_NS)
        return false;
    pod->reclaimed_ns = now;
    return true;
}

SUBPROGRAM int learn_reclaim(__u32 slot, __u64 now)
{
    struct reclaim reclaim = {.now = now};
    void *learnt = learnt_table(slot), *names = name_table(slot);

    if (!learnt || !names || !may_reclaim(slot, now))
        return 0;
    reclaim.names = names;
    bpf_for_each_map_elem(learnt, reclaim_learnt, &reclaim, 0);
    bpf_for_each_map_elem(names, reclaim_name, &reclaim, 0);
    return 1;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static __always_inline void set_name_key(struct name_key *key, const struct lesson *lesson)
{
    __builtin_memcpy(key->hash, lesson->name->hash, sizeof(key->hash));
    key->length = lesson->name->length;
    key->epoch = lesson->epoch;
}

/* `known` is scratch for an entry, so that nothing of that size lies on a stack. */
static __always_inline int enter_name(const struct lesson *lesson, struct known_name *known)
{
    void *table = name_table(lesson->slot);
    struct name_key key;
    struct known_name *found;

    if (!table)
        return -1;
    set_name_key(&key, lesson);
    found = bpf_map_lookup_elem(table, &key);
    if (!found) {
        bpf_probe_read_kernel(&known->name, sizeof(known->name), lesson->name);
        known->expires_ns = lesson->expires_ns;
        if (bpf_map_update_elem(table, &key, known, BPF_NOEXIST))
            return bpf_map_lookup_elem(table, &key) ? 0 : -1;
        return 0;
    }
    extend(&found->expires_ns, lesson->expires_ns);
    return 0;
}

static __always_inline bool same_name(const struct learnt_name *a, const struct name *b)
{
    return a->length == b->length && a->hash[0] == b->hash[0] && a->hash[1] == b->hash[1] && a->hash[2] == b->hash[2] &&
           a->hash[3] == b->hash[3];
}

/* Where the name is, or the place of the one that ends first. */
static __always_inline __u32 find_place(const struct learnt *learnt, const struct name *name)
{
    __u64 least = ~0ULL;
    __u32 place = 0;

    for (__u32 i = 0; i < LEARNT_NAMES_MAX; i++) {
        __u64 expires = learnt->names[i].expires_ns;

        if (expires > NAME_BUSY && same_name(&learnt->names[i], name))
            return i;
        if (expires < least) {
            least = expires;
            place = i;
        }
    }
    return place;
}

/* Readers take a name's time first: it is set to "being written", then the name, then the time. */
static __always_inline void write_place(struct learnt_name *place, const struct lesson *lesson)
{
    __u64 before = *(volatile __u64 *)&place->expires_ns;

    if (before > NAME_BUSY && same_name(place, lesson->name)) {
        extend(&place->expires_ns, lesson->expires_ns);
        return;
    }
    if (before == NAME_BUSY || __sync_val_compare_and_swap(&place->expires_ns, before, NAME_BUSY) != before)
        return; /* another CPU teaches the same address: one of the two answers is asked for again */
    __builtin_memcpy(place->hash, lesson->name->hash, sizeof(place->hash));
    place->length = lesson->name->length;
    __sync_lock_test_and_set(&place->expires_ns, lesson->expires_ns);
}

/* 0; -1: no room. `blank`: an entry of zeros, too large for the stack. */
SUBPROGRAM int learn_address(const struct lesson *lesson, const __u8 address[16], const struct learnt *blank)
{
    void *table = learnt_table(lesson->slot);
    struct learnt_key key;
    struct learnt *found;

    if (!table)
        return -1;
    set_learnt_key(&key, lesson->path, address, lesson->epoch);
    found = bpf_map_lookup_elem(table, &key);
    if (!found) {
        bpf_map_update_elem(table, &key, blank, BPF_NOEXIST);
        found = bpf_map_lookup_elem(table, &key);
        if (!found)
            return -1;
    }
    write_place(&found->names[find_place(found, lesson->name) & (LEARNT_NAMES_MAX - 1)], lesson);
    return 0;
}

#endif
