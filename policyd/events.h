/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the kernel's events without making the kernel wake us for each: while events come we look every 10 ms; when
 * two looks in a row found nothing, we say so (control.reader_idle) and sleep until the next one wakes us.
 */
#ifndef NSP_POLICYD_EVENTS_H
#define NSP_POLICYD_EVENTS_H

#include <event2/event.h>

#include "datapath/pins.h"
#include "policyd/history.h"
#include "policyd/learn.h"
#include "policyd/pods.h"

struct ring_buffer;

struct events {
    const struct datapath *datapath;
    struct pods *pods;
    const char *node_name;
    struct history history;
    struct learn learn;
    /* Tells whoever follows. */
    void (*added)(void *context, const struct record *record);
    void *context;
    struct ring_buffer *ring;
    struct event *readable; /* added only while idle */
    struct event *timer;    /* one-shot, while not */
    int empty_looks;
    int budget;     /* events still to be read in this look */
    __u64 rendered; /* since start */
    __u64 failed;   /* could not be rendered */
};

int events_start(struct events *events, struct event_base *base, struct error *err);
/* Reads some of what is there now. */
void events_drain(struct events *events);
void events_stop(struct events *events);

/* The text of a path by its hash, as the socket hooks saw it; false when nothing is known of it. */
bool events_find_binary(const struct events *events, const __u8 path[16], char text[NSP_PATH_MAX + 1]);

#endif
