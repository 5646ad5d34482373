/* SPDX-License-Identifier: Apache-2.0 */
/* The pod's network namespace: see netns.h. */
#include "cni-plugin/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "cni-plugin/code.h"
#include "lib/cleanup.h"

int netns_open(const char *path, bool own_allowed, __u64 *inode, struct error *err)
{
    /* Non-blocking: the path may be a FIFO. */
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat own;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return error_set(err, CNI_INVALID_NETNS, "CNI_NETNS: \"%.150s\": %s", path, strerror(errno));
    if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
        return error_set(err, CNI_INVALID_NETNS, "CNI_NETNS: \"%.150s\" is not a network namespace", path);
    if (stat("/proc/self/ns/net", &own) < 0)
        return error_set(err, CNI_INVALID_NETNS, "/proc/self/ns/net: %s", strerror(errno));
    if (!own_allowed && st.st_dev == own.st_dev && st.st_ino == own.st_ino)
        return error_set(
            err, CNI_INVALID_NETNS,
            "CNI_NETNS: \"%.150s\" is the plugin's own network namespace; set CNI_NETNS_OVERRIDE=1 if that "
            "is meant",
            path);
    *inode = st.st_ino;
    return TAKE_FD(fd);
}
