/* SPDX-License-Identifier: Apache-2.0 */
/* Which texts are DNS names and patterns, object names, label keys and label values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/name.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L253 L63 "." L63 "." L63 ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

typedef int (*checker)(const char *text, struct error *err);

struct refusal {
    const char *text, *says;
};

static void assert_taken(checker check, const char *const texts[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};

        if (check(texts[i], &err) < 0)
            fail_msg("%s", err.msg);
    }
}

static void assert_refused(checker check, const struct refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};

        if (check(cases[i].text, &err) == 0)
            fail_msg("\"%s\" was taken", cases[i].text);
        if (!strstr(err.msg, cases[i].says))
            fail_msg("\"%s\" said: %s", cases[i].text, err.msg);
    }
}

static void names_and_patterns_of_dns_are_taken(void **state)
{
    static const char *const texts[] = {
        "pong.default.svc.cluster.local",
        "example.com.",
        "EXAMPLE.com",
        "*",
        "*.",
        "*.example.com",
        "**.example.com",
        "api-*.example.com",
        "a.*.example.com",
        "*a*.example.com",
        "_dmarc.example.com",
        "localhost",
        "1.example.com",
        "xn--bcher-kva.example",
        "r3---sn.example.com",
        "10.in-addr.arpa",
        "*.*.example.com",
        "**.*.example.com",
        "**.api-*.example.com",
        L253,
        L253 ".",
    };

    (void)state;
    assert_taken(name_check_pattern, texts, COUNT(texts));
}

static void what_is_no_name_or_pattern_is_refused(void **state)
{
    static const struct refusal cases[] = {
        {"", "is not a DNS name"},
        {".", "is not a DNS name"},
        {"a..b", "empty label"},
        {".a", "empty label"},
        {"a.b..", "empty label"},
        {"**", "for every name write \"*\""},
        {"**.", "for every name write \"*\""},
        {"***.example.com", "only be the whole first label"},
        {"a**.example.com", "only be the whole first label"},
        {"a.**.example.com", "only be the whole first label"},
        {"**.**.example.com", "only be the whole first label"},
        {"-a.example.com", "begins or ends with \"-\""},
        {"a-.example.com", "begins or ends with \"-\""},
        {"b\xc3\xbc"
         "cher.example",
         "write the xn-- form"},
        {"a b.example.com", "a character that no DNS name has"},
        {"http://example.com", "a character that no DNS name has"},
        {"example.com:443", "a character that no DNS name has"},
        {"10.0.0.1", "write an address under cidr4 or cidr6"},
        {"example.1", "write an address under cidr4"},
        {"a" L63 ".example.com", "a label of 64 characters; at most 63"},
        {"a" L253, "254 characters; at most 253"},
    };

    (void)state;
    assert_refused(name_check_pattern, cases, COUNT(cases));
}

static void folding_lowers_and_drops_the_final_dot(void **state)
{
    static const char *const cases[][2] = {
        {"EXAMPLE.Com.", "example.com"}, {"*.A", "*.a"}, {"a", "a"}, {"", ""}, {L253 ".", L253},
    };
    char folded[NAME_DNS_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        name_fold(cases[i][0], folded);
        assert_string_equal(folded, cases[i][1]);
    }
}

static void a_pattern_has_a_kind_and_a_literal_end(void **state)
{
    static const struct {
        const char *name;
        enum name_kind kind;
        const char *end;
        size_t labels; /* of the end */
    } cases[] = {
        {"a.b", NAME_EXACT, "a.b", 2},
        {"localhost", NAME_EXACT, "localhost", 1},
        {"*", NAME_ALL, "", 0},
        {"*.b.c", NAME_ONE_LABEL, "b.c", 2},
        {"**.c", NAME_LABELS, "c", 1},
        {"*.*.c", NAME_GLOB, "c", 1},
        {"a*.b.c", NAME_GLOB, "b.c", 2},
        {"*a.b", NAME_GLOB, "b", 1},
        {"a.*.b", NAME_GLOB, "b", 1},
        {"a.b*", NAME_GLOB, "", 0},
        {"a.*", NAME_GLOB, "", 0},
        {"*a", NAME_GLOB, "", 0},
        {"**.a*.b.c", NAME_GLOB, "b.c", 2},
        {"**.*.c", NAME_GLOB, "c", 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *end;

        assert_int_equal(name_classify(cases[i].name, &end), cases[i].kind);
        assert_string_equal(end, cases[i].end);
        assert_int_equal(name_count_labels(end), cases[i].labels);
    }
}

