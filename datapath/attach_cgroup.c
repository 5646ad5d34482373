/* SPDX-License-Identifier: Apache-2.0 */
/* The socket hooks on a pod's cgroup. BPF_F_ALLOW_MULTI: other tools' programs, there or on a parent, run as well. */
#include "datapath/attach.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "datapath/program_id.h"

static const enum bpf_attach_type attach_types[PROGRAMS_OF_CGROUP] = {
    [PROGRAM_SOCK_CREATE] = BPF_CGROUP_INET_SOCK_CREATE,
    [PROGRAM_SOCK_RELEASE] = BPF_CGROUP_INET_SOCK_RELEASE,
    [PROGRAM_CONNECT4] = BPF_CGROUP_INET4_CONNECT,
    [PROGRAM_CONNECT6] = BPF_CGROUP_INET6_CONNECT,
    [PROGRAM_SENDMSG4] = BPF_CGROUP_UDP4_SENDMSG,
    [PROGRAM_SENDMSG6] = BPF_CGROUP_UDP6_SENDMSG,
    [PROGRAM_BIND4] = BPF_CGROUP_INET4_BIND,
    [PROGRAM_BIND6] = BPF_CGROUP_INET6_BIND,
    [PROGRAM_SOCKOPS] = BPF_CGROUP_SOCK_OPS,
    [PROGRAM_INGRESS] = BPF_CGROUP_INET_INGRESS,
};

static int detach(const struct datapath *datapath, int cgroup_fd, int program)
{
    /* Without a program the kernel would take off another's. */
    if (datapath->programs[program] < 0)
        return -EBADF;
    if (bpf_prog_detach2(datapath->programs[program], cgroup_fd, attach_types[program]) == 0)
        return 0;
    return errno == ENOENT ? 0 : -errno;
}

/* 1 attached by us now, 0 was attached before, <0 -errno. */
static int attach(const struct datapath *datapath, int cgroup_fd, int program)
{
    int fd = datapath->programs[program];

    if (bpf_prog_attach(fd, cgroup_fd, attach_types[program], BPF_F_ALLOW_MULTI) == 0)
        return 1;

    int failure = -errno;

    /* The kernel says EINVAL to a program that is there already, as to much else. */
    return program_id_attached(fd, cgroup_fd, attach_types[program]) == 1 ? 0 : failure;
}

int attach_cgroup(const struct datapath *datapath, int cgroup_fd, struct error *err)
{
    bool is_new[PROGRAMS_OF_CGROUP] = {0};

    for (int i = 0; i < PROGRAMS_OF_CGROUP; i++) {
        int rc = attach(datapath, cgroup_fd, i);

        is_new[i] = rc == 1;
        if (rc >= 0)
            continue;
        for (int j = 0; j < i; j++) {
            if (is_new[j])
                detach(datapath, cgroup_fd, j);
        }
        return error_set(
            err, -rc, "cannot attach %s to the pod's cgroup: %s%s", pins_program_name(i), strerror(-rc),
            rc == -EPERM ? "; a parent cgroup holds a program that allows no other, see `bpftool cgroup tree`" : "");
    }
    return 0;
}

int attach_cgroup_undo(const struct datapath *datapath, int cgroup_fd, struct error *err)
{
    int failure = 0;

    for (int i = 0; i < PROGRAMS_OF_CGROUP; i++) {
        int rc = detach(datapath, cgroup_fd, i);

        if (rc < 0 && !failure)
            failure =
                error_set(err, -rc, "cannot detach %s from the pod's cgroup: %s", pins_program_name(i), strerror(-rc));
    }
    return failure;
}

int attach_cgroup_present(const struct datapath *datapath, int cgroup_fd)
{
    for (int i = 0; i < PROGRAMS_OF_CGROUP; i++) {
        int is_attached = program_id_attached(datapath->programs[i], cgroup_fd, attach_types[i]);

        if (is_attached != 1)
            return is_attached;
    }
    return 1;
}
