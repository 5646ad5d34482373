/* SPDX-License-Identifier: Apache-2.0 */
/* TLS hellos with every field wrong: alone, and with all others agreeing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/hello.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct hello plain, cut;

/* Offsets in hello_make_named(..., "a.example", 9, 3). */
static const struct wrong {
    const char *field;
    size_t at;
    unsigned size;
    size_t value;
} wrong_fields[] = {
    {"record: change_cipher_spec", 0, 1, 20},
    {"record: alert", 0, 1, 21},
    {"record: application data", 0, 1, 23},
    {"record: SSL 2", 0, 3, 0x802e01},
    {"record: version 2.0", 1, 2, 0x0200},
    {"record: version 2.255", 1, 2, 0x02ff},
    {"record: version 3.5", 1, 2, 0x0305},
    {"record: version 4.0", 1, 2, 0x0400},
    {"record: empty", 3, 2, 0},
    {"record: 16385 bytes", 3, 2, 16385},
    {"record: ends early, another kind follows", 3, 2, 20},
    {"handshake: hello request", 5, 1, 0},
    {"handshake: server hello", 5, 1, 2},
    {"handshake: longer than is read", 6, 3, TLS_HELLO_MAX + 1},
    {"handshake: one byte short", 6, 3, 71},
    {"handshake: one byte more than the extensions", 6, 3, 73},
    {"handshake: empty", 6, 3, 0},
    {"handshake: ends within the version", 6, 3, 1},
    {"handshake: ends within the random", 6, 3, 20},
    {"handshake: ends before the session id", 6, 3, 34},
    {"handshake: ends before the cipher suites", 6, 3, 36},
    {"handshake: ends before the compression methods", 6, 3, 39},
    {"handshake: ends within the extensions' length", 6, 3, 42},
    {"version 2.0", 9, 2, 0x0200},
    {"version 3.5", 9, 2, 0x0305},
    {"version 127.28, a draft's", 9, 2, 0x7f1c},
    {"session id: 33 bytes", 43, 1, 33},
    {"session id: 255 bytes", 43, 1, 255},
    {"cipher suites: none", 44, 2, 0},
    {"cipher suites: half of one more", 44, 2, 3},
    {"cipher suites: beyond the hello", 44, 2, 0x1000},
    {"compression methods: none", 48, 1, 0},
    {"compression methods: beyond the hello", 48, 1, 255},
    {"extensions: one byte short", 50, 2, 24},
    {"extensions: one byte long", 50, 2, 26},
    {"extensions: none, though some follow", 50, 2, 0},
    {"server_name: beyond the hello", 54, 2, 0xffff},
    {"server_name: empty", 54, 2, 0},
    {"server_name: half a length", 54, 2, 1},
    {"server_name: one byte short", 54, 2, 13},
    {"server_name: one byte long", 54, 2, 15},
    {"name list: empty", 56, 2, 0},
    {"name list: one byte short", 56, 2, 11},
    {"name list: one byte long", 56, 2, 13},
    {"name list: beyond everything", 56, 2, 0xffff},
    {"name: not a host_name", 58, 1, 1},
    {"name: none", 59, 2, 0},
    {"name: one byte short, so a second one follows", 59, 2, 8},
    {"name: one byte long", 59, 2, 10},
    {"name: beyond everything", 59, 2, 0xffff},
    {"second extension: server_name again", 70, 2, 0},
    {"second extension: one byte long", 72, 2, 4},
    {"second extension: one byte short", 72, 2, 2},
    {"second extension: beyond everything", 72, 2, 0xffff},
};

static void every_field_with_a_wrong_value_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrong_fields); i++) {
        const struct wrong *wrong = &wrong_fields[i];
        struct tls_state t;

        hello_make_named(&plain, "a.example", 9, 3);
        plain.data[plain.length - 3] = 0x16; /* the padding's bytes, where they are read as something else */
        assert_int_equal(hello_read(&t, &plain), TLS_HELLO);
        for (unsigned k = 0; k < wrong->size; k++)
            plain.data[wrong->at + k] = (__u8)(wrong->value >> 8 * (wrong->size - 1 - k));
        if (hello_read(&t, &plain) != TLS_BAD)
            fail_msg("%s: taken", wrong->field);
        if (hello_feed(&t, &plain, 0, plain.length, CHUNK_SIZE) != TLS_BAD)
            fail_msg("%s: forgotten", wrong->field);
        memset(&t, 0, sizeof(t));
        if (hello_feed(&t, &plain, 0, plain.length, 1) != TLS_BAD)
            fail_msg("%s: taken byte by byte", wrong->field);
    }
}

