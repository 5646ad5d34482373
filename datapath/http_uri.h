/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The first line of a request: which form its target has, what of it rules are compared with, and whether that can be
 * read in one way only (T66 of the threats: a server that decodes, joins or drops parts of a path must not see another
 * path than the rules did). Steps of http.h: each takes some bytes of a word.
 */
#ifndef NSP_DATAPATH_HTTP_URI_H
#define NSP_DATAPATH_HTTP_URI_H

#include "datapath/http_state.h"

/* What stood before the byte that is read next. */
enum http_segment {
    HTTP_AFTER_SLASH = 1, /* "/" */
    HTTP_AFTER_DOT = 2,   /* "/." */
    HTTP_AFTER_DOTS = 4,  /* "/.." */
};

/* The texts as words. */
#define HTTP_WORD_CONNECT 0x005443454e4e4f43ULL
#define HTTP_WORD_OPTIONS 0x00534e4f4954504fULL
#define HTTP_WORD_PRI 0x0000000000495250ULL
#define HTTP_WORD_SCHEME 0x2f2f3a7370747468ULL  /* "https://" */
#define HTTP_WORD_VERSION 0x002e312f50545448ULL /* "HTTP/1." */

/*
 * No HTTP at the beginning of what would be the next request. White space and NUL, which some servers pass over or take
 * for the blank, do not make it a tunnel: a request may follow.
 */
static __always_inline void http_refuse_start(struct http_state *h, __u8 byte)
{
    if (h->may_tunnel && byte != 0 && byte != ' ' && (byte < '\t' || byte > '\r')) {
        h->result = HTTP_TUNNEL;
    } else {
        http_refuse(h);
    }
}

static __always_inline void http_read_start(struct http_state *h, struct http_item *item)
{
    h->room = HTTP_HEAD_MAX;
    if (http_byte(item, 0) == '\r') {
        item->used = 1;
        h->step = HTTP_STEP_START_LF;
        if (++h->blanks > HTTP_BLANKS_MAX)
            http_refuse(h);
        return;
    }
    store_word(h->request.method, 0);
    store_word(h->request.method + 8, 0);
    store_word(h->request.method + 16, 0);
    store_word(h->request.method + 24, 0);
    h->request.method_length = 0;
    h->request.uri_length = 0;
    h->request.is_canonical = 1;
    h->blanks = 0;
    h->flags = 0;
    h->segment = 0;
    h->count = 0;
    h->authority_length = 0;
    h->host_length = 0;
    h->size = 0;
    h->step = HTTP_STEP_METHOD;
}

static __always_inline void http_read_method(struct http_state *h, struct http_item *item)
{
    __u64 below;
    __u32 span = http_scan(item, http_between(item->word, 'A', 'Z'), HTTP_NOT_TOKEN, &below),
          length = h->request.method_length;

    if (length + span > NSP_METHOD_MAX) {
        http_refuse(h);
        return;
    }
    http_put(h->request.method, NSP_METHOD_MAX, length, item->word & below);
    h->request.method_length = length + span;
    item->used = span;
    if (span == item->count)
        return;
    if (length + span == 0 || http_byte(item, span) != ' ') {
        http_refuse_start(h, http_byte(item, span));
        return;
    }
    item->used = span + 1;
    h->step = HTTP_STEP_TARGET;
}

/* The first byte of the target and the method tell its form. */
static __always_inline void http_read_target(struct http_state *h, struct http_item *item)
{
    __u64 method = load_word(h->request.method);
    __u8 byte = http_byte(item, 0);

    if (method == HTTP_WORD_CONNECT && h->request.method_length == 7) {
        h->flags |= HTTP_IS_CONNECT;
        h->step = HTTP_STEP_CONNECT;
    } else if (byte == '/') {
        h->step = HTTP_STEP_PATH;
    } else if (byte != '*') {
        h->flags |= HTTP_IS_ABSOLUTE;
        h->step = HTTP_STEP_SCHEME;
    } else if (method == HTTP_WORD_OPTIONS && h->request.method_length == 7) {
        h->step = HTTP_STEP_STAR;
    } else if (h->may_tunnel && method == HTTP_WORD_PRI && h->request.method_length == 3) {
        h->result = HTTP_TUNNEL; /* HTTP/2 */
    } else {
        http_refuse(h);
    }
}

