/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where these tests live: network and mount namespaces of their own, a bpffs, a folder on cgroup2 and a veth. All of it
 * is gone with the process, the cgroup by sandbox_leave().
 */
#ifndef NSP_TESTS_BPF_SANDBOX_H
#define NSP_TESTS_BPF_SANDBOX_H

#include <linux/types.h>

struct sandbox {
    char bpffs[64];
    char pins[96];   /* bpffs/nsp */
    char cgroup[96]; /* on cgroup2, ours alone */
    __u32 host_ifindex;
    __u32 pod_ifindex; /* the other end, in the same namespace */
    unsigned char pod_mac[6];
};

#define SANDBOX_HOST_IFNAME "veth-host"
#define SANDBOX_POD_IFNAME "veth-pod"

/* Ends the program with a message where something is missing. */
extern struct sandbox sandbox;
void sandbox_enter(void);
void sandbox_leave(void);

/* Another veth; returns the ifindex of `name`. */
__u32 sandbox_add_veth(const char *name, const char *peer);
void sandbox_delete_link(__u32 ifindex);
void sandbox_rename_link(__u32 ifindex, const char *name);

/* A cgroup below ours, open; *id receives its id. */
int sandbox_make_cgroup(const char *name, __u64 *id);
void sandbox_remove_cgroup(const char *name);

#endif
