/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a DNS message: as a query and as an answer, dns.h and dns_answer.h say what the plain parser says. */
#include <stdlib.h>

#include "datapath/dns_answer.h"

#include "tests/fuzz/plain_dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT(readability-identifier-naming): libFuzzer's */

static struct dns_message message;
static struct plain_message plain;
static __u32 key[NSP_TEXT_KEY_WORDS];

static void claim(bool is_true)
{
    if (!is_true)
        abort();
}

static void set_up(const uint8_t *data, size_t size)
{
    for (__u32 i = 0; i < NSP_TEXT_KEY_WORDS && !key[0]; i++)
        key[NSP_TEXT_KEY_WORDS - 1 - i] = 2654435761U * (i + 1);
    memset(&message, 0xa5, sizeof(message)); /* what an earlier message left behind must not matter */
    memcpy(message.bytes, data, size < DNS_MESSAGE_MAX ? size : DNS_MESSAGE_MAX);
    message.length = (__u32)size;
    memset(&plain, 0, sizeof(plain));
    plain.bytes = data;
    plain.length = size;
}

static void claim_name(const struct name *name, const struct plain_name *expected)
{
    claim(name->length == expected->size && name->labels == expected->labels);
    claim(memcmp(name->text + NSP_NAME_SIZE - name->length, expected->wire, expected->size) == 0);
}

static void read_query(const uint8_t *data, size_t size)
{
    static struct dns_query query;

    set_up(data, size);

    int reason = dns_read_query(&message, &query, key);

    claim(reason == (plain_read_query(&plain) ? REASON_NONE : REASON_DNS_MESSAGE));
    if (reason)
        return;
    claim(dns_looks_like_query(message.bytes));
    claim_name(&query.name, &plain.name);
    claim(query.type == plain.type && memcmp(&query.id, data, 2) == 0);
}

static void sort(struct plain_address *addresses, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t j = i; j > 0 && memcmp(&addresses[j - 1], &addresses[j], sizeof(*addresses)) > 0; j--) {
            struct plain_address swapped = addresses[j];

            addresses[j] = addresses[j - 1];
            addresses[j - 1] = swapped;
        }
    }
}

static void read_answer(const uint8_t *data, size_t size)
{
    static struct dns_answer answer;
    static struct plain_answer expected, given;

    set_up(data, size);

    int reason = dns_read_answer(&message, &answer, key);

    claim(reason == (plain_read_answer(&plain, &expected) ? REASON_NONE : REASON_DNS_MESSAGE));
    if (reason)
        return;
    claim_name(&answer.name, &plain.name);
    claim(answer.type == plain.type && memcmp(&answer.id, data, 2) == 0);
    claim(answer.rcode == (data[3] & 15) && answer.is_truncated == (data[2] >> 1 & 1));
    claim(answer.count == expected.count && answer.links == expected.links);
    for (size_t i = 0; i < answer.count; i++) {
        memcpy(given.addresses[i].bytes, answer.addresses[i], 16);
        given.addresses[i].ttl = answer.ttls[i];
    }
    sort(given.addresses, answer.count);
    sort(expected.addresses, answer.count);
    claim(memcmp(given.addresses, expected.addresses, answer.count * sizeof(*given.addresses)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_query(data, size);
    read_answer(data, size);
    return 0;
}
