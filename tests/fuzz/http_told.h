/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What datapath/http.h says of a stream, as text, so that two readings of it can be compared: a letter for each result
 * (L line, H head, S skip, B bad, T tunnel), and after L, in brackets, the request.
 */
#ifndef NSP_TESTS_FUZZ_HTTP_TOLD_H
#define NSP_TESTS_FUZZ_HTTP_TOLD_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/http.h"

struct told {
    size_t length;
    size_t requests;
    bool has_ended;   /* bad, or a tunnel */
    char letters[64]; /* of the first results only */
    char text[1 << 20];
};

static inline void told_clear(struct told *told)
{
    memset(told, 0, offsetof(struct told, text));
    told->text[0] = '\0';
}

static inline void told_add(struct told *told, const void *bytes, size_t length)
{
    if (length >= sizeof(told->text) - told->length)
        abort();
    memcpy(told->text + told->length, bytes, length);
    told->length += length;
    told->text[told->length] = '\0';
}

static inline void told_letter(struct told *told, char letter)
{
    size_t length = strlen(told->letters);

    if (length < sizeof(told->letters) - 1)
        told->letters[length] = letter;
    told->has_ended = letter == 'B' || letter == 'T';
    told_add(told, &letter, 1);
}

static inline void told_number(struct told *told, unsigned long long number)
{
    char text[32];

    told_add(told, text, (size_t)snprintf(text, sizeof(text), " %llu ", number));
}

static inline void told_request(struct told *told, const struct http_request *request)
{
    size_t kept = request->uri_length < NSP_URI_MAX ? request->uri_length : NSP_URI_MAX;

    /* What is hashed goes beyond the end, up to a whole word. */
    for (size_t i = request->method_length; i < NSP_METHOD_MAX; i++) {
        if (request->method[i])
            abort();
    }
    for (size_t i = kept; i % 8; i++) {
        if (request->uri[i])
            abort();
    }
    told->requests++;
    told_letter(told, 'L');
    told_add(told, "[", 1);
    told_add(told, request->method, request->method_length);
    told_add(told, " ", 1);
    told_add(told, request->uri, kept);
    told_number(told, request->uri_length);
    told_add(told, request->is_canonical ? "]" : "odd]", request->is_canonical ? 1 : 4);
}

/* One chunk, to its end. Returns how many bytes of a body begin with its end. */
static inline uint64_t told_chunk(struct told *told, struct http_state *h, struct chunk *chunk)
{
    for (;;) {
        int result = http_feed(h, chunk);

        if (chunk->at > chunk->length)
            abort();
        if (result == HTTP_MORE)
            return 0;
        if (result == HTTP_LINE) {
            told_request(told, &h->request);
            continue;
        }
        told_letter(told, "?LHSBT"[result]);
        if (result >= HTTP_BAD)
            return 0;
        if (result != HTTP_SKIP)
            continue;
        told_number(told, h->skip);
        if (h->skip > chunk->length - chunk->at)
            return h->skip - (chunk->length - chunk->at);
        chunk->at += (uint32_t)h->skip;
    }
}

/*
 * The whole stream, in pieces as `next_size` says (NULL: as large as they can be). What lies in a chunk beyond its
 * length is not zero.
 */
static inline void told_feed(struct told *told, const uint8_t *bytes, size_t length, size_t (*next_size)(void *context),
                             void *context)
{
    static struct http_state h;
    uint64_t skip = 0;

    memset(&h, 0, sizeof(h));
    told_clear(told);
    for (size_t done = 0; done < length && !told->has_ended;) {
        size_t size = next_size ? next_size(context) : CHUNK_SIZE;
        struct chunk chunk = {0};

        if (skip >= length - done)
            return;
        done += skip;
        chunk.length = (uint32_t)(size < length - done ? size : length - done);
        memset(chunk.bytes, '\n', sizeof(chunk.bytes));
        memcpy(chunk.bytes, bytes + done, chunk.length);
        skip = told_chunk(told, &h, &chunk);
        done += chunk.length;
    }
    if (told->has_ended) { /* and stays so */
        struct chunk chunk = {.length = 1, .bytes = "G"};
        int result = http_feed(&h, &chunk);

        if (result != h.result || result < HTTP_BAD)
            abort();
    }
}

#endif
