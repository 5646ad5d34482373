/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server name of a TLS hello: as real clients send it (recorded in tests/fuzz/seeds/tls), cut in every way, and
 * with every field wrong once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/hello.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct hello plain, cut;

/* Recorded first flights, with the name that was asked for. Go's have a post-quantum key share. */
static const struct {
    const char *client, *host;
    bool has_ech;
} recorded[] = {
    {"curl", "api.example.org", false},
    {"go", "go.example.com", false},
    {"go_ech", "public.example.com", true},
    {"go_ip", "", false}, /* no name for an address */
    {"java", "java.example.com", false},
    {"node", "node.example.com", false},
    {"openssl", "www.example.com", false},
    {"openssl_no_name", "", false},
    {"openssl_tls1.0", "old.example.com", false},
    {"openssl_tls1.2", "www.example.com", false},
    {"python", "Pong.Default.Svc.Cluster.Local", false},
    {"wget", "localhost", false},
};

static void read_recorded(const char *client, struct hello *into)
{
    char path[64];
    FILE *file;

    assert_in_range(snprintf(path, sizeof(path), "tests/fuzz/seeds/tls/%s", client), 1, sizeof(path) - 1);
    file = fopen(path, "re");
    assert_non_null(file);
    into->length = fread(into->data, 1, sizeof(into->data), file);
    assert_in_range(into->length, 100, 4096);
    assert_int_equal(fclose(file), 0);
}

static int feed_whole(struct tls_state *t, const struct hello *in)
{
    memset(t, 0, sizeof(*t));
    return hello_feed(t, in, 0, in->length, CHUNK_SIZE);
}

static void assert_host(const struct tls_state *t, const char *host)
{
    assert_int_equal(t->host_length, strlen(host));
    assert_memory_equal(t->host, host, strlen(host) + 1);
}

static void the_name_that_real_clients_ask_for_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(recorded); i++) {
        struct tls_state t;

        read_recorded(recorded[i].client, &plain);
        assert_int_equal(feed_whole(&t, &plain), TLS_HELLO);
        assert_host(&t, recorded[i].host);
        assert_int_equal(t.has_ech, recorded[i].has_ech);
    }
}

/* T62 */
static void a_hello_is_the_same_wherever_segments_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(recorded); i++) {
        read_recorded(recorded[i].client, &plain);
        for (size_t at = 1; at < plain.length; at++) {
            struct tls_state t = {0};

            assert_int_equal(hello_feed(&t, &plain, 0, at, CHUNK_SIZE), TLS_MORE);
            assert_int_equal(hello_feed(&t, &plain, at, plain.length, CHUNK_SIZE), TLS_HELLO);
            assert_host(&t, recorded[i].host);
        }
        for (size_t piece = 1; piece < CHUNK_SIZE; piece += 1 + piece / 7) {
            struct tls_state t = {0};

            assert_int_equal(hello_feed(&t, &plain, 0, plain.length, piece), TLS_HELLO);
            assert_host(&t, recorded[i].host);
            assert_int_equal(t.has_ech, recorded[i].has_ech);
        }
    }
}

/* T62 */
static void a_hello_is_the_same_in_any_records(void **state)
{
    static const size_t sizes[] = {1, 2, 3, 7, 47, 200, 255, 256, 1000};

    (void)state;
    for (size_t i = 0; i < COUNT(recorded); i++) {
        read_recorded(recorded[i].client, &plain);
        for (size_t k = 0; k < COUNT(sizes); k++) {
            struct tls_state t = {0};

            hello_cut(&plain, sizes[k], &cut);
            assert_int_equal(hello_feed(&t, &cut, 0, cut.length, CHUNK_SIZE), TLS_HELLO);
            assert_host(&t, recorded[i].host);
            memset(&t, 0, sizeof(t));
            assert_int_equal(hello_feed(&t, &cut, 0, cut.length, 1), TLS_HELLO);
            assert_host(&t, recorded[i].host);
            assert_int_equal(t.has_ech, recorded[i].has_ech);
        }
    }
}

