/* SPDX-License-Identifier: Apache-2.0 */
/* The events that are kept: bounded in number and bytes, and found again by filter. */
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
    return history_add(history, &(struct record){.time_ns = time_ns,
                                                 .verdict = VERDICT_AUDIT,
                                                 .length = strlen(line),
                                                 .namespace_ = "default",
                                                 .pod = "ping",
                                                 .binary = "/bin/ping",
                                                 .line = line});
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
    assert_string_equal(history_get(&history, 0)->line, "1003\n");
    assert_string_equal(history_get(&history, HISTORY_EVENTS - 1)->line, "2002\n");
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

static void a_filter_has_to_match_in_all_its_parts(void **state)
{
    static const struct {
        const char *namespace_, *pod, *binary;
        int verdict;
        __s64 since_ns;
        bool matches;
    } rows[] = {
        {NULL, NULL, NULL, -1, 0, true},
        {"default", NULL, NULL, -1, 0, true},
        {"defaul", NULL, NULL, -1, 0, false},
        {NULL, "ping", NULL, -1, 0, true},
        {NULL, "pi", NULL, -1, 0, true},
        {NULL, "pingg", NULL, -1, 0, false},
        {NULL, "default/", NULL, -1, 0, true},
        {NULL, "default/ping", NULL, -1, 0, true},
        {NULL, "def/ping", NULL, -1, 0, false},
        {NULL, "default-not/ping", NULL, -1, 0, false},
        {NULL, NULL, "/bin/ping", -1, 0, true},
        {NULL, NULL, "/bin", -1, 0, false},
        {NULL, NULL, NULL, VERDICT_AUDIT, 0, true},
        {NULL, NULL, NULL, VERDICT_DROPPED, 0, false},
        {NULL, NULL, NULL, -1, 1000, true},
        {NULL, NULL, NULL, -1, 1001, false},
        {"default", "ping", "/bin/ping", VERDICT_AUDIT, 5, true},
        {"default", "ping", "/bin/pong", VERDICT_AUDIT, 5, false},
    };
    struct history history = {0};

    (void)state;
    add(&history, 1000, "{}\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct filter filter = {(char *)rows[i].namespace_, (char *)rows[i].pod, (char *)rows[i].binary,
                                rows[i].verdict, rows[i].since_ns};

        assert_int_equal(filter_matches(&filter, history_get(&history, 0)), rows[i].matches);
    }
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
        {"since", "nan", "since: \"nan\" is not a number of seconds since 1970"},
        {"since", "1e300", "since: \"1e300\" is not a number of seconds since 1970"},
        {"since", "5m", "since: \"5m\" is not a number of seconds since 1970"},
        {"verdict", "DROPPED", NULL},
        {"verdict", "dropped", "verdict: \"dropped\" is neither DROPPED nor AUDIT"},
        {"pod", "a/b", NULL},
        {"pods", "a", "\"pods\" is no parameter here; there are follow, last, since, verdict, namespace, pod, binary"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stream_request request = {.filter.verdict = -1};
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
        cmocka_unit_test(a_filter_has_to_match_in_all_its_parts),
        cmocka_unit_test(parameters_of_the_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
