/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pods of this node: says for each which policy judges it, and why it waits where none can be named. A pod is never
 * opened because something is missing, unread or full: then it keeps what it has, and one that was open is closed when
 * profiles that enforce select it and cannot be brought in force.
 */
#ifndef NSP_POLICYD_PODS_H
#define NSP_POLICYD_PODS_H

#include "datapath/pins.h"
#include "policyd/store.h"
#include "policyd/sync.h"

struct pod_entry {
    __u32 slot;
    __u32 epoch;
    char *namespace_, *name, *uid; /* "" where ADD did not say */
    char *note;                    /* why it is pending, held or open in spite of a profile; NULL */
    bool is_loud;                  /* the note was logged as a warning and belongs to the problems */
    bool is_seen;
};

struct pods {
    const struct datapath *datapath;
    const struct store *store;
    struct sync *sync;
    size_t count;
    struct pod_entry *items;
};

/* Reads who is attached, prepares a policy for every pod the store knows, decides for all, drops unused policies. */
void pods_reconcile(struct pods *pods);

/* Decides for one pod at once (ADD waits). Returns whether it is READY. */
bool pods_decide(struct pods *pods, __u32 slot, __u32 epoch);

/* NULL: not attached, or another pod has the slot now. Reads the record where it is not known yet. */
const struct pod_entry *pods_find(struct pods *pods, __u32 slot, __u32 epoch);

/* Its manifest, if there is one for this very pod. */
const struct pod_object *pods_object(const struct pods *pods, const struct pod_entry *pod);

void pods_free(struct pods *pods);

#endif
