/* SPDX-License-Identifier: Apache-2.0 */
/* The maps that each slot has of its own: flows, learnt addresses, names. Making them is record_prepare_slot(). */
#ifndef NSP_DATAPATH_RECORD_TABLES_H
#define NSP_DATAPATH_RECORD_TABLES_H

#include "datapath/pins.h"

/*
 * Deletes what a slot's last pod has learnt; flows go by themselves. Nobody could use it, since every key has its
 * pod's epoch, but it would take the room of the next one. -errno; a slot without maps: 0.
 */
int record_tables_clear(const struct datapath *datapath, __u32 slot);

#endif
