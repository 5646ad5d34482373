/* SPDX-License-Identifier: Apache-2.0 */
/* What names, patterns and requests become for the kernel, and which flows must be looked into. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/compile_text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void compile_egress(const char *rules, struct compiled *compiled, struct profile **profile)
{
    char spec[1000];

    snprintf(spec, sizeof(spec), "{processes: [{path: /a, network: {egress: %s}}]}", rules);
    compile_text_one(spec, compiled, profile);
    assert_int_equal(compiled->rules_count, 1);
}

static const struct compiled_text *find(const struct compiled_rules *rules, const struct compiled_text *like)
{
    for (size_t i = 0; i < rules->texts_count; i++) {
        const struct compiled_text *text = &rules->texts[i];

        if (text->list == like->list && text->kind == like->kind && strcmp(text->text, like->text) == 0 &&
            !text->method == !like->method && (!text->method || strcmp(text->method, like->method) == 0))
            return text;
    }
    fail_msg("no text %d %d %s", like->list, like->kind, like->text);
    abort(); /* fail_msg() does not return, which nobody has told the compiler */
}

static void names_are_found_by_kind_and_literal_end(void **state)
{
    static const struct compiled_text expected[] = {
        {.list = LIST_FQDNS, .kind = TEXT_WHOLE, .text = "a.b.c"},
        {.list = LIST_FQDNS, .kind = TEXT_ONE_LABEL, .text = "b.c"},
        {.list = LIST_FQDNS, .kind = TEXT_ONE_LABEL, .text = "c"},
        {.list = LIST_FQDNS, .kind = TEXT_LABELS, .text = "b.c"},
        {.list = LIST_FQDNS, .kind = TEXT_GLOB, .text = "b.c"},
        {.list = LIST_FQDNS, .kind = TEXT_GLOB, .text = ""},
        {.list = LIST_DNS, .kind = TEXT_WHOLE, .text = "a.b.c"},
        {.list = LIST_DNS, .kind = TEXT_GLOB, .text = "d"},
    };
    struct compiled compiled;
    struct profile *profile;

    (void)state;
    compile_egress("{fqdns: [A.b.c, a.b.C., '*.b.c', '*.c', '**.b.c', 'x*.b.c', '*y.b.c', 'b.*'], l7: {protocols: "
                   "[dns], dns: [a.b.c, 'z.*.d']}}",
                   &compiled, &profile);

    const struct compiled_rules *rules = &compiled.rules[0];

    assert_int_equal(rules->texts_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++)
        find(rules, &expected[i]);
    assert_int_equal(rules->value.names[LIST_FQDNS].one_label, 1 << 2 | 1 << 1);
    assert_int_equal(rules->value.names[LIST_FQDNS].labels, 1 << 2);
    assert_int_equal(rules->value.names[LIST_FQDNS].globs, 1 << 2 | 1 << 0);
    assert_int_equal(rules->value.names[LIST_DNS].one_label | rules->value.names[LIST_DNS].labels, 0);
    assert_int_equal(rules->value.names[LIST_DNS].globs, 1 << 1);
    assert_int_equal(rules->value.flags & (RULES_FQDNS | RULES_FQDNS_ALL), RULES_FQDNS);
    compiled_free(&compiled);
    profile_free(profile);
}

static void assert_glob(const struct glob *glob, const char *wire)
{
    assert_int_equal(glob->length, strlen(wire));
    assert_memory_equal(glob->text, wire, glob->length);
    for (size_t i = glob->length; i < sizeof(glob->text); i++)
        assert_int_equal(glob->text[i], 0);
}

static void patterns_that_end_alike_lie_in_one_row(void **state)
{
    const struct compiled_text bc = {.list = LIST_FQDNS, .kind = TEXT_GLOB, .text = "b.c"};
    const struct compiled_text none = {.list = LIST_FQDNS, .kind = TEXT_GLOB, .text = ""};
    const struct compiled_text dns = {.list = LIST_DNS, .kind = TEXT_GLOB, .text = "b.c"};
    struct compiled compiled;
    struct profile *profile;

    (void)state;
    compile_egress(
        "{fqdns: ['x*.b.c', 'b.*', 'a.*.b.c', '*y.b.c', '**.z*.b.c'], l7: {protocols: [dns], dns: ['x*.B.c']}}",
        &compiled, &profile);

    const struct compiled_rules *rules = &compiled.rules[0];
    const struct glob *row = rules->globs + find(rules, &bc)->first_glob;

    assert_int_equal(compiled.globs_count, 6);
    assert_int_equal(rules->globs_count, 6);
    assert_int_equal(find(rules, &bc)->globs_count, 4);
    assert_int_equal(find(rules, &none)->globs_count, 1);
    assert_int_equal(find(rules, &dns)->globs_count, 1);
    assert_glob(&row[0], "\2**\2z*\1b\1c");
    assert_glob(&row[1], "\2*y\1b\1c");
    assert_glob(&row[2], "\1a\1*\1b\1c");
    assert_glob(&row[3], "\2x*\1b\1c");
    assert_glob(rules->globs + find(rules, &none)->first_glob, "\1b\1*");
    assert_glob(rules->globs + find(rules, &dns)->first_glob, "\2x*\1b\1c");
    compiled_free(&compiled);
    profile_free(profile);
}

static void beside_a_star_alone_no_name_counts(void **state)
{
    struct compiled compiled;
    struct profile *profile;

    (void)state;
    compile_egress("{fqdns: [a, '*', '*.b'], l7: {protocols: [dns], dns: ['*', 'x*.b']}}", &compiled, &profile);
    assert_int_equal(compiled.rules[0].texts_count + compiled.rules[0].globs_count, 0);
    assert_int_equal(compiled.rules[0].value.names[LIST_FQDNS].one_label, 0);
    assert_int_equal(compiled.rules[0].value.flags, RULES_PRESENT | RULES_FQDNS | RULES_FQDNS_ALL | RULES_L7 |
                                                        RULES_L7_DNS | RULES_DNS_LIST | RULES_DNS_ALL | RULES_INSPECT);
    compiled_free(&compiled);
    profile_free(profile);
}

