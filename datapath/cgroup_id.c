/* SPDX-License-Identifier: Apache-2.0 */
/* kernfs (Linux >= 5.5) exports its nodes as file handles that consist of their id: exact, and no walk of a path. */
#include "datapath/cgroup_id.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"

#define FILEID_KERNFS 0xfe

static int open_cgroup2(void)
{
    char strings[4096];
    struct mntent entry;
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    int fd = -ENOENT;

    if (!mounts)
        return -errno;
    while (fd < 0 && getmntent_r(mounts, &entry, strings, sizeof(strings))) {
        if (strcmp(entry.mnt_type, "cgroup2") == 0)
            fd = open(entry.mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    endmntent(mounts);
    return fd;
}

int cgroup_id_open(__u64 id)
{
    union {
        struct file_handle handle;
        char bytes[sizeof(struct file_handle) + sizeof(id)];
    } name = {.handle = {.handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS}};
    cleanup_close int mount_fd = open_cgroup2();

    if (mount_fd < 0)
        return -ENOENT;
    memcpy(name.bytes + sizeof(struct file_handle), &id, sizeof(id));

    int fd = open_by_handle_at(mount_fd, &name.handle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}