/* In the same chunk, in the same record, and in the same chunk as what is skipped last. */
static void what_follows_the_hello_is_not_read(void **state)
{
    (void)state;
    for (size_t padding = 0; padding < 3; padding++) {
        for (__u8 longer = 0; longer < 9; longer++) {
            struct tls_state t = {0};
            struct chunk chunk = {.length = CHUNK_SIZE};

            hello_make(&plain, "a.example", 9, padding);
            plain.data[4] += longer;
            memset(chunk.bytes, 0xff, sizeof(chunk.bytes));
            memcpy(chunk.bytes, plain.data, plain.length);
            for (int i = 0; i < 2; i++) {
                assert_int_equal(tls_feed(&t, &chunk), TLS_HELLO);
                assert_int_equal(chunk.at, plain.length);
                assert_host(&t, "a.example");
            }
        }
    }
}

/* Offsets in hello_make(&plain, "a.example", 9, 3). */
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

        hello_make(&plain, "a.example", 9, 3);
        plain.data[plain.length - 3] = 0x16; /* the padding's bytes, where they are read as something else */
        assert_int_equal(feed_whole(&t, &plain), TLS_HELLO);
        for (unsigned k = 0; k < wrong->size; k++)
            plain.data[wrong->at + k] = (__u8)(wrong->value >> 8 * (wrong->size - 1 - k));
        if (feed_whole(&t, &plain) != TLS_BAD)
            fail_msg("%s: taken", wrong->field);
        if (hello_feed(&t, &plain, 0, plain.length, CHUNK_SIZE) != TLS_BAD)
            fail_msg("%s: forgotten", wrong->field);
        memset(&t, 0, sizeof(t));
        if (hello_feed(&t, &plain, 0, plain.length, 1) != TLS_BAD)
            fail_msg("%s: taken byte by byte", wrong->field);
    }
}

static void a_server_name_is_1_to_253_letters_digits_hyphens_dots_and_underscores(void **state)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    char host[300];

    (void)state;
    memset(host, 'a', sizeof(host));
    for (size_t length = 1; length <= 256; length++) {
        struct tls_state t;

        hello_make(&plain, host, length, 0);
        assert_int_equal(feed_whole(&t, &plain), length <= TLS_HOST_MAX ? TLS_HELLO : TLS_BAD);
    }
    for (int byte = 0; byte < 256; byte++) {
        for (size_t at = 0; at < 17; at++) {
            bool is_good = byte && strchr(good, byte) && (byte != '.' || at < 16);
            struct tls_state t;

            memset(host, 'a', 17);
            host[at] = (char)byte;
            host[17] = '\0';
            hello_make(&plain, host, 17, 0);
            assert_int_equal(feed_whole(&t, &plain), is_good ? TLS_HELLO : TLS_BAD);
            if (is_good)
                assert_host(&t, host);
        }
    }
}

static void a_hello_without_extensions_has_no_name(void **state)
{
    struct tls_state t;

    (void)state;
    hello_make(&plain, "a.example", 9, 0);
    plain.length = 50;
    plain.data[4] = 45;
    plain.data[8] = 41;
    assert_int_equal(feed_whole(&t, &plain), TLS_HELLO);
    assert_host(&t, "");
    hello_put(&plain, 2, 0); /* an empty list of them */
    plain.data[4] = 47;
    plain.data[8] = 43;
    assert_int_equal(feed_whole(&t, &plain), TLS_HELLO);
    assert_host(&t, "");
}

