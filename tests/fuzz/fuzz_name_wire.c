/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a name in a message, as a host name, and as a pattern and a name (with `\n` between them): name.h and
 * name_glob.h say what the plain ones say. The first byte chooses.
 */
#include <stdlib.h>

#include "datapath/name_glob.h"

#include "tests/fuzz/plain_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT(readability-identifier-naming): libFuzzer's */

static struct dns_message message;
static struct text_keys keys;
static struct name name;
static struct glob glob;

static void claim(bool is_true)
{
    if (!is_true)
        abort();
}

/* Four bytes that end `from_end` bytes before the end, the first one lowest; 0 for what stands before the name. */
static __u32 half_word(const uint8_t *wire, size_t size, size_t from_end)
{
    __u32 half = 0;

    for (size_t i = 0; i < 4; i++) {
        if (from_end + 4 - i <= size)
            half |= (__u32)wire[size - from_end - 4 + i] << 8 * i;
    }
    return half;
}

static void claim_hash(const __u64 hash[4], const uint8_t *wire, size_t size)
{
    for (size_t lane = 0; lane < 4; lane++) {
        __u64 sum = 0;

        for (size_t i = 0; i < (size + 7) / 8; i++) {
            __u32 low = half_word(wire, size, 8 * i + 4) + keys.words[2 * (i + lane)];
            __u32 high = half_word(wire, size, 8 * i) + keys.words[2 * (i + lane) + 1];

            sum += (__u64)low * high;
        }
        claim(hash[lane] == sum);
    }
}

static void claim_name(const struct plain_name *expected)
{
    size_t start = 0;

    claim(name.length == expected->size && name.labels == expected->labels);
    for (size_t i = 0; i < NSP_NAME_SIZE - expected->size; i++)
        claim(name.text[i] == 0);
    claim(memcmp(name.text + NSP_NAME_SIZE - name.length, expected->wire, expected->size) == 0);
    claim_hash(name.hash, expected->wire, expected->size);
    for (__u32 i = 0; i < name.labels; i++) {
        struct text_key end;

        claim(name.starts[i] == start);
        name_end_hash(&name, name.labels - i, &keys, &end);
        claim(end.length == expected->size - start);
        claim_hash(end.hash, expected->wire + start, expected->size - start);
        start += 1 + (size_t)expected->wire[start];
    }
}

static void try_wire(const uint8_t *data, size_t size)
{
    struct plain_name expected;
    size_t from = size > 0 ? 12 + data[0] % 64 : 12; /* after the header, and maybe something to point to */
    size_t length = size + 12 < DNS_MESSAGE_MAX ? size + 12 : DNS_MESSAGE_MAX;

    memset(&message, 0xa5, sizeof(message));
    memset(&name, 0xa5, sizeof(name));
    memcpy(message.bytes + 12, data, length - 12);
    message.length = (__u32)length;
    for (int pointers = 0; pointers <= 10; pointers += 10) {
        bool is_name = plain_read_name(message.bytes, length, from, pointers, &expected);
        __u32 end = pointers ? name_read_compressed(&message, (__u32)from, &name, &keys)
                             : name_read(&message, (__u32)from, &name, &keys);

        claim(end == (is_name ? expected.end : 0));
        if (is_name)
            claim_name(&expected);
    }
}

static void try_host(const uint8_t *data, size_t size)
{
    struct plain_name expected;
    uint8_t text[NSP_NAME_SIZE];

    if (size > sizeof(text))
        return;
    memset(&name, 0xa5, sizeof(name));
    memset(text, 'x', sizeof(text));
    memcpy(text, data, size);

    bool is_name = size > 0 && plain_read_host(data, size, &expected);

    claim(name_from_text(&name, text, (__u32)size, keys.words) == is_name);
    if (is_name)
        claim_name(&expected);
}

/* Labels between dots; what would be none, or too much, is left out. */
static void make_name(const uint8_t *text, size_t size, struct plain_name *into)
{
    memset(into, 0, sizeof(*into));
    for (size_t begin = 0, i = 0; i <= size; i++) {
        if (i < size && text[i] != '.')
            continue;
        if (i > begin)
            plain_add_label(into, text + begin, i - begin < 63 ? i - begin : 63);
        begin = i + 1;
    }
}

static void try_glob(const uint8_t *data, size_t size)
{
    const uint8_t *newline = memchr(data, '\n', size);
    struct plain_name pattern, given;
    size_t effort = 0;

    if (!newline)
        return;
    make_name(data, (size_t)(newline - data), &pattern);
    make_name(newline + 1, size - 1 - (size_t)(newline - data), &given);
    glob.length = (__u8)pattern.size;
    memcpy(glob.text, pattern.wire, pattern.size);
    memset(&message, 0, sizeof(message));
    memcpy(message.bytes + 12, given.wire, given.size);
    message.length = (__u32)(12 + given.size + 1);
    claim(name_read(&message, 12, &name, &keys) == 12 + given.size + 1);

    bool expected = plain_glob_matches(&pattern, &given, &effort), matches = glob_matches(&glob, &name);

    claim(matches == expected || (expected && effort > GLOB_STEPS_MAX));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (__u32 i = 0; i < NSP_TEXT_KEY_WORDS; i++)
        keys.words[i] = 2654435761U * (i + 1);
    if (size == 0)
        return 0;
    switch (data[0] % 3) {
    case 0:
        try_wire(data + 1, size - 1);
        break;
    case 1:
        try_host(data + 1, size - 1);
        break;
    default:
        try_glob(data + 1, size - 1);
    }
    return 0;
}
