/* SPDX-License-Identifier: Apache-2.0 */
/* TLS hellos to test with: made to measure, cut into records and fed in pieces. */
#ifndef NSP_TESTS_UNIT_HELLO_H
#define NSP_TESTS_UNIT_HELLO_H

#include <stddef.h>

#include "datapath/tls.h"

/* Of a hello in records of one byte: with five bytes of header for each. */
#define HELLO_ROOM (6 * TLS_HELLO_MAX + 4096)

struct hello {
    size_t length;
    __u8 data[HELLO_ROOM];
};

/* Appends a big-endian number of `size` bytes. */
void hello_put(struct hello *to, unsigned size, size_t number);

/* One record with this server name, `length` bytes of anything, and an extension of `padding` bytes behind it. */
void hello_make(struct hello *to, const char *host, size_t length, size_t padding);

/* The same message in records of at most `size` bytes. */
void hello_cut(const struct hello *from, size_t size, struct hello *into);

/* Feeds data[from .. to - 1] in pieces of at most `piece` bytes. Returns what the last of them came to. */
int hello_feed(struct tls_state *t, const struct hello *in, size_t from, size_t to, size_t piece);

#endif
