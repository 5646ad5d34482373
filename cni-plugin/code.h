/* SPDX-License-Identifier: Apache-2.0 */
/* The `code` of the plugin's errors: below 100 as the CNI specification numbers them, from 100 on our own. */
#ifndef NSP_CNI_PLUGIN_CODE_H
#define NSP_CNI_PLUGIN_CODE_H

enum cni_code {
    CNI_INCOMPATIBLE_VERSION = 1,
    CNI_BAD_ENVIRONMENT = 4,
    CNI_IO_FAILURE = 5,
    CNI_UNDECODABLE = 6,
    CNI_INVALID_CONFIG = 7,
    CNI_INVALID_NETNS = 8,
    CNI_TRY_LATER = 11,
    CNI_NOT_AVAILABLE = 50,
    CNI_NO_INTERFACE = 100, /* the pod's link is missing, or has no end on this host and nonVeth says fail */
    CNI_NO_CGROUP = 101,    /* the pod's cgroup cannot be told, or is not on cgroup v2 */
    CNI_NO_DATAPATH = 102,  /* the pinned datapath cannot be used, or refused */
    CNI_BROKEN = 103,       /* CHECK: something of the attachment is missing */
};

#endif
