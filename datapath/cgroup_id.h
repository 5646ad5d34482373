/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cgroup by its id. The id (64 bits, the inode on cgroup2) is never used twice and means the same in every cgroup and
 * mount namespace, which a path does not.
 */
#ifndef NSP_DATAPATH_CGROUP_ID_H
#define NSP_DATAPATH_CGROUP_ID_H

#include <linux/types.h>

/* A descriptor of the directory on cgroup2; -ESTALE: there is no such cgroup any more; other errors: cannot say. */
int cgroup_id_open(__u64 id);

#endif
