/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The server name of a TLS ClientHello (RFC 8446 4.1.2, RFC 6066 3), read in order from the first bytes that a client
 * sends, however they are cut into segments and records. A machine of numbers: each says how much to skip before the
 * next, so that what is skipped (keys, tickets, padding) costs nothing. What follows the hello is not read. The caller
 * makes a name of the text; whether it is allowed is policy.h's business.
 */
#ifndef NSP_DATAPATH_TLS_H
#define NSP_DATAPATH_TLS_H

#include "datapath/portable.h"

#define TLS_HELLO_MAX 65536  /* bytes of a ClientHello; post-quantum keys and padding need a few thousand */
#define TLS_RECORD_MAX 16384 /* RFC 8446 5.1 */
#define TLS_HOST_MAX 253

#define TLS_RECORD_HANDSHAKE 22
#define TLS_CLIENT_HELLO 1
#define TLS_EXTENSION_SERVER_NAME 0
#define TLS_EXTENSION_ECH 0xfe0d /* RFC 9849: Encrypted ClientHello, real or greased */

enum tls_result {
    TLS_MORE = 0,  /* the hello goes on in the next chunk */
    TLS_HELLO = 1, /* it is complete: host, host_length, has_ech */
    TLS_BAD = 2,   /* no ClientHello, or not a clean one */
};

/* What is read next: a number, except TLS_HOST. */
enum tls_step {
    TLS_BEGINNING = 0,
    TLS_MESSAGE, /* type and length */
    TLS_VERSION,
    TLS_SESSION_ID,
    TLS_CIPHER_SUITES,
    TLS_COMPRESSION_METHODS,
    TLS_EXTENSIONS,
    TLS_EXTENSION, /* type and length */
    TLS_NAME_LIST,
    TLS_NAME_ENTRY, /* type and length */
    TLS_HOST,
    TLS_COMPLETE,
    TLS_INVALID,
};

/* All zero: the beginning of a connection. */
struct tls_state {
    __u64 record;      /* header of the record, as far as it was read: type, version, length */
    __u64 number;      /* the number that `step` is about, as far as it was read */
    __u32 left;        /* bytes of the message that follow, once its length is known */
    __u32 skip;        /* how many of them stand before the number */
    __u32 after_name;  /* `left` at the end of the server_name extension */
    __u16 record_left; /* bytes that follow in this record */
    __u16 host_left;   /* bytes of the host that follow */
    __u16 host_length; /* 0: no server name */
    __u8 record_read;  /* bytes of `record` */
    __u8 number_left;  /* bytes of `number` that follow */
    __u8 step;         /* enum tls_step */
    __u8 has_name;     /* there was a server_name extension */
    __u8 has_ech;      /* there was an encrypted_client_hello extension */
    __u8 reserved[5];
    __u8 host[256 + 8]; /* the server name as it was sent; zero beyond its end */
};

/* Eight bytes that start at c->at, the first one lowest. What lies beyond the chunk's length is noise. */
static __always_inline __u64 tls_peek(const struct chunk *c)
{
    return load_word(c->bytes + (c->at & (CHUNK_SIZE - 1)));
}

/* Appends what is there of a big-endian number, `wanted` (1..5) bytes, else one. Returns how many were taken. */
static __always_inline __u32 tls_gather(const struct chunk *c, __u32 available, __u32 wanted, __u64 *number)
{
    __u32 bits = available < wanted ? 8 : (8 * wanted) & 63;

    *number = *number << bits | __builtin_bswap64(tls_peek(c)) >> (64 - bits);
    return bits / 8;
}

/* The next number has `size` bytes and stands after `skip` others. */
static __always_inline int tls_expect(struct tls_state *t, __u8 step, __u32 skip, __u8 size)
{
    bool may_end = step == TLS_EXTENSIONS || step == TLS_EXTENSION;

    if (skip + size > t->left && !(may_end && skip == t->left))
        return TLS_INVALID;
    t->skip = skip;
    t->number_left = size;
    return step;
}

/* `left` is that of the beginning of the extension's body. */
static __always_inline int tls_take_extension(struct tls_state *t, __u32 type, __u32 length)
{
    if (length > t->left)
        return TLS_INVALID;
    if (type == TLS_EXTENSION_SERVER_NAME) {
        if (t->has_name)
            return TLS_INVALID;
        t->has_name = 1;
        t->after_name = t->left - length;
        return tls_expect(t, TLS_NAME_LIST, 0, 2);
    }
    if (type == TLS_EXTENSION_ECH)
        t->has_ech = 1;
    return tls_expect(t, TLS_EXTENSION, length, 4);
}

