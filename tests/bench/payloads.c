/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/payloads.h"

#include <stdio.h>
#include <string.h>

#include "tests/bench/bench.h"

#define HEADER 12
#define TYPE_A 1
#define TYPE_CNAME 5
#define CLASS_IN 1

static size_t put16(unsigned char *out, unsigned int value)
{
    out[0] = (unsigned char)(value >> 8);
    out[1] = (unsigned char)value;
    return 2;
}

static size_t put_name(unsigned char *out, const char *name)
{
    size_t at = 0;

    while (*name) {
        size_t label = strcspn(name, ".");

        out[at++] = (unsigned char)label;
        memcpy(out + at, name, label);
        at += label;
        name += label + (name[label] == '.');
    }
    out[at++] = 0;
    return at;
}

static size_t put_question(unsigned char *out, const char *name, uint16_t id, unsigned int flags)
{
    size_t at = HEADER;

    memset(out, 0, HEADER);
    put16(out, id);
    put16(out + 2, flags);
    put16(out + 4, 1);
    at += put_name(out + at, name);
    at += put16(out + at, TYPE_A);
    return at + put16(out + at, CLASS_IN);
}

size_t payload_query(unsigned char out[PAYLOAD_MAX], const char *name, uint16_t id)
{
    return put_question(out, name, id, 0x0100); /* RD */
}

/* The fixed part of a record whose name lies at `owner`, up to its data. */
static size_t put_record(unsigned char *out, size_t owner, unsigned int type, size_t data_length)
{
    size_t at = put16(out, 0xc000 | (unsigned int)owner);

    at += put16(out + at, type);
    at += put16(out + at, CLASS_IN);
    at += put16(out + at, 0);
    at += put16(out + at, PAYLOAD_TTL_S);
    return at + put16(out + at, (unsigned int)data_length);
}

size_t payload_answer(unsigned char out[PAYLOAD_MAX], const char *name, uint16_t id, const char *alias, int addresses)
{
    size_t at = put_question(out, name, id, 0x8180), owner = HEADER; /* QR RD RA */

    put16(out + 6, (unsigned int)(addresses + !!alias));
    if (alias) {
        at += put_record(out + at, owner, TYPE_CNAME, strlen(alias) + 2);
        owner = at;
        at += put_name(out + at, alias);
    }
    for (int i = 0; i < addresses; i++) {
        const unsigned char address[4] = {192, 0, 2, (unsigned char)(1 + i)};

        at += put_record(out + at, owner, TYPE_A, sizeof(address));
        memcpy(out + at, address, sizeof(address));
        at += sizeof(address);
    }
    return at;
}

size_t payload_request(unsigned char out[PAYLOAD_MAX], const char *method, const char *target, size_t length)
{
    static const char end[] = "\r\n\r\n";
    int start = snprintf((char *)out, PAYLOAD_MAX,
                         "%s %s HTTP/1.1\r\nHost: pong.default.svc.cluster.local:8080\r\nUser-Agent: curl/7.88.1\r\n"
                         "Accept: */*\r\nX-Request-Id: ",
                         method, target);

    if (start < 0 || (size_t)start + sizeof(end) > length || length > PAYLOAD_MAX)
        bench_fail("a request of %zu bytes has no room for its fields", length);
    memset(out + start, 'x', length - (size_t)start - (sizeof(end) - 1));
    memcpy(out + length - (sizeof(end) - 1), end, sizeof(end) - 1);
    return length;
}
