/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether a rule set's list of requests has one that matches. The uri is summed up once, word by word; where a listed
 * prefix ends, and at its own end, what the sum is there is looked up. What it costs grows with the uri's length and
 * with the number of different lengths of prefixes, not with the number of rules.
 */
#ifndef NSP_DATAPATH_HTTP_MATCH_H
#define NSP_DATAPATH_HTTP_MATCH_H

#include "datapath/asked.h"
#include "datapath/maps.h"
#include "datapath/text_hash.h"

#define HTTP_WORDS_AT_ONCE 4 /* http_sum_words() */
#define HTTP_TRIES_MAX (NSP_URI_MAX / 8 / HTTP_WORDS_AT_ONCE + 2 * NSP_PREFIXES_MAX + 4)

/* A search, in map memory: the stack has no room left. Only softirqs search, which do not interrupt each other. */
struct http_search {
    struct text_key key;
    __u64 sum[4];    /* of the uri's first words */
    __u64 method[4]; /* to be added where the method is not any */
    __u32 words;     /* that are in the sum */
    __u32 next;      /* of the rule set's prefixes; behind them the whole */
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct http_search);
} NSP_MAP(nsp_searches);

/* On the stack, since pointers cannot be kept in a map. */
struct http_searched {
    const struct http_request *request;
    const struct rules *rules;
    const __u32 *text_key;
    struct http_search *search;
    __u32 matches;
};

/* One word after the other: all at once, their products would fill the stack. */
static __always_inline void http_sum_word(__u64 sum[4], const __u32 *text_key, __u32 position, __u64 word)
{
    text_hash_word(sum, text_key, position, word);
    __asm__ volatile("" ::: "memory");
}

/* Sums up the next word if it ends at `end` or before. */
static __always_inline bool http_sum_next(struct http_searched *s, struct http_search *search, __u32 end)
{
    __u32 at = settled(search->words) & (TEXT_METHOD_POSITION - 1);

    if (8 * search->words + 8 > end)
        return false;
    http_sum_word(search->sum, s->text_key, at, load_word(s->request->uri + 8 * at));
    search->words++;
    return true;
}

/* Some more words, where there are. No loop: Linux 6.1 does not take each that clang makes of one. */
static __always_inline bool http_sum_words(struct http_searched *s, struct http_search *search, __u32 end)
{
    if (!http_sum_next(s, search, end))
        return false;
    if (!http_sum_next(s, search, end))
        return true;
    if (http_sum_next(s, search, end))
        http_sum_next(s, search, end);
    return true;
}

static __always_inline bool http_has_text(struct http_search *search, __u32 length)
{
    search->key.length = length;
    return bpf_map_lookup_elem(&nsp_texts, &search->key);
}

/* Adds the first `end` bytes of the uri to a hash: the sum, and what is beyond its whole words. */
static __always_inline void http_add_end(__u64 hash[4], struct http_searched *s, struct http_search *search, __u32 end)
{
    __u32 at = settled(search->words) & (TEXT_METHOD_POSITION - 1), bits = 8 * end & 63;

    hash[0] += search->sum[0];
    hash[1] += search->sum[1];
    hash[2] += search->sum[2];
    hash[3] += search->sum[3];
    if (bits)
        http_sum_word(hash, s->text_key, at, load_word(s->request->uri + 8 * at) & ((1ULL << bits) - 1));
}

/* Looks up the first `end` bytes of the uri, all of whose whole words are in the sum: for its method, then for any. */
static __always_inline bool http_has_request(struct http_searched *s, struct http_search *search, __u32 end)
{
    __builtin_memcpy(search->key.hash, search->method, sizeof(search->method));
    http_add_end(search->key.hash, s, search, end);
    if (http_has_text(search, end))
        return true;
    __builtin_memset(search->key.hash, 0, sizeof(search->key.hash));
    http_add_end(search->key.hash, s, search, end);
    return http_has_text(search, end | TEXT_ANY_METHOD);
}

static long http_try(__u32 index, struct http_searched *s)
{
    struct http_search *search = s->search;
    __u32 length = s->request->uri_length, count = s->rules->prefix_count, next = search->next, end = length;

    (void)index;
    if (next > count)
        return 1;
    search->key.kind = TEXT_WHOLE;
    if (next < count) {
        search->key.kind = TEXT_PREFIX;
        end = s->rules->prefix_lengths[next & (NSP_PREFIXES_MAX - 1)];
    }
    if (end > length || end > NSP_URI_MAX) { /* and so are those behind it */
        search->next = next < count ? count : count + 1;
        return 0;
    }
    if (http_sum_words(s, search, end))
        return 0;
    search->next = next + 1;
    s->matches = http_has_request(s, search, end);
    return s->matches;
}

static __always_inline void http_begin_search(struct http_searched *s, struct http_search *search, __u32 rules_id)
{
    __builtin_memset(search, 0, sizeof(*search));
    search->key.rules = rules_id;
    search->key.list = LIST_HTTP;
    for (__u32 i = 0; i < NSP_METHOD_MAX / 8; i++)
        http_sum_word(search->method, s->text_key, TEXT_METHOD_POSITION + i, load_word(s->request->method + 8 * i));
}

/* 1: the rule set's l7.http has an entry for this method and uri. */
SUBPROGRAM int http_matches(const struct http_request *request, __u32 rules_id)
{
    const __u32 zero = 0;
    const struct rules *rules = bpf_map_lookup_elem(&nsp_rules, &rules_id);
    const struct control *control = bpf_map_lookup_elem(&nsp_control, &zero);
    struct http_search *search = bpf_map_lookup_elem(&nsp_searches, &zero);

    if (!rules_id || !rules || !control || !search || !(rules->flags & RULES_HTTP_LIST))
        return 0;

    struct http_searched s = {request, rules, control->text_key, search, 0};

    http_begin_search(&s, search, rules_id);
    bpf_loop(HTTP_TRIES_MAX, http_try, &s, 0);
    return s.matches;
}

#endif
