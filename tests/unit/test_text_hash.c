/* SPDX-License-Identifier: Apache-2.0 */
/* The hash of names and requests: the sum that text_hash.h describes, and what must, and must not, make a difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/text_hash.h"

#include "tests/unit/message.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* The sum over the words of `bytes`, of which the first has `position`. */
static void add_plainly(__u64 hash[4], const __u8 *bytes, size_t words, size_t position)
{
    const __u32 *key = message_key();

    for (size_t i = 0; i < words; i++) {
        for (size_t lane = 0; lane < 4; lane++) {
            const __u8 *b = bytes + 8 * i;
            const __u32 *k = key + 2 * (position + i + lane);
            __u32 low = b[0] | b[1] << 8 | b[2] << 16 | (__u32)b[3] << 24;
            __u32 high = b[4] | b[5] << 8 | b[6] << 16 | (__u32)b[7] << 24;

            low += k[0];
            high += k[1];
            hash[lane] += (__u64)low * high;
        }
    }
}

static void a_name_is_hashed_from_its_end(void **state)
{
    __u64 expected[4] = {0}, given[4];
    __u16 length;

    (void)state;
    add_plainly(expected, (const __u8 *)"mple\3com", 1, 0);
    add_plainly(expected, (const __u8 *)"\3www\7exa", 1, 1);
    text_hash_name("www.example.com", message_key(), &length, given);
    assert_int_equal(length, 16);
    assert_memory_equal(given, expected, sizeof(given));

    memset(expected, 0, sizeof(expected));
    add_plainly(expected, (const __u8 *)"\0\0\0\0\0\0\1a", 1, 0);
    text_hash_name("a", message_key(), &length, given);
    assert_int_equal(length, 2);
    assert_memory_equal(given, expected, sizeof(given));

    memset(expected, 0, sizeof(expected));
    text_hash_name("", message_key(), &length, given);
    assert_int_equal(length, 0);
    assert_memory_equal(given, expected, sizeof(given));
}

static void a_request_is_hashed_from_its_beginning(void **state)
{
    __u8 method[NSP_METHOD_MAX] = "GET";
    __u64 expected[4] = {0}, given[4];

    (void)state;
    add_plainly(expected, (const __u8 *)"/static/index\0\0\0", 2, 0);
    text_hash_request(NULL, "/static/index, and more", 13, message_key(), given);
    assert_memory_equal(given, expected, sizeof(given));
    add_plainly(expected, method, NSP_METHOD_MAX / 8, TEXT_METHOD_POSITION);
    text_hash_request("GET", "/static/index", 13, message_key(), given);
    assert_memory_equal(given, expected, sizeof(given));
}

static void the_longest_uri_and_method_are_within_the_key(void **state)
{
    static __u8 uri[NSP_URI_MAX];
    __u8 method[NSP_METHOD_MAX + 1] = "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF";
    __u64 expected[4] = {0}, given[4];

    (void)state;
    memset(uri, 'u', sizeof(uri));
    add_plainly(expected, uri, NSP_URI_MAX / 8, 0);
    add_plainly(expected, method, NSP_METHOD_MAX / 8, TEXT_METHOD_POSITION);
    text_hash_request((const char *)method, (const char *)uri, NSP_URI_MAX, message_key(), given);
    assert_memory_equal(given, expected, sizeof(given));
    assert_int_equal(2 * (TEXT_POSITIONS + 3), NSP_TEXT_KEY_WORDS - 2);
}

static void different_texts_and_keys_differ_in_every_lane(void **state)
{
    static const char *const names[] = {
        "a",           "b",           "aa",           "a.a",         "example.com",
        "xample.come", "com.example", "example.co.m", "example-com", "a.example.com",
    };
    __u64 hashes[COUNT(names) + 1][4];
    __u32 key[NSP_TEXT_KEY_WORDS];
    __u16 length;

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        text_hash_name(names[i], message_key(), &length, hashes[i]);
    for (size_t i = 0; i < NSP_TEXT_KEY_WORDS; i++)
        key[i] = message_key()[i] + 1;
    text_hash_name(names[0], key, &length, hashes[COUNT(names)]);
    for (size_t i = 0; i <= COUNT(names); i++) {
        for (size_t j = 0; j < i; j++) {
            for (size_t lane = 0; lane < 4; lane++)
                assert_true(hashes[i][lane] != hashes[j][lane]);
        }
    }
}

static void a_container_is_known_by_its_name_and_the_key(void **state)
{
    const __u64 key[2] = {1, 2}, other[2] = {1, 3};

    (void)state;
    assert_true(container_hash("ping", key) == container_hash("ping", key));
    assert_true(container_hash("ping", key) != container_hash("pong", key));
    assert_true(container_hash("ping", key) != container_hash("ping", other));
    assert_true(container_hash("", key) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_hashed_from_its_end),
        cmocka_unit_test(a_request_is_hashed_from_its_beginning),
        cmocka_unit_test(the_longest_uri_and_method_are_within_the_key),
        cmocka_unit_test(different_texts_and_keys_differ_in_every_lane),
        cmocka_unit_test(a_container_is_known_by_its_name_and_the_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
