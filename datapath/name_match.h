/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether a list of names has a pattern that matches a name. What it costs grows with the number of different lengths
 * (in labels) of the patterns' literal ends, not with the number of patterns.
 */
#ifndef NSP_DATAPATH_NAME_MATCH_H
#define NSP_DATAPATH_NAME_MATCH_H

#include "datapath/maps.h"
#include "datapath/name_glob.h"

/*
 * What is searched, in map memory: the stack has no room left where names are judged. A search in a process may be
 * interrupted by one in a softirq, or by another process, on the same CPU: each takes a place of its own.
 */
struct name_place {
    struct text_key key;
    struct text found;     /* globs to be tried: the first of those left, and how many */
    struct glob_walk walk; /* with the first of them, once is_walking */
    __u64 one_label, labels, globs;
    __u32 is_walking;
    __u32 is_taken;
};

#define SEARCH_STEPS (64 + NSP_GLOBS_PER_END * GLOB_STEPS_MAX)

#define NAME_PLACES 4 /* a process, who preempts it, a softirq, and one to spare */

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, NAME_PLACES);
    __type(key, __u32);
    __type(value, struct name_place);
} NSP_MAP(nsp_places);

/* On the stack, since pointers cannot be kept in a map. */
struct name_search {
    const struct name *name;
    const struct text_keys *keys;
    struct name_place *place;
    long matches;
};

static __always_inline struct name_place *take_place(void)
{
    for (__u32 i = 0; i < NAME_PLACES; i++) {
        __u32 index = i;
        struct name_place *place = bpf_map_lookup_elem(&nsp_places, &index);

        if (place && !__sync_val_compare_and_swap(&place->is_taken, 0, 1))
            return place;
    }
    return NULL;
}

static __always_inline void leave_place(struct name_place *place)
{
    __sync_lock_test_and_set(&place->is_taken, 0);
}

/* Bits set below the lowest one that is set: there is no instruction for it. */
static __always_inline __u32 lowest_bit(__u64 bits)
{
    const __u64 fives = 0x5555555555555555ULL, threes = 0x3333333333333333ULL;
    __u64 below = (bits & -bits) - 1;

    below -= below >> 1 & fives;
    below = (below & threes) + (below >> 2 & threes);
    below = (below + (below >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
    return below * 0x0101010101010101ULL >> 56;
}

static __always_inline bool name_has_text(struct name_place *place, __u8 kind)
{
    place->key.kind = kind;
    return bpf_map_lookup_elem(&nsp_texts, &place->key);
}

/* One step of comparing with the globs that an end has led to. 1: one matches. */
static __always_inline bool name_try_glob(struct name_search *s, struct name_place *place)
{
    const struct glob *glob = bpf_map_lookup_elem(&nsp_globs, &place->found.first);

    if (!glob) { /* cannot be: no such pattern */
        place->found.count = 0;
        return false;
    }
    if (!place->is_walking) {
        glob_begin(&place->walk, glob, s->name, place->key.length);
        place->is_walking = 1;
    }
    if (!glob_advance(&place->walk, glob, s->name))
        return false;
    place->is_walking = 0;
    place->found.first++;
    place->found.count--;
    return place->walk.matches != 0;
}

static __always_inline void name_find_globs(struct name_place *place)
{
    const struct text *text;

    place->key.kind = TEXT_GLOB;
    text = bpf_map_lookup_elem(&nsp_texts, &place->key);
    if (!text)
        return;
    place->found.first = text->first;
    place->found.count = text->count;
}

/* Tries the patterns whose literal end has as many labels as the lowest bit says. 1: one matches. */
static __always_inline bool name_try_end(struct name_search *s, struct name_place *place, __u64 bits)
{
    __u64 bit = bits & -bits;

    name_hash_end(s->name, lowest_bit(bits), s->keys, &place->key); /* inlined: calls go deep enough here */
    if ((place->one_label & bit && name_has_text(place, TEXT_ONE_LABEL)) ||
        (place->labels & bit && name_has_text(place, TEXT_LABELS)))
        return true;
    if (place->globs & bit)
        name_find_globs(place);
    place->one_label &= ~bit;
    place->labels &= ~bit;
    place->globs &= ~bit;
    return false;
}

/* One loop for ends and globs: calls do not go deep enough for one inside the other. s->matches is the answer. */
static long name_search_step(__u32 index, struct name_search *s)
{
    struct name_place *place = s->place;
    bool is_found = false;
    __u64 bits;

    (void)index;
    if (!place)
        return 1;
    bits = place->one_label | place->labels | place->globs;
    if (place->found.count)
        is_found = name_try_glob(s, place);
    else if (bits)
        is_found = name_try_end(s, place, bits);
    else
        return 1;
    if (!is_found)
        return 0;
    s->matches = 1;
    return 1;
}

/* Which literal ends could be this name's: *.x has one label more, **.x one or more, others as many or more. */
static __always_inline void name_choose_ends(struct name_place *place, __u32 labels, const struct name_list *list)
{
    __u64 shorter = labels < 64 ? (1ULL << (labels & 63)) - 1 : ~0ULL;

    place->one_label = labels > 64 ? 0 : list->one_label & shorter & ~(shorter >> 1);
    place->labels = list->labels & shorter;
    place->globs = list->globs & (shorter << 1 | 1);
}

static __always_inline int name_search_list(struct name_search *s, const struct rules *rules, __u32 rules_id, int list)
{
    struct name_place *place = s->place;

    place->found.count = 0;
    place->is_walking = 0;
    place->key.rules = rules_id;
    place->key.list = list;
    place->key.length = s->name->length;
    __builtin_memcpy(place->key.hash, s->name->hash, sizeof(place->key.hash));
    if (name_has_text(place, TEXT_WHOLE))
        return 1;
    name_choose_ends(place, s->name->labels, &rules->names[list & 1]);
    s->matches = s->name->length >> 8; /* 0, unknown to the verifier: see name.h */
    if (place->one_label | place->labels | place->globs)
        bpf_loop(SEARCH_STEPS, name_search_step, s, 0);
    return s->matches;
}

/* 1: the list (LIST_FQDNS or LIST_DNS) of the rule set has a pattern that matches the name. */
CHECKED_ALONE int name_matches(const struct name *name, __u32 rules_id, int list)
{
    const __u32 zero = 0, has = list == LIST_FQDNS ? RULES_FQDNS : RULES_DNS_LIST;
    const struct rules *rules = bpf_map_lookup_elem(&nsp_rules, &rules_id);
    const struct control *control = bpf_map_lookup_elem(&nsp_control, &zero);

    if (!name || !rules_id || !rules || !control || !(rules->flags & has))
        return 0;
    if (rules->flags & (list == LIST_FQDNS ? RULES_FQDNS_ALL : RULES_DNS_ALL))
        return 1;

    struct name_search s = {.name = name, .keys = (const void *)control->text_key, .place = take_place()};

    if (!s.place)
        return 0;

    int matches = name_search_list(&s, rules, rules_id, list);

    leave_place(s.place);
    return matches;
}

#endif
