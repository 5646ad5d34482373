/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the beginning of a TLS connection: the machine of tls.h comes to the same as a parser that has all of
 * them before it, wherever they are cut into chunks, and a hello to the same in any other records.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT(readability-identifier-naming): libFuzzer's */

#define MESSAGE_MAX 16384

/* The bytes of all records as one, and how far they can be read. */
struct reader {
    uint8_t bytes[MESSAGE_MAX];
    size_t at;
    size_t have;
    size_t end;   /* of the message, or of what contains it */
    int if_short; /* TLS_MORE, or TLS_BAD: a broken record follows what there is */
    int result;   /* TLS_HELLO as long as nothing went wrong */
};

struct answer {
    int result;
    bool has_ech;
    size_t host_length;
    uint8_t host[256];
};

static void claim(bool is_true)
{
    if (!is_true)
        abort();
}

static void join_records(struct reader *r, const uint8_t *data, size_t size)
{
    r->if_short = TLS_MORE;
    while (size >= 5) {
        size_t length = (size_t)data[3] << 8 | data[4];
        size_t there = length < size - 5 ? length : size - 5;

        if (data[0] != 22 || data[1] != 3 || data[2] > 4 || length == 0 || length > 16384) {
            r->if_short = TLS_BAD;
            return;
        }
        memcpy(r->bytes + r->have, data + 5, there);
        r->have += there;
        data += 5 + there;
        size -= 5 + there;
    }
}

/* Whether `count` more bytes belong to the message and are there. */
static bool has(struct reader *r, size_t count)
{
    if (r->result != TLS_HELLO)
        return false;
    if (r->at + count > r->end)
        r->result = TLS_BAD;
    else if (r->at + count > r->have)
        r->result = r->if_short;
    return r->result == TLS_HELLO;
}

/* Skips `skipped` bytes and reads a number of `size`; 0 when there is none. */
static size_t number(struct reader *r, size_t skipped, size_t size)
{
    size_t value = 0;

    if (!has(r, skipped + size))
        return 0;
    for (r->at += skipped; size > 0; size--)
        value = value << 8 | r->bytes[r->at++];
    return value;
}

static void expect(struct reader *r, bool is_so)
{
    if (r->result == TLS_HELLO && !is_so)
        r->result = TLS_BAD;
}

