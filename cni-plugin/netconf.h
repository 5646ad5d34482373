/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network configuration a runtime writes to the plugin's stdin: JSON in, a checked structure out. Knows every key
 * of our entry; keys it does not know are no error. What is inside prevResult is result.c's.
 */
#ifndef NSP_CNI_PLUGIN_NETCONF_H
#define NSP_CNI_PLUGIN_NETCONF_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "lib/error.h"

#define NETCONF_SIZE_MAX ((size_t)1 << 20) /* bytes of stdin */

/* Versions of the protocol we speak, oldest first. Chaining came with 0.3.0. */
enum netconf_version {
    NETCONF_0_3_0,
    NETCONF_0_3_1,
    NETCONF_0_4_0, /* CHECK */
    NETCONF_1_0_0, /* results lose ips[].version */
    NETCONF_1_1_0, /* GC and STATUS */
    NETCONF_VERSIONS,
};
extern const char *const netconf_versions[NETCONF_VERSIONS];
#define NETCONF_VERSIONS_TEXT "0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0"

enum non_veth {
    NON_VETH_CGROUP_ONLY, /* enforce at the sockets alone */
    NON_VETH_FAIL,
    NON_VETH_IGNORE, /* leave such pods alone */
};

/* Strings and JSON are borrowed from `root`. */
struct netconf {
    json_t *root;
    enum netconf_version version;
    const char *name;
    const char *bpffs;
    const char *socket;
    bool ignore_failures;            /* failurePolicy: Ignore */
    const json_t *exempt_namespaces; /* array of strings, or NULL: kube-system alone */
    enum non_veth non_veth;
    const char *cgroup_path;         /* runtimeConfig.cgroupPath; NULL: not given */
    const json_t *previous;          /* prevResult, of any type; NULL: not given */
    const json_t *valid_attachments; /* array; NULL: empty, where has_valid_attachments */
    bool has_valid_attachments;      /* GC: the runtime did send a list */
};

/* Decodes a JSON object and sets every default. Error code: CNI_UNDECODABLE. The caller calls netconf_free(). */
int netconf_decode(const char *text, size_t length, struct netconf *conf, struct error *err);

/* Checks `name` and `cniVersion`. Error codes: CNI_INVALID_CONFIG, CNI_INCOMPATIBLE_VERSION. */
int netconf_check(struct netconf *conf, struct error *err);

/*
 * Takes the keys of our entry and what the runtime added. The error (CNI_INVALID_CONFIG, or CNI_UNDECODABLE for the
 * runtime's) names key, value and what is allowed. `bpffs` and `socket` come first, so that they are right whatever
 * else is wrong: DEL goes on with them.
 */
int netconf_settings(struct netconf *conf, struct error *err);

bool netconf_exempts(const struct netconf *conf, const char *pod_namespace);

void netconf_free(struct netconf *conf);

/* The index of a version we speak, or -1. */
int netconf_version_find(const char *version);

#endif
