/* SPDX-License-Identifier: Apache-2.0 */
/* One thing that `learn` has brought: what makes it the same as another, and how it looks. Pure. */
#ifndef NSP_POLICYD_LEARN_ITEM_H
#define NSP_POLICYD_LEARN_ITEM_H

#include <jansson.h>

#include "policyd/event_json.h"

enum learn_kind {
    LEARN_FLOW,
    LEARN_DNS,
    LEARN_HTTP,
    LEARN_TLS,
    LEARN_KINDS,
};

/* With the text, what it is found by. No padding: compared as bytes. */
struct learn_key {
    __u8 kind; /* enum learn_kind */
    __u8 direction;
    __u8 protocol;
    __u8 is_cut;
    __u16 port; /* the flow's destination port, host byte order; 0: none */
    __u16 ethertype;
    __u16 query_type;
    __u8 address[16]; /* of the other side; of a flow */
};

struct learn_item {
    struct learn_key key;
    __s64 first_ns;
    size_t bytes;
    json_t *names; /* array of what a flow's address was learnt from, or NULL */
    char text[];   /* the name; the method, a blank and the target */
};

/* Of an event; NULL without memory. */
struct learn_item *learn_item_make(const struct event *event, const struct event_context *context);
/* The same thing again. */
void learn_item_merge(struct learn_item *item, const struct learn_item *again);
int learn_item_compare(const struct learn_item *a, const struct learn_item *b);
void learn_item_free(struct learn_item *item);

/* "flows", "dns", "http", "tls": the array it belongs to. */
const char *learn_item_list(enum learn_kind kind);
json_t *learn_item_json(const struct learn_item *item);

#endif
