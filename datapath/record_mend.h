/* SPDX-License-Identifier: Apache-2.0 */
/* Attaches again what somebody took off an attachment that lives: `tc qdisc del`, `bpftool cgroup detach`. */
#ifndef NSP_DATAPATH_RECORD_MEND_H
#define NSP_DATAPATH_RECORD_MEND_H

#include <stdbool.h>

#include "datapath/pins.h"

/*
 * Whether all that the record says is attached, on the veth and on the pod's cgroup. What cannot be told is whole, and
 * so is what an ADD has not yet attached.
 */
bool record_is_whole(const struct datapath *datapath, const struct attachment *attachment);

/*
 * Under the lock, looks again at an entry that was seen not to be whole, and attaches what is missing: to the veth in a
 * hurry, as ADD does, so that a promotion may follow. 0 and nothing done where it is whole or another one; 1 mended.
 */
int record_mend(const struct datapath *datapath, const struct attachment_key *key, const struct attachment *seen,
                struct error *err);

#endif
