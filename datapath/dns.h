/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * DNS messages (RFC 1035, 6891): what they have in common, and what a query asks. Strict: a message that is not clean
 * to its last byte, or goes beyond a limit, says nothing at all; there is no prefix that counts. Whether a query may be
 * asked is not decided here. For answers see dns_answer.h.
 */
#ifndef NSP_DATAPATH_DNS_H
#define NSP_DATAPATH_DNS_H

#include "datapath/name.h"

#define DNS_EXTRAS_MAX 2

#define DNS_TYPE_A 1
#define DNS_TYPE_CNAME 5
#define DNS_TYPE_SIG 24
#define DNS_TYPE_AAAA 28
#define DNS_TYPE_OPT 41
#define DNS_TYPE_TSIG 250
#define DNS_CLASS_IN 1
#define DNS_CLASS_ANY 255

/* In map memory, like struct dns_message: too large for the stack. */
struct dns_query {
    struct name name;
    __u16 id;   /* as on the wire */
    __u16 type; /* host byte order */
    /* The rest is the parser's own. */
    __u16 extras;
    __u16 has_options;
    struct name other; /* the owner of a record */
};

struct dns_answer; /* dns_answer.h */

struct dns_reading {
    struct dns_message *message;
    struct dns_query *query;
    struct dns_answer *answer;
    struct name *other;
    const struct text_keys *keys;
};

/* One resource record: its fixed part, and where its parts begin. */
struct dns_record {
    __u32 owner, data, next;
    __u32 type, class, ttl, size;
};

#define DNS_FLAGS_KIND 0xf800 /* answer or query, opcode */
#define DNS_FLAG_ANSWER 0x8000
#define DNS_FLAG_TRUNCATED 0x0200
#define DNS_FLAGS_RCODE 0x000f

static __always_inline __u32 dns_number(const struct dns_message *message, __u32 at)
{
    return message->bytes[at] << 8 | message->bytes[at + 1];
}

static __always_inline __u16 dns_id(const struct dns_message *message)
{
    return load_word(message->bytes);
}

/*
 * Whether the first DNS_HEADER_SIZE bytes of a datagram or message, on whatever port, begin a query. That no records
 * precede the additional ones tells it from NTP requests, many of which claim a root delay of 1 s in these bytes.
 */
static __always_inline bool dns_looks_like_query(const __u8 *bytes)
{
    __u64 begins = __builtin_bswap64(load_word(bytes)); /* id, flags, questions, answers */
    __u64 goes_on = __builtin_bswap64(load_word(bytes + 4));

    return !(begins >> 32 & DNS_FLAGS_KIND) && (begins & 0xffffffff) == 0x10000 && !(goes_on >> 16 & 0xffff) &&
           (goes_on & 0xffff) <= DNS_EXTRAS_MAX;
}

/* The only question; class IN. Returns where it ends, or 0. */
static __always_inline __u32 dns_read_question(struct dns_message *message, struct name *name, __u16 *type,
                                               const __u32 *key)
{
    if (message->length < DNS_HEADER_SIZE || message->length > DNS_MESSAGE_MAX || dns_number(message, 4) != 1)
        return 0;

    __u32 at = name_read(message, DNS_HEADER_SIZE, name, (const void *)key);

    if (!at || at > DNS_MESSAGE_MAX || at + 4 > message->length || dns_number(message, at + 2) != DNS_CLASS_IN)
        return 0;
    *type = dns_number(message, at);
    return at + 4;
}

/* Where an owner ends, or 0. A pointer is not followed, which is for those who need the name. */
static __always_inline __u32 dns_skip_owner(struct dns_reading *r, __u32 at)
{
    __u32 first = r->message->bytes[at];

    if (first >= 0xc0) {
        __u32 to = dns_number(r->message, at) & 0x3fff;

        return to >= DNS_HEADER_SIZE && to < at ? at + 2 : 0;
    }
    return first ? name_read_compressed(r->message, at, r->other, r->keys) : at + 1;
}

/* The record at message->record. False: there is none. */
static __always_inline bool dns_read_record(struct dns_reading *r, struct dns_record *record)
{
    struct dns_message *message = r->message;
    __u32 at = message->record;

    if (at >= DNS_MESSAGE_MAX)
        return false;

    __u32 end = dns_skip_owner(r, at);

    if (!end || end > DNS_MESSAGE_MAX)
        return false;

    __u64 fixed = load_word(message->bytes + end);

    record->owner = at;
    record->type = __builtin_bswap16(fixed & 0xffff);
    record->class = __builtin_bswap16(fixed >> 16 & 0xffff);
    record->ttl = __builtin_bswap32(fixed >> 32);
    if (record->ttl >> 31) /* RFC 2181 8 */
        record->ttl = 0;
    record->size = dns_number(message, end + 8);
    record->data = end + 10;
    record->next = record->data + record->size;
    return record->next <= message->length;
}

/* The message is not clean: its records never reach its end. */
static __always_inline long dns_give_up(struct dns_message *message)
{
    message->record = 0;
    return 1;
}

/* EDNS options, once; a signature (RFC 8945, RFC 2931), as the last record. */
static long dns_read_extra(__u32 index, struct dns_reading *r)
{
    struct dns_query *query = r->query;
    struct dns_record record;

    if (!dns_read_record(r, &record))
        return dns_give_up(r->message);

    bool is_signature = record.type == DNS_TYPE_TSIG || record.type == DNS_TYPE_SIG;

    if (record.type == DNS_TYPE_OPT && !query->has_options && record.data == record.owner + 11)
        query->has_options = 1;
    else if (!is_signature || record.class != DNS_CLASS_ANY || index + 1 != query->extras)
        return dns_give_up(r->message);
    r->message->record = record.next;
    return 0;
}

/* REASON_NONE, or REASON_DNS_MESSAGE. key: control.text_key. */
SUBPROGRAM int dns_read_query(struct dns_message *message, struct dns_query *query, const __u32 *key)
{
    struct dns_reading r = {.message = message, .query = query, .other = &query->other, .keys = (const void *)key};

    if (!dns_looks_like_query(message->bytes))
        return REASON_DNS_MESSAGE;
    message->record = dns_read_question(message, &query->name, &query->type, key);
    if (!message->record)
        return REASON_DNS_MESSAGE;
    query->id = dns_id(message);
    query->extras = dns_number(message, 10);
    query->has_options = 0;
    bpf_loop(query->extras, dns_read_extra, &r, 0);
    return message->record == message->length ? REASON_NONE : REASON_DNS_MESSAGE;
}

#endif
