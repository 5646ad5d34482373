/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of nsp_pods: finding, filling and freeing one. Only for record.c, which holds the lock. */
#ifndef NSP_DATAPATH_RECORD_SLOT_H
#define NSP_DATAPATH_RECORD_SLOT_H

#include <stdbool.h>

#include "datapath/pins.h"

struct record_slot {
    __u32 slot;
    __u32 epoch;
    bool is_new;
};

/* The slot of the pod with this cgroup id, or a free one, preferably with a flow map. ENOSPC: all are taken. */
int record_slot_find(const struct datapath *datapath, const struct pod *pod, struct record_slot *slot,
                     struct error *err);

/*
 * Completes `pod`: epoch, number of attachments with the one of `key`, and where another interface of the same sandbox
 * is attached, its addresses too: the first NSP_ADDRESSES_MAX, and a warning if there are more. E2BIG: `pod` alone has.
 */
int record_slot_merge(const struct datapath *datapath, const struct record_slot *slot, const struct attachment_key *key,
                      struct pod *pod, struct error *err);

/* Writes the pod; of a new slot also zero counters, and last the state word PENDING. */
int record_slot_write(const struct datapath *datapath, const struct record_slot *slot, const struct pod *pod, bool open,
                      struct error *err);

/*
 * Where no attachment but the one of `key` has the slot any more: detaches the cgroup's programs and frees it.
 * Otherwise counts anew.
 */
int record_slot_release(const struct datapath *datapath, const struct attachment *attachment,
                        const struct attachment_key *key, struct error *err);

/* nsp_ids, state word and pod, as far as they are of this epoch. */
void record_slot_free(const struct datapath *datapath, __u32 slot, __u32 epoch);

#endif