/* Whatever else says how long something is agrees: nothing but the field itself is wrong. */
static void limits_of_fields_are_exact(void **state)
{
    const struct {
        struct hello_shape shape;
        int result;
    } cases[] = {
        {{0x0300, 0, 2, 1, "a.example", 9, 1, 0}, TLS_HELLO},   {{0x0304, 0, 2, 1, "a.example", 9, 1, 0}, TLS_HELLO},
        {{0x02ff, 0, 2, 1, "a.example", 9, 1, 0}, TLS_BAD},     {{0x0305, 0, 2, 1, "a.example", 9, 1, 0}, TLS_BAD},
        {{0x0303, 32, 2, 1, "a.example", 9, 1, 0}, TLS_HELLO},  {{0x0303, 33, 2, 1, "a.example", 9, 1, 0}, TLS_BAD},
        {{0x0303, 0, 0, 1, "a.example", 9, 1, 0}, TLS_BAD},     {{0x0303, 0, 3, 1, "a.example", 9, 1, 0}, TLS_BAD},
        {{0x0303, 0, 400, 1, "a.example", 9, 1, 0}, TLS_HELLO}, {{0x0303, 0, 2, 0, "a.example", 9, 1, 0}, TLS_BAD},
        {{0x0303, 0, 2, 255, "a.example", 9, 1, 0}, TLS_HELLO}, {{0x0303, 0, 2, 1, "a.example", 9, 2, 0}, TLS_BAD},
        {{0x0303, 0, 2, 1, "a.example", 9, 0, 7}, TLS_HELLO},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tls_state t;

        hello_make(&plain, &cases[i].shape);
        assert_int_equal(hello_read(&t, &plain), cases[i].result);
        if (cases[i].result == TLS_HELLO)
            hello_assert_host(&t, cases[i].shape.names ? "a.example" : "");
    }
}

/* What would be the second name could also be read as the next extension. */
static void a_second_name_is_refused(void **state)
{
    struct tls_state t;

    (void)state;
    hello_make_named(&plain, "a.example\0\x15\0", 13, 0);
    plain.data[60] = 9;
    assert_int_equal(hello_read(&t, &plain), TLS_BAD);
}

static void an_empty_record_is_refused(void **state)
{
    struct tls_state t;

    (void)state;
    hello_make_named(&plain, "a.example", 9, 0);
    hello_cut(&plain, 20, &cut);
    memmove(cut.data + 30, cut.data + 25, cut.length - 25);
    cut.data[28] = 0;
    cut.data[29] = 0;
    cut.length += 5;
    assert_int_equal(hello_read(&t, &cut), TLS_BAD);
}

static void a_server_name_is_1_to_253_letters_digits_hyphens_dots_and_underscores(void **state)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    char host[300];

    (void)state;
    memset(host, 'a', sizeof(host));
    for (size_t length = 0; length <= 256; length++) {
        struct tls_state t;

        hello_make_named(&plain, host, length, 0);
        assert_int_equal(hello_read(&t, &plain), length && length <= TLS_HOST_MAX ? TLS_HELLO : TLS_BAD);
    }
    for (int byte = 0; byte < 256; byte++) {
        for (size_t at = 0; at < 17; at++) {
            bool is_good = byte && strchr(good, byte) && (byte != '.' || at < 16);
            struct tls_state t;

            memset(host, 'a', 17);
            host[at] = (char)byte;
            host[17] = '\0';
            hello_make_named(&plain, host, 17, 0);
            assert_int_equal(hello_read(&t, &plain), is_good ? TLS_HELLO : TLS_BAD);
            if (is_good)
                hello_assert_host(&t, host);
        }
    }
}

/* With more in the record that could be taken for the rest of the name. */
static void a_server_name_that_ends_beyond_the_hello_is_refused(void **state)
{
    struct tls_state t;

    (void)state;
    hello_make_named(&plain, "a.example", 9, 0);
    plain.length -= 4; /* no padding extension behind it */
    plain.data[8] -= 4;
    plain.data[51] -= 4;
    memset(plain.data + plain.length, 'a', 40);
    plain.length += 40;
    plain.data[4] += 36;
    assert_int_equal(hello_read(&t, &plain), TLS_HELLO);
    hello_assert_host(&t, "a.example");
    for (int longer = 1; longer < 30; longer++) {
        plain.data[55]++; /* the extension, the list, the name */
        plain.data[57]++;
        plain.data[60]++;
        assert_int_equal(hello_read(&t, &plain), TLS_BAD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_with_a_wrong_value_is_refused),
        cmocka_unit_test(limits_of_fields_are_exact),
        cmocka_unit_test(a_second_name_is_refused),
        cmocka_unit_test(an_empty_record_is_refused),
        cmocka_unit_test(a_server_name_is_1_to_253_letters_digits_hyphens_dots_and_underscores),
        cmocka_unit_test(a_server_name_that_ends_beyond_the_hello_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
