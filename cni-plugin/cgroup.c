/* SPDX-License-Identifier: Apache-2.0 */
/* The pod's cgroup: see cgroup.h. */
#include "cni-plugin/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cni-plugin/code.h"
#include "lib/cleanup.h"

#define SLICE ".slice"

/* Whether every component is a name: not empty, not "." and not "..". */
static int is_plain_path(const char *path)
{
    if (*path++ != '/')
        return 0;
    for (;;) {
        size_t length = strcspn(path, "/");

        if (length == 0 || (length == 1 && path[0] == '.') || (length == 2 && path[0] == '.' && path[1] == '.'))
            return 0;
        path += length;
        if (*path++ == '\0')
            return 1;
    }
}

static int is_slice_name(const char *name)
{
    size_t length = strlen(name);

    return length > strlen(SLICE) && !strchr(name, '/') && strcmp(name + length - strlen(SLICE), SLICE) == 0;
}

/* "a-b.slice" -> "/a.slice/a-b.slice". An empty part between dashes is no slice of systemd's. */
static int expand_slice(const char *name, char path[CGROUP_PATH_SIZE])
{
    size_t end = strlen(name) - strlen(SLICE);
    size_t used = 0;

    if (name[0] == '-' || name[end - 1] == '-' || strstr(name, "--"))
        return -1;
    for (size_t i = 1; i <= end; i++) {
        if (i < end && name[i] != '-')
            continue;

        int n = snprintf(path + used, CGROUP_PATH_SIZE - used, "/%.*s" SLICE, (int)i, name);

        if (n < 0 || (size_t)n >= CGROUP_PATH_SIZE - used)
            return -1;
        used += (size_t)n;
    }
    return 0;
}

int cgroup_expand(const char *runtime_path, char path[CGROUP_PATH_SIZE], struct error *err)
{
    char expanded[CGROUP_PATH_SIZE];
    int rc = 0;

    if (is_slice_name(runtime_path))
        rc = expand_slice(runtime_path, expanded);
    else if (strlen(runtime_path) < sizeof(expanded))
        memcpy(expanded, runtime_path, strlen(runtime_path) + 1);
    else
        rc = -1;
    if (rc < 0 || !is_plain_path(expanded))
        return error_set(err, CNI_INVALID_CONFIG,
                         "runtimeConfig.cgroupPath: \"%.80s\" is invalid; expected the pod's cgroup below the cgroup2 "
                         "mount, such as /kubepods/pod1234, or the name of a slice",
                         runtime_path);
    memcpy(path, expanded, sizeof(expanded));
    return 0;
}

/* "12-34" -> "12_34": in a slice's name the dash parts levels. */
static void spell_for_systemd(const char *uid, char *out, size_t size)
{
    snprintf(out, size, "%s", uid);
    for (char *c = out; *c; c++)
        *c = *c == '-' ? '_' : *c;
}

static void candidate_of_systemd(const char *uid, const char *qos, int has_root, char path[CGROUP_PATH_SIZE])
{
    const char *root = has_root ? "kubelet-" : "";
    char spelt[64];
    char level[128] = "";
    char dash_qos[32] = "";

    spell_for_systemd(uid, spelt, sizeof(spelt));
    if (qos[0] != '\0') {
        snprintf(dash_qos, sizeof(dash_qos), "-%s", qos);
        snprintf(level, sizeof(level), "/%skubepods%s.slice", root, dash_qos);
    }
    snprintf(path, CGROUP_PATH_SIZE, "%s/%skubepods.slice%s/%skubepods%s-pod%s.slice", has_root ? "/kubelet.slice" : "",
             root, level, root, dash_qos, spelt);
}

int cgroup_candidate(const char *uid, unsigned index, char path[CGROUP_PATH_SIZE])
{
    static const char *const qos[] = {"burstable", "besteffort", ""}; /* guaranteed pods have no level of their own */
    const unsigned classes = sizeof(qos) / sizeof(*qos);
    const char *class = qos[index % classes];
    int has_root = index / classes % 2 == 1; /* below the root that kind gives kubelet */

    if (index < 2 * classes)
        candidate_of_systemd(uid, class, has_root, path);
    else if (index < 4 * classes)
        snprintf(path, CGROUP_PATH_SIZE, "%s/kubepods%s%s/pod%.63s", has_root ? "/kubelet" : "", class[0] ? "/" : "",
                 class, uid);
    else
        return -1;
    return 0;
}

