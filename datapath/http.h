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
        http_refuse(h);
    }
}

static __always_inline void http_read_extension(struct http_state *h, struct http_item *item)
{
    __u32 span = http_span(http_controls(item->word) >> 7);

    item->used = span;
    if (span == item->count)
        return;
    item->used = span + 1;
    if (http_byte(item, span) == '\r')
        h->step = HTTP_STEP_SIZE_LF;
    else if (http_byte(item, span) != '\t')
        http_refuse(h);
}

/* The end of the line with a chunk's size: its bytes follow, or the trailers. */
static __always_inline void http_read_size_end(struct http_state *h, struct http_item *item)
{
    http_read_lf(h, item, HTTP_STEP_CHUNK_CR);
    if (h->result)
        return;
    if (h->size) {
        h->skip = h->size;
        h->room = HTTP_CHUNK_LINE_MAX;
        h->result = HTTP_SKIP;
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
            http_refuse(h);
        break;
    case HTTP_STEP_CHUNK_LF:
        http_read_lf(h, item, HTTP_STEP_CHUNK_SIZE);
        http_begin_chunk(h);
        break;
    default:
        http_refuse(h);
    }
}

/* The steps of the first line and of the fields that are rarer than those in http_pass_line() and http_pass_field(). */
static __always_inline void http_read_rare(struct http_state *h, struct http_item *item)
{
    switch (h->step) {
    case HTTP_STEP_START_LF:
        http_read_lf(h, item, HTTP_STEP_START);
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
    case HTTP_STEP_PERCENT:
    case HTTP_STEP_HEX_HIGH:
    case HTTP_STEP_HEX_LOW:
    case HTTP_STEP_TWICE_HIGH:
    case HTTP_STEP_TWICE_LOW:
        http_read_percent(h, item);
        break;
    case HTTP_STEP_VALUE_LF:
        http_begin_line(h);
        http_read_lf(h, item, HTTP_STEP_NAME);
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
        break;
    }
}

/* The bytes at `at`, as many as fit into a word. */
static __always_inline void http_take(const struct chunk *c, __u32 at, struct http_item *item)
{
    __u32 left = c->length - at;

    /* Masked, because Linux 6.1 forgets a bound that was compared with when the value went to the stack before. */
    item->word = load_word(c->bytes + (settled(at) & (CHUNK_SIZE - 1)));
    item->count = 8;
    if (left < 8) {
        item->count = left;
        item->word &= (1ULL << (8 * left & 63)) - 1;
    }
}

/*
 * Takes a word by `read`, a constant, if `step` comes next. True: that is all for now. What a step has come to is
 * looked up in memory, so that to the verifier one looks like another.
 */
static __always_inline bool http_pass(struct http_run *run, int step,
                                      void (*read)(struct http_state *h, struct http_item *item))
{
    struct http_state *h = run->h;
    __u32 at = run->chunk->at;
    struct http_item item = {0};

    if (step != HTTP_STEP_NONE && h->step != step)
        return false;
    if (at >= run->chunk->length || at >= CHUNK_SIZE)
        return true;
    http_take(run->chunk, at, &item);
    read(h, &item);
    if (item.used > h->room)
        http_refuse(h);
    h->room -= item.used;
    run->chunk->at = at + item.used;
    __asm__ volatile("" ::: "memory");
    return h->result != HTTP_MORE;
}

static __always_inline bool http_pass_line(struct http_run *run)
{
    return http_pass(run, HTTP_STEP_START, http_read_start) || http_pass(run, HTTP_STEP_METHOD, http_read_method) ||
           http_pass(run, HTTP_STEP_TARGET, http_read_target) || http_pass(run, HTTP_STEP_PATH, http_read_path) ||
           http_pass(run, HTTP_STEP_PATH, http_read_path) || http_pass(run, HTTP_STEP_QUERY, http_read_query) ||
           http_pass(run, HTTP_STEP_VERSION, http_read_version) ||
           http_pass(run, HTTP_STEP_VERSION, http_read_version) || http_pass(run, HTTP_STEP_VERSION, http_read_version);
}

/* Passes over a word of a value that has no control character. */
static __always_inline bool http_pass_word(struct http_state *h, struct chunk *c)
{
    __u32 at = settled(c->at);

    if (at + 8 > c->length || at > CHUNK_SIZE - 8 || h->room < 8 || http_controls(load_word(c->bytes + at)))
        return false;
    h->room -= 8;
    c->at = at + 8;
    __asm__ volatile("" ::: "memory");
    return true;
}

/* No loop: Linux 6.1 does not take each that clang makes of one. */
static __always_inline void http_pass_words(struct http_state *h, struct chunk *c)
{
    if (!http_pass_word(h, c))
        return;
    if (!http_pass_word(h, c))
        return;
    if (!http_pass_word(h, c))
        return;
    if (!http_pass_word(h, c))
        return;
    http_pass_word(h, c);
}

static __always_inline bool http_pass_field(struct http_run *run)
{
    if (http_pass(run, HTTP_STEP_NAME, http_read_name))
        return true;
    if (http_pass(run, HTTP_STEP_NAME, http_read_name))
        return true;
    if (run->h->step == HTTP_STEP_FIELD)
        http_begin_value(run->h);
    if (run->h->result || http_pass(run, HTTP_STEP_BLANK, http_read_blank) ||
        http_pass(run, HTTP_STEP_HOST, http_read_host) || http_pass(run, HTTP_STEP_HOST, http_read_host) ||
        http_pass(run, HTTP_STEP_HOST, http_read_host))
        return true;
    if (run->h->step == HTTP_STEP_VALUE)
        http_pass_words(run->h, run->chunk);
    return http_pass(run, HTTP_STEP_VALUE, http_read_value) || http_pass(run, HTTP_STEP_HEAD_LF, http_read_head_end);
}

/* A call costs as much as three words: each takes what usually makes up a first line, or two other lines. */
static long http_step(__u32 index, struct http_run *run)
{
    (void)index;
    if (run->h->step >= HTTP_STEP_BODY)
        return http_pass(run, HTTP_STEP_NONE, http_read_body);
    if (run->h->step < HTTP_STEP_NAME)
        return http_pass_line(run) || http_pass(run, HTTP_STEP_NONE, http_read_rare);
    if (http_pass_field(run))
        return 1;
    return http_pass_field(run) || http_pass(run, HTTP_STEP_NONE, http_read_rare);
}

/*
 * Reads c->bytes[c->at .. c->length - 1], or a part of it, and says why it stopped: enum http_result. To be called
 * again until it says HTTP_MORE, which takes another chunk.
 */
CHECKED_ALONE int http_feed(struct http_state *h, struct chunk *c)
{
    struct http_run run = {h, c};

    if (!h || !c)
        return HTTP_BAD;

    if (h->result >= HTTP_BAD)
        return h->result;
    h->result = HTTP_MORE;
    if (h->step == HTTP_STEP_BODY) {
        h->skip = h->size;
        h->step = HTTP_STEP_START;
        h->result = HTTP_SKIP;
        return HTTP_SKIP;
    }
    bpf_loop(HTTP_STEPS_MAX, http_step, &run, 0);
    if (h->result == HTTP_MORE && c->at < c->length)
        http_refuse(h);
    return h->result;
}

#endif
