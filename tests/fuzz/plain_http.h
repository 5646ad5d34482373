/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What datapath/http.h does, a second time and plainly: on the whole stream, line by line. Where the stream ends within
 * a line, this one waits for the rest, and the other may already have said that it is bad.
 */
#ifndef NSP_TESTS_FUZZ_PLAIN_HTTP_H
#define NSP_TESTS_FUZZ_PLAIN_HTTP_H

#include <ctype.h>

#include "tests/fuzz/http_told.h"

struct plain_http {
    const uint8_t *bytes;
    size_t length, at;
    bool may_tunnel;
    struct told *told;
    /* of the request */
    struct http_request request;
    char authority[256], host[256];
    bool is_absolute, is_connect, is_old, has_host, has_length, has_coding, has_upgrade;
    unsigned long long body;
};

enum plain_state { PLAIN_ON, PLAIN_WAIT, PLAIN_END };

static inline bool plain_is_token(int c)
{
    return isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static inline bool plain_is_host(const uint8_t *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!isalnum(text[i]) && (!text[i] || !strchr("-._:[]", text[i])))
            return false;
    }
    return length <= 255;
}

static inline enum plain_state plain_bad(struct plain_http *p)
{
    told_letter(p->told, 'B');
    return PLAIN_END;
}

static inline enum plain_state plain_tunnel(struct plain_http *p)
{
    told_letter(p->told, 'T');
    return PLAIN_END;
}

/* The line at p->at without its end; passes over it. */
static inline enum plain_state plain_line(struct plain_http *p, const uint8_t **line, size_t *length)
{
    const uint8_t *start = p->bytes + p->at, *end = memchr(start, '\n', p->length - p->at);

    if (!end)
        return PLAIN_WAIT;
    if (end == start || end[-1] != '\r')
        return plain_bad(p);
    *line = start;
    *length = (size_t)(end - start) - 1;
    p->at += *length + 2;
    return PLAIN_ON;
}

static inline bool plain_has_two_readings(unsigned value)
{
    return value < 0x20 || value == 0x7f || (value < 0x80 && isalnum((int)value)) || strchr("-._~/\\", (int)value) ||
           value == 0xc0 || value == 0xc1;
}

static inline bool plain_are_digits(const uint8_t *text, size_t left)
{
    return left >= 2 && isxdigit(text[0]) && isxdigit(text[1]);
}

/* Whether the slash at `at` is followed by another, or by a segment "." or "..". */
static inline bool plain_is_odd_slash(const uint8_t *path, size_t length, size_t at)
{
    size_t dots = 0, next = at + 1;

    while (next + dots < length && path[next + dots] == '.')
        dots++;
    if (dots == 1 || dots == 2)
        return next + dots == length || strchr("/;%", path[next + dots]);
    return next < length && path[next] == '/';
}

/* Whether what the `%` at `at` begins is no percent-encoding, or one that could be read in two ways. */
static inline bool plain_is_odd_percent(const uint8_t *path, size_t length, size_t at)
{
    char digits[3] = "";
    unsigned value;

    if (!plain_are_digits(path + at + 1, length - at - 1))
        return true;
    memcpy(digits, path + at + 1, 2);
    value = (unsigned)strtoul(digits, NULL, 16);
    return plain_has_two_readings(value) || (value == '%' && plain_are_digits(path + at + 3, length - at - 3));
}

static inline bool plain_is_canonical(const uint8_t *uri, size_t length)
{
    const uint8_t *query = memchr(uri, '?', length);
    size_t path = query ? (size_t)(query - uri) : length;

    for (size_t i = 0; i < length; i++) {
        if (uri[i] == '#' || uri[i] == '\\' || uri[i] >= 0x80)
            return false;
    }
    for (size_t i = 0; i < path; i++) {
        if ((uri[i] == '/' && plain_is_odd_slash(uri, path, i)) ||
            (uri[i] == '%' && plain_is_odd_percent(uri, path, i)))
            return false;
    }
    return true;
}

static inline bool plain_uri(struct plain_http *p, const uint8_t *uri, size_t length)
{
    if (length > HTTP_TARGET_MAX)
        return false;
    memcpy(p->request.uri, uri, length < NSP_URI_MAX ? length : NSP_URI_MAX);
    p->request.uri_length = (__u16)length;
    p->request.is_canonical = p->is_connect || plain_is_canonical(uri, length);
    return true;
}

