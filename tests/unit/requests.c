/* SPDX-License-Identifier: Apache-2.0 */
/* See requests.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fuzz/plain_http.h"
#include "tests/unit/requests.h"

static struct told whole, cut, plain;

static size_t one_byte(void *context)
{
    (void)context;
    return 1;
}

/* The first piece, then the rest. */
static size_t two_pieces(void *context)
{
    size_t *first = context, size = *first;

    *first = CHUNK_SIZE;
    return size;
}

static void expect_same(const char *name, const char *how, size_t at)
{
    if (cut.length != whole.length || memcmp(cut.text, whole.text, whole.length) != 0)
        fail_msg("%s: %s %zu: %s, not %s", name, how, at, cut.text, whole.text);
}

const char *requests_read(const char *name, const void *bytes, size_t length)
{
    told_feed(&whole, bytes, length, NULL, NULL);
    plain_http_read(&plain, bytes, length);
    if (!plain_http_agrees(&plain, &whole))
        fail_msg("%s: %s, plainly %s", name, whole.text, plain.text);
    told_feed(&cut, bytes, length, one_byte, NULL);
    expect_same(name, "byte by byte", 0);
    for (size_t at = 1; at < length && length < 2000; at++) {
        size_t first = at < CHUNK_SIZE ? at : CHUNK_SIZE;

        told_feed(&cut, bytes, length, two_pieces, &first);
        expect_same(name, "cut at", at);
    }
    return whole.text;
}

const char *requests_letters(const char *name, const void *bytes, size_t length)
{
    requests_read(name, bytes, length);
    if (!whole.has_ended)
        told_letter(&whole, '.');
    return whole.letters;
}
