/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The keyed hash by which names and requests are found, the same in the kernel and in user space. NH of UMAC (RFC 4418
 * 5.2.2; Black, Halevi, Krawczyk, Krovetz, Rogaway 1999): universal, 2^-32 for each of four lanes under shifted keys
 * (Toeplitz), so 2^-128 for two texts of the same length; the length stands beside the hash in every key. It is not a
 * MAC and need not be: no hash ever leaves the kernel. It is a sum over words, so that the hash of a name's end, or of
 * a uri's beginning, is what the sum was when it got there.
 *
 * A text is a sequence of 8-byte little-endian words, numbered from 0 ("positions"), the last zero-filled. Names are
 * numbered from their end (word 0 holds the last 8 bytes of the wire form, without the root's zero), uris from their
 * beginning; methods take positions TEXT_METHOD_POSITION and up, zero-filled to NSP_METHOD_MAX.
 */
#ifndef NSP_DATAPATH_TEXT_HASH_H
#define NSP_DATAPATH_TEXT_HASH_H

#include "datapath/abi.h"

#define TEXT_METHOD_POSITION (NSP_URI_MAX / 8)
#define TEXT_POSITIONS (TEXT_METHOD_POSITION + NSP_METHOD_MAX / 8)

/* Adds the word at `position` (below TEXT_POSITIONS) to the hash. key: control.text_key. */
static inline __attribute__((always_inline)) void text_hash_word(__u64 hash[4], const __u32 *key, __u32 position,
                                                                 __u64 word)
{
    const __u32 *k = key + 2 * position;
    __u32 low = (__u32)word, high = word >> 32;

    hash[0] += (__u64)(__u32)(low + k[0]) * (__u32)(high + k[1]);
    hash[1] += (__u64)(__u32)(low + k[2]) * (__u32)(high + k[3]);
    hash[2] += (__u64)(__u32)(low + k[4]) * (__u32)(high + k[5]);
    hash[3] += (__u64)(__u32)(low + k[6]) * (__u32)(high + k[7]);
}

/*
 * User space, text_hash.c.
 * name: folded, dotted, without a final dot, at most NAME_DNS_MAX characters ("" is the root); fills the length of its
 * wire form without the root's zero, and the hash.
 */
void text_hash_name(const char *name, const __u32 *key, __u16 *length, __u64 hash[4]);
/* method: NULL for "any"; uri: at most NSP_URI_MAX bytes, `length` of them. */
void text_hash_request(const char *method, const char *uri, size_t length, const __u32 *key, __u64 hash[4]);
/* struct part.container and the values of nsp_containers: half of a SipHash of the name; never 0. */
__u64 container_hash(const char *name, const __u64 path_key[2]);

#endif
