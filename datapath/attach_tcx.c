/* SPDX-License-Identifier: Apache-2.0 */
/* libbpf 1.1 and the headers of Linux 6.1 know no tcx; bpf_link_create() passes on what they do not know. */
#include "datapath/attach_tcx.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath/attach.h"
#include "datapath/program_id.h"
#include "lib/cleanup.h"

#define TCX_INGRESS 46   /* BPF_TCX_INGRESS */
#define TCX_EGRESS 47    /* BPF_TCX_EGRESS */
#define BEFORE (1U << 3) /* BPF_F_BEFORE: without a relative it means the head */
#define LOOPBACK_IFINDEX 1

struct side {
    enum pins_program program;
    int type;
    const char *suffix;
};

static const struct side sides[DIRECTIONS] = {
    [EGRESS] = {PROGRAM_FROM_POD, TCX_INGRESS, "in"},
    [INGRESS] = {PROGRAM_TO_POD, TCX_EGRESS, "eg"},
};

static void pin_path(const struct datapath *datapath, __u32 ifindex, __u32 slot, const struct side *side,
                     char path[256])
{
    snprintf(path, 256, "%s/links/%u-%u-%s", datapath->directory, slot, ifindex, side->suffix);
}

bool attach_has_tcx(void)
{
    __u32 flags, count = 0;

    return bpf_prog_query(LOOPBACK_IFINDEX, TCX_INGRESS, 0, &flags, NULL, &count) == 0 || errno != EINVAL;
}

static int remove_side(const struct datapath *datapath, __u32 ifindex, __u32 slot, const struct side *side,
                       struct error *err)
{
    char path[256];

    pin_path(datapath, ifindex, slot, side, path);

    cleanup_close int fd = bpf_obj_get(path);

    if (fd < 0 && errno == ENOENT)
        return 0;
    /* Unlinking alone would leave the detaching to a worker of the kernel. A vanished device has detached already. */
    if (fd >= 0)
        bpf_link_detach(fd);
    if (unlink(path) && errno != ENOENT)
        return error_set(err, errno, "%s: cannot unlink it: %s", path, strerror(errno));
    return 0;
}

static int add_side(const struct datapath *datapath, __u32 ifindex, __u32 slot, const struct side *side,
                    struct error *err)
{
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = BEFORE);
    int program_fd = datapath->programs[side->program];
    char path[256];

    if (program_id_attached(program_fd, (int)ifindex, side->type) == 1)
        return 0;
    /* A pin of a former device with this number. */
    if (remove_side(datapath, ifindex, slot, side, err))
        return -err->code;

    cleanup_close int fd = bpf_link_create(program_fd, (int)ifindex, side->type, &options);

    if (fd < 0)
        return error_set(err, errno, "cannot attach %s by tcx to device %u: %s", pins_program_name(side->program),
                         ifindex, strerror(errno));
    pin_path(datapath, ifindex, slot, side, path);
    if (bpf_obj_pin(fd, path))
        return error_set(err, errno, "%s: cannot pin the tcx link: %s", path, strerror(errno));
    return 0;
}

int attach_tcx_add(const struct datapath *datapath, __u32 ifindex, __u32 slot, struct error *err)
{
    struct error unread;

    err = err ? err : &unread;
    for (int i = 0; i < DIRECTIONS; i++) {
        if (add_side(datapath, ifindex, slot, &sides[i], err) == 0)
            continue;
        attach_tcx_remove(datapath, ifindex, slot, NULL);
        return -err->code;
    }
    return 0;
}

int attach_tcx_remove(const struct datapath *datapath, __u32 ifindex, __u32 slot, struct error *err)
{
    struct error second;
    int failure = 0;

    for (int i = 0; i < DIRECTIONS; i++) {
        int rc = remove_side(datapath, ifindex, slot, &sides[i], failure ? &second : err);

        failure = failure ? failure : rc;
    }
    return failure;
}

int attach_tcx_present(const struct datapath *datapath, __u32 ifindex)
{
    for (int i = 0; i < DIRECTIONS; i++) {
        int is_attached = program_id_attached(datapath->programs[sides[i].program], (int)ifindex, sides[i].type);

        /* EINVAL: a kernel without tcx. */
        if (is_attached != 1)
            return is_attached == -EINVAL || is_attached == -ENODEV ? 0 : is_attached;
    }
    return 1;
}
