/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pod's link: see link.h. A netlink socket belongs for ever to the namespace it was made in, so the process is in
 * the pod's for one system call only.
 */
#include "cni-plugin/link.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <netlink/netlink.h>
#include <netlink/msg.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

#include "cni-plugin/code.h"
#include "lib/cleanup.h"

static void free_socket(struct nl_sock **socket)
{
    nl_socket_free(*socket);
}

static void put_link(struct rtnl_link **link)
{
    rtnl_link_put(*link);
}

#define cleanup_socket __attribute__((cleanup(free_socket)))
#define cleanup_link __attribute__((cleanup(put_link)))

static int netlink_error(struct error *err, const char *what, int rc)
{
    return error_set(err, CNI_NO_INTERFACE, "%s: %s", what, nl_geterror(rc));
}

static int connect_here(struct nl_sock **socket, struct error *err)
{
    struct nl_sock *made = nl_socket_alloc();
    int rc = made ? nl_connect(made, NETLINK_ROUTE) : -NLE_NOMEM;

    if (rc < 0) {
        nl_socket_free(made);
        return netlink_error(err, "netlink socket", rc);
    }
    nl_socket_disable_auto_ack(made); /* each answer is one message, and the last */
    *socket = made;
    return 0;
}

static int connect_in(int netns_fd, struct nl_sock **socket, struct error *err)
{
    cleanup_close int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    if (own < 0)
        return error_set(err, CNI_NO_INTERFACE, "/proc/self/ns/net: %s", strerror(errno));
    if (setns(netns_fd, CLONE_NEWNET) < 0)
        return error_set(err, CNI_NO_INTERFACE, "entering the pod's network namespace: %s", strerror(errno));

    int rc = connect_here(socket, err);

    if (setns(own, CLONE_NEWNET) == 0)
        return rc;
    if (rc == 0) {
        nl_socket_free(*socket);
        *socket = NULL;
    }
    return error_set(err, CNI_NO_INTERFACE, "leaving the pod's network namespace: %s", strerror(errno));
}

static int read_netns_id(struct nl_msg *message, void *id)
{
    struct nlattr *attribute = nlmsg_find_attr(nlmsg_hdr(message), sizeof(struct rtgenmsg), NETNSA_NSID);

    if (attribute)
        *(int *)id = nla_get_s32(attribute);
    return NL_OK;
}

/* What this namespace calls that of `netns_fd`; -1 if it has no name for it. */
static int ask_netns_id(struct nl_sock *host, int netns_fd, int *id, struct error *err)
{
    struct rtgenmsg header = {.rtgen_family = AF_UNSPEC};
    struct nl_msg *message = nlmsg_alloc_simple(RTM_GETNSID, 0);
    int rc = -NLE_NOMEM;

    *id = -1;
    nl_socket_modify_cb(host, NL_CB_VALID, NL_CB_CUSTOM, read_netns_id, id);
    if (message && nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) == 0 &&
        nla_put_s32(message, NETNSA_FD, netns_fd) == 0)
        rc = nl_send_auto(host, message);
    nlmsg_free(message);
    if (rc >= 0)
        rc = nl_recvmsgs_default(host);
    nl_socket_modify_cb(host, NL_CB_VALID, NL_CB_DEFAULT, NULL, NULL);
    return rc < 0 ? netlink_error(err, "id of the pod's network namespace", rc) : 0;
}

/* By index, or by name where that is 0; -NLE_NODEV if there is none. The caller puts the link. */
static int get_link(struct nl_sock *socket, int ifindex, const char *name, struct rtnl_link **link)
{
    int rc = rtnl_link_get_kernel(socket, ifindex, name, link);

    return rc == -NLE_OBJ_NOTFOUND || (rc >= 0 && !*link) ? -NLE_NODEV : rc;
}

static int is_pair_kind(struct rtnl_link *link)
{
    const char *kind = rtnl_link_get_type(link);

    return kind && (strcmp(kind, "veth") == 0 || strcmp(kind, "netkit") == 0);
}

