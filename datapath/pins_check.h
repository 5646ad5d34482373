/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether what is pinned under our names is what a load pins there: somebody may have put another program in its place.
 * Who can do that is root on the node and could also make one that passes; this finds what is left or mixed up.
 */
#ifndef NSP_DATAPATH_PINS_CHECK_H
#define NSP_DATAPATH_PINS_CHECK_H

#include "datapath/pins.h"

/* 0, or EUCLEAN: a program has another name, or does not share our sockets with the rest. */
int pins_check(const struct datapath *datapath, struct error *err);

#endif
