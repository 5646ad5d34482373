/* SPDX-License-Identifier: Apache-2.0 */
/* Learnt names as the kernel's tables hold them: found by the whole of their key, shown as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policyd/asked_text.h"
#include "policyd/names.h"

/* As name.h has it: right-aligned, without the root's zero. */
static struct names_known make_known(__u64 hash, const char *wire, __u16 length)
{
    struct names_known known = {.key = {.hash = {hash}, .length = length, .epoch = 7}};

    known.known.name.length = length;
    memcpy(known.known.name.text + NSP_NAME_SIZE - length, wire, length);
    return known;
}

static void a_name_is_found_by_its_hash_and_length(void **state)
{
    struct names_known known[] = {make_known(1, "\1a\3org", 6), make_known(2, "\1b\3org", 6), make_known(3, "", 0)};
    struct names names = {.known = known, .known_count = 3};
    static const struct {
        struct learnt_name learnt;
        const char *text; /* NULL: none */
    } rows[] = {
        {{.expires_ns = 1000, .hash = {1}, .length = 6}, "a.org"},
        {{.expires_ns = 1000, .hash = {2}, .length = 6}, "b.org"},
        {{.expires_ns = 1000, .hash = {3}, .length = 0}, "."},
        {{.expires_ns = 1000, .hash = {1}, .length = 7}, NULL},
        {{.expires_ns = 1000, .hash = {1, 1}, .length = 6}, NULL},
        {{.expires_ns = 0, .hash = {1}, .length = 6}, NULL}, /* free */
        {{.expires_ns = 1, .hash = {1}, .length = 6}, NULL}, /* being written */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct name *name = names_find(&names, &rows[i].learnt);
        char text[ASKED_NAME_SIZE];

        assert_int_equal(name != NULL, rows[i].text != NULL);
        if (!name)
            continue;
        assert_true(names_text(name, text));
        assert_string_equal(text, rows[i].text);
    }
}

static void a_name_that_is_none_is_not_shown(void **state)
{
    struct names_known known = make_known(1, "\1a\3org", 6);
    char text[ASKED_NAME_SIZE];

    (void)state;
    known.known.name.length = 5; /* begins inside a label */
    assert_false(names_text(&known.known.name, text));
    known.known.name.length = NSP_NAME_SIZE + 1;
    assert_false(names_text(&known.known.name, text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_found_by_its_hash_and_length),
        cmocka_unit_test(a_name_that_is_none_is_not_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