/* One host_name, and nothing else, up to the end of the list. */
static __always_inline int tls_take_entry(struct tls_state *t, __u32 type, __u32 length)
{
    if (type || !length || length > TLS_HOST_MAX || length != t->left - t->after_name)
        return TLS_INVALID;
    t->host_left = length;
    return TLS_HOST;
}

/* What a number that has been read whole means; returns the next step. */
static __always_inline int tls_take(struct tls_state *t, __u32 number)
{
    switch (t->step) {
    case TLS_MESSAGE:
        if (number >> 24 != TLS_CLIENT_HELLO || (number & 0xffffff) > TLS_HELLO_MAX)
            return TLS_INVALID;
        t->left = number & 0xffffff;
        return tls_expect(t, TLS_VERSION, 0, 2);
    case TLS_VERSION:
        return number < 0x0300 || number > 0x0304 ? TLS_INVALID : tls_expect(t, TLS_SESSION_ID, 32, 1);
    case TLS_SESSION_ID:
        return number > 32 ? TLS_INVALID : tls_expect(t, TLS_CIPHER_SUITES, number, 2);
    case TLS_CIPHER_SUITES:
        return !number || number & 1 ? TLS_INVALID : tls_expect(t, TLS_COMPRESSION_METHODS, number, 1);
    case TLS_COMPRESSION_METHODS:
        return !number ? TLS_INVALID : tls_expect(t, TLS_EXTENSIONS, number, 2);
    case TLS_EXTENSIONS:
        return number != t->left ? TLS_INVALID : tls_expect(t, TLS_EXTENSION, 0, 4);
    case TLS_EXTENSION:
        return tls_take_extension(t, number >> 16, number & 0xffff);
    case TLS_NAME_LIST: /* a list beyond the extension's end makes the difference wrap, and differ */
        return number != t->left - t->after_name ? TLS_INVALID : tls_expect(t, TLS_NAME_ENTRY, 0, 3);
    case TLS_NAME_ENTRY:
        return tls_take_entry(t, number >> 16, number & 0xffff);
    default:
        return TLS_INVALID;
    }
}

#define TLS_EACH(byte) (0x0101010101010101ULL * (byte))

/*
 * The highest bit of each byte that is first..last, both below 0x80. A larger byte is in no range; what it carries into
 * the next one does not matter, as all must be.
 */
static __always_inline __u64 tls_in_range(__u64 word, __u8 first, __u8 last)
{
    return (word + TLS_EACH(0x80 - first)) & ~(word + TLS_EACH(0x7f - last));
}

/* Eight bytes that are letters, digits, hyphens, dots or underscores. */
static __always_inline bool tls_is_host(__u64 word)
{
    __u64 is_good = tls_in_range(word | TLS_EACH(0x20), 'a', 'z') | tls_in_range(word, '0', '9') |
                    tls_in_range(word, '-', '.') | tls_in_range(word, '_', '_');

    return (is_good & TLS_EACH(0x80)) == TLS_EACH(0x80);
}

static __always_inline void tls_pass(struct tls_state *t, struct chunk *c, __u32 count)
{
    c->at += count;
    t->record_left -= count;
    t->left -= count; /* noise until the message's length is known */
}

/* Up to eight bytes of the host; returns the next step. */
static __always_inline int tls_read_host(struct tls_state *t, struct chunk *c, __u32 available)
{
    __u32 count = available < t->host_left ? available : t->host_left;

    if (count > 8)
        count = 8;

    __u64 mask = ~0ULL >> (64 - 8 * count);
    __u64 word = tls_peek(c) & mask;
    __u8 *to = t->host + (t->host_length & 255);

    if (!tls_is_host(word | (TLS_EACH('a') & ~mask)))
        return TLS_INVALID;
    store_word(to, word);
    t->host_length += count;
    t->host_left -= count;
    tls_pass(t, c, count);
    if (t->host_left)
        return TLS_HOST;
    return word >> (8 * count - 8) == '.' ? TLS_INVALID : tls_expect(t, TLS_EXTENSION, 0, 4);
}

