/* SPDX-License-Identifier: Apache-2.0 */
/* Names and requests of strangers as one word on one line, with one reading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policyd/asked_text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define BYTES(text) text, sizeof(text) - 1

static void a_name_is_its_labels_with_escapes(void **state)
{
    static const struct {
        const char *wire;
        size_t length;
        const char *text;
        bool parses;
    } rows[] = {
        {BYTES("\4pong\7default\3svc"), "pong.default.svc", true},
        {BYTES(""), ".", true},
        {BYTES("\1a\0"), "a", true},
        {BYTES("\3a.b\1c"), "a\\.b.c", true},
        {BYTES("\3a\\b"), "a\\\\b", true},
        {BYTES("\5a b\n\xff"), "a\\032b\\010\\255", true},
        {BYTES("\5a\0b\r\t"), "a\\000b\\013\\009", true},
        {BYTES("\11pong"), "pong", false},
        {BYTES("\1a\100bc"), "a", false},
        {BYTES("\1a\0\1b"), "a", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[ASKED_NAME_SIZE];

        assert_int_equal(asked_text_name(rows[i].wire, rows[i].length, text), rows[i].parses);
        assert_string_equal(text, rows[i].text);
    }
}

static void every_byte_fits_escaped(void **state)
{
    struct long_event event = {.event = {.flags = EVENT_LONG, .text_length = NSP_EVENT_TEXT_MAX}};
    struct asked_text asked;

    (void)state;
    for (int i = 0; i < NSP_EVENT_TEXT_MAX; i++)
        event.text[i] = i % 64 ? '\xff' : 63;
    event.event.application = APPLICATION_DNS;
    asked_text_read(&event.event, sizeof(event), &asked);
    assert_false(asked.is_cut);
    assert_int_equal(strlen(asked.text), 504 * 4 + 7);
    memset(event.text, 0xff, sizeof(event.text));
    event.event.application = APPLICATION_HTTP;
    asked_text_read(&event.event, sizeof(event), &asked);
    assert_int_equal(strlen(asked.method), NSP_METHOD_MAX * 4);
    assert_true(asked.is_cut);
    event.text[0] = ' ';
    event.event.text_length = 0xffff; /* more than there is room for */
    asked_text_read(&event.event, sizeof(event), &asked);
    assert_int_equal(strlen(asked.text), (NSP_EVENT_TEXT_MAX - 1) * 4);
    assert_true(asked.is_cut);
}

static void an_event_says_what_its_application_asked(void **state)
{
    static const struct {
        __u8 application, flags, query_type;
        const char *bytes;
        size_t length;
        const char *method, *text; /* NULL: none */
        bool is_cut;
    } rows[] = {
        {APPLICATION_DNS, EVENT_LONG, 2, BYTES("\4pong"), "", "pong", false},
        {APPLICATION_DNS, EVENT_LONG, 2, BYTES(""), "", ".", false},
        {APPLICATION_DNS, EVENT_LONG, 0, BYTES(""), "", NULL, false},
        {APPLICATION_HTTPS, EVENT_LONG, 0, BYTES("\4pong\3com"), "", "pong.com", false},
        {APPLICATION_HTTPS, EVENT_LONG, 0, BYTES(""), "", NULL, false},
        {APPLICATION_HTTP, EVENT_LONG, 0, BYTES("GET /task?a=1"), "GET", "/task?a=1", false},
        {APPLICATION_HTTP, EVENT_LONG, 0, BYTES("GET /a b\x01\\"), "GET", "/a\\x20b\\x01\\\\", false},
        {APPLICATION_HTTP, EVENT_LONG, 0, BYTES("GET"), "GET", "", false},
        {APPLICATION_HTTP, EVENT_LONG | EVENT_TEXT_CUT, 0, BYTES("GET /aaa"), "GET", "/aaa", true},
        {APPLICATION_HTTP, EVENT_LONG, 0, BYTES(""), "", NULL, false},
        {APPLICATION_HTTP, 0, 0, BYTES("GET /task"), "", NULL, false},
        {APPLICATION_UNKNOWN, EVENT_LONG, 0, BYTES(""), "", NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct long_event event = {.event = {.application = rows[i].application,
                                             .flags = rows[i].flags,
                                             .query_type = rows[i].query_type,
                                             .text_length = (__u16)rows[i].length}};
        struct asked_text asked;

        memcpy(event.text, rows[i].bytes, rows[i].length);
        asked_text_read(&event.event, sizeof(event), &asked);
        assert_int_equal(asked.has_text, rows[i].text != NULL);
        assert_int_equal(asked.is_cut, rows[i].is_cut);
        assert_string_equal(asked.method, rows[i].method);
        assert_string_equal(asked.text, rows[i].text ? rows[i].text : "");
    }
}

static void a_short_record_has_no_text_whatever_it_claims(void **state)
{
    struct event event = {.application = APPLICATION_HTTP, .flags = EVENT_LONG, .text_length = 9};
    struct asked_text asked;

    (void)state;
    asked_text_read(&event, sizeof(event), &asked);
    assert_false(asked.has_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_its_labels_with_escapes),
        cmocka_unit_test(every_byte_fits_escaped),
        cmocka_unit_test(an_event_says_what_its_application_asked),
        cmocka_unit_test(a_short_record_has_no_text_whatever_it_claims),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
