/* SPDX-License-Identifier: Apache-2.0 */
/* How the runtime called us: the CNI_* environment, checked. Reads no environment itself (main.c does). */
#ifndef NSP_CNI_PLUGIN_INVOCATION_H
#define NSP_CNI_PLUGIN_INVOCATION_H

#include <stdbool.h>

#include "lib/error.h"

/* No string is NULL: an unset variable is "". */
struct invocation {
    const char *command;
    const char *container_id;
    const char *netns;
    const char *ifname;
    const char *path;
    const char *args;
    bool netns_override; /* CNI_NETNS_OVERRIDE: the plugin's own namespace is meant */
};

enum variable {
    VARIABLE_CONTAINER_ID = 1,
    VARIABLE_NETNS = 2,
    VARIABLE_IFNAME = 4,
    VARIABLE_PATH = 8,
};

/*
 * Checks that the `required` variables (bits of enum variable) are there, naming all that are missing, and that what is
 * there is well-formed. Error code: CNI_BAD_ENVIRONMENT.
 */
int invocation_check(const struct invocation *invocation, unsigned required, struct error *err);

/* Who the pod is, as Kubernetes runtimes say in CNI_ARGS; "" where they do not. */
struct pod_name {
    char namespace_[64];
    char name[256];
    char uid[64];
};

/*
 * Parses CNI_ARGS ("K=V;K=V"), ignoring keys that are not ours whatever IgnoreUnknown says. The values go into paths
 * and records, so their characters and lengths are checked. Error code: CNI_BAD_ENVIRONMENT.
 */
int invocation_pod(const char *args, struct pod_name *pod, struct error *err);

#endif