static __always_inline int tls_read_number(struct tls_state *t, struct chunk *c, __u32 available)
{
    __u64 number = t->number;
    __u32 count = tls_gather(c, available, t->number_left, &number);

    tls_pass(t, c, count);
    t->number_left -= count;
    t->number = t->number_left ? number : 0;
    return t->number_left ? t->step : tls_take(t, number);
}

static __always_inline int tls_read_record(struct tls_state *t, struct chunk *c, __u32 available)
{
    __u64 record = t->record;
    __u32 count = tls_gather(c, available, 5 - t->record_read, &record);
    __u32 length = record & 0xffff, version = (record >> 16) & 0xffff;

    c->at += count;
    t->record = record;
    t->record_read += count;
    if (t->record_read < 5)
        return t->step;
    if (record >> 32 != TLS_RECORD_HANDSHAKE || version < 0x0300 || version > 0x0304)
        return TLS_INVALID;
    if (!length || length > TLS_RECORD_MAX)
        return TLS_INVALID;
    t->record = 0;
    t->record_read = 0;
    t->record_left = length;
    return t->step;
}

/* Extensions end with the message, or there are none. What follows, even in the same record, is another message. */
static __always_inline bool tls_is_complete(const struct tls_state *t, int step)
{
    return !t->left && (step == TLS_EXTENSIONS || step == TLS_EXTENSION);
}

/* One piece of a chunk, within one record, at least a byte of it: what is to be skipped, then a number or a part of the
 * host. */
static __always_inline int tls_read_message(struct tls_state *t, struct chunk *c, __u32 available)
{
    if (available > t->record_left)
        available = t->record_left;

    __u32 skip = t->skip < available ? t->skip : available;
    int step = t->step;

    tls_pass(t, c, skip);
    t->skip -= skip;
    available -= skip;
    if (available && !tls_is_complete(t, step))
        step = step == TLS_HOST ? tls_read_host(t, c, available) : tls_read_number(t, c, available);
    return tls_is_complete(t, step) ? TLS_COMPLETE : step;
}

struct tls_walk {
    struct tls_state *t;
    struct chunk *c;
};

static long tls_read_piece(__u32 index, struct tls_walk *walk)
{
    struct tls_state *t = walk->t;
    struct chunk *c = walk->c;

    (void)index;
    if (c->at >= c->length || c->at >= CHUNK_SIZE)
        return 1;
    t->step = t->record_left ? tls_read_message(t, c, c->length - c->at) : tls_read_record(t, c, c->length - c->at);
    return t->step >= TLS_COMPLETE;
}

/* Reads on in c->bytes and moves c->at. Returns enum tls_result; after TLS_HELLO and TLS_BAD it stays at that. */
CHECKED_ALONE int tls_feed(struct tls_state *t, struct chunk *c)
{
    struct tls_walk walk = {t, c};

    if (!t || !c)
        return TLS_BAD;

    if (t->step == TLS_BEGINNING) {
        t->step = TLS_MESSAGE;
        t->number_left = 4;
    }
    if (t->step < TLS_COMPLETE)
        bpf_loop(CHUNK_SIZE, tls_read_piece, &walk, 0);
    if (t->step == TLS_COMPLETE)
        return TLS_HELLO;
    return t->step == TLS_INVALID ? TLS_BAD : TLS_MORE;
}

enum tls_likeness {
    TLS_UNLIKE = 0,
    TLS_ALIKE = 1,
    TLS_UNSURE = 2, /* `count` bytes are too few to tell */
};

/* Whether a connection that begins with these bytes (of which `count` count, but 6 can be read) begins with TLS. */
static __always_inline int tls_looks_like_hello(const __u8 *bytes, __u32 count)
{
    __u32 length = bytes[3] << 8 | bytes[4];

    if ((count > 0 && bytes[0] != TLS_RECORD_HANDSHAKE) || (count > 1 && bytes[1] != 3) || (count > 2 && bytes[2] > 4))
        return TLS_UNLIKE;
    if (count > 4 && (!length || length > TLS_RECORD_MAX))
        return TLS_UNLIKE;
    if (count > 5 && bytes[5] != TLS_CLIENT_HELLO)
        return TLS_UNLIKE;
    return count > 5 ? TLS_ALIKE : TLS_UNSURE;
}

#endif
