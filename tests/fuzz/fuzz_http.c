/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what one side of an HTTP connection sends: the machine of http.h says the same however they are cut, and
 * the same as a plain reading that has all of them before it. The first four bytes choose the cuts.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/plain_http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT(readability-identifier-naming): libFuzzer's */

static size_t some_bytes(void *context)
{
    uint32_t *chosen = context;

    *chosen = *chosen * 1664525 + 1013904223;
    return 1 + (*chosen >> 24) % ((*chosen & 0x300000) ? 20 : CHUNK_SIZE);
}

static size_t one_byte(void *context)
{
    (void)context;
    return 1;
}

static void claim_same(const struct told *told, const struct told *whole)
{
    if (told->length != whole->length || memcmp(told->text, whole->text, whole->length) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct told whole, cut, plain;
    uint32_t chosen;

    if (size < sizeof(chosen))
        return 0;
    memcpy(&chosen, data, sizeof(chosen));
    data += sizeof(chosen);
    size -= sizeof(chosen);
    told_feed(&whole, data, size, NULL, NULL);
    told_feed(&cut, data, size, one_byte, NULL);
    claim_same(&cut, &whole);
    told_feed(&cut, data, size, some_bytes, &chosen);
    claim_same(&cut, &whole);
    plain_http_read(&plain, data, size);
    if (!plain_http_agrees(&plain, &whole))
        abort();
    return 0;
}
