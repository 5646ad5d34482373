/* SPDX-License-Identifier: Apache-2.0 */
/* RULES.fqdns and RULES.l7: names, patterns, requests, and the lists that cannot do what they seem to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "tests/unit/profile_text.h"
#include "tests/unit/rules_text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A1023                                                                                                          \
    A64 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64                                                        \
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L16 "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."

static const struct rules_spec *egress_of(const struct profile *profile)
{
    return &profile->processes[0].rules[EGRESS];
}

static void names_are_folded_sorted_and_kept_once(void **state)
{
    static const char *const expected[] = {"*", "**.b", "*.b", "a.b", "x*.b"};
    struct profile *profile = rules_text_make("{fqdns: [A.b., '*.b', 'X*.B', '**.b', a.B, '*'], l7: {protocols: [dns], "
                                              "dns: [c, C.]}}");
    const struct rules_spec *rules = egress_of(profile);

    (void)state;
    assert_int_equal(rules->fqdns.count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_string_equal(rules->fqdns.items[i], expected[i]);
    assert_int_equal(rules->dns.count, 1);
    assert_string_equal(rules->dns.items[0], "c");
    profile_free(profile);
}

static void protocols_and_lists_are_bits(void **state)
{
    static const struct {
        const char *l7;
        __u32 bits;
    } cases[] = {
        {"{}", RULES_L7},
        {"{protocols: []}", RULES_L7},
        {"{protocols: [any]}", RULES_L7 | RULES_L7_ANY},
        {"{protocols: [dns, http, https, dns]}", RULES_L7 | RULES_L7_DNS | RULES_L7_HTTP | RULES_L7_HTTPS},
        {"{protocols: [dns], dns: []}", RULES_L7 | RULES_L7_DNS | RULES_DNS_LIST},
        {"{http: []}", RULES_L7 | RULES_HTTP_LIST},
    };
    struct profile *profile = rules_text_make("{}");

    (void)state;
    assert_int_equal(egress_of(profile)->l7, 0);
    profile_free(profile);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char rules[100];

        snprintf(rules, sizeof(rules), "{l7: %s}", cases[i].l7);
        profile = rules_text_make(rules);
        assert_int_equal(egress_of(profile)->l7, cases[i].bits);
        profile_free(profile);
    }
}

static void requests_have_a_method_a_uri_and_maybe_a_star(void **state)
{
    static const struct request_spec expected[] = {
        {(char *)"GET", (char *)"/task", false},
        {NULL, (char *)"/static/", true},
        {(char *)"M-SEARCH", (char *)"", true},
        {(char *)"POST", (char *)"/a?b=%2F~", false},
    };
    struct profile *profile =
        rules_text_make("{l7: {protocols: [http], http: [{method: GET, uri: /task}, {uri: '/static/*', method: '*'}, "
                        "{method: M-SEARCH, uri: '*'}, {method: POST, uri: '/a?b=%2F~'}]}}");
    const struct rules_spec *rules = egress_of(profile);

    (void)state;
    assert_int_equal(rules->requests_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_int_equal(rules->requests[i].method == NULL, expected[i].method == NULL);
        if (expected[i].method)
            assert_string_equal(rules->requests[i].method, expected[i].method);
        assert_string_equal(rules->requests[i].uri, expected[i].uri);
        assert_int_equal(rules->requests[i].is_prefix, expected[i].is_prefix);
    }
    profile_free(profile);
}

static void bad_names_are_refused(void **state)
{
    static const char *const cases[][2] = {
        {"{fqdns: [a..b]}", ".fqdns[0]: \"a..b\" has an empty label"},
        {"{fqdns: a.b}", ".fqdns: expected a list, not a text"},
        {"{fqdns: ~}", ".fqdns: is empty; write a list or remove the field"},
        {"{fqdns: [a, 1]}", ".fqdns[1]: expected a text, not a number; quote it"},
        {"{fqdns: [10.0.0.1]}", ".fqdns[0]: \"10.0.0.1\" is not a DNS name; write an address under cidr4 or cidr6"},
        {"{fqdns: ['*." L16 L16 L16 L16 "']}",
         ".fqdns[0]: \"*.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a....\" has 64 labels after its \"*\"; at most 63"},
        {"{l7: {dns: [a b]}}", ".l7.dns[0]: \"a b\" has a character that no DNS name has; expected letters, digits, - "
                               "_ . and *"},
        {"{l7: {dns: ['x*." L16 L16 L16 L16 "']}}",
         ".l7.dns[0]: \"x*.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a...\" has 64 labels after its \"*\"; at most 63"},
        {"{l7: {dns: {}}}", ".l7.dns: expected a list, not a map"},
    };

    (void)state;
    rules_text_all_refused(cases, COUNT(cases));
    profile_free(
        rules_text_make("{fqdns: [" L16 L16 L16 L16 L16 ", '**." L16 L16 L16 "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a']}"));
}

static void bad_protocols_and_requests_are_refused(void **state)
{
    static const char *const cases[][2] = {
        {"{l7: []}", ".l7: expected a map, not a list"},
        {"{l7: {protocols: http}}", ".l7.protocols: expected a list, not a text"},
        {"{l7: {protocols: [grpc]}}", ".l7.protocols[0]: \"grpc\" is not one of any, dns, http, https"},
        {"{l7: {protocols: [htp]}}",
         ".l7.protocols[0]: \"htp\" is not one of any, dns, http, https; did you mean http?"},
        {"{l7: {https: [a]}}",
         ".l7.https: unknown field; what is encrypted cannot be read: name the servers under fqdns"},
        {"{l7: {http: {}}}", ".l7.http: expected a list, not a map"},
        {"{l7: {http: [GET]}}", ".l7.http[0]: expected a map, not a text"},
        {"{l7: {http: [{uri: /}]}}", ".l7.http[0].method: missing; write a method such as GET, or \"*\" for all"},
        {"{l7: {http: [{method: GET}]}}", ".l7.http[0].uri: missing; write a path such as /task, or \"/*\" for all"},
        {"{l7: {http: [{method: get, uri: /}]}}", ".l7.http[0].method: \"get\" is not an HTTP method; write it in "
                                                  "capitals, such as GET, or \"*\" for all"},
        {"{l7: {http: [{method: GE*, uri: /}]}}", ".l7.http[0].method: \"GE*\" is not an HTTP method; write it in "
                                                  "capitals, such as GET, or \"*\" for all"},
        {"{l7: {http: [{method: [GET], uri: /}]}}", ".l7.http[0].method: expected a text, not a list"},
        {"{l7: {http: [{method: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA, uri: /}]}}",
         ".l7.http[0].method: \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\" is not an HTTP method; write it in capitals, such "
         "as "
         "GET, or \"*\" for all"},
        {"{l7: {http: [{method: GET, uri: task}]}}",
         ".l7.http[0].uri: \"task\" does not begin with \"/\"; write the path that is requested, such as /task"},
        {"{l7: {http: [{method: GET, uri: ''}]}}",
         ".l7.http[0].uri: \"\" does not begin with \"/\"; write the path that is requested, such as /task"},
        {"{l7: {http: [{method: GET, uri: 5}]}}", ".l7.http[0].uri: expected a text, not a number; quote it"},
        {"{l7: {http: [{method: GET, uri: '/a*b'}]}}",
         ".l7.http[0].uri: \"/a*b\" has a \"*\" before its end; only the last character can be one"},
        {"{l7: {http: [{method: GET, uri: '/a b'}]}}",
         ".l7.http[0].uri: \"/a b\" has a character that no request has; percent-encode it"},
        {"{l7: {http: [{method: GET, uri: /a" A1023 "}]}}",
         ".l7.http[0].uri: \"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\" has 1025 characters; at most 1024, and a "
         "\"*\""},
        {"{l7: {http: [{method: GET, uri: '/a" A1023 "*'}]}}",
         ".l7.http[0].uri: \"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\" has 1025 characters; at most 1024, and a "
         "\"*\""},
        {"{l7: {http: [{method: GET, url: /}]}}", ".l7.http[0].url: unknown field; did you mean uri?"},
    };

    (void)state;
    rules_text_all_refused(cases, COUNT(cases));
    profile_free(rules_text_make("{l7: {http: [{method: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA, uri: '/" A1023 "*'}]}}"));
}

static void lists_that_cannot_do_what_they_say_are_warned_of(void **state)
{
    static const char *const wildcard[] = {
        RULES_FIELD ".fqdns: \"*.b\" is exactly one label; for any depth add \"**.b\"",
    };
    static const char *const none[] = {
        RULES_FIELD ".l7: no protocols: nothing that a flow carries is allowed; write dns, http, https or any",
    };
    static const char *const lists[] = {
        RULES_FIELD ".l7.dns: allows nothing: l7.protocols has neither dns nor any",
        RULES_FIELD ".l7.http: allows nothing: l7.protocols has neither http nor any",
        RULES_FIELD ".l7.http: says nothing of https, whose requests cannot be read: l7.protocols allows any of them",
    };
    static const char *const unlisted[] = {
        RULES_FIELD ".l7: dns without a list: no name may be asked for; write the names under dns, or \"*\"",
    };

    (void)state;
    rules_text_warnings("{fqdns: ['*.A.', '**.a', '*.B', c, '*.d*.e', '*.*']}", wildcard, 1);
    rules_text_warnings("{fqdns: []}", NULL, 0);
    rules_text_warnings("{l7: {}}", none, 1);
    rules_text_warnings("{l7: {dns: [a], http: [{method: GET, uri: /}]}}", none, 1);
    rules_text_warnings("{l7: {protocols: [https], dns: [a], http: []}}", lists, 3);
    rules_text_warnings("{l7: {protocols: [dns, http]}}", unlisted, 1);
    rules_text_warnings("{l7: {protocols: [dns, any]}}", NULL, 0);
    rules_text_warnings("{l7: {protocols: [http], http: [{method: '*', uri: '/static/*'}]}}", NULL, 0);
    rules_text_warnings("{l7: {protocols: [any], dns: ['*', a.b], http: []}}", NULL, 0);
}

/* Whatever the list says, two readings of a path are refused. */
static void uris_that_no_request_can_have_are_warned_of(void **state)
{
    static const struct {
        const char *uri;
        bool can_match;
    } cases[] = {
        {"/", true},         {"/task", true},   {"/a/b/", true},      {"/a?b=//../c", true}, {"/a%20b", true},
        {"*", true},         {"/*", true},      {"/static/*", true},  {"/a%2*", true},       {"/a%*", true},
        {"/a/..*", true},    {"/a//b", false},  {"/a/./b", false},    {"/a/../b", false},    {"/a/..", false},
        {"/a/%61", false},   {"/a%2fb", false}, {"/a%zz", false},     {"/a%", false},        {"/a#b", false},
        {"/a/../b*", false}, {"//*", false},    {"/a%2fbcd*", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        static const char *const warning[] = {
            RULES_FIELD ".l7.http[0].uri: can match nothing: such a request is refused as ambiguous; write the path "
                        "without // . .. # \\ and needless escapes"};
        char rules[100];

        snprintf(rules, sizeof(rules), "{l7: {protocols: [http], http: [{method: GET, uri: '%s'}]}}", cases[i].uri);
        rules_text_warnings(rules, warning, !cases[i].can_match);
    }
}

static void names_match_nothing_under_ingress_and_default(void **state)
{
    struct profile *profile = profile_text_make(
        "p", "{actions: [alert], labelSelector: {}, default: {egress: {fqdns: [a]}}, processes: [{path: /a, network: "
             "{ingress: {fqdns: [a]}}}]}");

    (void)state;
    assert_int_equal(profile->warnings_count, 2);
    assert_string_equal(profile->warnings[0].field, "spec.default.egress.fqdns");
    assert_string_equal(profile->warnings[1].field, "spec.processes[0].network.ingress.fqdns");
    assert_string_equal(profile->warnings[0].text,
                        "can match nothing: names are learnt for the egress of processes only");
    assert_int_equal(profile->default_[EGRESS].fqdns.count, 0);
    assert_int_equal(profile->processes[0].rules[INGRESS].fqdns.count, 0);
    profile_free(profile);
}

/* T88 */
static void lists_have_limits(void **state)
{
    static const struct {
        const char *before, *element, *after;
        size_t limit;
        const char *says;
    } cases[] = {
        {"{fqdns: [", "a.b", "]}", 1000, ".fqdns: has 1001 elements; at most 1000"},
        {"{l7: {dns: [", "a.b", "]}}", 1000, ".l7.dns: has 1001 elements; at most 1000"},
        {"{l7: {http: [", "{method: GET, uri: /}", "]}}", 1000, ".l7.http: has 1001 elements; at most 1000"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        cleanup_free char *most = rules_text_repeat(cases[i].before, cases[i].element, cases[i].limit, cases[i].after);
        cleanup_free char *more =
            rules_text_repeat(cases[i].before, cases[i].element, cases[i].limit + 1, cases[i].after);

        profile_free(rules_text_make(most));
        rules_text_refused(more, cases[i].says);
    }
}

/* "a*.x, b*.x, ...": patterns that differ and end alike. */
static void write_globs(char *text, size_t size, const char *before, unsigned count, const char *after)
{
    size_t used = (size_t)snprintf(text, size, "%s", before);

    for (unsigned i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, size - used, "'%c*.x', ", 'a' + (int)i);
    snprintf(text + used, size - used, "%s", after);
}

static void at_most_16_patterns_of_a_list_end_alike(void **state)
{
    static const char says[] = "more than 16 patterns with a \"*\" inside a label end in \"x\"; at most 16: use wider "
                               "ones, such as \"**.x\"";
    char rules[400], expected[200];

    (void)state;
    write_globs(rules, sizeof(rules), "{l7: {protocols: [dns], dns: ['y*', ", 16, "'*.x', 'a*.y.x', 'A*.X.']}}");
    profile_free(rules_text_make(rules));
    write_globs(rules, sizeof(rules), "{l7: {protocols: [dns], dns: [", 17, "]}}");
    snprintf(expected, sizeof(expected), ".l7.dns: %s", says);
    rules_text_refused(rules, expected);
    write_globs(rules, sizeof(rules), "{fqdns: [", 17, "]}");
    snprintf(expected, sizeof(expected), ".fqdns: %s", says);
    rules_text_refused(rules, expected);
}

static void write_prefixes(char *text, size_t size, unsigned lengths)
{
    size_t used = (size_t)snprintf(text, size, "{l7: {protocols: [http], http: [{method: GET, uri: '/a*'}, ");

    for (unsigned i = 0; i < lengths; i++)
        used += (size_t)snprintf(text + used, size - used, "{method: '*', uri: '/%.*s*'}, ", (int)i,
                                 "bbbbbbbbbbbbbbbbbbbb");
    snprintf(text + used, size - used, "{method: GET, uri: /ccccccccccccccccccccccccccccccc}]}}");
}

static void uris_that_end_in_a_star_have_at_most_16_lengths(void **state)
{
    char rules[1500];

    (void)state;
    write_prefixes(rules, sizeof(rules), 16);
    profile_free(rules_text_make(rules));
    write_prefixes(rules, sizeof(rules), 17);
    rules_text_refused(rules, ".l7.http: uris that end in \"*\" have 17 different lengths; at most 16: join some under "
                              "a shorter one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_folded_sorted_and_kept_once),
        cmocka_unit_test(protocols_and_lists_are_bits),
        cmocka_unit_test(requests_have_a_method_a_uri_and_maybe_a_star),
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(bad_protocols_and_requests_are_refused),
        cmocka_unit_test(lists_that_cannot_do_what_they_say_are_warned_of),
        cmocka_unit_test(uris_that_no_request_can_have_are_warned_of),
        cmocka_unit_test(names_match_nothing_under_ingress_and_default),
        cmocka_unit_test(lists_have_limits),
        cmocka_unit_test(at_most_16_patterns_of_a_list_end_alike),
        cmocka_unit_test(uris_that_end_in_a_star_have_at_most_16_lengths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
