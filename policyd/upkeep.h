/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What takes longer than the loop may wait, in a thread of its own: removes attachments whose cgroup is gone, takes
 * veths that are gone out of the others, attaches again what somebody took off, replaces clsact filters by tcx links,
 * makes flow maps for slots that are still free. Runs when told, and every UPKEEP_LOOK_S: the kernel tells nobody of a
 * pin that is unlinked or of a program that is taken off a cgroup.
 */
#ifndef NSP_POLICYD_UPKEEP_H
#define NSP_POLICYD_UPKEEP_H

#include <event2/event.h>
#include <pthread.h>
#include <stdbool.h>

#include "datapath/pins.h"
#include "policyd/tamper.h"

#define UPKEEP_LOOK_S 10

struct upkeep {
    const struct datapath *datapath;
    int *lock; /* of the instance, this thread's own while it runs */
    struct tamper tamper;
    void (*removed)(void *context); /* on the loop: attachments were removed */
    void *context;
    struct event *timer; /* one-shot: not at once, so that an ADD or DEL that goes on comes first */
    struct event *report;
    int report_fd; /* eventfd */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool is_running, is_wanted, is_ending;
};

int upkeep_start(struct upkeep *upkeep, struct event_base *base, struct error *err);
/* About a second from now. */
void upkeep_want(struct upkeep *upkeep);
/* Waits for what is under way. */
void upkeep_stop(struct upkeep *upkeep);

#endif