/* The first `span` bytes of the item, `word`, belong to the uri. */
static __always_inline void http_put_uri(struct http_state *h, struct http_item *item, __u64 word, __u32 span)
{
    __u32 length = h->request.uri_length;

    http_put(h->request.uri, NSP_URI_MAX, length, word);
    length += span;
    h->request.uri_length = length;
    item->used = span;
    if (length > HTTP_TARGET_MAX)
        http_refuse(h);
}

/* The blank behind the target: what is left from an earlier, longer uri goes. */
static __always_inline void http_end_uri(struct http_state *h)
{
    __u32 length = h->request.uri_length, bits = length * 8 & 63;
    __u8 *word = h->request.uri + (length & (NSP_URI_MAX - 8));

    if (length < NSP_URI_MAX && bits)
        store_word(word, load_word(word) & ((1ULL << bits) - 1));
    h->count = 0;
    h->step = HTTP_STEP_VERSION;
}

/* OPTIONS * */
static __always_inline void http_read_star(struct http_state *h, struct http_item *item)
{
    if (http_byte(item, 0) == '*' && h->request.uri_length == 0) {
        http_put_uri(h, item, '*', 1);
    } else if (http_byte(item, 0) == ' ') {
        item->used = 1;
        http_end_uri(h);
    } else {
        http_refuse(h);
    }
}

/* "http://" or "https://" */
static __always_inline void http_read_scheme(struct http_state *h, struct http_item *item)
{
    __u8 byte = http_byte(item, 0);

    if (h->count == 4 && byte == ':')
        h->count = 5;
    if (byte >= 'A')
        byte |= 0x20;
    if (byte != http_letter(HTTP_WORD_SCHEME, h->count)) {
        http_refuse(h);
        return;
    }
    item->used = 1;
    if (++h->count == 8)
        h->step = HTTP_STEP_AUTHORITY;
}

static __always_inline void http_read_authority(struct http_state *h, struct http_item *item)
{
    __u64 below;
    __u32 span = http_scan(item, http_usual_host(item->word), HTTP_NOT_HOST, &below), length = h->authority_length;

    if (length + span > HTTP_AUTHORITY_MAX) {
        http_refuse(h);
        return;
    }
    http_put(h->authority, sizeof(h->authority), length, http_fold(item->word) & below);
    length += span;
    h->authority_length = length;
    item->used = span;
    if (span == item->count)
        return;
    if (length && http_byte(item, span) == '/') {
        h->step = HTTP_STEP_PATH;
    } else if (length && http_byte(item, span) == ' ') {
        http_put_uri(h, item, '/', 1);
        item->used = span + 1;
        http_end_uri(h);
    } else {
        http_refuse(h);
    }
}

/* CONNECT host:port */
static __always_inline void http_read_connect(struct http_state *h, struct http_item *item)
{
    __u64 below;
    __u32 span = http_scan(item, http_usual_host(item->word), HTTP_NOT_HOST, &below);

    http_put_uri(h, item, item->word & below, span);
    if (span == item->count)
        return;
    if (h->request.uri_length == 0 || http_byte(item, span) != ' ') {
        http_refuse(h);
        return;
    }
    item->used = span + 1;
    http_end_uri(h);
}

/*
 * Looks for double slashes, segments "." and "..", and bytes that do not belong into a uri, in the bytes `below` a stop
 * and in that stop itself, which may end a segment.
 */
static __always_inline void http_check_path(struct http_state *h, __u64 classes, __u64 below, __u64 stop)
{
    __u64 slash = http_in_class(classes, HTTP_SLASH) & below, dot = http_in_class(classes, HTTP_DOT) & below;
    __u64 after_slash = slash << 8 | (h->segment & 1);
    __u64 after_dot = (after_slash & dot) << 8 | (h->segment >> 1 & 1);
    __u64 after_dots = (after_dot & dot) << 8 | (h->segment >> 2 & 1);
    __u64 last = (below ^ below >> 8) & HTTP_ONES;
    __u64 ends = http_in_class(classes, HTTP_SEGMENT_END) & (below | stop);

    h->segment = ((slash & last) | (after_slash & dot & last) << 1 | (after_dot & dot & last) << 2) * HTTP_ONES >> 56;
    if ((slash & after_slash) | ((after_dot | after_dots) & ends) | (http_in_class(classes, HTTP_ODD) & below))
        h->request.is_canonical = 0;
    __asm__ volatile("" ::: "memory"); /* the stack is short: one thing after the other */
}

