/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which cgroups below a pod's are of which container, by the names that runtimes give to directories: ID, or with
 * words around it, as in cri-containerd-ID.scope. Knows no map.
 */
#ifndef NSP_POLICYD_CONTAINER_DIRS_H
#define NSP_POLICYD_CONTAINER_DIRS_H

#include "policyd/objects.h"

#define CONTAINER_DIRS_MAX 512 /* of one pod; what is beyond belongs to no container */

struct container_dir {
    int fd;           /* open while it is visited */
    __u64 cgroup_id;  /* of kernfs: the inode's number */
    const char *name; /* of the container, borrowed of the pod; NULL: it is no container's */
};

/*
 * Calls `visit` for the directory `fd` and those below it, each before what is in it is read, so that a watch set by
 * `visit` misses nothing. All below a container's directory is that container's, whatever it is called: who may make
 * cgroups in there must not become another one. pod: NULL knows no container. Stops at the first non-zero value of
 * `visit` and returns it. -E2BIG: there are more than CONTAINER_DIRS_MAX; what goes away meanwhile is left out.
 */
int container_dirs_walk(int fd, const struct pod_object *pod,
                        int (*visit)(const struct container_dir *dir, void *context), void *context);

#endif
