/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * HTTP/1 requests as one side of a connection sends them, in whatever pieces: every request line, where each request
 * ends, and whether any server could see it otherwise. A machine whose steps take up to eight bytes each: the first
 * line is http_uri.h's, the fields are http_field.h's, chunked bodies are here. What is ambiguous ends it.
 */
#ifndef NSP_DATAPATH_HTTP_H
#define NSP_DATAPATH_HTTP_H

#include "datapath/http_state.h"
#include "datapath/http_field.h"
#include "datapath/http_uri.h"

#define HTTP_STEPS_MAX (4 * CHUNK_SIZE) /* some steps take no byte; no byte is looked at by more than four */

struct http_run {
    struct http_state *h;
    struct chunk *chunk;
    __u32 result;
};

static __always_inline void http_read_chunk_size(struct http_state *h, struct http_item *item)
{
    __u32 digit = http_hex(http_byte(item, 0));

    item->used = 1;
    if (digit < 16 && h->count < HTTP_CHUNK_DIGITS) {
        h->size = h->size << 4 | digit;
        h->count++;
    } else if (h->count && http_byte(item, 0) == ';') {
        h->step = HTTP_STEP_EXTENSION;
    } else if (h->count && http_byte(item, 0) == '\r') {
        h->step = HTTP_STEP_SIZE_LF;
    } else {
        http_refuse(item);
    }
}

static __always_inline void http_read_extension(struct http_state *h, struct http_item *item)
{
    __u32 span = http_span(http_below(http_controls(item->word) >> 7));

    item->used = span;
    if (span == item->count)
        return;
    item->used = span + 1;
    if (http_byte(item, span) == '\r')
        h->step = HTTP_STEP_SIZE_LF;
    else if (http_byte(item, span) != '\t')
        http_refuse(item);
}

/* The end of the line with a chunk's size: its bytes follow, or the trailers. */
static __always_inline void http_read_size_end(struct http_state *h, struct http_item *item)
{
    http_read_lf(h, item, HTTP_STEP_CHUNK_CR);
    if (item->result)
        return;
    if (h->size) {
        h->skip = h->size;
        h->room = HTTP_CHUNK_LINE_MAX;
        item->result = HTTP_SKIP;
        return;
    }
    h->flags |= HTTP_IN_TRAILERS;
    h->room = HTTP_HEAD_MAX + 1; /* this byte is not theirs */
    http_begin_line(h);
}

static __always_inline void http_read_body(struct http_state *h, struct http_item *item)
{
    switch (h->step) {
    case HTTP_STEP_CHUNK_SIZE:
        http_read_chunk_size(h, item);
        break;
    case HTTP_STEP_EXTENSION:
        http_read_extension(h, item);
        break;
    case HTTP_STEP_SIZE_LF:
        http_read_size_end(h, item);
        break;
    case HTTP_STEP_CHUNK_CR:
        item->used = 1;
        h->step = HTTP_STEP_CHUNK_LF;
        if (http_byte(item, 0) != '\r')
            http_refuse(item);
        break;
    case HTTP_STEP_CHUNK_LF:
        http_read_lf(h, item, HTTP_STEP_CHUNK_SIZE);
        http_begin_chunk(h);
        break;
    default:
        http_refuse(item);
    }
}

static __always_inline void http_read_line(struct http_state *h, struct http_item *item)
{
    switch (h->step) {
    case HTTP_STEP_START:
        http_read_start(h, item);
        break;
    case HTTP_STEP_START_LF:
        http_read_lf(h, item, HTTP_STEP_START);
        break;
    case HTTP_STEP_METHOD:
        http_read_method(h, item);
        break;
    case HTTP_STEP_TARGET:
        http_read_target(h, item);
        break;
    case HTTP_STEP_STAR:
        http_read_star(h, item);
        break;
    case HTTP_STEP_SCHEME:
        http_read_scheme(h, item);
        break;
    case HTTP_STEP_AUTHORITY:
        http_read_authority(h, item);
        break;
    case HTTP_STEP_CONNECT:
        http_read_connect(h, item);
        break;
    case HTTP_STEP_PATH:
        http_read_path(h, item);
        break;
    case HTTP_STEP_QUERY:
        http_read_query(h, item);
        break;
    case HTTP_STEP_VERSION:
        http_read_version(h, item);
        break;
    default:
        http_read_percent(h, item);
    }
}

