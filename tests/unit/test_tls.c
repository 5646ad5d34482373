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

static void the_name_that_real_clients_ask_for_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(recorded); i++) {
        struct tls_state t;

        read_recorded(recorded[i].client, &plain);
        assert_int_equal(hello_read(&t, &plain), TLS_HELLO);
        hello_assert_host(&t, recorded[i].host);
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
            hello_assert_host(&t, recorded[i].host);
        }
        for (size_t piece = 1; piece < CHUNK_SIZE; piece += 1 + piece / 7) {
            struct tls_state t = {0};

            assert_int_equal(hello_feed(&t, &plain, 0, plain.length, piece), TLS_HELLO);
            hello_assert_host(&t, recorded[i].host);
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
            hello_assert_host(&t, recorded[i].host);
            memset(&t, 0, sizeof(t));
            assert_int_equal(hello_feed(&t, &cut, 0, cut.length, 1), TLS_HELLO);
            hello_assert_host(&t, recorded[i].host);
            assert_int_equal(t.has_ech, recorded[i].has_ech);
        }
    }
}

static void hello_before_other_bytes(size_t padding, __u8 in_its_record)
{
    struct tls_state t = {0};
    struct chunk chunk = {.length = CHUNK_SIZE};

    hello_make_named(&plain, "a.example", 9, padding);
    plain.data[4] += in_its_record;
    memset(chunk.bytes, 0xff, sizeof(chunk.bytes));
    memcpy(chunk.bytes, plain.data, plain.length);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tls_feed(&t, &chunk), TLS_HELLO);
        assert_int_equal(chunk.at, plain.length);
        hello_assert_host(&t, "a.example");
    }
}

/* In the same chunk, in the same record, and in the same chunk as what is skipped last. */
static void what_follows_the_hello_is_not_read(void **state)
{
    (void)state;
    for (size_t padding = 0; padding < 3; padding++) {
        for (__u8 in_its_record = 0; in_its_record < 9; in_its_record++)
            hello_before_other_bytes(padding, in_its_record);
    }
}

static void a_hello_without_extensions_has_no_name(void **state)
{
    struct tls_state t;

    (void)state;
    hello_make_named(&plain, "a.example", 9, 0);
    plain.length = 50;
    plain.data[4] = 45;
    plain.data[8] = 41;
    assert_int_equal(hello_read(&t, &plain), TLS_HELLO);
    hello_assert_host(&t, "");
    hello_put(&plain, 2, 0); /* an empty list of them */
    plain.data[4] = 47;
    plain.data[8] = 43;
    assert_int_equal(hello_read(&t, &plain), TLS_HELLO);
    hello_assert_host(&t, "");
}

/* The largest extensions that a hello of TLS_HELLO_MAX could have are a little smaller than their length can say. */
static void hellos_of_up_to_64_kilobytes_are_read(void **state)
{
    static const size_t largest = 65535 - 9 - 9 - 4;
    struct tls_state t;

    (void)state;
    hello_make_named(&plain, "a.example", 9, largest);
    assert_int_equal(plain.length - 9, 43 + 65535);
    assert_true(plain.length - 9 > TLS_HELLO_MAX);
    hello_cut(&plain, TLS_RECORD_MAX, &cut);
    assert_int_equal(hello_read(&t, &cut), TLS_BAD);

    hello_make_named(&plain, "a.example", 9, TLS_HELLO_MAX + 1 - 43 - 9 - 9 - 4);
    hello_cut(&plain, TLS_RECORD_MAX, &cut);
    assert_int_equal(hello_read(&t, &cut), TLS_BAD);

    hello_make_named(&plain, "a.example", 9, TLS_HELLO_MAX - 43 - 9 - 9 - 4);
    assert_int_equal(plain.length - 9, TLS_HELLO_MAX);
    hello_cut(&plain, TLS_RECORD_MAX, &cut);
    assert_int_equal(hello_read(&t, &cut), TLS_HELLO);
    hello_assert_host(&t, "a.example");
    hello_cut(&plain, 1, &cut);
    assert_int_equal(hello_read(&t, &cut), TLS_HELLO);
    hello_assert_host(&t, "a.example");
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
        cmocka_unit_test(a_hello_without_extensions_has_no_name),
        cmocka_unit_test(hellos_of_up_to_64_kilobytes_are_read),
        cmocka_unit_test(a_connection_is_recognised_by_its_first_six_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
