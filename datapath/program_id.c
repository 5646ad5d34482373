/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/program_id.h"

#include <errno.h>

#include <bpf/bpf.h>

#define ATTACHED_MAX 64 /* the kernel's own limit on a cgroup and, with tcx, on a device */

__u32 program_id_get(int program_fd)
{
    struct bpf_prog_info info = {0};
    __u32 size = sizeof(info);

    return bpf_obj_get_info_by_fd(program_fd, &info, &size) ? 0 : info.id;
}

int program_id_attached(int program_fd, int target, int type)
{
    __u32 ids[ATTACHED_MAX], count = ATTACHED_MAX, flags = 0;
    __u32 own = program_id_get(program_fd);

    if (!own)
        return -errno;
    if (bpf_prog_query(target, type, 0, &flags, ids, &count))
        return errno == ENOENT ? 0 : -errno;
    for (__u32 i = 0; i < count; i++) {
        if (ids[i] == own)
            return 1;
    }
    return 0;
}
