/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The veth's programs as clsact filters: 0.1 ms, on every kernel. Adds a clsact qdisc where there is none and never
 * removes one, because others' filters live in it too. What is ours is told by handle and name together.
 */
#ifndef NSP_DATAPATH_ATTACH_TC_H
#define NSP_DATAPATH_ATTACH_TC_H

#include <stdbool.h>

#include "datapath/pins.h"

/*
 * Adds both filters; those that are there get our program. *flags receives enum attachment_flags.
 * must_be_first: -EBUSY, with nothing changed, where another kind of filter holds the first priority or a qdisc of kind
 * "ingress" is there. Otherwise ours come behind the former, and beside the latter only the one from the pod fits,
 * which *flags says. On any other failure no filter of ours is left.
 */
int attach_tc_add(const struct datapath *datapath, __u32 ifindex, bool must_be_first, __u32 *flags, struct error *err);

/* Removes our filters. None there, or no such device any more: success. */
int attach_tc_remove(__u32 ifindex, struct error *err);

/* Which directions have a filter with the program we hold: enum attachment_flags. <0: cannot say. */
int attach_tc_present(const struct datapath *datapath, __u32 ifindex);

#endif
