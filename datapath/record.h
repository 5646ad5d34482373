/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of pods in the pinned maps: a slot for each pod (cgroup), an entry for each attachment (ADD). Used by the
 * plugin (ADD, DEL, CHECK, GC) and by policyd (sweep, removal). Changes are made under flock() of the pin directory, so
 * that parallel ADDs and DELs do not mix; nothing slow happens under that lock.
 */
#ifndef NSP_DATAPATH_RECORD_H
#define NSP_DATAPATH_RECORD_H

#include <stdbool.h>

#include "datapath/pins.h"

/* What ADD knows of a pod's interface. */
struct record_request {
    struct attachment_key key;
    struct attachment attachment; /* slot, epoch, flags are filled in by record_add */
    struct pod pod;               /* epoch, attachments are filled in */
    struct iface iface;           /* slot, epoch are filled in; ignored when attachment.ifindex is 0 */
    bool open;                    /* failurePolicy Ignore or exempt namespace: POD_OPEN while pending */
};

/*
 * Finds the pod's slot by its cgroup id or takes a free one (PENDING, tallies zeroed, flow map present), then enters
 * attachment, nsp_ids and nsp_ifs. An entry with the same key is replaced: its old ifindex leaves nsp_ifs. A slot that
 * exists keeps its state. Errors: ENOSPC no free slot, E2BIG a map is full, each with nothing left behind.
 * The caller attaches afterwards and undoes with record_remove().
 */
int record_add(const struct datapath *datapath, struct record_request *request, struct error *err);

/* Writes the cgroup storage of the pod (possible once a program is attached to the cgroup). */
int record_bind_cgroup(const struct datapath *datapath, __u64 cgroup_id, __u32 slot, __u32 epoch, struct error *err);

/* Stores the attachment's flags. */
int record_set_flags(const struct datapath *datapath, const struct attachment_key *key, __u32 flags, struct error *err);

/* 0 and *attachment, or -ENOENT. */
int record_find(const struct datapath *datapath, const struct attachment_key *key, struct attachment *attachment);

/*
 * Removes one attachment: takes the programs off its veth, deletes nsp_ifs (if still its own) and nsp_attached; with
 * the last attachment of a slot also the cgroup programs, nsp_ids, state word and the slot. What cannot be taken off
 * the veth keeps its record, so that it goes on being judged and a later DEL or GC tries again; after that every step
 * is tried and the first failure returned. Not there: 0. Never touches a slot of another epoch.
 */
int record_remove(const struct datapath *datapath, const struct attachment_key *key, struct error *err);

/* Calls `visit` for each attachment until it returns non-zero, which is returned. `visit` may remove the entry. */
int record_each(const struct datapath *datapath,
                int (*visit)(const struct attachment_key *key, const struct attachment *attachment, void *context),
                void *context);

/* 0 and *pod, or -ENOENT for a free slot. */
int record_pod(const struct datapath *datapath, __u32 slot, struct pod *pod);

/*
 * Whether what the attachment stands for is really gone: the veth (no such ifindex, or another device has the number),
 * or the pod's cgroup. 1 gone, 0 alive or unknown.
 */
int record_is_dead(const struct datapath *datapath, const struct attachment *attachment);

/* Sets state and policy of a pod by one 8-byte store, if `epoch` still owns the slot; -ESTALE otherwise. */
int record_set_state(const struct datapath *datapath, __u32 slot, __u32 epoch, __u32 policy, __u64 state_and_flags);

/* Creates the flow map of a slot if it has none. Waits for RCU (8-10 ms), so policyd does it ahead for free slots. */
int record_prepare_slot(const struct datapath *datapath, __u32 slot, struct error *err);

#endif
