/* SPDX-License-Identifier: Apache-2.0 */
/* The hash of a path: SipHash-2-4-128 by its published vectors, and one value per path and key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/path_hash.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* The reference's key: bytes 0 to 15. */
static const __u64 key[2] = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};

/* T76 */
static void the_construction_is_siphash_128(void **state)
{
    static const unsigned char of_nothing[16] = {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6,
                                                 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93};
    static const unsigned char of_eight[16] = {0x3b, 0x62, 0xa9, 0xba, 0x62, 0x58, 0xf5, 0x61,
                                               0x0f, 0x83, 0xe2, 0x64, 0xf3, 0x14, 0x97, 0xb4};
    struct path_hash hash;
    __u64 out[2];

    (void)state;
    path_hash_start(&hash, key);
    path_hash_end(&hash, 0, out); /* SipHash ends with the number of bytes in the top byte */
    assert_memory_equal(out, of_nothing, 16);

    path_hash_start(&hash, key);
    path_hash_word(&hash, 0x0706050403020100ULL);
    path_hash_end(&hash, 8ULL << 56, out);
    assert_memory_equal(out, of_eight, 16);
}

static void a_path_is_hashed_from_its_last_component_to_its_first(void **state)
{
    struct path_hash hash;
    __u64 expected[2];
    __u8 given[16];

    (void)state;
    path_hash_start(&hash, key);
    path_hash_word(&hash, 15);
    path_hash_word(&hash, 0x662d7265676e6f6cULL); /* "longer-f" */
    path_hash_word(&hash, 0x656d616e656c69ULL);   /* "ilename" */
    path_hash_word(&hash, 8);
    path_hash_word(&hash, 0x6867666564636261ULL); /* "abcdefgh" */
    path_hash_word(&hash, 3);
    path_hash_word(&hash, 0x727375ULL); /* "usr" */
    path_hash_end(&hash, 3, expected);
    path_hash_text("/usr/abcdefgh/longer-filename", key, given);
    assert_memory_equal(given, expected, 16);
}

/* T76 */
static void different_paths_and_keys_give_different_hashes(void **state)
{
    static const char *const paths[] = {
        "/a",
        "/a/a",
        "/aa",
        "/a/aa",
        "/aa/a",
        "/aaa",
        "/aaaaaaaa",
        "/aaaaaaaa/a",
        "/aaaaaaaaa",
        "/usr/bin/curl",
        "/usr/bin/cur",
        "/usr/bi/ncurl",
        "/usr/bin/curl/x",
        "/bin/usr/curl",
    };
    __u8 hashes[COUNT(paths) + 1][16];

    (void)state;
    for (size_t i = 0; i < COUNT(paths); i++)
        path_hash_text(paths[i], key, hashes[i]);
    path_hash_text(paths[0], (const __u64[2]){key[0], key[1] + 1}, hashes[COUNT(paths)]);
    for (size_t i = 0; i < COUNT(hashes); i++) {
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(hashes[i], hashes[j], 16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_construction_is_siphash_128),
        cmocka_unit_test(a_path_is_hashed_from_its_last_component_to_its_first),
        cmocka_unit_test(different_paths_and_keys_give_different_hashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
