/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random lists of names and requests: what a profile says of them, read label by label and character by character,
 * against what is compiled, looked up as the kernel does: by the hash of a name's ends, rows of patterns, uris by the
 * lengths of their prefixes. Seeded, so that a failure can be had again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/name_glob.h"
#include "datapath/text_hash.h"
#include "lib/name.h"
#include "tests/unit/compile_text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum { POLICIES = 2000, QUESTIONS = 50, LIST_MAX = 8, ENTRY_MAX = 64 };

static unsigned seed = 20261124;
static struct text_keys keys;

static unsigned below(unsigned limit)
{
    return (unsigned)rand_r(&seed) % limit;
}

/* --- drafting ----------------------------------------------------------------------------------------------------- */

struct draft {
    size_t names_count, requests_count;
    char names[LIST_MAX][ENTRY_MAX];
    struct {
        char method[8], uri[ENTRY_MAX];
    } requests[LIST_MAX];
};

static void draft_labels(char *text, const char *const labels[], unsigned count)
{
    *text = '\0';
    for (unsigned i = 1 + below(4); i > 0; i--) {
        text = stpcpy(text, labels[below(count)]);
        text = stpcpy(text, i > 1 ? "." : "");
    }
}

/* Few labels, so that names and patterns meet. */
static void draft_pattern(char *text)
{
    static const char *const labels[] = {"a", "b", "ab", "A", "ba", "a", "b", "*", "a*", "*b", "a*b", "*a*"};
    bool is_deep, is_all;

    do {
        is_deep = below(5) == 0;
        draft_labels(stpcpy(text, is_deep ? "**." : ""), labels, below(2) ? 7 : COUNT(labels));
        is_all = strcmp(text, "*") == 0;
    } while (name_check_pattern(text, NULL) < 0 || (is_all && below(8)));
}

static void draft_name(char *text)
{
    static const char *const labels[] = {"a", "b", "ab", "ba", "aab", "c"};

    draft_labels(text, labels, COUNT(labels));
}

static const char *draft_method(void)
{
    static const char *const methods[] = {"GET", "PUT", "GETS"};

    return methods[below(COUNT(methods))];
}

static void draft_uri(char *text, const char *end)
{
    text = stpcpy(text, "/");
    for (unsigned i = below(12); i > 0; i--)
        *text++ = "ab/"[below(3)];
    stpcpy(text, end);
}

static void draft_lists(struct draft *draft)
{
    *draft = (struct draft){.names_count = below(LIST_MAX + 1), .requests_count = below(LIST_MAX + 1)};
    for (size_t i = 0; i < draft->names_count; i++)
        draft_pattern(draft->names[i]);
    for (size_t i = 0; i < draft->requests_count; i++) {
        snprintf(draft->requests[i].method, sizeof(draft->requests[i].method), "%s",
                 below(4) == 0 ? "*" : draft_method());
        draft_uri(draft->requests[i].uri, below(2) ? "*" : "");
    }
}

static void compile_draft(const struct draft *draft, struct compiled *compiled, struct profile **profile)
{
    char spec[4096], *end = spec;

    end += sprintf(end, "{processes: [{path: /a, network: {egress: {fqdns: [");
    for (size_t i = 0; i < draft->names_count; i++)
        end += sprintf(end, "'%s', ", draft->names[i]);
    end += sprintf(end, "], l7: {protocols: [http], http: [");
    for (size_t i = 0; i < draft->requests_count; i++)
        end += sprintf(end, "{method: '%s', uri: '%s'}, ", draft->requests[i].method, draft->requests[i].uri);
    sprintf(end, "]}}}}]}");
    compile_text_one(spec, compiled, profile);
    assert_int_equal(compiled->rules_count, 1);
}

/* --- what the profile says ---------------------------------------------------------------------------------------- */

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* One label against one of a pattern, both up to a dot or the end. */
static bool label_matches(const char *pattern, const char *label)
{
    if (*pattern == '*') {
        for (;; label++) {
            if (label_matches(pattern + 1, label))
                return true;
            if (*label == '.' || *label == '\0')
                return false;
        }
    }
    if (*pattern == '.' || *pattern == '\0')
        return *label == '.' || *label == '\0';
    return fold(*pattern) == *label && label_matches(pattern + 1, label + 1);
}

static const char *next_label(const char *text)
{
    const char *dot = strchr(text, '.');

    return dot ? dot + 1 : NULL;
}

static bool labels_match(const char *pattern, const char *name)
{
    for (; pattern && name; pattern = next_label(pattern), name = next_label(name)) {
        if (!label_matches(pattern, name))
            return false;
    }
    return !pattern && !name;
}

static bool pattern_matches(const char *pattern, const char *name)
{
    if (strcmp(pattern, "*") == 0)
        return true;
    if (strncmp(pattern, "**.", 3) != 0)
        return labels_match(pattern, name);
    for (name = next_label(name); name; name = next_label(name)) {
        if (labels_match(pattern + 3, name))
            return true;
    }
    return false;
}

static bool said_of_name(const struct draft *draft, const char *name)
{
    for (size_t i = 0; i < draft->names_count; i++) {
        if (pattern_matches(draft->names[i], name))
            return true;
    }
    return false;
}

static bool said_of_request(const struct draft *draft, const char *method, const char *uri)
{
    for (size_t i = 0; i < draft->requests_count; i++) {
        const char *listed = draft->requests[i].uri, *star = strchr(listed, '*');
        bool is_uri = star ? strncmp(listed, uri, (size_t)(star - listed)) == 0 : strcmp(listed, uri) == 0;

        if (is_uri && (strcmp(draft->requests[i].method, "*") == 0 || strcmp(draft->requests[i].method, method) == 0))
            return true;
    }
    return false;
}

