/* SPDX-License-Identifier: Apache-2.0 */
/* The events that are kept: bounded in number and bytes; and how they are asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policyd/history.h"
#include "policyd/stream.h"

static const struct record *add(struct history *history, __s64 time_ns, const char *line)
{
    struct record record = {
        .time_ns = time_ns,
        .verdict = VERDICT_AUDIT,
        .length = strlen(line),
        .texts = {[RECORD_NAMESPACE] = "default", [RECORD_POD] = "ping", [RECORD_LINE] = line},
    };

    return history_add(history, &record);
}

static void the_oldest_ones_go_first(void **state)
{
    struct history history = {0};

    (void)state;
    for (int i = 0; i < 2 * HISTORY_EVENTS + 3; i++) {
        char line[32];

        snprintf(line, sizeof(line), "%d\n", i);
        assert_non_null(add(&history, i, line));
    }
    assert_int_equal(history.count, HISTORY_EVENTS);
    assert_string_equal(history_get(&history, 0)->texts[RECORD_LINE], "1003\n");
    assert_string_equal(history_get(&history, HISTORY_EVENTS - 1)->texts[RECORD_LINE], "2002\n");
    assert_null(history_get(&history, HISTORY_EVENTS));
    history_free(&history);
    assert_int_equal(history.bytes, 0);
}

static void long_lines_leave_room_for_fewer(void **state)
{
    struct history history = {0};
    char *line = malloc(10001);

    (void)state;
    memset(line, 'a', 10000);
    line[10000] = '\0';
    for (int i = 0; i < 200; i++) {
        assert_non_null(add(&history, i, line));
        assert_true(history.bytes <= HISTORY_BYTES);
    }
    assert_true(history.count > 90);
    history_free(&history);
    free(line);
}

static void what_is_unknown_is_empty(void **state)
{
    struct history history = {0};
    const struct record *record;

    (void)state;
    record = add(&history, 1, "{}\n");
    assert_string_equal(record->texts[RECORD_POD], "ping");
    assert_string_equal(record->texts[RECORD_NAMES], "");
    assert_string_equal(record->texts[RECORD_LINE], "{}\n");
    history_free(&history);
}

static void parameters_of_the_stream(void **state)
{
    static const struct {
        const char *key, *value, *message; /* NULL: accepted */
    } rows[] = {
        {"follow", "1", NULL},
        {"follow", "yes", "follow: \"yes\" is neither 0 nor 1"},
        {"last", "0", NULL},
        {"last", "-1", "last: \"-1\" is not a number"},
        {"last", "", "last: \"\" is not a number"},
        {"since", "1795473278.25", NULL},
        {"verdict", "TRACED", NULL},
        {"verdict", "dropped", "verdict: \"dropped\" is none of DROPPED, AUDIT, TRACED"},
        {"pod", "a/b", NULL},
        {"pods", "a", "\"pods\" is no parameter here; there are follow, last, " FILTER_KEYS},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stream_request request = {0};
        struct error err = {0};

        assert_int_equal(stream_set(&request, rows[i].key, rows[i].value, &err) == 0, rows[i].message == NULL);
        if (rows[i].message)
            assert_string_equal(err.msg, rows[i].message);
        filter_free(&request.filter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_ones_go_first),
        cmocka_unit_test(long_lines_leave_room_for_fewer),
        cmocka_unit_test(what_is_unknown_is_empty),
        cmocka_unit_test(parameters_of_the_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
