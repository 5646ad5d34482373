/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The keyed 128-bit hash of an executable's path, the same in the kernel and in user space. SipHash-2-4 with 128-bit
 * output (Aumasson, Bernstein) over a sequence of 64-bit words: for each component, from the last to the first, its
 * length and then its bytes in little-endian words, zero-filled; at the end the number of components. Components come
 * last first because the kernel walks from the file up to the root.
 */
#ifndef NSP_DATAPATH_PATH_HASH_H
#define NSP_DATAPATH_PATH_HASH_H

#include "datapath/abi.h"

struct path_hash {
    __u64 v0, v1, v2, v3;
};

static inline __attribute__((always_inline)) __u64 path_hash_rotate(__u64 x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static inline __attribute__((always_inline)) void path_hash_round(struct path_hash *h)
{
    h->v0 += h->v1;
    h->v1 = path_hash_rotate(h->v1, 13) ^ h->v0;
    h->v0 = path_hash_rotate(h->v0, 32);
    h->v2 += h->v3;
    h->v3 = path_hash_rotate(h->v3, 16) ^ h->v2;
    h->v0 += h->v3;
    h->v3 = path_hash_rotate(h->v3, 21) ^ h->v0;
    h->v2 += h->v1;
    h->v1 = path_hash_rotate(h->v1, 17) ^ h->v2;
    h->v2 = path_hash_rotate(h->v2, 32);
}

static inline __attribute__((always_inline)) void path_hash_start(struct path_hash *h, const __u64 key[2])
{
    h->v0 = key[0] ^ 0x736f6d6570736575ULL;
    h->v1 = key[1] ^ 0x646f72616e646f6dULL ^ 0xee;
    h->v2 = key[0] ^ 0x6c7967656e657261ULL;
    h->v3 = key[1] ^ 0x7465646279746573ULL;
}

static inline __attribute__((always_inline)) void path_hash_word(struct path_hash *h, __u64 word)
{
    h->v3 ^= word;
    path_hash_round(h);
    path_hash_round(h);
    h->v0 ^= word;
}

static inline __attribute__((always_inline)) void path_hash_end(struct path_hash *h, __u64 components, __u64 out[2])
{
    path_hash_word(h, components);
    h->v2 ^= 0xee;
    for (int i = 0; i < 4; i++)
        path_hash_round(h);
    out[0] = h->v0 ^ h->v1 ^ h->v2 ^ h->v3;
    h->v1 ^= 0xdd;
    for (int i = 0; i < 4; i++)
        path_hash_round(h);
    out[1] = h->v0 ^ h->v1 ^ h->v2 ^ h->v3;
}

/* User space: path_hash.c. `path` is absolute and normal ("/usr/bin/curl"); the result is the key of nsp_binaries. */
void path_hash_text(const char *path, const __u64 key[2], __u8 hash[16]);

#endif
