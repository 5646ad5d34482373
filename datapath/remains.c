/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/remains.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath/attach.h"
#include "datapath/attach_tc.h"
#include "datapath/cgroup_id.h"
#include "datapath/pins.h"
#include "lib/cleanup.h"

#define ADVICE                                                                                                         \
    "what is still attached is in `bpftool cgroup tree` and `tc filter show`, under names that begin with nsp_"

/* Without nsp_control nothing says of which ABI a map is but its sizes. */
static void keep_if_sized(int *fd, __u32 key_size, __u32 value_size)
{
    struct bpf_map_info info = {0};
    __u32 size = sizeof(info);

    if (*fd < 0 ||
        (bpf_obj_get_info_by_fd(*fd, &info, &size) == 0 && info.key_size == key_size && info.value_size == value_size))
        return;
    close(*fd);
    *fd = -1;
}

static const char *missing_program(const struct datapath *datapath)
{
    for (int i = 0; i < PROGRAMS_OF_CGROUP; i++) {
        if (datapath->programs[i] < 0)
            return pins_program_name(i);
    }
    return NULL;
}

static int detach_cgroup(const struct datapath *datapath, __u64 cgroup_id, struct error *err)
{
    cleanup_close int fd = cgroup_id ? cgroup_id_open(cgroup_id) : -ESTALE;

    if (fd == -ESTALE)
        return 0;
    if (fd < 0)
        return error_set(err, -fd, "cannot open the cgroup with id %llu: %s", (unsigned long long)cgroup_id,
                         strerror(-fd));
    return attach_cgroup_undo(datapath, fd, err);
}

/* By nsp_ids, or where that is missing by nsp_pods, which has the id of each pod too. */
static int detach_cgroups(const struct datapath *datapath, struct error *err)
{
    int ids = datapath->maps[MAP_IDS], pods = datapath->maps[MAP_PODS], failure = 0;
    struct error second;
    __u64 id = 0;

    if (ids < 0 && pods < 0)
        return error_set(err, EUCLEAN, "%s and %s are missing, which name the pods' cgroups", pins_map_name(MAP_IDS),
                         pins_map_name(MAP_PODS));
    for (void *last = NULL; ids >= 0 && bpf_map_get_next_key(ids, last, &id) == 0; last = &id) {
        int rc = detach_cgroup(datapath, id, failure ? &second : err);

        failure = failure ? failure : rc;
    }
    for (__u32 slot = 1; ids < 0 && slot < NSP_PODS_MAX; slot++) {
        struct pod pod = {0};
        int rc = bpf_map_lookup_elem(pods, &slot, &pod)
                     ? 0
                     : detach_cgroup(datapath, pod.cgroup_id, failure ? &second : err);

        failure = failure ? failure : rc;
    }
    return failure;
}

static int detach_by_attachments(const struct datapath *datapath, struct error *err)
{
    int map = datapath->maps[MAP_ATTACHED], failure = 0;
    struct attachment_key key;
    struct error second;

    for (void *last = NULL; bpf_map_get_next_key(map, last, &key) == 0; last = &key) {
        struct attachment attachment = {0};

        if (bpf_map_lookup_elem(map, &key, &attachment) || !attachment.ifindex)
            continue;

        int rc = attach_veth_undo(datapath, attachment.ifindex, attachment.slot, failure ? &second : err);

        failure = failure ? failure : rc;
    }
    return failure;
}

/* Without slots: links go with their pins. */
static int detach_by_devices(const struct datapath *datapath, struct error *err)
{
    int map = datapath->maps[MAP_IFS], failure = 0;
    struct error second;
    __u32 ifindex;

    if (map < 0)
        return error_set(err, EUCLEAN, "%s and %s are missing, which name the pods' veths", pins_map_name(MAP_ATTACHED),
                         pins_map_name(MAP_IFS));
    for (void *last = NULL; bpf_map_get_next_key(map, last, &ifindex) == 0; last = &ifindex) {
        int rc = attach_tc_remove(ifindex, failure ? &second : err);

        failure = failure ? failure : rc;
    }
    return failure;
}

int remains_detach(const char *directory, struct error *err)
{
    struct datapath datapath;
    struct error unread;
    const char *missing;
    int failure, rc;

    pins_open_remains(&datapath, directory);
    keep_if_sized(&datapath.maps[MAP_IDS], sizeof(__u64), sizeof(struct pod_ref));
    keep_if_sized(&datapath.maps[MAP_PODS], sizeof(__u32), sizeof(struct pod));
    keep_if_sized(&datapath.maps[MAP_IFS], sizeof(__u32), sizeof(struct iface));
    keep_if_sized(&datapath.maps[MAP_ATTACHED], sizeof(struct attachment_key), sizeof(struct attachment));
    missing = missing_program(&datapath);
    failure = detach_cgroups(&datapath, err);
    if (failure && missing)
        failure = error_set(err, EUCLEAN, "%s is missing and stays on the pods' cgroups", missing);
    rc = datapath.maps[MAP_ATTACHED] >= 0 ? detach_by_attachments(&datapath, failure ? &unread : err)
                                          : detach_by_devices(&datapath, failure ? &unread : err);
    pins_close(&datapath);
    failure = failure ? failure : rc;
    if (failure)
        error_wrap(err, "%s was not whole; " ADVICE, directory);
    return failure;
}
