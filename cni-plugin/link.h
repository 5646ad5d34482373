/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pod's link and its other end on this host, as the kernel says: results of other plugins name host links in any
 * order, or wrongly, or not at all.
 */
#ifndef NSP_CNI_PLUGIN_LINK_H
#define NSP_CNI_PLUGIN_LINK_H

#include "cni-plugin/result.h"
#include "lib/error.h"

struct pod_link {
    int host_ifindex;   /* 0: the pod's link has no other end in this network namespace */
    char host_name[16]; /* "" likewise */
    int netns_id;       /* the pod's network namespace as this one names it; -1: it has no name for it */
    char kind[16];      /* "veth"; "" for a hardware device */
    __u8 mac[6];        /* of the pod's end */
};

/*
 * Looks up `ifname` in the namespace of `netns_fd` and adds its addresses, of any scope and state. The other end is
 * believed only if it is a veth or netkit whose own other end is this link in that very namespace: indexes alone
 * collide between namespaces. Error code: CNI_NO_INTERFACE.
 */
int link_find(int netns_fd, const char *ifname, struct pod_link *link, struct addresses *addresses, struct error *err);

#endif
