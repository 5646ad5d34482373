/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of rule sets: given out in rows, never twice, never 0. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policyd/ranges.h"

static void rows_begin_at_one_and_follow_each_other(void **state)
{
    struct ranges ranges = {.limit = NSP_RULES_MAX};
    __u32 first = 99;

    (void)state;
    assert_int_equal(ranges_take(&ranges, 3, &first), 0);
    assert_int_equal(first, 1);
    assert_int_equal(ranges_take(&ranges, 100, &first), 0);
    assert_int_equal(first, 4);
    assert_int_equal(ranges_count_used(&ranges), 103);
    assert_true(ranges_is_used(&ranges, 0));
    assert_true(ranges_is_used(&ranges, 103));
    assert_false(ranges_is_used(&ranges, 104));
}

static void nothing_is_taken_for_no_rule_set(void **state)
{
    struct ranges ranges = {.limit = NSP_RULES_MAX};
    __u32 first = 99;

    (void)state;
    assert_int_equal(ranges_take(&ranges, 0, &first), 0);
    assert_int_equal(first, 0);
    assert_int_equal(ranges_count_used(&ranges), 0);
}

static void a_hole_is_used_only_if_the_row_fits(void **state)
{
    struct ranges ranges = {.limit = NSP_RULES_MAX};
    __u32 first;

    (void)state;
    ranges_mark(&ranges, 1, 200);
    ranges_release(&ranges, 60, 10);
    assert_int_equal(ranges_take(&ranges, 11, &first), 0);
    assert_int_equal(first, 201);
    assert_int_equal(ranges_take(&ranges, 10, &first), 0);
    assert_int_equal(first, 60);
}

static void all_can_be_taken_but_no_more(void **state)
{
    struct ranges ranges = {.limit = NSP_RULES_MAX};
    __u32 first = 7;

    (void)state;
    assert_int_equal(ranges_take(&ranges, NSP_RULES_MAX, &first), -ENOSPC);
    assert_int_equal(first, 7);
    assert_int_equal(ranges_take(&ranges, NSP_RULES_MAX - 1, &first), 0);
    assert_int_equal(ranges_take(&ranges, 1, &first), -ENOSPC);
    ranges_release(&ranges, NSP_RULES_MAX - 1, 1);
    assert_int_equal(ranges_take(&ranges, 1, &first), 0);
    assert_int_equal(first, NSP_RULES_MAX - 1);
}

static void what_is_out_of_bounds_is_left_out(void **state)
{
    struct ranges ranges = {.limit = NSP_RULES_MAX};

    (void)state;
    ranges_mark(&ranges, NSP_RULES_MAX - 1, 5);
    ranges_mark(&ranges, 0xffffffff, 5);
    assert_int_equal(ranges_count_used(&ranges), 1);
}

/* Against a table that says who owns each number. */
static void random_rows_never_overlap(void **state)
{
    static __u8 owner[NSP_RULES_MAX];
    struct ranges ranges = {.limit = NSP_RULES_MAX};
    struct {
        __u32 first, count;
    } rows[64] = {0};

    (void)state;
    srandom(1);
    for (int step = 0; step < 2000; step++) {
        int i = (int)(random() % 64);

        if (rows[i].count) {
            ranges_release(&ranges, rows[i].first, rows[i].count);
            memset(owner + rows[i].first, 0, rows[i].count);
            rows[i].count = 0;
            continue;
        }
        rows[i].count = 1 + (__u32)(random() % 1500);
        if (ranges_take(&ranges, rows[i].count, &rows[i].first)) {
            rows[i].count = 0;
            continue;
        }
        for (__u32 j = 0; j < rows[i].count; j++) {
            assert_int_equal(owner[rows[i].first + j], 0);
            owner[rows[i].first + j] = 1;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_begin_at_one_and_follow_each_other), cmocka_unit_test(nothing_is_taken_for_no_rule_set),
        cmocka_unit_test(a_hole_is_used_only_if_the_row_fits),     cmocka_unit_test(all_can_be_taken_but_no_more),
        cmocka_unit_test(what_is_out_of_bounds_is_left_out),       cmocka_unit_test(random_rows_never_overlap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