/* With more in the record that could be taken for the rest of the name. */
static void a_server_name_that_ends_beyond_the_hello_is_refused(void **state)
{
    struct tls_state t;

    (void)state;
    hello_make(&plain, "a.example", 9, 0);
    plain.length -= 4; /* no padding extension behind it */
    plain.data[8] -= 4;
    plain.data[51] -= 4;
    memset(plain.data + plain.length, 'a', 40);
    plain.length += 40;
    plain.data[4] += 36;
    assert_int_equal(feed_whole(&t, &plain), TLS_HELLO);
    assert_host(&t, "a.example");
    for (int longer = 1; longer < 30; longer++) {
        plain.data[55]++; /* the extension, the list, the name */
        plain.data[57]++;
        plain.data[60]++;
        assert_int_equal(feed_whole(&t, &plain), TLS_BAD);
    }
}

/* The largest extensions that a hello of TLS_HELLO_MAX could have are a little smaller than their length can say. */
static void hellos_of_up_to_64_kilobytes_are_read(void **state)
{
    static const size_t largest = 65535 - 9 - 9 - 4;
    struct tls_state t;

    (void)state;
    hello_make(&plain, "a.example", 9, largest);
    assert_int_equal(plain.length - 9, 43 + 65535);
    assert_true(plain.length - 9 > TLS_HELLO_MAX);
    hello_cut(&plain, TLS_RECORD_MAX, &cut);
    assert_int_equal(feed_whole(&t, &cut), TLS_BAD);

    hello_make(&plain, "a.example", 9, TLS_HELLO_MAX - 43 - 9 - 9 - 4);
    assert_int_equal(plain.length - 9, TLS_HELLO_MAX);
    hello_cut(&plain, TLS_RECORD_MAX, &cut);
    assert_int_equal(feed_whole(&t, &cut), TLS_HELLO);
    assert_host(&t, "a.example");
    hello_cut(&plain, 1, &cut);
    assert_int_equal(feed_whole(&t, &cut), TLS_HELLO);
    assert_host(&t, "a.example");
}

static void a_connection_is_recognised_by_its_first_six_bytes(void **state)
{
    static const struct {
        __u8 bytes[6];
        unsigned needed; /* how many of them tell */
        int likeness;
    } cases[] = {
        {{22, 3, 1, 2, 0, 1}, 6, TLS_ALIKE},       {{22, 3, 4, 0, 1, 1}, 6, TLS_ALIKE},
        {{22, 3, 0, 0x40, 0, 1}, 6, TLS_ALIKE},    {{22, 3, 5, 2, 0, 1}, 3, TLS_UNLIKE},
        {{22, 2, 0, 2, 0, 1}, 2, TLS_UNLIKE},      {{21, 3, 1, 0, 2, 1}, 1, TLS_UNLIKE},
        {{22, 3, 1, 0, 0, 1}, 5, TLS_UNLIKE},      {{22, 3, 1, 0x40, 1, 1}, 5, TLS_UNLIKE},
        {{22, 3, 1, 2, 0, 2}, 6, TLS_UNLIKE},      {{'G', 'E', 'T', ' ', '/', ' '}, 1, TLS_UNLIKE},
        {{0x80, 0x2e, 1, 0, 2, 0}, 1, TLS_UNLIKE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (unsigned count = 0; count <= 6; count++)
            assert_int_equal(tls_looks_like_hello(cases[i].bytes, count),
                             count < cases[i].needed ? TLS_UNSURE : cases[i].likeness);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_that_real_clients_ask_for_is_read),
        cmocka_unit_test(a_hello_is_the_same_wherever_segments_end),
        cmocka_unit_test(a_hello_is_the_same_in_any_records),
        cmocka_unit_test(what_follows_the_hello_is_not_read),
        cmocka_unit_test(every_field_with_a_wrong_value_is_refused),
        cmocka_unit_test(a_server_name_is_1_to_253_letters_digits_hyphens_dots_and_underscores),
        cmocka_unit_test(a_hello_without_extensions_has_no_name),
        cmocka_unit_test(a_server_name_that_ends_beyond_the_hello_is_refused),
        cmocka_unit_test(hellos_of_up_to_64_kilobytes_are_read),
        cmocka_unit_test(a_connection_is_recognised_by_its_first_six_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