static __always_inline void http_read_field(struct http_state *h, struct http_item *item)
{
    switch (h->step) {
    case HTTP_STEP_VALUE_LF:
        http_begin_line(h);
        http_read_lf(h, item, HTTP_STEP_NAME);
        break;
    case HTTP_STEP_BLANK:
        http_read_blank(h, item);
        break;
    case HTTP_STEP_HOST:
        http_read_host(h, item);
        break;
    case HTTP_STEP_LENGTH:
        http_read_length(h, item);
        break;
    case HTTP_STEP_CODING:
        http_read_coding(h, item);
        break;
    case HTTP_STEP_TRAIL:
        http_read_trail(h, item);
        break;
    default:
        http_read_head_end(h, item);
    }
}

/* The bytes at `at`, as many as fit into a word. */
static __always_inline void http_take(const struct chunk *c, __u32 at, struct http_item *item)
{
    __u32 left = c->length - at, shift;

    item->count = left < 8 ? left : 8;
    if (at <= CHUNK_SIZE - 8) {
        item->word = http_load(c->bytes + at);
    } else {
        shift = 8 * (at - (CHUNK_SIZE - 8)) & 63;
        item->word = http_load(c->bytes + CHUNK_SIZE - 8) >> shift;
    }
    if (left < 8)
        item->word &= (1ULL << (8 * left & 63)) - 1;
}

static __always_inline void http_read(struct http_state *h, struct http_item *item)
{
    if (h->step == HTTP_STEP_VALUE)
        http_read_value(h, item);
    else if (h->step == HTTP_STEP_NAME)
        http_read_name(h, item);
    else if (h->step < HTTP_STEP_NAME)
        http_read_line(h, item);
    else if (h->step < HTTP_STEP_BODY)
        http_read_field(h, item);
    else
        http_read_body(h, item);
}

static long http_step(__u32 index, struct http_run *run)
{
    struct http_state *h = run->h;
    struct http_item item = {0};
    __u32 at = run->chunk->at;

    (void)index;
    if (at >= run->chunk->length || at >= CHUNK_SIZE)
        return 1;
    http_take(run->chunk, at, &item);
    http_read(h, &item);
    if (item.used > h->room)
        http_refuse(&item);
    if (item.result == HTTP_BAD)
        h->step = HTTP_STEP_BAD;
    if (item.result == HTTP_TUNNEL)
        h->step = HTTP_STEP_TUNNEL;
    h->room -= item.used;
    run->chunk->at = at + item.used;
    run->result = item.result;
    return item.result != 0;
}

/*
 * Reads c->bytes[c->at .. c->length - 1], or a part of it, and says why it stopped: enum http_result. To be called
 * again until it says HTTP_MORE, which takes another chunk.
 */
SUBPROGRAM int http_feed(struct http_state *h, struct chunk *c)
{
    struct http_run run = {h, c, HTTP_MORE};

    if (h->step == HTTP_STEP_BAD)
        return HTTP_BAD;
    if (h->step == HTTP_STEP_TUNNEL)
        return HTTP_TUNNEL;
    if (h->step == HTTP_STEP_BODY) {
        h->skip = h->size;
        h->step = HTTP_STEP_START;
        return HTTP_SKIP;
    }
    bpf_loop(HTTP_STEPS_MAX, http_step, &run, 0);
    if (run.result == HTTP_MORE && c->at < c->length) {
        h->step = HTTP_STEP_BAD;
        return HTTP_BAD;
    }
    return run.result;
}

#endif
