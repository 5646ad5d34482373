/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and requests of one rule set, as compile_rules.h wants them. A pattern is found by its literal end: for a name
 * that is asked for the kernel looks up each of its ends that some bit of struct name_list speaks of. Patterns with a
 * `*` inside a label that share an end lie in one row of globs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/name.h"
#include "policyd/compile_rules.h"

static struct compiled_text *add_text(struct compiled_rules *rules, __u8 list, __u8 kind, const char *text)
{
    struct compiled_text *made = &rules->texts[rules->texts_count++];

    *made = (struct compiled_text){.list = list, .kind = kind, .text = text};
    return made;
}

/* Dots become lengths: "a.b*" is \1a\2b*. */
static void write_glob(const char *pattern, struct glob *glob)
{
    while (*pattern) {
        size_t label = strcspn(pattern, ".");

        glob->text[glob->length++] = (__u8)label;
        memcpy(glob->text + glob->length, pattern, label);
        glob->length = (__u8)(glob->length + label);
        pattern += label + (pattern[label] == '.');
    }
}

static void add_glob(struct compiled_rules *rules, __u8 list, const char *pattern, const char *end)
{
    struct compiled_text *row = rules->texts_count ? &rules->texts[rules->texts_count - 1] : NULL;

    if (!row || row->list != list || row->kind != TEXT_GLOB || strcmp(row->text, end) != 0) {
        row = add_text(rules, list, TEXT_GLOB, end);
        row->first_glob = (__u32)rules->globs_count;
    }
    row->globs_count++;
    write_glob(pattern, &rules->globs[rules->globs_count++]);
}

/* By what they end in, then as a whole. */
static int compare_globs(const void *a, const void *b)
{
    const char *left = *(const char *const *)a, *right = *(const char *const *)b, *left_end, *right_end;
    int order;

    name_classify(left, &left_end);
    name_classify(right, &right_end);
    order = strcmp(left_end, right_end);
    return order ? order : strcmp(left, right);
}

static void add_globs(struct compiled_rules *rules, __u8 list, const char **patterns, size_t count)
{
    qsort(patterns, count, sizeof(*patterns), compare_globs);
    for (size_t i = 0; i < count; i++) {
        const char *end;

        name_classify(patterns[i], &end);
        rules->value.names[list].globs |= 1ULL << name_count_labels(end);
        add_glob(rules, list, patterns[i], end);
    }
}

/* Returns whether the list has `*`, beside which nothing else counts. `globs` has room for all names. */
static bool add_names(struct compiled_rules *rules, __u8 list, const struct names_spec *names, const char **globs)
{
    struct name_list *lengths = &rules->value.names[list];
    size_t globs_count = 0;
    const char *end;

    for (size_t i = 0; i < names->count; i++) {
        if (name_classify(names->items[i], &end) == NAME_ALL)
            return true;
    }
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->items[i];
        enum name_kind kind = name_classify(name, &end);
        __u64 bit = kind == NAME_EXACT ? 0 : 1ULL << name_count_labels(end);

        if (kind == NAME_GLOB) {
            globs[globs_count++] = name;
        } else if (kind == NAME_EXACT) {
            add_text(rules, list, TEXT_WHOLE, name);
        } else {
            add_text(rules, list, kind == NAME_ONE_LABEL ? TEXT_ONE_LABEL : TEXT_LABELS, end);
            *(kind == NAME_ONE_LABEL ? &lengths->one_label : &lengths->labels) |= bit;
        }
    }
    add_globs(rules, list, globs, globs_count);
    return false;
}

/* Whether a is after b; equal requests are one. */
static int compare_requests(const void *a, const void *b)
{
    const struct compiled_text *left = a, *right = b;
    int order = (int)left->kind - (int)right->kind;

    order = order ? order : strcmp(left->text, right->text);
    return order ? order : strcmp(left->method ? left->method : "", right->method ? right->method : "");
}

static int compare_lengths(const void *a, const void *b)
{
    return (int)*(const __u16 *)a - (int)*(const __u16 *)b;
}

/* objects_l7.c has seen that they fit. */
static void note_prefix(struct rules *value, __u16 length)
{
    for (__u32 i = 0; i < value->prefix_count; i++) {
        if (value->prefix_lengths[i] == length)
            return;
    }
    if (value->prefix_count < NSP_PREFIXES_MAX)
        value->prefix_lengths[value->prefix_count++] = length;
}

static void add_requests(struct compiled_rules *rules, const struct rules_spec *spec)
{
    struct compiled_text *first = rules->texts + rules->texts_count;
    size_t kept = 0;

    for (size_t i = 0; i < spec->requests_count; i++) {
        const struct request_spec *request = &spec->requests[i];

        first[i] = (struct compiled_text){.list = LIST_HTTP,
                                          .kind = request->is_prefix ? TEXT_PREFIX : TEXT_WHOLE,
                                          .method = request->method,
                                          .text = request->uri};
        if (request->is_prefix)
            note_prefix(&rules->value, (__u16)strlen(request->uri));
    }
    qsort(first, spec->requests_count, sizeof(*first), compare_requests);
    for (size_t i = 0; i < spec->requests_count; i++) {
        if (kept == 0 || compare_requests(&first[kept - 1], &first[i]) != 0)
            first[kept++] = first[i];
    }
    rules->texts_count += kept;
    qsort(rules->value.prefix_lengths, rules->value.prefix_count, sizeof(__u16), compare_lengths);
}

int compile_texts(const struct rules_spec *spec, struct compiled_rules *rules)
{
    size_t names = spec->fqdns.count + spec->dns.count;
    const char **globs = calloc(names + 1, sizeof(*globs));

    rules->texts = calloc(names + spec->requests_count + 1, sizeof(*rules->texts));
    rules->globs = calloc(names + 1, sizeof(*rules->globs));
    if (!globs || !rules->texts || !rules->globs) {
        free(globs);
        return -ENOMEM;
    }
    if (spec->fqdns.count > 0)
        rules->value.flags |= RULES_FQDNS;
    if (add_names(rules, LIST_FQDNS, &spec->fqdns, globs))
        rules->value.flags |= RULES_FQDNS_ALL;
    if (add_names(rules, LIST_DNS, &spec->dns, globs))
        rules->value.flags |= RULES_DNS_ALL;
    add_requests(rules, spec);
    free(globs);
    return 0;
}
