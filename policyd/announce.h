/* SPDX-License-Identifier: Apache-2.0 */
/* Where the plugin says that a pod has come or gone, and waits for the answer that it is READY. */
#ifndef NSP_POLICYD_ANNOUNCE_H
#define NSP_POLICYD_ANNOUNCE_H

#include <event2/event.h>
#include <stdbool.h>

#include "datapath/abi.h"
#include "lib/error.h"

struct waiter;

struct announce {
    /* A pod has come: whether it is READY now. */
    bool (*added)(void *context, __u32 slot, __u32 epoch);
    void (*removed)(void *context);
    void *context;
    struct event_base *base;
    struct event *event;
    int fd;
    struct waiter *waiters;
};

int announce_start(struct announce *announce, struct event_base *base, const char *path, struct error *err);
/* Pods may have become READY: asks `is_ready` for each that waits and answers. */
void announce_answer(struct announce *announce, bool (*is_ready)(void *context, __u32 slot, __u32 epoch));
void announce_stop(struct announce *announce);

#endif
