/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which cgroup is the pod's: the runtime's word for it (cgroupPath), or the place where kubelet makes one for a pod of
 * this uid. Always on the cgroup2 mount, wherever this host has it, and never its root.
 */
#ifndef NSP_CNI_PLUGIN_CGROUP_H
#define NSP_CNI_PLUGIN_CGROUP_H

#include "lib/error.h"
#include <linux/types.h>

#define CGROUP_PATH_SIZE 512
#define CGROUP_MOUNTS "/proc/mounts"

struct cgroup {
    int fd;                      /* the directory; the caller closes it */
    __u64 id;                    /* its inode: what the kernel calls the cgroup's id */
    char path[CGROUP_PATH_SIZE]; /* below the mount, with leading slash */
};

/*
 * Opens the pod's cgroup. `runtime_path` (NULL: not given) is tried first, then what kubelet would make of `uid` ("":
 * not known). `mounts` is CGROUP_MOUNTS except in tests. Error codes: CNI_INVALID_CONFIG a runtime_path that leaves the
 * mount, CNI_TRY_LATER a runtime_path that is not there (any more), CNI_NO_CGROUP otherwise.
 */
int cgroup_find(const char *mounts, const char *runtime_path, const char *uid, struct cgroup *cgroup,
                struct error *err);

/* Opens a cgroup by its path below the mount. Error codes as above, CNI_TRY_LATER where there is none. */
int cgroup_open(const char *mounts, const char *path, struct cgroup *cgroup, struct error *err);

/*
 * Turns what runtimes give as cgroupPath into a path below the mount: a full path as it is; the bare name of a systemd
 * slice (CRI-O) expanded to where systemd puts it: a-b.slice is /a.slice/a-b.slice. Error code: CNI_INVALID_CONFIG.
 */
int cgroup_expand(const char *runtime_path, char path[CGROUP_PATH_SIZE], struct error *err);

/* The `index`th place where kubelet may have put the pod; 0, or -1 behind the last one. */
int cgroup_candidate(const char *uid, unsigned index, char path[CGROUP_PATH_SIZE]);

#endif
