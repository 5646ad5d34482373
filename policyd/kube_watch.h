/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One kind of object in an API server, followed: all there is, then each change, for ever. Begins with a watch that
 * sends what there is (WatchList) where the server has it, with pages of a list else; goes on from the last
 * resourceVersion after any cut, and lists again only where the server has forgotten it (410) or the resource was gone
 * (404). Knows the protocol, no kind and no policy. What fails is logged once, shown in `error` and tried again.
 */
#ifndef NSP_POLICYD_KUBE_WATCH_H
#define NSP_POLICYD_KUBE_WATCH_H

#include <jansson.h>

#include "policyd/kube.h"
#include "policyd/kube_answer.h"
#include "policyd/kube_backoff.h"

#define KUBE_PAGE 100 /* objects; fewer where they are large */

enum kube_phase {
    KUBE_PHASE_PAGES,      /* of a list */
    KUBE_PHASE_WATCH_LIST, /* a watch that first sends all there is */
    KUBE_PHASE_WATCH,
};

struct kube_watch {
    struct kube *kube;
    const char *path;     /* such as /api/v1/pods */
    const char *selector; /* such as fieldSelector=spec.nodeName%3Dnode1; NULL: none */
    struct kube_need need;
    void (*begin)(void *context); /* all objects follow; what is not among them when it is complete is gone */
    void (*complete)(void *context);
    void (*put)(void *context, const json_t *object);
    void (*gone)(void *context, const json_t *object);
    void (*troubled)(void *context); /* `error` has changed */
    void *context;

    char *error;       /* why it does not follow now; NULL */
    bool was_listed;   /* once since the start */
    bool is_following; /* changes come as they happen */
    unsigned long lists, watches, failures;

    enum kube_phase phase; /* the rest is kube_watch.c's */
    struct kube_request request;
    struct kube_line line;
    struct kube_backoff unreached, broken; /* of tries that no success answered; of streams that did not last */
    struct event *again;
    char *version, *next_page;
    unsigned int page;
    bool lacks_watch_list, is_forgotten, is_synced, is_too_large, has_begun;
    bool is_wary; /* the last stream broke at something unreadable: such a thing is now left out */
    char fault[KUBE_TEXT_SIZE];
    long long began_ms, ends_ms, line_began_ms;
};

/* The fields above are set; those below all zero. `kube` and what is pointed to must stay. -ENOMEM. */
int kube_watch_start(struct kube_watch *watch);
void kube_watch_stop(struct kube_watch *watch);

#endif
