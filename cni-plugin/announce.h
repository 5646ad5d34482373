/* SPDX-License-Identifier: Apache-2.0 */
/* Tells policyd of a pod over its socket, so that it need not wait to notice. Nothing depends on being heard. */
#ifndef NSP_CNI_PLUGIN_ANNOUNCE_H
#define NSP_CNI_PLUGIN_ANNOUNCE_H

#include <linux/types.h>

#include "lib/error.h"

/*
 * Announces a new pod and waits until policyd says that its policy is in force: 0. Otherwise, and after `timeout_ms`
 * in any case, an error (errno values) that says why the pod is still pending.
 */
int announce_added(const char *socket_path, __u32 slot, __u32 epoch, int timeout_ms, struct error *err);

/* Announces a DEL, waiting for nothing but room in the socket. Returns 0, or -errno if nobody can have heard it. */
int announce_removed(const char *socket_path, __u32 slot, __u32 epoch, int timeout_ms);

#endif