static void read_server_name(struct reader *r, size_t length, struct answer *answer)
{
    size_t end = r->at + length;

    expect(r, number(r, 0, 2) == length - 2);

    size_t host_length = number(r, 0, 3); /* type and length */

    expect(r, host_length >= 1 && host_length <= 253 && r->at + host_length == end);
    for (size_t i = 0; i < host_length && has(r, 1); i++) {
        uint8_t c = r->bytes[r->at++];

        expect(r, (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                      (c == '.' && i + 1 < host_length));
        answer->host[i] = c;
    }
    answer->host_length = host_length;
}

static void read_extensions(struct reader *r, struct answer *answer)
{
    bool had_name = false;

    while (r->result == TLS_HELLO && r->at < r->end) {
        size_t header = number(r, 0, 4), type = header >> 16, length = header & 0xffff;

        expect(r, r->at + length <= r->end);
        if (r->result == TLS_HELLO && type == 0) {
            expect(r, !had_name);
            had_name = true;
            read_server_name(r, length, answer);
        } else if (r->result == TLS_HELLO) {
            answer->has_ech |= type == 0xfe0d;
            /* That nothing could follow is known before what is skipped is there. */
            expect(r, r->at + length == r->end || r->at + length + 4 <= r->end);
            if (has(r, length))
                r->at += length;
        }
    }
}

static void read_plainly(const uint8_t *data, size_t size, struct answer *answer)
{
    static struct reader r;

    memset(&r, 0, sizeof(r));
    join_records(&r, data, size);
    r.result = TLS_HELLO;
    r.end = 4;

    size_t message = number(&r, 0, 4);

    expect(&r, message >> 24 == 1 && (message & 0xffffff) <= TLS_HELLO_MAX);
    r.end += message & 0xffffff;

    size_t version = number(&r, 0, 2);

    expect(&r, version >= 0x300 && version <= 0x304);

    size_t session = number(&r, 32, 1);

    expect(&r, session <= 32);

    size_t suites = number(&r, session, 2);

    expect(&r, suites > 0 && suites % 2 == 0);

    size_t methods = number(&r, suites, 1);

    expect(&r, methods > 0);
    if (r.result == TLS_HELLO && r.at + methods == r.end) {
        has(&r, methods);
    } else {
        size_t extensions = number(&r, methods, 2);

        expect(&r, r.at + extensions == r.end);
        read_extensions(&r, answer);
    }
    answer->result = r.result;
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Chunks of 256 bytes where `seed` is 0, else of any sizes. */
static void read_in_chunks(const uint8_t *data, size_t size, uint32_t seed, struct answer *answer)
{
    struct tls_state t = {0};
    uint32_t most = seed ? 1 + next_random(&seed) % CHUNK_SIZE : CHUNK_SIZE;

    answer->result = TLS_MORE;
    for (size_t at = 0; at < size;) {
        struct chunk chunk = {0};

        chunk.length = seed ? 1 + next_random(&seed) % most : CHUNK_SIZE;
        if (chunk.length > size - at)
            chunk.length = (uint32_t)(size - at);
        memset(chunk.bytes, 0xa5, sizeof(chunk.bytes));
        memcpy(chunk.bytes, data + at, chunk.length);
        answer->result = tls_feed(&t, &chunk);
        claim(answer->result != TLS_MORE || chunk.at == chunk.length);
        claim(chunk.at <= chunk.length);
        at += chunk.length;
    }
    answer->has_ech = t.has_ech;
    answer->host_length = t.host_length;
    memcpy(answer->host, t.host, sizeof(answer->host));
}

static void claim_same(const struct answer *a, const struct answer *b)
{
    claim(a->result == b->result);
    if (a->result != TLS_HELLO)
        return;
    claim(a->has_ech == b->has_ech && a->host_length == b->host_length);
    claim(memcmp(a->host, b->host, sizeof(a->host)) == 0);
}

/* The message of a hello in records of any sizes. Returns the length. */
static size_t cut_records(const uint8_t *data, size_t size, uint32_t seed, uint8_t *to)
{
    static struct reader r;
    size_t length = 0, most = 1 + next_random(&seed) % 300;

    memset(&r, 0, sizeof(r));
    join_records(&r, data, size);
    for (size_t at = 0, part; at < r.have; at += part) {
        part = 1 + next_random(&seed) % most;
        if (part > r.have - at)
            part = r.have - at;
        memcpy(to + length, (const uint8_t[]){22, 3, 1, (uint8_t)(part >> 8), (uint8_t)part}, 5);
        memcpy(to + length + 5, r.bytes + at, part);
        length += 5 + part;
    }
    return length;
}

/* T62 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t cut[6 * MESSAGE_MAX];
    struct answer plain = {0}, whole = {0}, pieces = {0}, other = {0};
    uint32_t seed = 1;

    if (size > MESSAGE_MAX)
        return 0;
    for (size_t i = 0; i < size; i++)
        seed = seed * 31 + data[i];
    seed |= 1;
    read_plainly(data, size, &plain);
    read_in_chunks(data, size, 0, &whole);
    read_in_chunks(data, size, seed, &pieces);
    claim_same(&plain, &whole);
    claim_same(&plain, &pieces);
    if (plain.result == TLS_HELLO) {
        claim(tls_looks_like_hello(data, (uint32_t)size) == TLS_ALIKE);
        read_in_chunks(cut, cut_records(data, size, seed, cut), seed, &other);
        claim_same(&plain, &other);
    }
    return 0;
}
