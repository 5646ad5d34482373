/* SPDX-License-Identifier: Apache-2.0 */
/* No number of abi.h is without a word: its enumerations are read from the file itself, so that a new one counts. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/abi.h"
#include "lib/dns_words.h"
#include "policyd/words.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int each_number_of(const char *path, const char *prefix, void (*check)(const char *name, unsigned int number))
{
    FILE *file = fopen(path, "re");
    char line[256], name[64];
    unsigned int number;
    int count = 0;

    if (!file)
        fail_msg("%s: cannot be read", path);
    while (fgets(line, sizeof(line), file)) {
        if (sscanf(line, " %63[A-Z0-9_] = %u,", name, &number) != 2 || strncmp(name, prefix, strlen(prefix)) != 0)
            continue;
        check(name, number);
        count++;
    }
    fclose(file);
    return count;
}

/* Calls `check` for each NAME = number, of abi.h and its parts, that begins with `prefix`; returns how many there are.
 */
static int each_number(const char *prefix, void (*check)(const char *name, unsigned int number))
{
    glob_t parts;
    int count = 0;

    if (glob("datapath/abi*.h", 0, NULL, &parts))
        fail_msg("datapath/abi*.h: not found; run the tests in the repository's folder");
    for (size_t i = 0; i < parts.gl_pathc; i++)
        count += each_number_of(parts.gl_pathv[i], prefix, check);
    globfree(&parts);
    return count;
}

/* "unknown_binary" of REASON_UNKNOWN_BINARY. */
static void assert_is_tail(const char *name, const char *prefix, const char *word)
{
    char lower[64] = "";

    for (size_t i = 0; name[strlen(prefix) + i]; i++) {
        char c = name[strlen(prefix) + i];

        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    assert_string_equal(word, lower);
}

static void check_reason(const char *name, unsigned int number)
{
    assert_is_tail(name, "REASON_", words_reason(number));
    assert_int_equal(words_find_reason(words_reason(number)), number);
    assert_true(strlen(words_drop_reason(number)) > 0);
}

static void check_verdict(const char *name, unsigned int number)
{
    if (number == VERDICT_UNKNOWN)
        assert_string_equal(words_verdict(number), "VERDICT_UNKNOWN");
    else
        assert_string_equal(words_verdict(number), name + strlen("VERDICT_"));
    assert_int_equal(words_find_verdict(words_verdict(number)), number);
}

static void check_hook(const char *name, unsigned int number)
{
    assert_is_tail(name, "HOOK_", words_hook(number));
}

static void check_application(const char *name, unsigned int number)
{
    assert_is_tail(name, "APPLICATION_", words_application(number));
}

static void check_action(const char *name, unsigned int number)
{
    assert_is_tail(name, "ACTION_", words_action(number));
}

static void every_number_has_its_word(void **state)
{
    (void)state;
    assert_true(each_number("REASON_", check_reason) >= 34);
    assert_true(each_number("VERDICT_", check_verdict) >= 6);
    assert_true(each_number("HOOK_", check_hook) >= 7);
    assert_true(each_number("APPLICATION_", check_application) >= 5);
    assert_true(each_number("ACTION_", check_action) >= 3);
}

static void numbers_and_words_that_are_none(void **state)
{
    (void)state;
    assert_string_equal(words_verdict(5), "VERDICT_UNKNOWN");
    assert_string_equal(words_verdict(200), "VERDICT_UNKNOWN");
    assert_string_equal(words_reason(REASONS - 1), "unknown");
    assert_string_equal(words_reason(200), "unknown");
    assert_string_equal(words_hook(0), "unknown");
    assert_string_equal(words_application(77), "unknown");
    assert_int_equal(words_find_verdict("dropped"), -1);
    assert_int_equal(words_find_verdict(""), -1);
    assert_int_equal(words_find_reason("unknown"), -1);
    assert_int_equal(words_find_reason(""), -1);
}

static void what_only_tells_is_a_mode_of_its_own(void **state)
{
    (void)state;
    assert_string_equal(words_mode(ACTION_IGNORE, 0), "ignore");
    assert_string_equal(words_mode(ACTION_IGNORE, PART_TRACE_DNS), "trace-dns");
    assert_string_equal(words_mode(ACTION_IGNORE, PART_TRACE_DNS | PART_LEARN), "learn");
    assert_string_equal(words_mode(ACTION_ALERT, PART_LEARN), "alert");
    assert_string_equal(words_mode(ACTION_ENFORCE, PART_TRACE_DNS), "enforce");
}

static void dns_numbers_are_named_as_dig_does(void **state)
{
    static const struct {
        unsigned int number;
        const char *type, *rcode;
    } rows[] = {
        {0, "TYPE0", "NOERROR"},          {1, "A", "FORMERR"},      {28, "AAAA", "RCODE28"},
        {3, "TYPE3", "NXDOMAIN"},         {65, "HTTPS", "RCODE65"}, {255, "ANY", "RCODE255"},
        {257, "CAA", "RCODE1"},           {5, "CNAME", "REFUSED"},  {258, "TYPE258", "RCODE2"},
        {65535, "TYPE65535", "RCODE255"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char type[DNS_WORD_SIZE], rcode[DNS_WORD_SIZE];

        assert_string_equal(dns_words_type(rows[i].number, type), rows[i].type);
        assert_string_equal(dns_words_rcode(rows[i].number, rcode), rows[i].rcode);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_has_its_word),
        cmocka_unit_test(numbers_and_words_that_are_none),
        cmocka_unit_test(what_only_tells_is_a_mode_of_its_own),
        cmocka_unit_test(dns_numbers_are_named_as_dig_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
