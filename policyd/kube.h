/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One API server over HTTPS: requests on the event loop, their bytes as they come. Knows TLS, HTTP and who we are
 * there; no resource and no policy. Requests share one connection where the server has HTTP/2. A connection on which
 * nothing was heard for KUBE_SILENCE_MS is asked for a sign of life, and given up when none comes: behind a proxy a
 * dead peer may leave it open for ever. (libcurl sends HTTP/2's PING for its blocking interface only, so a request does
 * it, on the same connection.) What dies below TCP is found by keep-alive and TCP_USER_TIMEOUT.
 */
#ifndef NSP_POLICYD_KUBE_H
#define NSP_POLICYD_KUBE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"
#include "policyd/kube_line.h"
#include "policyd/kubeconfig.h"

#define KUBE_SILENCE_MS 75000 /* watches get a bookmark each minute */
#define KUBE_HEADERS_MS 30000 /* until an answer begins */
#define KUBE_PROBE_MS 10000
#define KUBE_REFUSAL_MAX 16384 /* bytes kept of an answer that is no success */

struct kube_answer {
    long status;        /* of HTTP; 0: none came */
    const char *error;  /* the transfer failed: why. NULL: it came to its end */
    long retry_after_s; /* 0: the server did not say */
    const char *body;   /* of an answer that is no success, cut at KUBE_REFUSAL_MAX; "" otherwise */
    bool was_given_up;  /* the whole connection was, without a fault of this request: `error` is NULL */
};

/* Of the owner, who must not touch it from kube_get() until `done` or kube_cancel(), but for the callbacks. */
struct kube_request {
    /* The head of a success has come: its body may take long. May be NULL. */
    void (*begun)(void *context);
    /* Bytes of a success; anything but 0 ends the transfer, with an error in the answer. */
    int (*data)(void *context, const char *bytes, size_t size);
    /* Once. May start the next request. */
    void (*done)(void *context, const struct kube_answer *answer);
    void *context;

    struct kube *kube; /* the rest is kube.c's */
    struct kube_request *next;
    void *easy;
    void *headers;
    struct event *patience;
    struct kube_line refusal;
    char fault[256];
};

struct kube {
    const struct kube_access *access;
    struct event_base *base;
    void *multi;
    struct event *timer; /* libcurl's */
    struct event *silence;
    struct kube_socket *sockets;
    struct kube_request *requests; /* under way */
    struct kube_request probe;
    int silence_ms;         /* KUBE_SILENCE_MS */
    long long heard_ms;     /* when bytes came last; CLOCK_MONOTONIC */
    bool is_shared;         /* the last answer came by HTTP/2 */
    unsigned long sent;     /* requests, probes included */
    unsigned long given_up; /* connections */
};

/* access must stay. */
int kube_start(struct kube *kube, const struct kube_access *access, struct event_base *base, struct error *err);
/* Cancels what is under way. Also of a struct that is all zero. */
void kube_stop(struct kube *kube);

/* path: with its query. Nothing is called back when this fails. The answer must begin within KUBE_HEADERS_MS. Not from
 * within `begun` or `data`. */
int kube_get(struct kube *kube, struct kube_request *request, const char *path, struct error *err);

/* From now on: the transfer must end, or this be called again, within that time; 0: no such limit. Otherwise it fails,
 * and the connection is given up. */
void kube_expect(struct kube_request *request, int within_ms);

bool kube_is_under_way(const struct kube_request *request);
void kube_cancel(struct kube_request *request);

#endif
