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
 * The caller attaches afterwards, ends with record_set_flags(), and undoes with record_undo().
 */
int record_add(const struct datapath *datapath, struct record_request *request, struct error *err);

/* Writes the cgroup storage of the pod (possible once a program is attached to the cgroup). */
int record_bind_cgroup(const struct datapath *datapath, __u64 cgroup_id, __u32 slot, __u32 epoch, struct error *err);

/*
 * Takes back an ADD that failed after record_add(). Where the record was removed or replaced meanwhile, what this ADD
 * attached is taken off all the same, unless device or cgroup have an owner by now.
 */
void record_undo(const struct datapath *datapath, const struct record_request *request, int cgroup_fd);

/*
 * Stores attachment->flags. ENOENT: the entry was removed, or replaced by one of another slot, epoch or device; the
 * caller takes off what it has attached.
 */
int record_set_flags(const struct datapath *datapath, const struct attachment_key *key,
                     const struct attachment *attachment, struct error *err);

/* Whether both are of one slot, epoch and device. */
bool record_is_same(const struct attachment *a, const struct attachment *b);

/* 0 and *attachment, or -ENOENT. */
int record_find(const struct datapath *datapath, const struct attachment_key *key, struct attachment *attachment);

/*
 * Removes one attachment: takes the programs off its veth, deletes nsp_ifs (if still its own) and nsp_attached; with
 * the last attachment of a slot also the cgroup programs, nsp_ids, state word and the slot. What cannot be taken off
 * the veth keeps its record, so that it goes on being judged and a later DEL or GC tries again; after that every step
 * is tried and the first failure returned. Not there: 0. Never touches a slot of another epoch.
 */
int record_remove(const struct datapath *datapath, const struct attachment_key *key, struct error *err);

/* The same for who holds pins_lock() of the directory. */
int record_remove_locked(const struct datapath *datapath, const struct attachment_key *key, struct error *err);

/* Calls `visit` for each attachment until it returns non-zero, which is returned. `visit` may remove the entry. */
int record_each(const struct datapath *datapath,
                int (*visit)(const struct attachment_key *key, const struct attachment *attachment, void *context),
                void *context);

/* 0 and *pod, or -ENOENT for a free slot. */
int record_pod(const struct datapath *datapath, __u32 slot, struct pod *pod);

/*
 * Whether nothing of the pod can run any more: its cgroup is gone, or it has none and its veth is gone, or the slot is
 * another pod's. A pod that has lost its veth alone is not dead: one with CAP_NET_ADMIN deletes its end, and lives on.
 * What cannot be told is alive.
 */
bool record_is_dead(const struct datapath *datapath, const struct attachment *attachment);

/* Whether the attachment's device does not exist any more, or another one has the number. */
bool record_has_lost_veth(const struct datapath *datapath, const struct attachment *attachment);

/*
 * record_remove() of an entry that was seen and found dead, without the lock. Looks again under the lock: 0 and nothing
 * done where it is another one by now, or alive; 1 removed.
 */
int record_remove_dead(const struct datapath *datapath, const struct attachment_key *key, const struct attachment *seen,
                       struct error *err);

/*
 * Takes the lost veth out of an entry that was seen to have lost it: nsp_ifs and pins of tcx links. The attachment
 * stays, with ifindex and flags 0, and with it the cgroup's programs. 0 and nothing done as above; 1 dropped.
 */
int record_drop_veth(const struct datapath *datapath, const struct attachment_key *key, const struct attachment *seen,
                     struct error *err);

/* Sets state and policy of a pod by one 8-byte store, if `epoch` still owns the slot; -ESTALE otherwise. */
int record_set_state(const struct datapath *datapath, __u32 slot, __u32 epoch, __u32 policy, __u64 state_and_flags);

/* Creates the flow map of a slot if it has none. Waits for RCU (8-10 ms), so policyd does it ahead for free slots. */
int record_prepare_slot(const struct datapath *datapath, __u32 slot, struct error *err);

#endif
