/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns with a `*` inside a label: what they match, by a table and by a plain second implementation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "datapath/name_glob.h"

#include "tests/fuzz/plain_name.h"
#include "tests/unit/message.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct name name;
static struct glob glob;

static void read_name(const char *text)
{
    static struct dns_message message;

    message_start(&message, MESSAGE_QUERY, 0, 0, 0);
    message_put_name(&message, text);
    assert_int_equal(name_read(&message, DNS_HEADER_SIZE, &name, (const void *)message_key()), message.length);
}

/* As wire labels. */
static struct plain_name to_plain(const char *text)
{
    struct plain_name plain = {.size = 0};

    while (*text) {
        size_t size = strcspn(text, ".");

        assert_true(plain_add_label(&plain, (const uint8_t *)text, size));
        text += size + (text[size] == '.');
    }
    return plain;
}

static void set_glob(const char *text)
{
    struct plain_name plain = to_plain(text);

    glob.length = (__u8)plain.size;
    memcpy(glob.text, plain.wire, plain.size);
}

static void patterns_match_label_by_label(void **state)
{
    static const struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = {
        {"api-*.x", "api-1.x", true},
        {"api-*.x", "api-.x", true},
        {"api-*.x", "api.x", false},
        {"api-*.x", "api-1.y", false},
        {"api-*.x", "api-1.b.x", false},
        {"*-api.x", "eu-api.x", true},
        {"*-api.x", "-api.x", true},
        {"*-api.x", "eu-api-.x", false},
        {"a*b*c.x", "abc.x", true},
        {"a*b*c.x", "axxbxxc.x", true},
        {"a*b*c.x", "abcbc.x", true},
        {"a*b*c.x", "acb.x", false},
        {"*ab.x", "aab.x", true},
        {"*aab.x", "aaaab.x", true},
        {"*a*.x", "bab.x", true},
        {"*a*.x", "bbb.x", false},
        {"*.*.x", "a.b.x", true},
        {"*.*.x", "a.x", false},
        {"*.*.x", "a.b.c.x", false},
        {"a.*.x", "a.b.x", true},
        {"a.*.x", "b.b.x", false},
        {"a.*", "a.b", true},
        {"a.*", "a", false},
        {"a*", "a", true},
        {"a*", "abc", true},
        {"a*", "b", false},
        {"a*", "a.b", false},
        {"**.a*.x", "p.ab.x", true},
        {"**.a*.x", "q.p.ab.x", true},
        {"**.a*.x", "ab.x", false},
        {"**.a*.x", "p.b.x", false},
        {"**.*.x", "a.x", false},
        {"**.*.x", "b.a.x", true},
        {"a*.x", "", false},
        {"*." L63, "b." L63, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        set_glob(cases[i].pattern);
        read_name(cases[i].name);
        if (glob_matches(&glob, &name) != cases[i].matches)
            fail_msg("%s and %s", cases[i].pattern, cases[i].name);
    }
}

static bool matches_before(__u32 same)
{
    struct glob_walk walk;

    glob_begin(&walk, &glob, &name, same);
    while (!glob_advance(&walk, &glob, &name))
        ;
    return walk.matches;
}

/* What the search by a literal end has found already need not be compared again. */
static void the_end_that_is_known_is_not_looked_at(void **state)
{
    (void)state;
    set_glob("api-*.example.com");
    read_name("api-1.example.com");
    assert_true(matches_before(12));
    read_name("api-1.eu.example.com");
    assert_false(matches_before(12));
    read_name("web-1.example.com");
    assert_false(matches_before(12));
    read_name("example.com");
    assert_false(matches_before(12));
}

/* Short labels of few letters, so that many pairs match, some of them by a hair. */
static void make_text(char text[64], bool is_pattern)
{
    size_t labels = 1 + (size_t)(rand() % 4), at = 0;

    if (is_pattern && rand() % 4 == 0) {
        for (at = 0; at < 3; at++)
            text[at] = "**."[at];
    }
    for (; labels > 0; labels--) {
        size_t size = 1 + (size_t)(rand() % 5);

        while (size-- > 0)
            text[at++] = is_pattern && rand() % 3 == 0 ? '*' : (char)('a' + rand() % 2);
        text[at++] = labels > 1 ? '.' : '\0';
    }
}

static void patterns_match_what_they_match_by_the_book(void **state)
{
    const char *given = getenv("NSP_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    unsigned matched = 0;

    (void)state;
    srand(seed);
    for (int i = 0; i < 100000; i++) {
        char pattern[64] = {0}, text[64] = {0};
        size_t effort = 0;

        make_text(pattern, true);
        make_text(text, false);

        struct plain_name plain_pattern = to_plain(pattern), plain_text = to_plain(text);
        bool expected = plain_glob_matches(&plain_pattern, &plain_text, &effort);

        set_glob(pattern);
        read_name(text);
        if (glob_matches(&glob, &name) != expected)
            fail_msg("%s and %s; NSP_SEED=%u", pattern, text, seed);
        matched += expected;
    }
    assert_in_range(matched, 1000, 99000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_label_by_label),
        cmocka_unit_test(the_end_that_is_known_is_not_looked_at),
        cmocka_unit_test(patterns_match_what_they_match_by_the_book),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
