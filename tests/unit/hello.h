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

/* What a hello consists of; all lengths in bytes. Lengths in the hello say what is there, wrong or not. */
struct hello_shape {
    unsigned version;
    size_t session_id, cipher_suites, compression_methods;
    const char *host;
    size_t host_length;
    int names;      /* server_name extensions */
    size_t padding; /* in an extension behind them */
};
#define HELLO_SHAPE ((struct hello_shape){0x0303, 0, 2, 1, "a.example", 9, 1, 0})

/* In one record. */
void hello_make(struct hello *to, const struct hello_shape *shape);

/* HELLO_SHAPE with this name and padding. */
void hello_make_named(struct hello *to, const char *host, size_t length, size_t padding);

/* The same message in records of at most `size` bytes. */
void hello_cut(const struct hello *from, size_t size, struct hello *into);

/* Feeds data[from .. to - 1] in pieces of at most `piece` bytes. Returns what the last of them came to. */
int hello_feed(struct tls_state *t, const struct hello *in, size_t from, size_t to, size_t piece);

/* All of it, from the beginning of a connection. */
int hello_read(struct tls_state *t, const struct hello *in);

void hello_assert_host(const struct tls_state *t, const char *host);

#endif