static void requests_are_whole_or_prefixes(void **state)
{
    static const struct compiled_text expected[] = {
        {.list = LIST_HTTP, .kind = TEXT_WHOLE, .method = "GET", .text = "/task"},
        {.list = LIST_HTTP, .kind = TEXT_WHOLE, .text = "/task"},
        {.list = LIST_HTTP, .kind = TEXT_PREFIX, .method = "GET", .text = "/static/"},
        {.list = LIST_HTTP, .kind = TEXT_PREFIX, .method = "PUT", .text = "/files/0"},
        {.list = LIST_HTTP, .kind = TEXT_PREFIX, .text = ""},
        {.list = LIST_HTTP, .kind = TEXT_PREFIX, .text = "/"},
    };
    static const __u16 lengths[NSP_PREFIXES_MAX] = {0, 1, 8};
    struct compiled compiled;
    struct profile *profile;

    (void)state;
    compile_egress(
        "{l7: {protocols: [http], http: [{method: GET, uri: /task}, {method: '*', uri: /task}, {method: GET, "
        "uri: /task}, {method: GET, uri: '/static/*'}, {method: PUT, uri: '/files/0*'}, {method: '*', uri: "
        "'*'}, {method: '*', uri: '/*'}]}}",
        &compiled, &profile);

    const struct compiled_rules *rules = &compiled.rules[0];

    assert_int_equal(rules->texts_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++)
        find(rules, &expected[i]);
    assert_int_equal(rules->value.prefix_count, 3);
    assert_memory_equal(rules->value.prefix_lengths, lengths, sizeof(lengths));
    compiled_free(&compiled);
    profile_free(profile);
}

static void a_flow_is_looked_into_only_where_something_may_be_refused(void **state)
{
    static const struct {
        const char *rules;
        bool is_inspected;
    } cases[] = {
        {"{}", false},
        {"{fqdns: [a]}", false},
        {"{l7: {}}", true},
        {"{l7: {protocols: []}}", true},
        {"{l7: {protocols: [dns, http, https]}}", true},
        {"{l7: {protocols: [any]}}", false},
        {"{l7: {protocols: [any, dns, http, https]}}", false},
        {"{l7: {protocols: [any], dns: []}}", true},
        {"{l7: {protocols: [any], dns: ['*']}}", true},
        {"{l7: {protocols: [any], http: []}}", true},
        {"{l7: {protocols: [any]}, fqdns: [a]}", false},
        {"{l7: {protocols: [any, https]}, fqdns: []}", false},
        {"{l7: {protocols: [any, https]}, fqdns: [a]}", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct compiled compiled;
        struct profile *profile;

        compile_egress(cases[i].rules, &compiled, &profile);
        if (!(compiled.rules[0].value.flags & RULES_INSPECT) == cases[i].is_inspected)
            fail_msg("%s: %#x", cases[i].rules, compiled.rules[0].value.flags);
        compiled_free(&compiled);
        profile_free(profile);
    }
}

static void names_are_the_pods_only_for_egress_of_processes(void **state)
{
    struct compiled compiled;
    struct profile *profile;

    (void)state;
    compile_text_one(
        "{nameScope: pod, default: {egress: {cidr4: [0.0.0.0/0]}}, processes: [{path: /a, network: {egress: "
        "{l3: {protocols: [ipv4]}}, ingress: {l3: {protocols: [ipv4]}}}}]}",
        &compiled, &profile);

    const struct part *part = compile_text_block(&compiled, "/a", 0)->value.parts;
    const struct part *ownerless = compile_text_block(&compiled, NULL, BLOCK_DEFAULT)->value.parts;

    assert_int_equal(compiled.rules[part->rules[EGRESS] - 1].value.flags, RULES_PRESENT | RULES_POD_NAMES);
    assert_int_equal(compiled.rules[part->rules[INGRESS] - 1].value.flags, RULES_PRESENT);
    assert_int_equal(compiled.rules[ownerless->rules[EGRESS] - 1].value.flags, RULES_PRESENT | RULES_ANY4);
    compiled_free(&compiled);
    profile_free(profile);
}

static void the_order_of_names_and_requests_does_not_matter(void **state)
{
    struct compiled compiled, again;
    struct profile *profile, *same;

    (void)state;
    compile_egress(
        "{fqdns: [a, b, 'x*.c', 'y*.c', 'z*'], l7: {http: [{method: GET, uri: /}, {method: '*', uri: '/b*'}]}}",
        &compiled, &profile);
    compile_egress("{l7: {http: [{uri: '/b*', method: '*'}, {method: '*', uri: '/b*'}, {method: GET, uri: /}]}, fqdns: "
                   "['z*', 'Y*.c', 'x*.c.', b, B, a]}",
                   &again, &same);
    assert_memory_equal(compiled.content, again.content, 32);
    compiled_free(&compiled);
    compiled_free(&again);
    profile_free(profile);
    profile_free(same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_by_kind_and_literal_end),
        cmocka_unit_test(patterns_that_end_alike_lie_in_one_row),
        cmocka_unit_test(beside_a_star_alone_no_name_counts),
        cmocka_unit_test(requests_are_whole_or_prefixes),
        cmocka_unit_test(a_flow_is_looked_into_only_where_something_may_be_refused),
        cmocka_unit_test(names_are_the_pods_only_for_egress_of_processes),
        cmocka_unit_test(the_order_of_names_and_requests_does_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
