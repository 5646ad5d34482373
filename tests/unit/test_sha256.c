/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 against the examples of FIPS 180-4 and NIST's CAVP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/sha256.h"

static void assert_digest(struct sha256 *hash, const char *expected)
{
    unsigned char digest[SHA256_SIZE];
    char text[SHA256_SIZE * 2 + 1];

    sha256_end(hash, digest);
    for (int i = 0; i < SHA256_SIZE; i++)
        snprintf(text + i * 2, 3, "%02x", digest[i]);
    assert_string_equal(text, expected);
}

static void the_published_examples_give_the_published_digests(void **state)
{
    static const char *const cases[][2] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrst"
         "nopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sha256 hash;

        sha256_start(&hash);
        sha256_add(&hash, cases[i][0], strlen(cases[i][0]));
        assert_digest(&hash, cases[i][1]);
    }
}

static void a_million_letters_in_uneven_pieces_give_the_published_digest(void **state)
{
    char piece[997];
    size_t left = 1000000;
    struct sha256 hash;

    (void)state;
    memset(piece, 'a', sizeof(piece));
    sha256_start(&hash);
    while (left > 0) {
        size_t size = left < sizeof(piece) ? left : sizeof(piece);

        sha256_add(&hash, piece, size);
        left -= size;
    }
    assert_digest(&hash, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_examples_give_the_published_digests),
        cmocka_unit_test(a_million_letters_in_uneven_pieces_give_the_published_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
