/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What datapath/dns.h and dns_answer.h do, a second time and plainly: every record is taken apart first, every name
 * written out, and then the chain is followed.
 */
#ifndef NSP_TESTS_FUZZ_PLAIN_DNS_H
#define NSP_TESTS_FUZZ_PLAIN_DNS_H

#include "tests/fuzz/plain_name.h"

struct plain_record {
    struct plain_name owner, target;
    unsigned type, class;
    uint32_t ttl;
    size_t at, data, size;
    bool is_used;
};

struct plain_message {
    const uint8_t *bytes;
    size_t length;
    unsigned flags, counts[4];
    struct plain_name name;
    unsigned type;
    struct plain_record records[128];
    size_t records_count;
};

struct plain_address {
    uint8_t bytes[16];
    uint32_t ttl;
};

struct plain_answer {
    size_t count, links;
    struct plain_address addresses[128];
};

static inline unsigned plain_number(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

static inline bool plain_read_question(struct plain_message *m)
{
    if (m->length < 12 || m->length > 4096)
        return false;
    m->flags = plain_number(m->bytes + 2);
    for (size_t i = 0; i < 4; i++)
        m->counts[i] = plain_number(m->bytes + 4 + 2 * i);
    if (m->counts[0] != 1 || !plain_read_name(m->bytes, m->length, 12, 0, &m->name) || m->name.end + 4 > m->length)
        return false;
    m->type = plain_number(m->bytes + m->name.end);
    return plain_number(m->bytes + m->name.end + 2) == 1;
}

/* An owner that is a pointer need not lead to a name, unless somebody wants to know the name. */
static inline size_t plain_skip_owner(const struct plain_message *m, size_t at, struct plain_name *owner)
{
    if (m->bytes[at] >= 0xc0) {
        unsigned to = at + 1 < m->length ? plain_number(m->bytes + at) & 0x3fff : 0;

        return to >= 12 && to < at ? at + 2 : 0;
    }
    return plain_read_name(m->bytes, m->length, at, 10, owner) ? owner->end : 0;
}

static inline size_t plain_read_record(const struct plain_message *m, size_t at, struct plain_record *r)
{
    size_t end;

    if (at >= m->length)
        return 0;
    r->at = at;
    end = plain_skip_owner(m, at, &r->owner);
    if (end == 0 || end + 10 > m->length)
        return 0;
    r->type = plain_number(m->bytes + end);
    r->class = plain_number(m->bytes + end + 2);
    r->ttl = (uint32_t)plain_number(m->bytes + end + 4) << 16 | plain_number(m->bytes + end + 6);
    if (r->ttl >= 0x80000000U)
        r->ttl = 0;
    r->size = plain_number(m->bytes + end + 8);
    r->data = end + 10;
    return r->data + r->size <= m->length ? r->data + r->size : 0;
}

/* All records, to the last byte. */
static inline bool plain_read_records(struct plain_message *m)
{
    size_t at = m->name.end + 4, count = (size_t)m->counts[1] + m->counts[2] + m->counts[3];

    if (count > 128)
        return false;
    for (m->records_count = 0; m->records_count < count; m->records_count++) {
        at = plain_read_record(m, at, &m->records[m->records_count]);
        if (at == 0)
            return false;
    }
    return at == m->length;
}

/* --- queries ------------------------------------------------------------------------------------------------------ */

static inline bool plain_is_extra(const struct plain_message *m, size_t i, bool *has_options)
{
    const struct plain_record *r = &m->records[i];

    if (r->type == 41) {
        bool is_second = *has_options;

        *has_options = true;
        return !is_second && m->bytes[r->at] == 0;
    }
    return (r->type == 250 || r->type == 24) && r->class == 255 && i + 1 == m->records_count;
}

static inline bool plain_read_query(struct plain_message *m)
{
    bool has_options = false;

    if (!plain_read_question(m) || m->flags & 0xf800 || m->counts[1] || m->counts[2] || m->counts[3] > 2 ||
        !plain_read_records(m))
        return false;
    for (size_t i = 0; i < m->records_count; i++) {
        if (!plain_is_extra(m, i, &has_options))
            return false;
    }
    return true;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* What the answer section's records say must be clean, whether or not they belong to the name. */
static inline bool plain_check_answers(struct plain_message *m)
{
    for (size_t i = 0; i < m->counts[1]; i++) {
        struct plain_record *r = &m->records[i];

        if (r->class != 1 || (r->type == 1 && r->size != 4) || (r->type == 28 && r->size != 16))
            return false;
        if (r->type != 1 && r->type != 28 && r->type != 5) {
            r->is_used = true;
            continue;
        }
        if (!plain_read_name(m->bytes, m->length, r->at, 10, &r->owner))
            return false;
        if (r->type == 5 &&
            (!plain_read_name(m->bytes, m->length, r->data, 10, &r->target) || r->target.end != r->data + r->size))
            return false;
    }
    return true;
}

struct plain_chain {
    struct plain_name names[9];
    uint32_t ttls[9];
    size_t last;
};

static inline int plain_find(const struct plain_chain *chain, const struct plain_name *name)
{
    for (size_t i = 0; i <= chain->last; i++) {
        if (plain_is_same(&chain->names[i], name))
            return (int)i;
    }
    return -1;
}

/* The first CNAME of the chain's end, from here to the last record and again from the first. */
static inline bool plain_follow(struct plain_message *m, struct plain_chain *chain)
{
    bool has_moved = true;

    while (has_moved) {
        has_moved = false;
        for (size_t i = 0; i < m->counts[1]; i++) {
            struct plain_record *r = &m->records[i];

            if (r->is_used || r->type != 5 || !plain_is_same(&r->owner, &chain->names[chain->last]))
                continue;
            if (chain->last == 8 || plain_find(chain, &r->target) >= 0)
                return false;
            chain->ttls[chain->last + 1] = r->ttl < chain->ttls[chain->last] ? r->ttl : chain->ttls[chain->last];
            chain->names[++chain->last] = r->target;
            r->is_used = true;
            has_moved = true;
        }
    }
    return true;
}

static inline void plain_add_address(const struct plain_message *m, const struct plain_record *r, uint32_t ttl,
                                     struct plain_answer *answer)
{
    struct plain_address *address = &answer->addresses[answer->count++];

    memset(address, 0, sizeof(*address));
    if (r->type == 1)
        address->bytes[10] = address->bytes[11] = 0xff;
    memcpy(address->bytes + 16 - r->size, m->bytes + r->data, r->size);
    address->ttl = r->ttl < ttl ? r->ttl : ttl;
}

static inline bool plain_read_answer(struct plain_message *m, struct plain_answer *answer)
{
    static struct plain_chain chain;

    memset(answer, 0, sizeof(*answer));
    if (!plain_read_question(m) || (m->flags & 0xf800) != 0x8000)
        return false;
    if (m->flags & 0x200)
        return true;
    if (!plain_read_records(m) || !plain_check_answers(m))
        return false;
    chain.last = 0;
    chain.names[0] = m->name;
    chain.ttls[0] = 0x7fffffff;
    if (!plain_follow(m, &chain))
        return false;
    answer->links = chain.last;
    for (size_t i = 0; i < m->counts[1]; i++) {
        const struct plain_record *r = &m->records[i];
        int link = r->type == 1 || r->type == 28 ? plain_find(&chain, &r->owner) : -1;

        if (link >= 0)
            plain_add_address(m, r, chain.ttls[link], answer);
    }
    return answer->count <= 64;
}

#endif
