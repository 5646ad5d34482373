/* SPDX-License-Identifier: Apache-2.0 */
/* How long policyd waits before it asks an API server again. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policyd/kube_backoff.h"

static void waits_double_up_to_a_limit(void **state)
{
    static const unsigned int expected_ms[] = {500, 1000, 2000, 4000, 8000, 16000, 16000};
    struct kube_backoff backoff = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(expected_ms) / sizeof(expected_ms[0]); i++)
        assert_int_equal(kube_backoff_fail(&backoff, 0, 0), expected_ms[i]);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(kube_backoff_fail(&backoff, 0, 0), KUBE_BACKOFF_MAX_MS);
    kube_backoff_reset(&backoff);
    assert_int_equal(kube_backoff_fail(&backoff, 0, 0), KUBE_BACKOFF_MIN_MS);
}

static void chance_at_most_doubles_a_wait(void **state)
{
    static const unsigned int chances[] = {0, 1, 999, 1000, 123456789, INT_MAX, UINT_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(chances) / sizeof(chances[0]); i++) {
        struct kube_backoff backoff = {0};

        assert_in_range(kube_backoff_fail(&backoff, chances[i], 0), 500, 999);
        assert_in_range(kube_backoff_again(chances[i]), 0, KUBE_AGAIN_MS - 1);
    }
}

static void a_server_may_ask_for_more_but_not_for_ever(void **state)
{
    struct kube_backoff backoff = {0};

    (void)state;
    assert_int_equal(kube_backoff_fail(&backoff, 0, 7), 7000);
    assert_int_equal(kube_backoff_fail(&backoff, 0, 1), 1000);
    assert_int_equal(kube_backoff_fail(&backoff, 0, LONG_MAX), KUBE_RETRY_AFTER_MAX_S * 1000);
    assert_int_equal(kube_backoff_fail(&backoff, 0, -5), 500);
}

/* One that was away for long and is back: it must not be left waiting as long as it was away for. */
static void what_a_server_asks_for_counts_a_few_times(void **state)
{
    struct kube_backoff backoff = {0};

    (void)state;
    for (int i = 0; i < 20; i++)
        kube_backoff_fail(&backoff, 0, 0);
    for (int i = 0; i < KUBE_RETRY_AFTERS; i++)
        assert_int_equal(kube_backoff_fail(&backoff, 0, 1), 1000);
    assert_int_equal(kube_backoff_fail(&backoff, 0, 1), KUBE_BACKOFF_MAX_MS);
    assert_int_equal(kube_backoff_fail(&backoff, 0, 60), 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_up_to_a_limit),
        cmocka_unit_test(chance_at_most_doubles_a_wait),
        cmocka_unit_test(a_server_may_ask_for_more_but_not_for_ever),
        cmocka_unit_test(what_a_server_asks_for_counts_a_few_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
