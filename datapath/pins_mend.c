/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/pins_mend.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath/pins_lock.h"
#include "lib/cleanup.h"

#define PATH_SIZE 256
#define KIND_SIZE 32

/* What the kernel calls a descriptor, such as "anon_inode:bpf-map": a map and a program may have the same number. */
static bool read_kind(int fd, char kind[KIND_SIZE])
{
    char path[32];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    n = readlink(path, kind, KIND_SIZE - 1);
    kind[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* Type and number come first in what the kernel says of a map as of a program. */
static __u32 number_of(int fd)
{
    struct bpf_map_info info = {0};
    __u32 size = sizeof(info);

    return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

/* 1 it is ours; 0 it is something else; -ENOENT there is nothing; <0 it cannot be told. */
static int is_ours(const char *path, int own_fd)
{
    char kind[KIND_SIZE], own_kind[KIND_SIZE];
    cleanup_close int fd = bpf_obj_get(path);
    struct stat st;

    if (fd < 0)
        return errno == ENOENT ? -ENOENT : lstat(path, &st) ? -errno : 0;
    if (!read_kind(fd, kind) || !read_kind(own_fd, own_kind) || !number_of(own_fd))
        return -EIO;
    return strcmp(kind, own_kind) == 0 && number_of(fd) == number_of(own_fd);
}

static int pin(int fd, const char *directory, const char *name, struct error *err)
{
    char path[PATH_SIZE], aside[PATH_SIZE];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    snprintf(aside, sizeof(aside), "%s/%s-new", directory, name);
    if (unlink(aside) && errno != ENOENT)
        return error_set(err, errno, "%s: cannot unlink it: %s", aside, strerror(errno));
    if (bpf_obj_pin(fd, aside))
        return error_set(err, errno, "%s: cannot pin it: %s", aside, strerror(errno));
    if (rename(aside, path) == 0)
        return 0;
    error_set(err, errno, "%s: cannot rename it to %s: %s", aside, path, strerror(errno));
    unlink(aside);
    return -err->code;
}

static int keep(const char *directory, const char *name, int fd, struct pins_mended *mended, struct error *err)
{
    char path[PATH_SIZE];
    int rc;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    rc = is_ours(path, fd);
    if (rc == 1)
        return 0;
    if (rc < 0 && rc != -ENOENT)
        return error_set(err, -rc, "%s: cannot be looked at: %s", path, strerror(-rc));
    if (pin(fd, directory, name, err))
        return -err->code;
    mended->name = mended->name ? mended->name : name;
    mended->vanished += rc == -ENOENT;
    mended->replaced += rc == 0;
    return 0;
}

static int keep_all(const struct datapath *datapath, const char *directory, struct pins_mended *mended,
                    struct error *err)
{
    char links[PATH_SIZE];

    snprintf(links, sizeof(links), "%s/links", directory);
    if (mkdir(links, 0700) && errno != EEXIST)
        return error_set(err, errno, "%s: cannot make it: %s", links, strerror(errno));
    for (int i = 0; i < PINS_MAPS; i++) {
        if (keep(directory, pins_map_name(i), datapath->maps[i], mended, err))
            return -err->code;
    }
    for (int i = 0; i < PINS_PROGRAMS; i++) {
        if (keep(directory, pins_program_name(i), datapath->programs[i], mended, err))
            return -err->code;
    }
    return 0;
}

/* Made aside and renamed, as by a load; what a killed one left there is filled up. */
static int remake(const struct datapath *datapath, struct pins_mended *mended, struct error *err)
{
    char aside[sizeof(datapath->directory) + 8];

    snprintf(aside, sizeof(aside), "%s-new", datapath->directory);
    if (mkdir(aside, 0700) && errno != EEXIST)
        return error_set(err, errno, "%s: cannot make it: %s", aside, strerror(errno));
    if (keep_all(datapath, aside, mended, err))
        return -err->code;
    if (rename(aside, datapath->directory))
        return error_set(err, errno, "%s: cannot rename it to %s: %s", aside, datapath->directory, strerror(errno));
    mended->is_directory_remade = true;
    return 0;
}

int pins_mend(const struct datapath *datapath, struct pins_mended *mended, struct error *err)
{
    char parent[sizeof(datapath->directory)];
    char *slash;

    *mended = (struct pins_mended){0};
    snprintf(parent, sizeof(parent), "%s", datapath->directory);
    slash = strrchr(parent, '/');
    if (!slash || slash == parent)
        return error_set(err, EINVAL, "%s: not a directory in a bpf filesystem", datapath->directory);
    *slash = '\0';

    cleanup_close int lock = pins_lock(parent, err);

    if (lock < 0)
        return lock;
    if (access(datapath->directory, F_OK) == 0)
        return keep_all(datapath, datapath->directory, mended, err);
    return errno == ENOENT ? remake(datapath, mended, err)
                           : error_set(err, errno, "%s: %s", datapath->directory, strerror(errno));
}
