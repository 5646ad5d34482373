/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a stream that comes in pieces, and JSON as an API server writes it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "policyd/kube_line.h"

struct taken {
    char text[256]; /* the lines, each in brackets */
    int stop_at;    /* the number of the line to refuse; 0: none */
    int count;
};

static int take(void *context, char *text, size_t length)
{
    struct taken *taken = context;

    assert_int_equal(strlen(text), length);
    strncat(taken->text, "[", sizeof(taken->text) - strlen(taken->text) - 1);
    strncat(taken->text, text, sizeof(taken->text) - strlen(taken->text) - 1);
    strncat(taken->text, "]", sizeof(taken->text) - strlen(taken->text) - 1);
    return ++taken->count == taken->stop_at ? -EINVAL : 0;
}

static void lines_are_whole_however_they_are_cut(void **state)
{
    static const char stream[] = "one\n\ntwo\nthree and more\nrest";

    (void)state;
    for (size_t cut = 0; cut <= strlen(stream); cut++) {
        for (size_t second = cut; second <= strlen(stream); second++) {
            struct kube_line line = {0};
            struct taken taken = {0};

            assert_int_equal(kube_line_feed(&line, stream, cut, take, &taken), 0);
            assert_int_equal(kube_line_feed(&line, stream + cut, second - cut, take, &taken), 0);
            assert_int_equal(kube_line_feed(&line, stream + second, strlen(stream) - second, take, &taken), 0);
            assert_string_equal(taken.text, "[one][two][three and more]");
            assert_int_equal(line.size, 4);
            kube_line_clear(&line);
        }
    }
}

static void nothing_is_taken_after_a_refusal(void **state)
{
    struct kube_line line = {0};
    struct taken taken = {.stop_at = 2};

    (void)state;
    assert_int_equal(kube_line_feed(&line, "a\nb\nc\n", 6, take, &taken), -EINVAL);
    assert_string_equal(taken.text, "[a][b]");
    kube_line_clear(&line);
}

static void a_line_is_kept_up_to_the_cap_and_no_further(void **state)
{
    static char block[65536];
    struct kube_line line = {0};
    struct taken taken = {0};
    size_t left = KUBE_LINE_MAX;

    (void)state;
    memset(block, 'x', sizeof(block));
    for (; left > sizeof(block); left -= sizeof(block))
        assert_int_equal(kube_line_feed(&line, block, sizeof(block), take, &taken), 0);
    assert_int_equal(kube_line_feed(&line, block, left, take, &taken), 0);
    assert_int_equal(line.size, KUBE_LINE_MAX);
    assert_int_equal(kube_line_feed(&line, "y", 1, take, &taken), -EFBIG);
    assert_int_equal(taken.count, 0);
    kube_line_clear(&line);
}

static void a_long_line_does_not_keep_its_memory(void **state)
{
    static char block[200000];
    struct kube_line line = {0};
    struct taken taken = {0};

    (void)state;
    memset(block, 'x', sizeof(block));
    block[sizeof(block) - 1] = '\n';
    assert_int_equal(kube_line_feed(&line, block, sizeof(block), take, &taken), 0);
    assert_int_equal(taken.count, 1);
    assert_int_equal(line.room, 0);
    kube_line_clear(&line);
}

static json_t *parse(const char *text)
{
    cleanup_free char *copy = strdup(text);
    struct error err = {0};

    assert_non_null(copy);
    return kube_line_parse(copy, strlen(copy), &err);
}

static void one_odd_text_does_not_hide_an_object(void **state)
{
    static const struct {
        const char *text, *value;
    } rows[] = {
        {"{\"a\": \"x\\u0000y\"}", "x\xef\xbf\xbdy"},
        {"{\"a\": \"x\\\\u0000y\"}", "x\\u0000y"},
        {"{\"a\": \"x\\\\\\u0000y\"}", "x\\\xef\xbf\xbdy"},
        {"{\"\\u0000\": 1, \"a\": \"x\"}", "x"},
        {"{\"n\": 123456789012345678901234567890, \"a\": \"x\"}", "x"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_auto_t *json = parse(rows[i].text);

        assert_non_null(json);
        assert_string_equal(json_string_value(json_object_get(json, "a")), rows[i].value);
    }
}

static void what_is_no_json_is_refused_with_a_reason(void **state)
{
    static const char *const rows[] = {"", "{", "{\"a\": 1", "{\"a\": 1} x", "nonsense", "{\"a\": \"\\u00", "\\"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cleanup_free char *copy = strdup(rows[i]);
        struct error err = {0};

        assert_null(kube_line_parse(copy, strlen(copy), &err));
        assert_int_equal(strncmp(err.msg, "not JSON: ", 10), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_whole_however_they_are_cut),
        cmocka_unit_test(nothing_is_taken_after_a_refusal),
        cmocka_unit_test(a_line_is_kept_up_to_the_cap_and_no_further),
        cmocka_unit_test(a_long_line_does_not_keep_its_memory),
        cmocka_unit_test(one_odd_text_does_not_hide_an_object),
        cmocka_unit_test(what_is_no_json_is_refused_with_a_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
