/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nsp_containers: which leaf cgroup is of which container, from the statuses in Pod manifests and the directories below
 * a pod's cgroup. Looks again when a manifest changes and when a directory comes or goes, never by itself. A cgroup
 * that is not in the map is of no container: blocks with `container` do not apply to it.
 */
#ifndef NSP_POLICYD_CONTAINERS_H
#define NSP_POLICYD_CONTAINERS_H

#include <event2/event.h>

#include "policyd/pods.h"

struct container_cgroup {
    __u64 id;
    char *name; /* NULL: known from before a restart, and the pod's manifest is gone */
};

/* What is known of one pod. */
struct container_pod {
    __u32 slot, epoch;
    bool is_seen, is_dirty;
    char *statuses; /* as its manifest had them when they were read; NULL: it had no manifest */
    size_t count;
    struct container_cgroup *cgroups;
    size_t watches_count;
    int *watches;
};

struct containers {
    const struct datapath *datapath;
    const struct pods *pods;
    int inotify;
    struct event *changed, *settle;
    size_t count;
    struct container_pod *items;
};

/* Forgets what is in the map of pods that are not attached any more. After pods_reconcile(). */
int containers_start(struct containers *containers, struct event_base *base, struct error *err);
void containers_stop(struct containers *containers);

/* After pods or their manifests have changed. Costs little where they have not. */
void containers_refresh(struct containers *containers);

/* The container of a cgroup of that pod; NULL: not known. Borrowed until the next refresh. */
const char *containers_name(const struct containers *containers, __u32 slot, __u32 epoch, __u64 cgroup_id);

#endif
