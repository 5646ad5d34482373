/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ADD: the record first, as PENDING, then the cgroup's programs, then the veth's: at no moment is something attached
 * whose pod the programs do not know, and a kill at any point leaves only what DEL finds by the record.
 */
#include "cni-plugin/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cni-plugin/announce.h"
#include "cni-plugin/cgroup.h"
#include "cni-plugin/code.h"
#include "cni-plugin/key.h"
#include "cni-plugin/link.h"
#include "cni-plugin/netns.h"
#include "cni-plugin/result.h"
#include "datapath/attach.h"
#include "datapath/record.h"
#include "lib/cleanup.h"
#include "lib/log.h"

#define READY_TIMEOUT_MS 1000

/* All that ADD knows of the pod. */
struct addition {
    const struct invocation *invocation;
    const struct netconf *conf;
    struct pod_name name;
    bool tolerant; /* failurePolicy Ignore, or an exempt namespace: the pod starts whatever happens to us */
    __u64 netns_inode;
    struct pod_link link;
    struct addresses addresses;
    struct cgroup cgroup;
};

/* The pod for messages: namespace/name, or the container where CNI_ARGS do not say. */
static const char *pod_text(const struct addition *addition, char text[330])
{
    if (addition->name.name[0] == '\0')
        return addition->invocation->container_id;
    snprintf(text, 330, "%s/%s", addition->name.namespace_, addition->name.name);
    return text;
}

static void fill_request(const struct addition *addition, struct record_request *request)
{
    const struct invocation *invocation = addition->invocation;
    const struct pod_link *link = &addition->link;
    struct attachment *attachment = &request->attachment;
    struct pod *pod = &request->pod;

    memset(request, 0, sizeof(*request));
    request->key = key_of(invocation->container_id, invocation->ifname);
    request->open = addition->tolerant;
    request->iface.netns_id = link->netns_id;

    attachment->ifindex = (__u32)link->host_ifindex;
    attachment->netns_inode = addition->netns_inode;
    snprintf(attachment->host_ifname, sizeof(attachment->host_ifname), "%s", link->host_name);
    snprintf(attachment->network, sizeof(attachment->network), "%s", addition->conf->name);
    snprintf(attachment->netns, sizeof(attachment->netns), "%s", invocation->netns);

    pod->cgroup_id = addition->cgroup.id;
    pod->address_count = addition->addresses.count;
    memcpy(pod->addresses, addition->addresses.list, sizeof(pod->addresses));
    result_gateways(addition->conf, invocation->ifname, pod->gateways);
    memcpy(pod->mac, link->mac, sizeof(pod->mac));
    snprintf(pod->namespace_, sizeof(pod->namespace_), "%s", addition->name.namespace_);
    snprintf(pod->name, sizeof(pod->name), "%s", addition->name.name);
    snprintf(pod->uid, sizeof(pod->uid), "%s", addition->name.uid);
    snprintf(pod->container_id, sizeof(pod->container_id), "%s", invocation->container_id);
    snprintf(pod->cgroup_path, sizeof(pod->cgroup_path), "%s", addition->cgroup.path);
}

static int datapath_error(struct error *err, const char *what)
{
    error_wrap(err, "%s", what);
    err->code = CNI_NO_DATAPATH;
    return -err->code;
}

/* On a qdisc of kind "ingress", where the kernel has no tcx, there is no place for packets to the pod. */
static void warn_of_half(const char *host_ifname, __u32 flags)
{
    const __u32 both = ATTACHED_CLSACT_FROM_POD | ATTACHED_CLSACT_TO_POD;

    if (!(flags & ATTACHED_TCX) && (flags & both) != both)
        log_warning("ifname=%s has another tool's ingress qdisc: packets to the pod are judged at its sockets alone",
                    host_ifname);
}

/* Records and attaches. On failure nothing of it is left. */
static int attach(const struct datapath *datapath, const struct addition *addition, struct record_request *request,
                  struct error *err)
{
    struct attachment *attachment = &request->attachment;

