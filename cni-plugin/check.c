/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CHECK: whether everything that ADD made is still there and still meant for this pod. That policyd is down is no
 * failure: the kernel judges without it, and CRI-O runs CHECK after every ADD and kills the pod that fails it.
 */
#include "cni-plugin/commands.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "cni-plugin/cgroup.h"
#include "cni-plugin/code.h"
#include "cni-plugin/key.h"
#include "cni-plugin/link.h"
#include "cni-plugin/netns.h"
#include "datapath/attach.h"
#include "datapath/record.h"
#include "lib/cleanup.h"

struct examination {
    const struct datapath *datapath;
    const struct attachment *attachment;
    struct pod pod;
};

static int broken(struct error *err, const char *what)
{
    return error_set(err, CNI_BROKEN, "%s; the pod has to be made anew", what);
}

static int check_record(struct examination *examination, struct error *err)
{
    const struct attachment *attachment = examination->attachment;
    const struct datapath *datapath = examination->datapath;
    struct pod_ref ref;
    struct iface iface;

    if (record_pod(datapath, attachment->slot, &examination->pod) < 0 || examination->pod.epoch != attachment->epoch)
        return broken(err, "the record of the pod is gone");
    if (bpf_map_lookup_elem(datapath->maps[MAP_IDS], &examination->pod.cgroup_id, &ref) < 0 ||
        ref.slot != attachment->slot || ref.epoch != attachment->epoch)
        return broken(err, "the entry of the pod's cgroup is missing in nsp_ids");
    if (attachment->ifindex && (bpf_map_lookup_elem(datapath->maps[MAP_IFS], &attachment->ifindex, &iface) < 0 ||
                                iface.slot != attachment->slot || iface.epoch != attachment->epoch))
        return broken(err, "the entry of the pod's interface is missing in nsp_ifs");
    return 0;
}

static int check_cgroup(const struct examination *examination, struct error *err)
{
    struct cgroup cgroup;
    int rc = cgroup_open(CGROUP_MOUNTS, examination->pod.cgroup_path, &cgroup, err);

    if (rc < 0)
        return rc;

    int present = attach_cgroup_present(examination->datapath, cgroup.fd);

    close(cgroup.fd);
    if (cgroup.id != examination->pod.cgroup_id)
        return broken(err, "the pod's cgroup is another one than at ADD");
    return present == 1 ? 0 : broken(err, "programs are missing on the pod's cgroup");
}

static int check_link(const struct examination *examination, const struct pod_link *link, struct error *err)
{
    const struct attachment *attachment = examination->attachment;
    if ((__u32)link->host_ifindex != attachment->ifindex)
        return broken(err, "the pod's interface has another peer than at ADD");
    if (attachment->ifindex == 0)
        return 0;

    int present = attach_veth_present(examination->datapath, attachment->ifindex, attachment->slot);

    /* policyd may have replaced filters by links since. */
    if (present >= 0 && (present & ATTACHED_TCX || ((__u32)present & attachment->flags) == attachment->flags))
        return 0;
    return broken(err, "programs are missing on the host's end of the pod's interface");
}

/* Whether ADD may have let the pod pass without a record. */
static bool may_be_unknown(const struct netconf *conf, const struct pod_name *name, const struct pod_link *link)
{
    return conf->ignore_failures || netconf_exempts(conf, name->namespace_) ||
           (conf->non_veth == NON_VETH_IGNORE && link->host_ifindex == 0);
}

static int examine(const struct datapath *datapath, const struct attachment *attachment, const struct pod_link *link,
                   struct error *err)
{
    struct examination examination = {.datapath = datapath, .attachment = attachment};
    int rc = check_record(&examination, err);

    if (rc == 0)
        rc = check_cgroup(&examination, err);
    return rc < 0 ? rc : check_link(&examination, link, err);
}

/* Finds the attachment and examines it; without one all depends on `unknown_allowed`. */
static int check_attachment(const struct invocation *invocation, const struct netconf *conf,
                            const struct pod_link *link, bool unknown_allowed, struct error *err)
{
    struct attachment_key key = key_of(invocation->container_id, invocation->ifname);
    struct attachment attachment;
    struct datapath datapath;
    int rc;

    pins_init(&datapath);
    if (pins_open(&datapath, conf->bpffs, err) < 0) {
        if (unknown_allowed)
            return 0;
        err->code = err->code == ENOENT ? CNI_TRY_LATER : CNI_NO_DATAPATH;
        return -err->code;
    }
    if (record_find(&datapath, &key, &attachment) == 0)
        rc = examine(&datapath, &attachment, link, err);
    else
        rc = unknown_allowed ? 0 : broken(err, "this attachment is not recorded");
    pins_close(&datapath);
    return rc;
}

int commands_check(const struct invocation *invocation, const struct netconf *conf, json_t **output, struct error *err)
{
    struct addresses addresses = {0};
    struct pod_name name;
    struct pod_link link;
    __u64 inode;
    int rc = result_check(conf, err);

    (void)output;
    if (rc == 0)
        rc = invocation_pod(invocation->args, &name, err);
    if (rc < 0)
        return rc;

    cleanup_close int netns_fd = netns_open(invocation->netns, invocation->netns_override, &inode, err);

    if (netns_fd < 0)
        return netns_fd;
    rc = link_find(netns_fd, invocation->ifname, &link, &addresses, err);
    if (rc < 0)
        return rc;
    return check_attachment(invocation, conf, &link, may_be_unknown(conf, &name, &link), err);
}
