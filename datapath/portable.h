/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the parsers (name.h, dns.h, http.h, tls.h) need besides C, so that the very same code runs in the kernel and,
 * for unit tests, fuzzers and the reference model, on the host. They read and write memory that they are given; they
 * know no map, no packet and no clock.
 */
#ifndef NSP_DATAPATH_PORTABLE_H
#define NSP_DATAPATH_PORTABLE_H

#include "datapath/abi.h"

#ifdef __bpf__

#include "datapath/kernel.h"

/*
 * Checked by the verifier by itself, for any arguments, and not again for each path that leads to it. Pointers are to
 * structures of a known size, and must be compared with NULL.
 */
#define CHECKED_ALONE __weak __noinline

/* Eight bytes, little-endian, wherever they stand: one instruction on all our targets, which C has no name for. */
static __always_inline __u64 load_word(const __u8 *from)
{
    return *(const __u64 *)from;
}

static __always_inline void store_word(__u8 *to, __u64 word)
{
    *(__u64 *)to = word;
}

#else

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define SUBPROGRAM static __attribute__((unused))
#define CHECKED_ALONE static __attribute__((unused))
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

static inline __u64 load_word(const __u8 *from)
{
    __u64 word;

    memcpy(&word, from, sizeof(word));
    return word;
}

static inline void store_word(__u8 *to, __u64 word)
{
    memcpy(to, &word, sizeof(word));
}

static inline long bpf_probe_read_kernel(void *to, __u32 size, const void *from)
{
    memcpy(to, from, size);
    return 0;
}

/* As in the kernel: calls `step` until it returns 1, at most `count` times; returns how often. */
#define bpf_loop(count, step, context, flags) portable_loop(count, (long (*)(__u32, void *))(void *)(step), context)
static inline long portable_loop(__u32 count, long (*step)(__u32 index, void *context), void *context)
{
    for (__u32 i = 0; i < count; i++) {
        if (step(i, context))
            return i + 1;
    }
    return count;
}

#endif

/* The value as it is: the compiler does not compare one expression and use another, which the verifier cannot join. */
static __always_inline __u32 settled(__u32 value)
{
    __asm__("" : "+r"(value));
    return value;
}

/* Whether it is 1..max. In this form because before a length is used the verifier wants to know that it is not 0. */
static __always_inline bool is_size(__u32 *value, __u32 max)
{
    __u32 less = settled(*value - 1);

    if (less >= max)
        return false;
    *value = less + 1;
    return true;
}

/* A piece of a stream, copied out of a packet: bytes[at .. length - 1] have not been read yet. */
#define CHUNK_SIZE 256
struct chunk {
    __u32 at;
    __u32 length;               /* 0..CHUNK_SIZE */
    __u8 bytes[CHUNK_SIZE + 8]; /* room for a word to be loaded at any of them */
};

#endif
