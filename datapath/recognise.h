/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which application protocol begins with these bytes? By content first, by port second (profile.md 11). */
#ifndef NSP_DATAPATH_RECOGNISE_H
#define NSP_DATAPATH_RECOGNISE_H

#include "datapath/dns.h"
#include "datapath/tls.h"

#define DNS_QUERY_MIN 17  /* a header, the root, a type and a class */
#define DNS_QUERY_MAX 640 /* a name, and a few options */

#define FIRST_BYTES 16 /* enough for all that is recognised */

/* The beginning of a connection. bytes: zero beyond `count`. */
struct first_bytes {
    __u8 bytes[FIRST_BYTES] __attribute__((aligned(8)));
    __u8 count;
    __u8 reserved[7];
};

/* A method and the space after it, as a little-endian word: RFC 9110 9.3, RFC 5789, RFC 4918, RFC 3253. */
#define METHOD_WORD(a, b, c, d, e, f, g, h)                                                                            \
    ((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | (__u64)(f) << 40 |        \
     (__u64)(g) << 48 | (__u64)(h) << 56)

static const __u64 known_methods[] = {
    METHOD_WORD('G', 'E', 'T', ' ', 0, 0, 0, 0),         METHOD_WORD('H', 'E', 'A', 'D', ' ', 0, 0, 0),
    METHOD_WORD('P', 'O', 'S', 'T', ' ', 0, 0, 0),       METHOD_WORD('P', 'U', 'T', ' ', 0, 0, 0, 0),
    METHOD_WORD('D', 'E', 'L', 'E', 'T', 'E', ' ', 0),   METHOD_WORD('C', 'O', 'N', 'N', 'E', 'C', 'T', ' '),
    METHOD_WORD('O', 'P', 'T', 'I', 'O', 'N', 'S', ' '), METHOD_WORD('T', 'R', 'A', 'C', 'E', ' ', 0, 0),
    METHOD_WORD('P', 'A', 'T', 'C', 'H', ' ', 0, 0),     METHOD_WORD('P', 'R', 'I', ' ', 0, 0, 0, 0),
    METHOD_WORD('C', 'O', 'P', 'Y', ' ', 0, 0, 0),       METHOD_WORD('M', 'O', 'V', 'E', ' ', 0, 0, 0),
    METHOD_WORD('L', 'O', 'C', 'K', ' ', 0, 0, 0),       METHOD_WORD('U', 'N', 'L', 'O', 'C', 'K', ' ', 0),
    METHOD_WORD('M', 'K', 'C', 'O', 'L', ' ', 0, 0),     METHOD_WORD('P', 'R', 'O', 'P', 'F', 'I', 'N', 'D'),
    METHOD_WORD('P', 'R', 'O', 'P', 'P', 'A', 'T', 'C'), METHOD_WORD('S', 'E', 'A', 'R', 'C', 'H', ' ', 0),
    METHOD_WORD('R', 'E', 'P', 'O', 'R', 'T', ' ', 0),
};

enum likeness {
    UNLIKE = 0,
    ALIKE = 1,
    UNSURE = 2, /* so far: more bytes will tell */
};

/* Without a way out at each method, which the verifier would follow. */
static __always_inline int http_likeness(const struct first_bytes *first)
{
    __u32 count = first->count;
    __u64 word = *(const __u64 *)first->bytes;
    __u64 have = count >= 8 ? ~0ULL : (1ULL << (8 * count & 63)) - 1;
    __u8 begin = word;
    /* Blank lines before a request (RFC 9112 2.2): some servers take any number of them, so this is HTTP. */
    __u64 is_alike = begin == '\r' || begin == '\n', is_unsure = 0;

    for (__u32 i = 0; i < sizeof(known_methods) / sizeof(known_methods[0]); i++) {
        __u64 method = *(const volatile __u64 *)&known_methods[i];
        __u64 mask = ((method >> 5 | method >> 6) & 0x0101010101010101ULL) * 0xff; /* capitals and spaces: not zero */
        __u64 differs = (word ^ method) & mask;

        is_alike |= !differs;
        is_unsure |= !(differs & have) & !!(mask & ~have);
    }
    return is_alike ? ALIKE : is_unsure ? UNSURE : UNLIKE;
}

/* A query over TCP: its length before it (RFC 7766), then its header. */
static __always_inline int dns_likeness(const struct first_bytes *first)
{
    __u32 length = first->bytes[0] << 8 | first->bytes[1];

    if (first->count > 1 && (length < DNS_QUERY_MIN || length > DNS_QUERY_MAX))
        return UNLIKE;
    if ((first->count > 4 && first->bytes[4] & 0xf8) || (first->count > 5 && first->bytes[5] & 0x8f))
        return UNLIKE; /* an answer, or no standard query */
    if (first->count < 14)
        return UNSURE;
    return dns_looks_like_query(first->bytes + 2) ? ALIKE : UNLIKE;
}

static __always_inline int application_by_port(__u16 port)
{
    return port == PORT_DNS     ? APPLICATION_DNS
           : port == PORT_HTTP  ? APPLICATION_HTTP
           : port == PORT_HTTPS ? APPLICATION_HTTPS
                                : APPLICATION_UNKNOWN;
}

#define BY_PORT 0x100

/*
 * What the first bytes of a connection to `port` are: enum application, with BY_PORT where the content says nothing and
 * the port does. NONE: more are needed, unless `is_final`.
 */
CHECKED_ALONE int recognise(const struct first_bytes *first, int port, int is_final)
{
    int tls, http, dns;

    if (!first)
        return APPLICATION_UNKNOWN;
    tls = tls_looks_like_hello(first->bytes, first->count);
    http = http_likeness(first);
    dns = dns_likeness(first);
    if (tls == TLS_ALIKE)
        return APPLICATION_HTTPS;
    if (http == ALIKE)
        return APPLICATION_HTTP;
    if (dns == ALIKE)
        return APPLICATION_DNS;
    if (!is_final && first->count < FIRST_BYTES && (tls == TLS_UNSURE || http == UNSURE || dns == UNSURE))
        return APPLICATION_NONE;
    return application_by_port(port) | BY_PORT;
}

#endif
