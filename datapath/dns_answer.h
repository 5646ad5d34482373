/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which addresses a DNS answer gives for the name that it repeats. Records count only on the chain of CNAMEs that
 * starts at this name. Whether anybody asked, and whether the addresses may be believed, is not decided here.
 */
#ifndef NSP_DATAPATH_DNS_ANSWER_H
#define NSP_DATAPATH_DNS_ANSWER_H

#include "datapath/dns.h"

#define DNS_RECORDS_MAX 128
#define DNS_ADDRESSES_MAX 64
#define DNS_LINKS_MAX 8 /* CNAMEs in a row */

/* In map memory: far too large for the stack. */
struct dns_answer {
    struct name name; /* that was asked for */
    __u16 id;         /* as on the wire */
    __u16 type;       /* that was asked for, host byte order */
    __u8 rcode;
    __u8 is_truncated; /* only the question was read */
    __u16 count;       /* addresses for the name: A and AAAA records on the chain of CNAMEs that starts at it */
    __u32 links;       /* of that chain */
    __u32 reserved;
    __u32 ttls[DNS_ADDRESSES_MAX]; /* seconds: the least on the way from the name to the address */
    __u8 addresses[DNS_ADDRESSES_MAX][16];
    /* The rest is the parser's own. */
    struct dns_owner {
        __u64 hash[4];
        __u32 ttl;
        __u16 length;
        __u16 at; /* in the chain: where the name is written, 0: do not ask; waiting: where the record's data is */
    } chain[DNS_LINKS_MAX + 1];
    struct dns_waiting {
        struct dns_owner owner;
        __u32 type; /* 0: used */
        __u32 reserved;
    } records[DNS_RECORDS_MAX]; /* whose owner was not the chain's end when they were read */
    __u16 waiting;              /* how many */
    __u16 next;                 /* of them to look at */
    __u16 answers;              /* records of the answer section */
    __u16 has_moved;            /* the chain, since the first of them was last looked at */
    struct name other;          /* an owner, or where a CNAME leads */
};

/* The hash of a name, as an argument that the verifier knows the size of. */
struct dns_hash {
    __u64 words[4];
};

static __always_inline bool dns_is_owner(const struct dns_owner *owner, const __u64 hash[4], __u32 length)
{
    return owner->length == length && !((owner->hash[0] ^ hash[0]) | (owner->hash[1] ^ hash[1]) |
                                        (owner->hash[2] ^ hash[2]) | (owner->hash[3] ^ hash[3]));
}

/* Which name of the chain this is; DNS_LINKS_MAX + 1: none. */
CHECKED_ALONE __u32 dns_find_in_chain(const struct dns_answer *answer, const struct dns_hash *hash, __u32 length)
{
    if (!answer || !hash)
        return DNS_LINKS_MAX + 1;
    for (__u32 i = 0; i <= DNS_LINKS_MAX && i <= answer->links; i++) {
        if (dns_is_owner(&answer->chain[i], hash->words, length))
            return i;
    }
    return DNS_LINKS_MAX + 1;
}

static __always_inline void dns_set_owner(struct dns_owner *owner, const struct name *name, __u32 ttl, __u32 at)
{
    __builtin_memcpy(owner->hash, name->hash, sizeof(owner->hash));
    owner->length = name->length;
    owner->ttl = ttl;
    owner->at = at;
}

/*
 * answer->other, written at `at`, is where the CNAME of the chain's end leads. Not for a second time through the same
 * name. That its place tells it again presumes that a pointer to it could still be followed.
 */
static __always_inline bool dns_extend_chain(struct dns_reading *r, __u32 at, __u32 ttl)
{
    struct dns_answer *answer = r->answer;
    const struct name *other = r->other;
    __u32 links = answer->links;

    if (links >= DNS_LINKS_MAX || at >= DNS_MESSAGE_MAX ||
        dns_find_in_chain(answer, (const void *)other->hash, other->length) <= DNS_LINKS_MAX)
        return false;
    links = settled(links) & (DNS_LINKS_MAX - 1); /* it is below; Linux 6.1 has forgotten that by then */
    if (r->message->bytes[at] >= 0xc0)
        at = dns_number(r->message, at) & 0x3fff;
    if (r->message->pointers >= NAME_POINTERS_MAX)
        at = 0;
    if (ttl > answer->chain[links].ttl)
        ttl = answer->chain[links].ttl;
    dns_set_owner(&answer->chain[links + 1], other, ttl, at);
    answer->links = links + 1;
    answer->has_moved = 1;
    return true;
}

static __always_inline bool dns_add_address(struct dns_reading *r, __u32 type, __u32 at, __u32 ttl)
{
    struct dns_answer *answer = r->answer;
    __u32 count = answer->count;

    if (count >= DNS_ADDRESSES_MAX || at > DNS_MESSAGE_MAX)
        return false;

    const __u8 *data = r->message->bytes + at;
    bool is_ipv4 = type == DNS_TYPE_A;

    store_word(answer->addresses[count], is_ipv4 ? 0 : load_word(data));
    store_word(answer->addresses[count] + 8, is_ipv4 ? load_word(data) << 32 | 0xffff0000 : load_word(data + 8));
    answer->ttls[count] = ttl;
    answer->count = count + 1;
    return true;
}

static __always_inline bool dns_let_wait(struct dns_reading *r, const struct dns_record *record)
{
    struct dns_answer *answer = r->answer;
    __u32 at = answer->waiting;

    if (at >= DNS_RECORDS_MAX)
        return false;
    dns_set_owner(&answer->records[at].owner, r->other, record->ttl, record->data);
    answer->records[at].type = record->type;
    answer->waiting = at + 1;
    return true;
}

