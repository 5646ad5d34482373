/* SPDX-License-Identifier: Apache-2.0 */
/* nsp_unlearnable: the ranges that the node's configuration adds to those that are never learnt. */
#ifndef NSP_POLICYD_UNLEARNABLE_H
#define NSP_POLICYD_UNLEARNABLE_H

#include "datapath/pins.h"
#include "lib/cidr.h"

/* Makes the map hold these ranges and no others. At no moment is one missing that is there before and after. */
int unlearnable_write(const struct datapath *datapath, const struct cidr *ranges, size_t count, struct error *err);

#endif
