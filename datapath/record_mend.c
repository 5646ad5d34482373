/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/record_mend.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "datapath/attach.h"
#include "datapath/cgroup_id.h"
#include "datapath/pins_lock.h"
#include "datapath/record.h"
#include "lib/cleanup.h"

static bool is_veth_whole(const struct datapath *datapath, const struct attachment *attachment)
{
    int present = attach_veth_present(datapath, attachment->ifindex, attachment->slot);

    return present < 0 || present & ATTACHED_TCX || ((__u32)present & attachment->flags) == attachment->flags;
}

/* 1 or 0; <0: it cannot be told. */
static int is_cgroup_whole(const struct datapath *datapath, const struct pod *pod)
{
    cleanup_close int fd = pod->cgroup_id ? cgroup_id_open(pod->cgroup_id) : -ENOENT;

    return fd < 0 ? fd : attach_cgroup_present(datapath, fd);
}

/* Flags are written when an ADD has attached all. */
static bool is_unfinished(const struct attachment *attachment)
{
    return attachment->ifindex && !attachment->flags;
}

bool record_is_whole(const struct datapath *datapath, const struct attachment *attachment)
{
    struct pod pod = {0};

    if (is_unfinished(attachment) || record_pod(datapath, attachment->slot, &pod) || pod.epoch != attachment->epoch)
        return true;
    if (is_cgroup_whole(datapath, &pod) == 0)
        return false;
    return !attachment->ifindex || record_has_lost_veth(datapath, attachment) || is_veth_whole(datapath, attachment);
}

static int mend_cgroup(const struct datapath *datapath, const struct attachment *attachment, struct error *err)
{
    struct pod pod = {0};

    if (record_pod(datapath, attachment->slot, &pod))
        return 0;

    cleanup_close int fd = pod.cgroup_id ? cgroup_id_open(pod.cgroup_id) : -ENOENT;

    if (fd < 0)
        return 0;

    int rc = attach_cgroup(datapath, fd, err);

    return rc ? rc : record_bind_cgroup(datapath, pod.cgroup_id, attachment->slot, attachment->epoch, err);
}

static int mend_veth(const struct datapath *datapath, const struct attachment_key *key, struct attachment *attachment,
                     struct error *err)
{
    int rc = attach_veth(datapath, attachment->ifindex, attachment->slot, &attachment->flags, err);

    if (rc == 0 && bpf_map_update_elem(datapath->maps[MAP_ATTACHED], key, attachment, BPF_EXIST))
        rc = error_set(err, errno, "%s: cannot write an entry: %s", pins_map_name(MAP_ATTACHED), strerror(errno));
    return rc;
}

int record_mend(const struct datapath *datapath, const struct attachment_key *key, const struct attachment *seen,
                struct error *err)
{
    struct attachment attachment = {0};
    cleanup_close int lock = pins_lock(datapath->directory, err);
    int rc;

    if (lock < 0)
        return lock;
    if (record_find(datapath, key, &attachment) || !record_is_same(&attachment, seen) ||
        record_is_whole(datapath, &attachment))
        return 0;
    rc = mend_cgroup(datapath, &attachment, err);
    if (rc == 0 && attachment.ifindex && !is_veth_whole(datapath, &attachment))
        rc = mend_veth(datapath, key, &attachment, err);
    return rc < 0 ? rc : 1;
}