static void object_names_are_dns_1123(void **state)
{
    static const char *const subdomains[] = {"a", "ping-profile", "a.b-c.d1", "1", L253};
    static const char *const labels[] = {"a", "kube-system", "0", L63};
    static const struct refusal bad_subdomains[] = {
        {"", "expected lower-case letters"},
        {"Ping", "expected lower-case letters"},
        {"a_b", "expected"},
        {"-a", "expected"},
        {"a-", "expected"},
        {".a", "expected"},
        {"a.", "expected"},
        {"a..b", "expected"},
        {"a.-b", "expected"},
        {"a-.b", "expected"},
        {"a/b", "expected"},
        {"a" L253, "too long; at most 253"},
    };
    static const struct refusal bad_labels[] = {
        {"", "expected"}, {"a.b", "expected"}, {"A", "expected"}, {"-", "expected"}, {"a" L63, "at most 63"},
    };

    (void)state;
    assert_taken(name_check_subdomain, subdomains, COUNT(subdomains));
    assert_taken(name_check_label, labels, COUNT(labels));
    assert_refused(name_check_subdomain, bad_subdomains, COUNT(bad_subdomains));
    assert_refused(name_check_label, bad_labels, COUNT(bad_labels));
}

static void labels_have_kubernetes_syntax(void **state)
{
    static const char longest[] = "example.com/" L63;
    static const char *const keys[] = {"app", "App_1.x-y", "app.kubernetes.io/name", "a/b", L63, longest};
    static const char *const values[] = {"", "ping", "v1.2_3-Rc", "1", L63};
    static const struct refusal bad_keys[] = {
        {"", "is not a label's key"},
        {"-a", "is not"},
        {"a.", "is not"},
        {"a b", "is not"},
        {"a" L63, "at most 63"},
        {"/a", "before the \"/\""},
        {"a/", "is not"},
        {"Example.com/a", "lower-case domain"},
        {"a/b/c", "is not"},
        {"a" L253 "/b", "before the \"/\""},
    };
    static const struct refusal bad_values[] = {
        {"-", "is not a label's value"}, {"a/b", "is not"}, {" ", "is not"}, {"a-", "is not"}, {"a" L63, "at most 63"},
    };

    (void)state;
    assert_taken(name_check_key, keys, COUNT(keys));
    assert_taken(name_check_value, values, COUNT(values));
    assert_refused(name_check_key, bad_keys, COUNT(bad_keys));
    assert_refused(name_check_value, bad_values, COUNT(bad_values));
}

static void what_cannot_be_printed_becomes_a_question_mark(void **state)
{
    char text[] = "a\x1b[2J\xc3\xa9\x7f~ ";

    (void)state;
    name_make_printable(text);
    assert_string_equal(text, "a?[2J???~ ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_patterns_of_dns_are_taken),
        cmocka_unit_test(what_is_no_name_or_pattern_is_refused),
        cmocka_unit_test(folding_lowers_and_drops_the_final_dot),
        cmocka_unit_test(a_pattern_has_a_kind_and_a_literal_end),
        cmocka_unit_test(object_names_are_dns_1123),
        cmocka_unit_test(labels_have_kubernetes_syntax),
        cmocka_unit_test(what_cannot_be_printed_becomes_a_question_mark),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