/* Fills in the host's end if there is one; that there is none is no error. */
static int find_host_end(struct nl_sock *host, struct rtnl_link *pod, struct pod_link *link, struct error *err)
{
    cleanup_link struct rtnl_link *peer = NULL;
    int ifindex = rtnl_link_get_link(pod);
    int netns_id;

    /* Without an id of its namespace the other end is in the pod's. */
    if (ifindex <= 0 || link->netns_id < 0 || !is_pair_kind(pod) || rtnl_link_get_link_netnsid(pod, &netns_id) < 0)
        return 0;

    int rc = get_link(host, ifindex, NULL, &peer);

    if (rc == -NLE_NODEV)
        return 0;
    if (rc < 0)
        return netlink_error(err, "link on the host", rc);
    if (!is_pair_kind(peer) || rtnl_link_get_link(peer) != rtnl_link_get_ifindex(pod) ||
        rtnl_link_get_link_netnsid(peer, &netns_id) < 0 || netns_id != link->netns_id)
        return 0;
    link->host_ifindex = ifindex;
    snprintf(link->host_name, sizeof(link->host_name), "%s", rtnl_link_get_name(peer));
    return 0;
}

static int read_addresses(struct nl_sock *pod, int ifindex, struct addresses *addresses, struct error *err)
{
    struct nl_cache *cache;
    int rc = rtnl_addr_alloc_cache(pod, &cache);

    if (rc < 0)
        return netlink_error(err, "addresses of the pod", rc);
    for (struct nl_object *object = nl_cache_get_first(cache); object; object = nl_cache_get_next(object)) {
        struct rtnl_addr *entry = (struct rtnl_addr *)object;
        struct nl_addr *local = rtnl_addr_get_local(entry);
        __u8 address[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

        if (rtnl_addr_get_ifindex(entry) != ifindex || !local)
            continue;
        if (nl_addr_get_len(local) == 4)
            memcpy(address + 12, nl_addr_get_binary_addr(local), 4);
        else if (nl_addr_get_len(local) == 16)
            memcpy(address, nl_addr_get_binary_addr(local), 16);
        else
            continue;
        addresses_add(addresses, address);
    }
    nl_cache_free(cache);
    return 0;
}

static void read_link(struct rtnl_link *pod, struct pod_link *link)
{
    const struct nl_addr *mac = rtnl_link_get_addr(pod);
    const char *kind = rtnl_link_get_type(pod);

    if (mac && nl_addr_get_len(mac) == sizeof(link->mac))
        memcpy(link->mac, nl_addr_get_binary_addr(mac), sizeof(link->mac));
    snprintf(link->kind, sizeof(link->kind), "%s", kind ? kind : "");
}

int link_find(int netns_fd, const char *ifname, struct pod_link *link, struct addresses *addresses, struct error *err)
{
    cleanup_socket struct nl_sock *host = NULL;
    cleanup_socket struct nl_sock *pod = NULL;
    cleanup_link struct rtnl_link *pod_end = NULL;
    struct pod_link found = {0};
    int rc = connect_here(&host, err);

    if (rc == 0)
        rc = connect_in(netns_fd, &pod, err);
    if (rc < 0)
        return rc;
    rc = get_link(pod, 0, ifname, &pod_end);
    if (rc == -NLE_NODEV)
        return error_set(
            err, CNI_NO_INTERFACE,
            "the pod's network namespace has no interface \"%s\"; nsp must come after the plugin that makes "
            "it",
            ifname);
    if (rc < 0)
        return netlink_error(err, "the pod's interface", rc);
    read_link(pod_end, &found);
    rc = ask_netns_id(host, netns_fd, &found.netns_id, err);
    if (rc == 0)
        rc = find_host_end(host, pod_end, &found, err);
    if (rc == 0)
        rc = read_addresses(pod, rtnl_link_get_ifindex(pod_end), addresses, err);
    if (rc == 0)
        *link = found;
    return rc;
}
