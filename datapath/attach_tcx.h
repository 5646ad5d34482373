/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The veth's programs as tcx links (Linux >= 6.6), first in line and pinned as links/<slot>-<ifindex>-in and -eg. A
 * neighbour that deletes clsact does not take them away. Attaching and detaching wait for RCU.
 */
#ifndef NSP_DATAPATH_ATTACH_TCX_H
#define NSP_DATAPATH_ATTACH_TCX_H

#include <stdbool.h>

#include "datapath/pins.h"

/* Both directions or none. What is attached already is success. */
int attach_tcx_add(const struct datapath *datapath, __u32 ifindex, __u32 slot, struct error *err);

/* Detaches and unlinks. Not there, or no such device any more: success. */
int attach_tcx_remove(const struct datapath *datapath, __u32 ifindex, __u32 slot, struct error *err);

/* Whether both directions run. <0: cannot say. */
int attach_tcx_present(const struct datapath *datapath, __u32 ifindex);

#endif
