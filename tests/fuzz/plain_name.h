/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What datapath/name.h and name_glob.h do, a second time and plainly: no words, no right alignment, no hash, a table
 * where they go step by step. For fuzzers and property tests to compare with.
 */
#ifndef NSP_TESTS_FUZZ_PLAIN_NAME_H
#define NSP_TESTS_FUZZ_PLAIN_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Labels with their lengths, folded, without the root. */
struct plain_name {
    uint8_t wire[256];
    size_t size, labels;
    size_t end; /* in the message */
};

static inline uint8_t plain_fold(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static inline bool plain_add_label(struct plain_name *name, const uint8_t *text, size_t size)
{
    if (name->size + 1 + size > 254)
        return false;
    name->wire[name->size++] = (uint8_t)size;
    for (size_t i = 0; i < size; i++)
        name->wire[name->size++] = plain_fold(text[i]);
    name->labels++;
    return true;
}

/* The labels from `at` on; pointers_left: how many pointers may still follow. Sets the end behind what stands here. */
static inline bool plain_read_labels(const uint8_t *bytes, size_t length, size_t at, int pointers_left,
                                     struct plain_name *name)
{
    const size_t begin = at;

    while (at < length && bytes[at] != 0) {
        size_t size = bytes[at];

        if (size >= 0xc0) {
            size_t to = at + 1 < length ? (size & 0x3f) << 8 | bytes[at + 1] : begin;

            if (pointers_left == 0 || to < 12 || to >= begin ||
                !plain_read_labels(bytes, length, to, pointers_left - 1, name))
                return false;
            name->end = at + 2;
            return true;
        }
        if (size > 63 || at + 1 + size > length || !plain_add_label(name, bytes + at + 1, size))
            return false;
        at += 1 + size;
    }
    name->end = at + 1;
    return at < length;
}

static inline bool plain_read_name(const uint8_t *bytes, size_t length, size_t at, int pointers,
                                   struct plain_name *name)
{
    memset(name, 0, sizeof(*name));
    return plain_read_labels(bytes, length, at, pointers, name);
}

static inline bool plain_is_same(const struct plain_name *a, const struct plain_name *b)
{
    return a->size == b->size && memcmp(a->wire, b->wire, a->size) == 0;
}

static inline bool plain_read_host(const uint8_t *text, size_t length, struct plain_name *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t begin = 0;

    memset(name, 0, sizeof(*name));
    for (size_t i = 0; i <= length; i++) {
        if (i < length && text[i] != '.') {
            if (!memchr(allowed, text[i], sizeof(allowed) - 1))
                return false;
            continue;
        }
        if (i == begin || i - begin > 63 || !plain_add_label(name, text + begin, i - begin))
            return false;
        begin = i + 1;
    }
    return true;
}

/* reached[j]: what was read of the pattern so far can be the first j bytes of the text. */
static inline bool plain_label_matches(const uint8_t *pattern, size_t pattern_size, const uint8_t *text, size_t size)
{
    bool reached[64] = {true};

    for (size_t i = 0; i < pattern_size; i++) {
        bool next[64] = {false};

        for (size_t j = 0; j <= size; j++) {
            if (pattern[i] == '*')
                next[j] = reached[j] || (j > 0 && next[j - 1]);
            else
                next[j] = j > 0 && reached[j - 1] && pattern[i] == text[j - 1];
        }
        memcpy(reached, next, sizeof(reached));
    }
    return reached[size];
}

/* Patterns are names too, but for their stars. The bytes to compare, all told, are added to *effort. */
static inline bool plain_glob_matches(const struct plain_name *glob, const struct plain_name *name, size_t *effort)
{
    size_t g = 0, n = 0, labels = glob->labels;

    if (labels > 1 && memcmp(glob->wire, "\2**", 3) == 0) {
        if (name->labels < labels)
            return false;
        g = 3;
        for (labels--; labels < name->labels; labels++)
            n += 1 + (size_t)name->wire[n];
        labels = glob->labels - 1;
    } else if (labels != name->labels) {
        return false;
    }
    for (; labels > 0; labels--) {
        size_t in_glob = glob->wire[g], in_name = name->wire[n];

        *effort += (in_glob + 1) * (in_name + 1);
        if (!plain_label_matches(glob->wire + g + 1, in_glob, name->wire + n + 1, in_name))
            return false;
        g += 1 + in_glob;
        n += 1 + in_name;
    }
    return true;
}

#endif
