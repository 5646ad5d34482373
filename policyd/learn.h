/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `learn` has brought: for each pod, and in it for each profile and binary, the flows, DNS names, HTTP requests
 * and TLS names, each once. In memory only, and bounded: what finds no room is counted as lost. A pod that is gone
 * keeps what it has taught until the room is needed. How it looks is docs/learn.md.
 */
#ifndef NSP_POLICYD_LEARN_H
#define NSP_POLICYD_LEARN_H

#include <jansson.h>
#include <stdbool.h>

#include "datapath/pins.h"
#include "policyd/event_json.h"

#define LEARN_ITEMS_MAX 8192
#define LEARN_POD_ITEMS_MAX 2048
#define LEARN_BYTES_MAX (4u << 20)
#define LEARN_POD_BYTES_MAX (1u << 20)

struct learn_pod;

struct learn {
    struct learn_pod *pods; /* the one that was heard of last comes first */
    size_t items, bytes;
    __u64 lost;     /* that found no room, or could not be told whose they are */
    __s64 since_ns; /* CLOCK_REALTIME: nothing older is known */
    bool (*is_live)(void *context, __u32 slot, __u32 epoch);
    void *context;
};

/* The kernel tells each thing once: lets it tell all of them again, to somebody who has forgotten them. */
void learn_start(struct learn *learn, const struct datapath *datapath, __s64 now_ns);

/* One EVENT_LEARN. */
void learn_add(struct learn *learn, const struct event *event, const struct event_context *context);

/* {since, items, items_max, lost, pods: [...]}; pod: [NAMESPACE/]PREFIX, or NULL for all. */
json_t *learn_json(const struct learn *learn, const char *pod);

void learn_free(struct learn *learn);

#endif