/* --- what the compiled rules say ---------------------------------------------------------------------------------- */

/* As sync writes the key of a text, and as a hash map compares it. */
static bool has_key(const struct compiled_text *text, const struct text_key *key)
{
    struct text_key own = {.list = text->list, .kind = text->kind};

    if (text->list == LIST_HTTP) {
        own.length = (__u16)(strlen(text->text) | (text->method ? 0 : TEXT_ANY_METHOD));
        text_hash_request(text->method, text->text, strlen(text->text), keys.words, own.hash);
    } else {
        text_hash_name(text->text, keys.words, &own.length, own.hash);
    }
    return memcmp(&own, key, sizeof(own)) == 0;
}

static const struct compiled_text *look_up(const struct compiled_rules *rules, const struct text_key *key)
{
    for (size_t i = 0; i < rules->texts_count; i++) {
        if (has_key(&rules->texts[i], key))
            return &rules->texts[i];
    }
    return NULL;
}

static bool row_matches(const struct compiled_rules *rules, const struct compiled_text *row, const struct name *name)
{
    for (__u32 i = 0; row && i < row->globs_count; i++) {
        if (glob_matches(&rules->globs[row->first_glob + i], name))
            return true;
    }
    return false;
}

static bool end_matches(const struct compiled_rules *rules, const struct name *name, __u32 labels)
{
    const struct name_list *lengths = &rules->value.names[LIST_FQDNS];
    struct text_key key = {.list = LIST_FQDNS};

    name_end_hash(name, labels, &keys, &key);
    key.kind = TEXT_ONE_LABEL;
    if (lengths->one_label >> labels & 1 && name->labels == labels + 1 && look_up(rules, &key))
        return true;
    key.kind = TEXT_LABELS;
    if (lengths->labels >> labels & 1 && name->labels > labels && look_up(rules, &key))
        return true;
    key.kind = TEXT_GLOB;
    return lengths->globs >> labels & 1 && row_matches(rules, look_up(rules, &key), name);
}

static bool compiled_has_name(const struct compiled_rules *rules, const char *text)
{
    struct text_key key = {.list = LIST_FQDNS, .kind = TEXT_WHOLE};
    char padded[NSP_NAME_SIZE] = {0};
    struct name name;

    snprintf(padded, sizeof(padded), "%s", text);
    assert_int_equal(name_from_text(&name, (const __u8 *)padded, (__u32)strlen(text), keys.words), 1);
    if (rules->value.flags & RULES_FQDNS_ALL)
        return true;
    key.length = name.length;
    memcpy(key.hash, name.hash, sizeof(key.hash));
    if (look_up(rules, &key))
        return true;
    for (__u32 labels = 0; labels < name.labels; labels++) {
        if (end_matches(rules, &name, labels))
            return true;
    }
    return false;
}

static bool compiled_has_request(const struct compiled_rules *rules, const char *method, const char *uri)
{
    size_t whole = strlen(uri);

    for (int any = 0; any < 2; any++) {
        const char *counts = any ? NULL : method;
        __u16 flag = any ? TEXT_ANY_METHOD : 0;
        struct text_key key = {.list = LIST_HTTP, .kind = TEXT_WHOLE, .length = (__u16)(whole | flag)};

        text_hash_request(counts, uri, whole, keys.words, key.hash);
        if (look_up(rules, &key))
            return true;
        key.kind = TEXT_PREFIX;
        for (__u32 i = 0; i < rules->value.prefix_count && rules->value.prefix_lengths[i] <= whole; i++) {
            key.length = (__u16)(rules->value.prefix_lengths[i] | flag);
            text_hash_request(counts, uri, rules->value.prefix_lengths[i], keys.words, key.hash);
            if (look_up(rules, &key))
                return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------------------------------------------------------ */

/* How often each answer was given to a name, and to a request. */
static size_t names_said[2], requests_said[2];

static void compare(const struct draft *draft, const struct compiled_rules *rules, int policy)
{
    char name[ENTRY_MAX], uri[ENTRY_MAX];
    const char *method = draft_method();
    bool expected;

    draft_name(name);
    draft_uri(uri, "");
    expected = said_of_name(draft, name);
    names_said[expected]++;
    if (compiled_has_name(rules, name) != expected)
        fail_msg("policy %d: %s is %slisted", policy, name, expected ? "" : "not ");
    expected = said_of_request(draft, method, uri);
    requests_said[expected]++;
    if (compiled_has_request(rules, method, uri) != expected)
        fail_msg("policy %d: %s %s is %slisted", policy, method, uri, expected ? "" : "not ");
}

static void both_say_the_same_of_random_names_and_requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(keys.words); i++)
        keys.words[i] = (__u32)rand_r(&seed) << 8 ^ (__u32)rand_r(&seed);
    for (int policy = 0; policy < POLICIES; policy++) {
        struct compiled compiled;
        struct profile *profile;
        struct draft draft;

        draft_lists(&draft);
        compile_draft(&draft, &compiled, &profile);
        for (int i = 0; i < QUESTIONS; i++)
            compare(&draft, &compiled.rules[0], policy);
        compiled_free(&compiled);
        profile_free(profile);
    }

    /* The drafts are worth something only if every answer was frequent. */
    assert_true(names_said[false] > 1000 && names_said[true] > 1000);
    assert_true(requests_said[false] > 1000 && requests_said[true] > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_say_the_same_of_random_names_and_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