static inline bool plain_absolute(struct plain_http *p, const uint8_t *target, size_t length)
{
    size_t scheme, authority;
    const uint8_t *slash;

    if (length > 7 && strncasecmp((const char *)target, "http://", 7) == 0)
        scheme = 7;
    else if (length > 8 && strncasecmp((const char *)target, "https://", 8) == 0)
        scheme = 8;
    else
        return false;
    slash = memchr(target + scheme, '/', length - scheme);
    authority = slash ? (size_t)(slash - target) - scheme : length - scheme;
    if (authority == 0 || !plain_is_host(target + scheme, authority))
        return false;
    p->is_absolute = true;
    memcpy(p->authority, target + scheme, authority);
    return slash ? plain_uri(p, slash, length - scheme - authority) : plain_uri(p, (const uint8_t *)"/", 1);
}

static inline bool plain_target(struct plain_http *p, const uint8_t *target, size_t length)
{
    const char *method = (const char *)p->request.method;

    for (size_t i = 0; i < length; i++) {
        if (target[i] <= ' ' || target[i] == 0x7f)
            return false;
    }
    if (p->request.method_length == 7 && memcmp(method, "CONNECT", 7) == 0) {
        p->is_connect = true;
        return length > 0 && length <= HTTP_TARGET_MAX &&
               strspn((const char *)target, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]") ==
                   length &&
               plain_uri(p, target, length);
    }
    if (length > 0 && target[0] == '/')
        return plain_uri(p, target, length);
    if (length == 1 && target[0] == '*')
        return p->request.method_length == 7 && memcmp(method, "OPTIONS", 7) == 0 && plain_uri(p, target, length);
    return plain_absolute(p, target, length);
}

/* The method, which tells a tunnel before its line is complete; then the rest of the line. */
static inline enum plain_state plain_request_line(struct plain_http *p)
{
    const uint8_t *start = p->bytes + p->at, *line, *blank;
    size_t left = p->length - p->at, method = 0, length;
    enum plain_state state;

    while (method < left && plain_is_token(start[method]))
        method++;
    if (method > NSP_METHOD_MAX)
        return plain_bad(p);
    if (method == left)
        return PLAIN_WAIT;
    if (start[method] != ' ' || method == 0) {
        bool may_follow = start[method] == 0 || strchr("\t\n\v\f\r ", start[method]);

        return p->may_tunnel && !may_follow ? plain_tunnel(p) : plain_bad(p);
    }
    if (p->may_tunnel && method == 3 && memcmp(start, "PRI", 3) == 0 && left > 4 && start[4] == '*')
        return plain_tunnel(p);
    memcpy(p->request.method, start, method);
    p->request.method_length = (__u8)method;
    state = plain_line(p, &line, &length);
    if (state != PLAIN_ON)
        return state;
    line += method + 1;
    length -= method + 1;
    blank = memchr(line, ' ', length);
    if (!blank || !plain_target(p, line, (size_t)(blank - line)) || line + length - blank != 9 ||
        memcmp(blank, " HTTP/1.", 8) != 0 || (blank[8] != '0' && blank[8] != '1'))
        return plain_bad(p);
    p->is_old = blank[8] == '0';
    told_request(p->told, &p->request);
    return PLAIN_ON;
}

static inline bool plain_is_named(const uint8_t *line, size_t length, const char *name)
{
    return length == strlen(name) && strncasecmp((const char *)line, name, length) == 0;
}

static inline bool plain_content_length(struct plain_http *p, const uint8_t *value, size_t length)
{
    if (p->has_length || p->has_coding || length == 0 || length > 18)
        return false;
    p->has_length = true;
    for (size_t i = 0; i < length; i++) {
        if (!isdigit(value[i]))
            return false;
        p->body = p->body * 10 + (value[i] - '0');
    }
    return true;
}

static inline bool plain_host(struct plain_http *p, const uint8_t *value, size_t length)
{
    if (p->has_host || !plain_is_host(value, length))
        return false;
    p->has_host = true;
    memcpy(p->host, value, length);
    return !p->is_absolute || (strlen(p->authority) == length && strcasecmp(p->authority, p->host) == 0);
}

static inline bool plain_field(struct plain_http *p, const uint8_t *line, size_t length, bool is_trailer)
{
    const uint8_t *colon = memchr(line, ':', length), *value, *end = line + length;
    size_t name = colon ? (size_t)(colon - line) : 0;

    for (size_t i = 0; i < name; i++) {
        if (!plain_is_token(line[i]))
            return false;
    }
    for (size_t i = name; i < length; i++) {
        if (line[i] == 0x7f || (line[i] < ' ' && line[i] != '\t'))
            return false;
    }
    if (name == 0 || plain_is_named(line, name, "content_length") || plain_is_named(line, name, "transfer_encoding"))
        return false;
    for (value = colon + 1; value < end && http_is_blank(*value);)
        value++;
    while (end > value && http_is_blank(end[-1]))
        end--;
    length = (size_t)(end - value);
    if (plain_is_named(line, name, "host"))
        return !is_trailer && plain_host(p, value, length);
    if (plain_is_named(line, name, "content-length"))
        return !is_trailer && plain_content_length(p, value, length);
    if (plain_is_named(line, name, "transfer-encoding")) {
        bool is_first = !p->has_coding && !p->has_length && !p->is_old;

        p->has_coding = true;
        return !is_trailer && is_first && length == 7 && memcmp(value, "chunked", 7) == 0;
    }
    if (plain_is_named(line, name, "upgrade")) {
        p->has_upgrade = true;
        return !is_trailer;
    }
    return true;
}

