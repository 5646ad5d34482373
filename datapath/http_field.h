/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fields of a head: those that say where the request ends, whose it is and what follows it are read, and refused
 * where two servers could read them in two ways; of all others only that they are well-formed. Steps of http.h.
 */
#ifndef NSP_DATAPATH_HTTP_FIELD_H
#define NSP_DATAPATH_HTTP_FIELD_H

#include "datapath/http_state.h"

#define HTTP_WORD_CHUNKED 0x64656b6e756863ULL

/* Names, folded, as words: beyond the last character nothing is compared. */
#define HTTP_WORD_HOST 0x74736f68ULL
#define HTTP_WORD_UPGRADE 0x65646172677075ULL
#define HTTP_WORD_CONTENT 0x2d746e65746e6f63ULL       /* "content-" */
#define HTTP_WORD_LENGTH 0x6874676e656cULL            /* "length" */
#define HTTP_WORD_TRANSFER 0x726566736e617274ULL      /* "transfer" */
#define HTTP_WORD_ENCODIN 0x6e69646f636e652dULL       /* "-encodin" */
#define HTTP_UNDERSCORE_CONTENT 0x7f746e65746e6f63ULL /* "_" where folding leaves it */
#define HTTP_UNDERSCORE_ENCODIN 0x6e69646f636e657fULL

/*
 * The step that reads the value of the field called h->name; HTTP_STEP_VALUE: it does not matter. Some servers take an
 * underscore for the dash, so that such a name is one of two things.
 */
static __always_inline int http_find_field(const struct http_state *h)
{
    __u64 first = load_word(h->name), second = load_word(h->name + 8);

    switch (h->name_length) {
    case 4:
        return (first & ~0ULL >> 32) == HTTP_WORD_HOST ? HTTP_STEP_HOST : HTTP_STEP_VALUE;
    case 7:
        return (first & ~0ULL >> 8) == HTTP_WORD_UPGRADE ? HTTP_STEP_BODY : HTTP_STEP_VALUE;
    case 14:
        if ((second & ~0ULL >> 16) != HTTP_WORD_LENGTH)
            return HTTP_STEP_VALUE;
        if (first == HTTP_UNDERSCORE_CONTENT)
            return HTTP_STEP_NONE;
        return first == HTTP_WORD_CONTENT ? HTTP_STEP_LENGTH : HTTP_STEP_VALUE;
    case 17:
        if (first != HTTP_WORD_TRANSFER || h->name[16] != 'g')
            return HTTP_STEP_VALUE;
        if (second == HTTP_UNDERSCORE_ENCODIN)
            return HTTP_STEP_NONE;
        return second == HTTP_WORD_ENCODIN ? HTTP_STEP_CODING : HTTP_STEP_VALUE;
    default:
        return HTTP_STEP_VALUE;
    }
}

/* Behind the colon, before anything is read. A second Host, or a second word on the length, is one too many; in
 * trailers the first is. */
static __always_inline void http_begin_value(struct http_state *h)
{
    int field = http_find_field(h);
    __u8 flag, excluded;

    h->step = HTTP_STEP_VALUE;
    if (field == HTTP_STEP_VALUE)
        return;
    if (field == HTTP_STEP_HOST)
        flag = excluded = HTTP_HAS_HOST;
    else if (field == HTTP_STEP_LENGTH)
        flag = HTTP_HAS_LENGTH, excluded = HTTP_HAS_LENGTH | HTTP_HAS_CODING;
    else if (field == HTTP_STEP_CODING)
        flag = HTTP_HAS_CODING, excluded = HTTP_HAS_LENGTH | HTTP_HAS_CODING | HTTP_IS_1_0;
    else
        flag = HTTP_HAS_UPGRADE, excluded = 0;
    if (field == HTTP_STEP_NONE || (h->flags & (excluded | HTTP_IN_TRAILERS))) {
        http_refuse(h);
        return;
    }
    h->flags |= flag;
    if (flag == HTTP_HAS_UPGRADE)
        return;
    h->field = field;
    h->count = 0;
    h->step = HTTP_STEP_BLANK;
}

/* At the beginning of a line, or further on in its name. A continued line begins with a blank: no name does. */
static __always_inline void http_read_name(struct http_state *h, struct http_item *item)
{
    __u64 usual = http_between(http_fold(item->word), 'a', 'z') | http_between(item->word, '-', '-'), below;
    __u32 span = http_scan(item, usual, HTTP_NOT_TOKEN, &below), length = h->name_length;
    __u8 byte;

    http_put(h->name, sizeof(h->name), length, http_fold(item->word) & below);
    length += span;
    h->name_length = length;
    item->used = span;
    if (span == item->count)
        return;
    item->used = span + 1;
    byte = http_byte(item, span);
    if (byte == ':' && length)
        h->step = HTTP_STEP_FIELD;
    else if (byte == '\r' && length == 0)
        h->step = HTTP_STEP_HEAD_LF;
    else
        http_refuse(h);
}