static __always_inline __u32 dns_least(__u32 a, __u32 b)
{
    return a < b ? a : b;
}

/* A record of the answer section: false if it is not clean, or too much. */
static __always_inline bool dns_use_record(struct dns_reading *r, const struct dns_record *record)
{
    struct dns_answer *answer = r->answer;
    bool is_cname = record->type == DNS_TYPE_CNAME, is_address = false;

    if (record->class != DNS_CLASS_IN)
        return false;
    if (record->type == DNS_TYPE_A || record->type == DNS_TYPE_AAAA) {
        is_address = true;
        if (record->size != (record->type == DNS_TYPE_A ? 4 : 16))
            return false;
    }
    if (!is_cname && !is_address)
        return true;

    __u32 links = answer->links;

    if (links > DNS_LINKS_MAX || record->owner >= DNS_MESSAGE_MAX)
        return false;

    const struct dns_owner *last = &answer->chain[links];
    bool is_last = dns_number(r->message, record->owner) == (0xc000 | last->at);

    if (!is_last) {
        if (!name_read_compressed(r->message, record->owner, r->other, r->keys))
            return false;
        is_last = dns_is_owner(last, r->other->hash, r->other->length);
        if (!is_last && !dns_let_wait(r, record))
            return false;
    }
    if (is_cname && name_read_compressed(r->message, record->data, r->other, r->keys) != record->next)
        return false;
    if (!is_last)
        return true;
    return is_cname ? dns_extend_chain(r, record->data, record->ttl)
                    : dns_add_address(r, record->type, record->data, dns_least(record->ttl, last->ttl));
}

static long dns_read_answer_record(__u32 index, struct dns_reading *r)
{
    struct dns_record record;

    if (!dns_read_record(r, &record))
        return dns_give_up(r->message);
    if (index < r->answer->answers && !dns_use_record(r, &record))
        return dns_give_up(r->message);
    r->message->record = record.next;
    return 0;
}

/* Looks at the next record that waits; from the first again while that makes the chain longer. */
static long dns_try_waiting(__u32 index, struct dns_reading *r)
{
    struct dns_answer *answer = r->answer;
    __u32 at = answer->next;

    (void)index;
    if (at >= answer->waiting) {
        if (!answer->has_moved)
            return 1;
        answer->has_moved = 0;
        at = 0;
    }
    answer->next = at + 1;
    if (at >= DNS_RECORDS_MAX)
        return 1;

    struct dns_waiting *record = &answer->records[at];
    const struct dns_owner *owner = &record->owner;
    __u32 type = record->type, link = dns_find_in_chain(answer, (const void *)owner->hash, owner->length);
    bool is_clean;

    if (!type || link > DNS_LINKS_MAX || (type == DNS_TYPE_CNAME && link != answer->links))
        return 0;
    record->type = 0;
    if (type == DNS_TYPE_CNAME)
        is_clean = name_read_compressed(r->message, owner->at, r->other, r->keys) &&
                   dns_extend_chain(r, owner->at, owner->ttl);
    else
        is_clean = dns_add_address(r, type, owner->at, dns_least(owner->ttl, answer->chain[link].ttl));
    return is_clean ? 0 : dns_give_up(r->message);
}

static __always_inline void dns_start_answer(struct dns_answer *answer)
{
    answer->count = 0;
    answer->links = 0;
    answer->waiting = 0;
    answer->next = 0;
    answer->has_moved = 0;
    answer->is_truncated = 0;
    dns_set_owner(&answer->chain[0], &answer->name, 0x7fffffff, DNS_HEADER_SIZE);
}

/*
 * REASON_NONE, or REASON_DNS_MESSAGE. The records may stand in any order; those of names that are not on the chain are
 * no concern of ours. Of a truncated answer only the question is read.
 */
SUBPROGRAM int dns_read_answer(struct dns_message *message, struct dns_answer *answer, const __u32 *key)
{
    struct dns_reading r = {.message = message, .answer = answer, .other = &answer->other, .keys = (const void *)key};
    __u32 flags = dns_number(message, 2), records;

    if ((flags & DNS_FLAGS_KIND) != DNS_FLAG_ANSWER)
        return REASON_DNS_MESSAGE;
    message->record = dns_read_question(message, &answer->name, &answer->type, key);
    if (!message->record)
        return REASON_DNS_MESSAGE;
    answer->id = dns_id(message);
    answer->rcode = flags & DNS_FLAGS_RCODE;
    dns_start_answer(answer);
    if (flags & DNS_FLAG_TRUNCATED) {
        answer->is_truncated = 1;
        return REASON_NONE;
    }
    answer->answers = dns_number(message, 6);
    records = answer->answers + dns_number(message, 8) + dns_number(message, 10);
    if (records > DNS_RECORDS_MAX)
        return REASON_DNS_MESSAGE;
    bpf_loop(records, dns_read_answer_record, &r, 0);
    if (message->record != message->length)
        return REASON_DNS_MESSAGE;
    answer->has_moved = 0;
    bpf_loop(answer->waiting ? DNS_RECORDS_MAX * (DNS_LINKS_MAX + 1) + 1 : 0, dns_try_waiting, &r, 0);
    return message->record == message->length ? REASON_NONE : REASON_DNS_MESSAGE;
}

#endif