/* Fields up to the empty line; `start` is where what they belong to began. */
static inline enum plain_state plain_fields(struct plain_http *p, size_t start, bool is_trailer)
{
    for (;;) {
        const uint8_t *line;
        size_t length;
        enum plain_state state = plain_line(p, &line, &length);

        if (state != PLAIN_ON)
            return state;
        if (p->at - start > HTTP_HEAD_MAX)
            return plain_bad(p);
        if (length == 0)
            return PLAIN_ON;
        if (!plain_field(p, line, length, is_trailer))
            return plain_bad(p);
    }
}

static inline enum plain_state plain_skip(struct plain_http *p, unsigned long long count)
{
    told_letter(p->told, 'S');
    told_number(p->told, count);
    if (count > p->length - p->at)
        return PLAIN_WAIT;
    p->at += count;
    return PLAIN_ON;
}

static inline enum plain_state plain_chunk(struct plain_http *p, unsigned long long *size)
{
    const uint8_t *line;
    size_t length, digits = 0;
    enum plain_state state = plain_line(p, &line, &length);

    if (state != PLAIN_ON)
        return state;
    *size = 0;
    for (; digits < length && isxdigit(line[digits]); digits++)
        *size = *size << 4 | http_hex(line[digits]);
    if (digits == 0 || digits > 15 || length + 2 > HTTP_CHUNK_LINE_MAX || (digits < length && line[digits] != ';'))
        return plain_bad(p);
    for (size_t i = digits; i < length; i++) {
        if (line[i] == 0x7f || (line[i] < ' ' && line[i] != '\t'))
            return plain_bad(p);
    }
    return PLAIN_ON;
}

static inline enum plain_state plain_chunks(struct plain_http *p)
{
    for (;;) {
        unsigned long long size;
        enum plain_state state = plain_chunk(p, &size);

        if (state != PLAIN_ON)
            return state;
        if (size == 0)
            return plain_fields(p, p->at, true);
        state = plain_skip(p, size);
        if (state != PLAIN_ON)
            return state;
        if (p->length - p->at < 2)
            return PLAIN_WAIT;
        if (memcmp(p->bytes + p->at, "\r\n", 2) != 0)
            return plain_bad(p);
        p->at += 2;
    }
}

static inline enum plain_state plain_request(struct plain_http *p)
{
    size_t start;
    enum plain_state state;

    memset(&p->request, 0, sizeof(*p) - offsetof(struct plain_http, request));
    for (int blanks = 0; p->at < p->length && p->bytes[p->at] == '\r'; blanks++) {
        if (blanks == 2)
            return plain_bad(p);
        if (p->length - p->at < 2)
            return PLAIN_WAIT;
        if (p->bytes[p->at + 1] != '\n')
            return plain_bad(p);
        p->at += 2;
    }
    start = p->at;
    state = plain_request_line(p);
    if (state == PLAIN_ON)
        state = plain_fields(p, start, false);
    if (state != PLAIN_ON)
        return state;
    if ((!p->has_host && (!p->is_old || p->is_absolute)) || (p->is_connect && (p->has_length || p->has_coding)))
        return plain_bad(p);
    told_letter(p->told, 'H');
    p->may_tunnel |= p->has_upgrade || p->is_connect;
    if (p->has_coding)
        return plain_chunks(p);
    return p->body ? plain_skip(p, p->body) : PLAIN_ON;
}

static inline void plain_http_read(struct told *told, const uint8_t *bytes, size_t length)
{
    static struct plain_http p;

    memset(&p, 0, sizeof(p));
    told_clear(told);
    p.bytes = bytes;
    p.length = length;
    p.told = told;
    while (p.at < length && plain_request(&p) == PLAIN_ON)
        ;
}

/* Whether the machine says the same; where the other waits, it may have seen that what comes is bad. */
static inline bool plain_http_agrees(const struct told *plain, const struct told *told)
{
    if (told->length < plain->length || memcmp(told->text, plain->text, plain->length) != 0)
        return false;
    return told->length == plain->length || (!plain->has_ended && told->has_ended && told->length == plain->length + 1);
}

#endif
