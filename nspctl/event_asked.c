/* SPDX-License-Identifier: Apache-2.0 */
/* Flow.l7 in words: see event_asked.h. */
#include "nspctl/event_asked.h"

#include <string.h>

#include "lib/dns_words.h"

#define NS_PER_MS 1e6

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text ? text : "-";
}

int event_asked_is_known(const json_t *flow)
{
    return json_is_object(json_object_get(flow, "l7"));
}

static void print_dns(const json_t *dns, FILE *to)
{
    const char *query = text_of(dns, "query"),
               *type = json_string_value(json_array_get(json_object_get(dns, "qtypes"), 0));
    size_t length = strlen(query);

    if (length > 1 && query[length - 1] == '.')
        length--;
    fprintf(to, "dns %s%s%.*s?", type ? type : "", type ? " " : "", (int)length, query);
}

void event_asked_print(const json_t *flow, FILE *to)
{
    const json_t *l7 = json_object_get(flow, "l7"), *dns = json_object_get(l7, "dns");
    const json_t *http = json_object_get(l7, "http"), *tls = json_object_get(l7, "tls");

    if (dns)
        print_dns(dns, to);
    else if (http)
        fprintf(to, "http %s %s", text_of(http, "method"), text_of(http, "url"));
    else if (tls)
        fprintf(to, "tls %s", text_of(tls, "server_name"));
    else if (l7)
        fputs(text_of(l7, "protocol"), to);
    if (json_is_true(json_object_get(l7, "is_cut")))
        fputs("...", to);
}

void event_asked_print_answer(const json_t *flow, FILE *to)
{
    const json_t *l7 = json_object_get(flow, "l7"), *dns = json_object_get(l7, "dns");
    const json_t *latency = json_object_get(l7, "latency_ns");
    long long addresses = json_integer_value(json_object_get(dns, "addresses"));
    char word[DNS_WORD_SIZE];

    if (!json_is_integer(json_object_get(dns, "rcode")))
        return;
    fprintf(to, " -> %s", dns_words_rcode((unsigned int)json_integer_value(json_object_get(dns, "rcode")), word));
    if (addresses)
        fprintf(to, " %lld address%s", addresses, addresses == 1 ? "" : "es");
    if (latency)
        fprintf(to, " %.1f ms", (double)json_integer_value(latency) / NS_PER_MS);
}
