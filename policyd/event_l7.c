/* SPDX-License-Identifier: Apache-2.0 */
/* What was asked for, as JSON: see event_l7.h. */
#include "policyd/event_l7.h"

#include <string.h>

#include "lib/dns_words.h"
#include "policyd/words.h"

bool event_l7_is_answer(const struct event *event)
{
    return event->kind == EVENT_DNS_ANSWER ||
           (event->application == APPLICATION_DNS &&
            (event->reason == REASON_DNS_UNASKED || event->reason == REASON_NAMES_FULL));
}

/* Hubble ends every name with a dot. */
static json_t *make_query(const char *name)
{
    return json_sprintf(strcmp(name, ".") == 0 ? "%s" : "%s.", name);
}

static json_t *make_dns(const struct event *event, const struct asked_text *asked)
{
    char type[DNS_WORD_SIZE];
    json_t *dns = json_object();

    json_object_set_new(dns, "query", make_query(asked->text));
    if (event->query_type)
        json_object_set_new(dns, "qtypes", json_pack("[s]", dns_words_type(event->query_type, type)));
    if (event->kind != EVENT_DNS_ANSWER)
        return dns;
    json_object_set_new(dns, "rcode", json_integer(event->rcode));
    json_object_set_new(dns, "addresses", json_integer(event->addresses));
    if (event->addresses)
        json_object_set_new(dns, "ttl", json_integer(event->ttl));
    return dns;
}

static void set_record(json_t *l7, const struct event *event, const struct asked_text *asked)
{
    if (event->application == APPLICATION_DNS)
        json_object_set_new(l7, "dns", make_dns(event, asked));
    else if (event->application == APPLICATION_HTTPS)
        json_object_set_new(l7, "tls", json_pack("{s:s}", "server_name", asked->text));
    else if (event->application == APPLICATION_HTTP)
        json_object_set_new(l7, "http", json_pack("{s:s,s:s}", "method", asked->method, "url", asked->text));
}

json_t *event_l7_json(const struct event *event, const struct asked_text *asked)
{
    json_t *l7;

    if (event->application == APPLICATION_NONE)
        return NULL;
    l7 = json_pack("{s:s,s:s}", "type", event_l7_is_answer(event) ? "RESPONSE" : "REQUEST", "protocol",
                   words_application(event->application));
    if (event->kind == EVENT_DNS_ANSWER && event->latency_ns)
        json_object_set_new(l7, "latency_ns", json_integer((json_int_t)event->latency_ns));
    if (asked && asked->has_text)
        set_record(l7, event, asked);
    if (asked && asked->is_cut)
        json_object_set_new(l7, "is_cut", json_true());
    return l7;
}