    if (record_add(datapath, request, err) < 0)
        return datapath_error(err, "recording the pod");
    if (attach_cgroup(datapath, addition->cgroup.fd, err) < 0)
        goto undo;
    if (record_bind_cgroup(datapath, addition->cgroup.id, attachment->slot, attachment->epoch, err) < 0)
        goto undo;
    if (attachment->ifindex) {
        if (attach_veth(datapath, attachment->ifindex, attachment->slot, &attachment->flags, err) < 0)
            goto undo;
        warn_of_half(attachment->host_ifname, attachment->flags);
    }
    /* Says also whether the record is still there: `policyd --remove` may have taken it, and the pins. */
    if (record_set_flags(datapath, &request->key, attachment, err) < 0)
        goto undo;
    return 0;
undo:
    record_undo(datapath, request, addition->cgroup.fd);
    return datapath_error(err, "attaching to the pod");
}

static int open_datapath(struct datapath *datapath, const char *directory, struct error *err)
{
    if (pins_open(datapath, directory, err) == 0)
        return 0;
    err->code = err->code == ENOENT ? CNI_TRY_LATER : CNI_NO_DATAPATH;
    return -err->code;
}

/* Finds the pod's link. Returns 1 if there is a pod to protect, 0 if nonVeth says to leave this one alone. */
static int find_link(struct addition *addition, int netns_fd, struct error *err)
{
    const char *ifname = addition->invocation->ifname;
    struct pod_link *link = &addition->link;
    int rc = link_find(netns_fd, ifname, link, &addition->addresses, err);

    if (rc < 0)
        return rc;
    result_addresses(addition->conf, ifname, &addition->addresses);
    if (addition->addresses.left_out)
        log_warning("ifname=%s has %u addresses more than the %d that are recorded", ifname,
                    addition->addresses.left_out, NSP_ADDRESSES_MAX);
    if (link->host_ifindex || addition->conf->non_veth == NON_VETH_CGROUP_ONLY)
        return 1;
    if (addition->conf->non_veth == NON_VETH_IGNORE)
        return 0;
    return error_set(err, CNI_NO_INTERFACE,
                     "interface \"%s\" (%s) has no veth peer in the host's network namespace, and nonVeth is \"fail\"; "
                     "with \"cgroup-only\" such pods are judged at their sockets alone",
                     ifname, link->kind[0] ? link->kind : "a device");
}

static int protect(struct addition *addition, int netns_fd, struct error *err)
{
    const struct netconf *conf = addition->conf;
    struct record_request request;
    struct datapath datapath;
    struct error pending;
    char text[330];
    int rc = find_link(addition, netns_fd, err);

    if (rc <= 0)
        return rc;
    rc = cgroup_find(CGROUP_MOUNTS, conf->cgroup_path, addition->name.uid, &addition->cgroup, err);
    if (rc < 0)
        return rc;
    fill_request(addition, &request);
    pins_init(&datapath);
    rc = open_datapath(&datapath, conf->bpffs, err);
    if (rc == 0)
        rc = attach(&datapath, addition, &request, err);
    pins_close(&datapath);
    close(addition->cgroup.fd);
    if (rc == 0 &&
        announce_added(conf->socket, request.attachment.slot, request.attachment.epoch, READY_TIMEOUT_MS, &pending) < 0)
        log_warning("pod=%s stays pending: %s", pod_text(addition, text), pending.msg);
    return rc;
}

int commands_add(const struct invocation *invocation, const struct netconf *conf, json_t **output, struct error *err)
{
    struct addition addition = {.invocation = invocation, .conf = conf};
    char text[330];
    int rc = result_check(conf, err);

    if (rc == 0)
        rc = invocation_pod(invocation->args, &addition.name, err);
    if (rc < 0)
        return rc;

    cleanup_close int netns_fd = netns_open(invocation->netns, invocation->netns_override, &addition.netns_inode, err);

    if (netns_fd < 0)
        return netns_fd;

    json_auto_t *result = result_pass(conf);

    if (!result)
        return error_set(err, CNI_NO_DATAPATH, "out of memory");
    addition.tolerant = conf->ignore_failures || netconf_exempts(conf, addition.name.namespace_);
    rc = protect(&addition, netns_fd, err);
    if (rc < 0 && !addition.tolerant)
        return rc;
    if (rc < 0)
        log_warning("pod=%s is not watched: %s", pod_text(&addition, text), err->msg);
    *output = TAKE_PTR(result);
    return 0;
}