static __always_inline void http_read_path(struct http_state *h, struct http_item *item)
{
    __u64 classes = http_classify(item->word);
    __u64 stops = http_in_class(classes, HTTP_PATH_STOP), below = http_below(stops);
    __u32 span;
    __u8 byte;

    http_check_path(h, classes, below, stops & -stops);
    span = http_span(stops);
    http_put_uri(h, item, item->word & below, span);
    if (span == item->count)
        return;
    byte = http_byte(item, span);
    if (byte == ' ') {
        item->used = span + 1;
        http_end_uri(h);
    } else if (byte == '?') {
        h->step = HTTP_STEP_QUERY;
    } else if (byte == '%') {
        h->step = HTTP_STEP_PERCENT;
    } else {
        http_refuse(h);
    }
}

static __always_inline void http_read_query(struct http_state *h, struct http_item *item)
{
    __u64 classes = http_classify(item->word);
    __u64 stops = http_in_class(classes, HTTP_QUERY_STOP), below = http_below(stops);
    __u32 span = http_span(stops);

    if (http_in_class(classes, HTTP_ODD) & below)
        h->request.is_canonical = 0;
    http_put_uri(h, item, item->word & below, span);
    if (span == item->count)
        return;
    if (http_byte(item, span) != ' ') {
        http_refuse(h);
        return;
    }
    item->used = span + 1;
    http_end_uri(h);
}

/*
 * Whether a percent-encoding of this byte has a second reading: unreserved characters, which anybody may decode; those
 * that end a segment or a text; and what only an overlong "/" or "." in UTF-8 begins with.
 */
static __always_inline bool http_is_disguised(__u32 value)
{
    __u32 letter = value | 0x20;

    return value < 0x20 || value == 0x7f || (letter >= 'a' && letter <= 'z') || (value >= '-' && value <= '9') ||
           value == '_' || value == '~' || value == '\\' || value == 0xc0 || value == 0xc1;
}

/* In a path, at or behind a `%`. What does not belong to it is left to http_read_path(). */
static __always_inline void http_read_percent(struct http_state *h, struct http_item *item)
{
    __u32 digit = http_hex(http_byte(item, 0)), value = h->digit << 4 | digit, step = h->step;

    h->segment = 0;
    h->digit = digit;
    if (step == HTTP_STEP_PERCENT) {
        http_put_uri(h, item, '%', 1);
        h->step = HTTP_STEP_HEX_HIGH;
        return;
    }
    if (digit == 16 || step == HTTP_STEP_TWICE_LOW) {
        if ((digit == 16) != (step >= HTTP_STEP_TWICE_HIGH))
            h->request.is_canonical = 0;
        h->step = HTTP_STEP_PATH;
        return;
    }
    http_put_uri(h, item, http_byte(item, 0), 1);
    if (step != HTTP_STEP_HEX_LOW) {
        h->step = step + 1;
        return;
    }
    if (http_is_disguised(value))
        h->request.is_canonical = 0;
    h->step = value == '%' ? HTTP_STEP_TWICE_HIGH : HTTP_STEP_PATH;
}

/* "HTTP/1." "0" or "1", and the end of the line. */
static __always_inline void http_read_version(struct http_state *h, struct http_item *item)
{
    __u8 byte = http_byte(item, 0), expected = http_letter(HTTP_WORD_VERSION, h->count);

    if (h->count >= 8)
        expected = h->count == 8 ? '\r' : '\n';
    if (h->count == 0 && item->count == 8 && (item->word & ~0ULL >> 8) == HTTP_WORD_VERSION) {
        h->count = 7;
        item->used = 7;
        byte = item->word >> 56;
    }
    item->used++;
    if (h->count == 7 && (byte | 1) == '1') {
        if (byte == '0')
            h->flags |= HTTP_IS_1_0;
    } else if (h->count == 7 || byte != expected) {
        http_refuse(h);
        return;
    }
    if (++h->count < 10)
        return;
    h->name_length = 0;
    h->step = HTTP_STEP_NAME;
    h->result = HTTP_LINE;
}

#endif
