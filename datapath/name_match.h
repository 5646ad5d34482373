/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether a list of names has a pattern that matches a name. What it costs grows with the number of different lengths
 * (in labels) of the patterns' literal ends, not with the number of patterns.
 */
#ifndef NSP_DATAPATH_NAME_MATCH_H
#define NSP_DATAPATH_NAME_MATCH_H

#include "datapath/maps.h"
#include "datapath/name_glob.h"

struct name_search {
    const struct name *name;
    const __u32 *text_key;
    struct text_key key;
    struct text found; /* whose globs are tried */
    __u64 one_label, labels, globs;
    __u32 matches;
    __u32 reserved;
};

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

static long name_try_glob(__u32 index, struct name_search *s)
{
    __u32 at = s->found.first + index;
    const struct glob *glob = bpf_map_lookup_elem(&nsp_globs, &at);

    if (!glob || !glob_matches_before(glob, s->name, s->key.length))
        return 0;
    s->matches = 1;
    return 1;
}

static __always_inline bool name_try_globs(struct name_search *s)
{
    const struct text *text;

    s->key.kind = TEXT_GLOB;
    text = bpf_map_lookup_elem(&nsp_texts, &s->key);
    if (!text)
        return false;
    s->found = *text;
    bpf_loop(s->found.count < NSP_GLOBS_PER_END ? s->found.count : NSP_GLOBS_PER_END, name_try_glob, s, 0);
    return s->matches;
}

static __always_inline bool name_has_text(struct name_search *s, __u8 kind)
{
    s->key.kind = kind;
    return bpf_map_lookup_elem(&nsp_texts, &s->key);
}

/* Tries the patterns whose literal end has as many labels as the lowest bit says. */
static long name_try_end(__u32 index, struct name_search *s)
{
    __u64 bits = s->one_label | s->labels | s->globs, bit = bits & -bits;

    (void)index;
    if (!bits)
        return 1;
    name_end_hash(s->name, lowest_bit(bits), s->text_key, s->key.hash, &s->key.length);
    if ((s->one_label & bit && name_has_text(s, TEXT_ONE_LABEL)) ||
        (s->labels & bit && name_has_text(s, TEXT_LABELS)) || (s->globs & bit && name_try_globs(s))) {
        s->matches = 1;
        return 1;
    }
    s->one_label &= ~bit;
    s->labels &= ~bit;
    s->globs &= ~bit;
    return 0;
}

/* Which literal ends could be this name's: *.x has one label more, **.x one or more, others as many or more. */
static __always_inline void name_choose_ends(struct name_search *s, const struct name_list *list)
{
    __u32 labels = s->name->labels;
    __u64 shorter = labels < 64 ? (1ULL << (labels & 63)) - 1 : ~0ULL;

    s->one_label = list->one_label & shorter & ~(shorter >> 1);
    if (labels > 64)
        s->one_label = 0;
    s->labels = list->labels & shorter;
    s->globs = list->globs & (shorter << 1 | 1);
}

/* 1: the list (LIST_FQDNS or LIST_DNS) of the rule set has a pattern that matches the name. */
SUBPROGRAM int name_matches(const struct name *name, __u32 rules_id, int list)
{
    const __u32 zero = 0, has = list == LIST_FQDNS ? RULES_FQDNS : RULES_DNS_LIST;
    const struct rules *rules = bpf_map_lookup_elem(&nsp_rules, &rules_id);
    const struct control *control = bpf_map_lookup_elem(&nsp_control, &zero);

    if (!rules_id || !rules || !control || !(rules->flags & has))
        return 0;
    if (rules->flags & (list == LIST_FQDNS ? RULES_FQDNS_ALL : RULES_DNS_ALL))
        return 1;

    struct name_search s = {.name = name,
                            .text_key = control->text_key,
                            .key = {.rules = rules_id, .list = list, .length = name->length},
                            .matches = name->length >> 8}; /* 0, unknown to the verifier: see name.h */

    __builtin_memcpy(s.key.hash, name->hash, sizeof(s.key.hash));
    if (name_has_text(&s, TEXT_WHOLE))
        return 1;
    name_choose_ends(&s, &rules->names[list & 1]);
    bpf_loop(64, name_try_end, &s, 0);
    return s.matches;
}

#endif
