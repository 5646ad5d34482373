/* SPDX-License-Identifier: Apache-2.0 */
/* policyd as a whole: its parts and what one part's news mean for the others. Everything runs on one loop. */
#ifndef NSP_POLICYD_DAEMON_H
#define NSP_POLICYD_DAEMON_H

#include <event2/event.h>
#include <limits.h>

#include "policyd/announce.h"
#include "policyd/containers.h"
#include "policyd/events.h"
#include "policyd/links.h"
#include "policyd/manifests.h"
#include "policyd/options.h"
#include "policyd/pods.h"
#include "policyd/server.h"
#include "policyd/source_dir.h"
#include "policyd/source_kube.h"
#include "policyd/sync.h"
#include "policyd/upkeep.h"

struct daemon {
    struct options options;
    char node_name[OPTIONS_NAME_MAX];
    __s64 started_ns; /* CLOCK_REALTIME */
    int lock;         /* held by the one policyd of this pin directory */
    int is_adopted;
    struct datapath datapath;
    struct store store;
    struct manifests manifests;
    struct source_dir source;
    struct source_kube kube;
    struct sync sync;
    struct pods pods;
    struct containers containers;
    struct events events;
    struct announce announce;
    struct upkeep upkeep;
    struct links links;
    struct server server;
    struct event_base *base;
    struct event *reconcile; /* made active when something has changed */
    struct event *collect;   /* one-shot, for what is retired */
    struct event *retry;     /* one-shot, while some policy could not be written */
    int retry_s;
    struct event *terminate, *interrupt;
};

/* On failure nothing is left behind but what the kernel enforces. */
int daemon_start(struct daemon *daemon, const struct options *options, struct error *err);
/* Until SIGTERM or SIGINT. */
int daemon_run(struct daemon *daemon, struct error *err);
/* The kernel goes on enforcing. */
void daemon_stop(struct daemon *daemon);

#endif
