/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node for benches, inside the sandbox: a folder of manifests, a real policyd on it, and pods that are a network
 * namespace and a cgroup each. Every function ends the bench on failure.
 */
#ifndef NSP_TESTS_BENCH_NODE_H
#define NSP_TESTS_BENCH_NODE_H

#include <stdbool.h>
#include <sys/types.h>

#include "datapath/pins.h"

struct node {
    char directory[64]; /* of everything below */
    char manifests[80];
    char socket[80];
    char cni_socket[80];
    pid_t policyd;  /* 0: not running */
    bool tells_all; /* events have no limit */
};

void node_start(struct node *node);
void node_stop(struct node *node); /* whatever state it is in */

/* Until it answers on its status socket. */
void node_start_policyd(struct node *node);
void node_stop_policyd(struct node *node);

/* Writes a manifest in two steps, so that the second, a rename, is all that a change needs. */
void node_write(const struct node *node, const char *name, const char *text);
void node_publish(const struct node *node, const char *name);

/* Looks every millisecond. */
bool node_wait(bool (*is_true)(const void *context), const void *context, double seconds);

struct node_pod {
    char name[32]; /* of the Pod, in namespace default; its container's id is the same */
    char netns[112];
    char cgroup[160];      /* as a file */
    char cgroup_path[160]; /* as the runtime tells it */
};

void node_pod_make(const struct node *node, const char *name, struct node_pod *pod);
void node_pod_remove(const struct node_pod *pod);
/* The calling process becomes one of the pod. */
void node_pod_enter(const struct node_pod *pod);
/* Opens what policyd has pinned. */
void node_open_pins(struct datapath *datapath);

#endif
