/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Violations of each profile's own, as the kernel counts them beside those of the pods: what it refused where it
 * enforces, and what it would have refused where it only watches. They count from when a combination of profiles came
 * in force on this node, over revisions and restarts of policyd.
 */
#ifndef NSP_POLICYD_SHARES_H
#define NSP_POLICYD_SHARES_H

#include "datapath/pins.h"
#include "policyd/sync.h"

/* Sums up the share of "namespace/name" in all policies that hold it. */
struct share shares_of_profile(const struct datapath *datapath, const struct sync *sync, const char *name);

/* For a policy number that is free again: nobody inherits its counts. 0 or -errno. */
int shares_clear(const struct datapath *datapath, __u32 policy);

#endif