/* Bit 8i + 7 of the first byte that is a control character; bits of later bytes may be wrong. */
static __always_inline __u64 http_controls(__u64 word)
{
    __u64 rubout = word ^ 0x7f * HTTP_ONES;

    return (((word - 0x20 * HTTP_ONES) & ~word) | ((rubout - HTTP_ONES) & ~rubout)) & 0x80 * HTTP_ONES;
}

static __always_inline void http_begin_line(struct http_state *h)
{
    h->name_length = 0;
    h->step = HTTP_STEP_NAME;
}

static __always_inline void http_read_value(struct http_state *h, struct http_item *item)
{
    __u32 span = http_span(http_controls(item->word) >> 7);
    __u8 byte;

    item->used = span;
    if (span == item->count)
        return;
    byte = http_byte(item, span);
    item->used = span + 1;
    if (byte == '\t')
        return;
    h->step = HTTP_STEP_VALUE_LF;
    if (byte != '\r')
        http_refuse(h);
    if (span + 1 < item->count && http_byte(item, span + 1) == '\n') {
        item->used = span + 2;
        http_begin_line(h);
    }
}

/* Behind the value of a field that matters: nothing but blanks. */
static __always_inline void http_read_trail(struct http_state *h, struct http_item *item)
{
    __u8 byte = http_byte(item, item->used);

    item->used++;
    if (byte == '\r')
        h->step = HTTP_STEP_VALUE_LF;
    else if (http_is_blank(byte))
        h->step = HTTP_STEP_TRAIL;
    else
        http_refuse(h);
}

static __always_inline void http_read_blank(struct http_state *h, struct http_item *item)
{
    if (http_is_blank(http_byte(item, 0)))
        item->used = 1;
    else
        h->step = h->field;
}

/* Compared with the authority of absolute-form as it comes. */
static __always_inline void http_read_host(struct http_state *h, struct http_item *item)
{
    __u64 below;
    __u32 span = http_scan(item, http_usual_host(item->word), HTTP_NOT_HOST, &below), length = h->host_length;

    if (length + span > HTTP_AUTHORITY_MAX ||
        ((h->flags & HTTP_IS_ABSOLUTE) &&
         (load_word(h->authority + length) & below) != (http_fold(item->word) & below))) {
        http_refuse(h);
        return;
    }
    h->host_length = length + span;
    item->used = span;
    if (span == item->count)
        return;
    http_read_trail(h, item);
    if ((h->flags & HTTP_IS_ABSOLUTE) && h->host_length != h->authority_length)
        http_refuse(h);
}

static __always_inline void http_read_length(struct http_state *h, struct http_item *item)
{
    __u8 byte = http_byte(item, 0);

    if (byte >= '0' && byte <= '9' && h->count < HTTP_LENGTH_DIGITS) {
        h->size = h->size * 10 + (byte - '0');
        h->count++;
        item->used = 1;
    } else if (h->count) {
        http_read_trail(h, item);
    } else {
        http_refuse(h);
    }
}

static __always_inline void http_read_coding(struct http_state *h, struct http_item *item)
{
    if (h->count == 7) {
        http_read_trail(h, item);
    } else if (http_byte(item, 0) == http_letter(HTTP_WORD_CHUNKED, h->count)) {
        h->count++;
        item->used = 1;
    } else {
        http_refuse(h);
    }
}

/* Whether the head as a whole can be read in one way only. */
static __always_inline bool http_is_head_clear(const struct http_state *h)
{
    if (!(h->flags & HTTP_HAS_HOST) && (!(h->flags & HTTP_IS_1_0) || (h->flags & HTTP_IS_ABSOLUTE)))
        return false;
    return !(h->flags & HTTP_IS_CONNECT) || !(h->flags & (HTTP_HAS_LENGTH | HTTP_HAS_CODING));
}

/* The bytes of a chunk's line begin behind the one that is read now. */
static __always_inline void http_begin_chunk(struct http_state *h)
{
    h->room = HTTP_CHUNK_LINE_MAX + 1;
    h->size = 0;
    h->count = 0;
    h->step = HTTP_STEP_CHUNK_SIZE;
}

/* The last byte of the head, or of the trailers. */
static __always_inline void http_read_head_end(struct http_state *h, struct http_item *item)
{
    http_read_lf(h, item, HTTP_STEP_START);
    if (!http_is_head_clear(h))
        http_refuse(h);
    if (h->result || h->flags & HTTP_IN_TRAILERS)
        return;
    h->result = HTTP_HEAD;
    if (h->flags & (HTTP_HAS_UPGRADE | HTTP_IS_CONNECT))
        h->may_tunnel = 1;
    if (h->flags & HTTP_HAS_CODING)
        http_begin_chunk(h);
    else if (h->size)
        h->step = HTTP_STEP_BODY;
}

#endif
