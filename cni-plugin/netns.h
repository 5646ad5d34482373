/* SPDX-License-Identifier: Apache-2.0 */
/* The pod's network namespace, by the path in CNI_NETNS. */
#ifndef NSP_CNI_PLUGIN_NETNS_H
#define NSP_CNI_PLUGIN_NETNS_H

#include <linux/types.h>
#include <stdbool.h>

#include "lib/error.h"

/*
 * Opens a network namespace that is not this process's own, unless `own_allowed`; *inode identifies it. Returns the
 * descriptor, which the caller closes. Error code: CNI_INVALID_NETNS.
 */
int netns_open(const char *path, bool own_allowed, __u64 *inode, struct error *err);

#endif