/* Opens the root of the first cgroup2 mount. */
static int open_mount(const char *mounts, char *where, size_t size, struct error *err)
{
    struct mntent entry;
    char line[4096];
    FILE *file = setmntent(mounts, "re");
    int fd = -1;

    if (!file)
        return error_set(err, CNI_NO_CGROUP, "%s: %s", mounts, strerror(errno));
    while (fd < 0 && getmntent_r(file, &entry, line, sizeof(line))) {
        if (strcmp(entry.mnt_type, "cgroup2") != 0)
            continue;
        snprintf(where, size, "%s", entry.mnt_dir);
        fd = open(entry.mnt_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    endmntent(file);
    if (fd < 0)
        return error_set(err, CNI_NO_CGROUP,
                         "this host has no cgroup2 mount (cgroup v1 only), and BPF programs attach to cgroup v2 alone; "
                         "boot it with systemd.unified_cgroup_hierarchy=1");
    return fd;
}

/* Opens `path` below the mount; -errno. Nothing in it may be a link or another mount. */
static int open_below(int mount_fd, const char *path, struct cgroup *cgroup)
{
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
    };
    cleanup_close int fd = (int)syscall(SYS_openat2, mount_fd, path + 1, &how, sizeof(how));
    struct statfs fs;
    struct stat st;

    if (fd < 0 || fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (fs.f_type != CGROUP2_SUPER_MAGIC)
        return -EXDEV;
    cgroup->fd = TAKE_FD(fd);
    cgroup->id = st.st_ino;
    snprintf(cgroup->path, sizeof(cgroup->path), "%s", path);
    return 0;
}

int cgroup_open(const char *mounts, const char *path, struct cgroup *cgroup, struct error *err)
{
    char where[256] = "";
    cleanup_close int mount_fd = open_mount(mounts, where, sizeof(where), err);

    if (mount_fd < 0)
        return mount_fd;

    int rc = open_below(mount_fd, path, cgroup);

    if (rc == -ENOENT || rc == -ENODEV)
        return error_set(err, CNI_TRY_LATER, "the pod's cgroup %.150s is not there, or not any more (below %.60s)",
                         path, where);
    if (rc < 0)
        return error_set(err, CNI_NO_CGROUP, "cgroup %.150s below %.60s: %s", path, where, strerror(-rc));
    return 0;
}

static int find_by_uid(const char *mounts, const char *uid, struct cgroup *cgroup, struct error *err)
{
    char path[CGROUP_PATH_SIZE];
    char where[256] = "";
    cleanup_close int mount_fd = open_mount(mounts, where, sizeof(where), err);

    if (mount_fd < 0)
        return mount_fd;
    for (unsigned i = 0; cgroup_candidate(uid, i, path) == 0; i++) {
        if (open_below(mount_fd, path, cgroup) == 0)
            return 0;
    }
    return error_set(
        err, CNI_NO_CGROUP,
        "no cgroup of pod uid %.64s below %.60s, in no place where kubelet puts one; add \"capabilities\": "
        "{\"cgroupPath\": true} to our entry",
        uid, where);
}

int cgroup_find(const char *mounts, const char *runtime_path, const char *uid, struct cgroup *cgroup, struct error *err)
{
    char path[CGROUP_PATH_SIZE];

    if (runtime_path && runtime_path[0] != '\0') {
        int rc = cgroup_expand(runtime_path, path, err);

        if (rc == 0)
            rc = cgroup_open(mounts, path, cgroup, err);
        if (rc != -CNI_TRY_LATER || uid[0] == '\0' || find_by_uid(mounts, uid, cgroup, NULL) < 0)
            return rc;
        return 0;
    }
    if (uid[0] != '\0')
        return find_by_uid(mounts, uid, cgroup, err);
    return error_set(
        err, CNI_NO_CGROUP,
        "the runtime named neither the pod's cgroup (runtimeConfig.cgroupPath) nor its uid (K8S_POD_UID in "
        "CNI_ARGS); add \"capabilities\": {\"cgroupPath\": true} to our entry, or use failurePolicy "
        "Ignore");
}
