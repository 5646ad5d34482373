/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An API server as a source of objects: all SecurityProfiles, and the pods of this node. Pods are asked for when the
 * profiles are known, so that none is decided about before. What it had brought stays while it cannot be reached.
 */
#ifndef NSP_POLICYD_SOURCE_KUBE_H
#define NSP_POLICYD_SOURCE_KUBE_H

#include <event2/event.h>

#include "policyd/kube_pods.h"
#include "policyd/kube_profiles.h"
#include "policyd/kube_watch.h"

struct source_kube {
    struct store *store;
    void (*profile_changed)(void *context, const char *namespace_, const char *name);
    /* Whether some pod is judged by a policy now. */
    bool (*is_judging)(void *context);
    void *context;

    struct kube_access access; /* the rest is its own */
    char *pods_selector;
    struct kube kube;
    struct kube_watch profile_watch, pod_watch;
    struct kube_profiles profiles;
    struct kube_pods pods;
    bool is_empty_at_start; /* the first list was, though policies were in force: they are held */
    struct event *settle;   /* once, when deletions have come to rest */
    long long going_since_ms;
    bool has_more_gone; /* since the definition was asked for */
    struct kube_request definition;
    struct kube_line definition_text;
    struct kube_backoff definition_backoff;
    char *definition_error; /* why the definition cannot be read; NULL */
};

/* kubeconfig: "" in a pod of the cluster. Returns before anything has come: what is in force is held until it has. */
int source_kube_start(struct source_kube *source, const char *kubeconfig, const char *node_name,
                      struct event_base *base, struct error *err);
void source_kube_stop(struct source_kube *source);

/* Calls `visit` for whatever is wrong. */
void source_kube_each_problem(const struct source_kube *source,
                              void (*visit)(const char *origin, const char *text, void *context), void *context);

/* For the status socket: where it stands and what it has asked for. */
json_t *source_kube_json(const struct source_kube *source);

#endif
