/* SPDX-License-Identifier: Apache-2.0 */
/* cls_bpf filters and qdiscs by rtnetlink. libnl-route 3.7 has no cls_bpf, so the messages are built here. */
#ifndef NSP_DATAPATH_TC_NETLINK_H
#define NSP_DATAPATH_TC_NETLINK_H

#include <linux/types.h>

struct nl_sock;

struct tc_filter {
    __u32 ifindex;
    __u32 parent;
    __u32 handle;
    __u32 priority;
    __u16 protocol_be;
    char kind[16];
    char name[64];    /* of a bpf filter, "" otherwise */
    __u32 program_id; /* likewise, 0 */
    int program_fd;   /* to add one */
    __u32 classid;    /* likewise: what its program finds in skb->tc_classid */
};

/* Returns -errno. The caller frees with nl_socket_free(). */
int tc_netlink_open(struct nl_sock **sock);

/* -EEXIST: a clsact qdisc, or one of kind "ingress", is there. */
int tc_netlink_add_clsact(struct nl_sock *sock, __u32 ifindex);

/* The kind of qdisc where clsact would be; -ENOENT: none. */
int tc_netlink_clsact_kind(struct nl_sock *sock, __u32 ifindex, char kind[16]);

/* Calls `visit` for each filter of one parent, by ascending priority. */
int tc_netlink_filters(struct nl_sock *sock, __u32 ifindex, __u32 parent,
                       void (*visit)(const struct tc_filter *filter, void *context), void *context);

/* A direct-action bpf filter. replace: 0: -EEXIST where its priority and handle are taken. */
int tc_netlink_add_filter(struct nl_sock *sock, const struct tc_filter *filter, int replace);

int tc_netlink_delete_filter(struct nl_sock *sock, const struct tc_filter *filter);

#endif
