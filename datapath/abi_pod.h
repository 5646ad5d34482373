/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A part of abi.h, which includes it: who the pods are, what they hang on, and whether they are ready. */
#ifndef NSP_DATAPATH_ABI_POD_H
#define NSP_DATAPATH_ABI_POD_H

#include <linux/types.h>

/*
 * nsp_states[slot]: all that the fast path needs to know of a pod, in one 8-byte word so that one store changes it.
 * An all-zero word is PENDING and closed.
 */
enum pod_state {
    POD_PENDING = 0,
    POD_READY = 1,
};
#define POD_STATE_MASK 0xffULL
#define POD_OPEN 0x100ULL      /* while PENDING everything passes and is audited (failurePolicy: Ignore) */
#define POD_HAS_FLOWS 0x200ULL /* of the slot, free or not: it has a flow map (Linux 6.1 waits for RCU to say so) */
#define POD_POLICY_SHIFT 16    /* 16 bits: index of nsp_policies */
#define POD_EPOCH_SHIFT 32     /* 32 bits: differs for each pod that uses the slot, never 0 */

static inline __u32 pod_word_policy(__u64 word)
{
    return (word >> POD_POLICY_SHIFT) & 0xffff;
}

static inline __u32 pod_word_epoch(__u64 word)
{
    return word >> POD_EPOCH_SHIFT;
}

static inline __u64 pod_word(__u32 epoch, __u32 policy, __u64 state_and_flags)
{
    return ((__u64)epoch << POD_EPOCH_SHIFT) | ((__u64)policy << POD_POLICY_SHIFT) | state_and_flags;
}

/* nsp_cgroup (cgroup storage of the pod's cgroup) and nsp_ids[cgroup id]: which slot is this pod's. */
struct pod_ref {
    __u32 slot;
    __u32 epoch;
};

/* nsp_pods[slot]: who the pod is. Written by the plugin before anything is attached; epoch 0 = free slot. */
struct pod {
    __u32 epoch;
    __u32 address_count;
    __u64 cgroup_id; /* inode of the pod's directory on cgroup2 */
    __u8 addresses[NSP_ADDRESSES_MAX][16];
    __u8 gateways[2][16]; /* of IPv4 and IPv6; all zero: none is known */
    __u8 mac[6];          /* of the pod's end of the veth */
    __u16 attachments;    /* how many entries of nsp_attached share this slot */
    char namespace_[64];  /* "" where CNI_ARGS did not say */
    char name[256];
    char uid[64];
    char container_id[128]; /* of the sandbox that was added last */
    char cgroup_path[512];  /* relative to the cgroup2 mount, leading slash */
};

/* nsp_ifs[ifindex of the host's end]: whose veth is this. */
struct iface {
    __u32 slot;
    __u32 epoch;
    __s32 netns_id; /* id of the pod's network namespace as the host names it, for socket lookups */
    __u32 flags;    /* reserved, 0 */
};

/* nsp_attached: one entry for each ADD, so that DEL, CHECK and GC need no file. Strings are zero-filled. */
struct attachment_key {
    char container_id[128];
    char ifname[16]; /* CNI_IFNAME, in the pod */
};

enum attachment_flags {
    ATTACHED_CLSACT_FROM_POD = 1, /* host veth ingress */
    ATTACHED_CLSACT_TO_POD = 2,   /* host veth egress */
    ATTACHED_TCX = 4,             /* both directions by tcx links, pinned under links/ */
};

/* What our clsact filters, and nothing else, have as their classid: it tells the programs how they are run. */
#define NSP_CLSACT_CLASSID 0x4e53

struct attachment {
    __u32 slot;
    __u32 epoch;
    __u32 ifindex; /* host's end; 0: cgroup only */
    __u32 flags;   /* enum attachment_flags */
    __u64 netns_inode;
    char host_ifname[16];
    char network[128]; /* name of the CNI network */
    char netns[256];   /* CNI_NETNS */
};

/* nsp_containers: the leaf cgroup of a container to container_hash() of its name. Writer: policyd. */

/* nsp_gateways[slot]: the MAC that the pod's gateway was first seen with, for attacks: arp-spoofing, nd-spoofing. */
struct gateway {
    __u32 epoch;
    __u8 is_known[2]; /* IPv4, IPv6 */
    __u8 mac[2][6];
    __u8 reserved[6];
};

/* What the plugin sends to policyd's announce socket (SOCK_SEQPACKET), and gets back once the pod is READY. */
struct announcement {
    __u32 magic; /* NSP_ABI_MAGIC */
    __u32 version;
    __u32 slot;
    __u32 epoch;
    __u32 removed; /* 1: a DEL, no answer is sent */
    __u32 ready;   /* in the answer: 1 = READY */
};

#endif
