/* SPDX-License-Identifier: Apache-2.0 */
/* One learnt thing: see learn_item.h. */
#include "policyd/learn_item.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cidr.h"
#include "lib/dns_words.h"
#include "policyd/words.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_ARP_FRAME 0x0806
#define NAMES_MAX 16 /* of one flow's address, over time */

static enum learn_kind kind_of(const struct event *event)
{
    switch (event->application) {
    case APPLICATION_DNS:
        return LEARN_DNS;
    case APPLICATION_HTTP:
        return LEARN_HTTP;
    case APPLICATION_HTTPS:
        return LEARN_TLS;
    default: /* what it carries has no name */
        return LEARN_FLOW;
    }
}

/* What a rule would be made of: a name may be asked for whomever of, a request goes to one port. */
static struct learn_key make_key(const struct event *event)
{
    struct learn_key key = {.kind = (__u8)kind_of(event), .direction = event->direction};

    if (key.kind == LEARN_DNS) {
        key.query_type = event->query_type;
        return key;
    }
    key.protocol = event->protocol;
    if (event->protocol != IPPROTO_ICMP && event->protocol != IPPROTO_ICMPV6)
        key.port = ntohs(event->direction == EGRESS ? event->remote_port_be : event->local_port_be);
    if (key.kind != LEARN_FLOW)
        return key;
    key.ethertype = event->ethertype;
    memcpy(key.address, event->remote, sizeof(key.address));
    return key;
}

struct learn_item *learn_item_make(const struct event *event, const struct event_context *context)
{
    const struct asked_text *asked = context->asked;
    bool has_text = asked && asked->has_text, has_method = has_text && asked->method[0];
    size_t method = has_method ? strlen(asked->method) + 1 : 0, length = has_text ? strlen(asked->text) : 0;
    size_t bytes = sizeof(struct learn_item) + method + length + 1;
    struct learn_item *item = calloc(1, bytes);

    if (!item)
        return NULL;
    item->key = make_key(event);
    item->key.is_cut = asked && asked->is_cut;
    item->first_ns = (__s64)event->time_ns + context->clock_offset_ns;
    item->bytes = bytes;
    if (has_method) {
        memcpy(item->text, asked->method, method - 1);
        item->text[method - 1] = ' ';
    }
    if (has_text)
        memcpy(item->text + method, asked->text, length);
    if (item->key.kind == LEARN_FLOW)
        item->names = json_incref(context->destination_names);
    return item;
}

static bool has_name(const json_t *names, const json_t *name)
{
    const json_t *other;
    size_t i;

    json_array_foreach (names, i, other) {
        if (json_equal(other, name))
            return true;
    }
    return false;
}

void learn_item_merge(struct learn_item *item, const struct learn_item *again)
{
    json_t *name;
    size_t i;

    if (!item->names)
        item->names = json_incref(again->names);
    json_array_foreach (again->names, i, name) {
        if (json_array_size(item->names) < NAMES_MAX && !has_name(item->names, name))
            json_array_append(item->names, name);
    }
}

int learn_item_compare(const struct learn_item *a, const struct learn_item *b)
{
    int order = memcmp(&a->key, &b->key, sizeof(a->key));

    return order ? order : strcmp(a->text, b->text);
}

void learn_item_free(struct learn_item *item)
{
    if (!item)
        return;
    json_decref(item->names);
    free(item);
}

const char *learn_item_list(enum learn_kind kind)
{
    static const char *const lists[LEARN_KINDS] = {"flows", "dns", "http", "tls"};

    return lists[kind];
}

static json_t *make_protocol(__u8 protocol)
{
    static const char *const names[256] = {
        [IPPROTO_ICMP] = "icmp", [IPPROTO_TCP] = "tcp",       [IPPROTO_UDP] = "udp",
        [IPPROTO_DCCP] = "dccp", [IPPROTO_ICMPV6] = "icmpv6", [IPPROTO_SCTP] = "sctp",
        [IPPROTO_GRE] = "gre",   [IPPROTO_IPIP] = "ipencap",  [IPPROTO_UDPLITE] = "udplite",
    };

    return names[protocol] ? json_string(names[protocol]) : json_sprintf("%u", protocol);
}

static void set_flow(json_t *json, const struct learn_key *key)
{
    static const __u8 none[16];
    char address[CIDR_TEXT_SIZE];

    if (key->ethertype == ETHERTYPE_ARP_FRAME)
        json_object_set_new(json, "l3", json_string("arp"));
    else if (key->ethertype == ETHERTYPE_IPV4 || key->ethertype == ETHERTYPE_IPV6)
        json_object_set_new(json, "l3", json_string(key->ethertype == ETHERTYPE_IPV4 ? "ipv4" : "ipv6"));
    if (memcmp(key->address, none, sizeof(none)) == 0)
        return;
    cidr_format_address(key->address, address);
    json_object_set_new(json, "address", json_string(address));
}

static void set_text(json_t *json, const struct learn_item *item)
{
    const char *blank = strchr(item->text, ' ');
    char type[DNS_WORD_SIZE];

    if (item->key.kind == LEARN_HTTP && blank) {
        json_object_set_new(json, "method", json_stringn(item->text, (size_t)(blank - item->text)));
        json_object_set_new(json, "uri", json_string(blank + 1));
    } else if (item->text[0]) {
        json_object_set_new(json, "name", json_string(item->text));
    }
    if (item->key.kind == LEARN_DNS)
        json_object_set_new(json, "type", json_string(dns_words_type(item->key.query_type, type)));
    if (item->key.is_cut)
        json_object_set_new(json, "is_cut", json_true());
}

json_t *learn_item_json(const struct learn_item *item)
{
    json_t *json = json_pack("{s:s}", "direction", item->key.direction == INGRESS ? "ingress" : "egress");
    char time[EVENT_JSON_TIME_SIZE];

    if (item->key.kind == LEARN_FLOW)
        set_flow(json, &item->key);
    if (item->key.protocol)
        json_object_set_new(json, "protocol", make_protocol(item->key.protocol));
    if (item->key.port)
        json_object_set_new(json, "port", json_integer(item->key.port));
    set_text(json, item);
    if (item->names)
        json_object_set(json, "names", item->names);
    event_json_time(item->first_ns, time);
    json_object_set_new(json, "first_seen", json_string(time));
    return json;
}
