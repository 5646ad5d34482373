/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The few kernel structures that the programs read, with only the fields they use. CO-RE relocates every access against
 * the running kernel's BTF, so one object loads on all supported kernels.
 */
#ifndef NSP_DATAPATH_KERNEL_H
#define NSP_DATAPATH_KERNEL_H

#include <linux/bpf.h>
#include <linux/in6.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

/* A function with a stack frame of its own, not inlined; an object may leave out those that it does not need. */
#define SUBPROGRAM static __noinline __attribute__((unused))

/* Values from the kernel's own headers that user space headers do not carry. */
#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define FMODE_EXEC_FLAG 0x20             /* __FMODE_EXEC in f_flags: opened by execve (fs/exec.c, do_open_execat) */
#define OVERLAYFS_SUPER_MAGIC 0x794c7630 /* linux/magic.h */
#define PACKET_LOOPBACK 5                /* linux/if_packet.h: what the host sent, looped back to it */
#define LOOPBACK_IFINDEX 1               /* include/net/flow.h: lo has this number in every network namespace */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct qstr {
    __u32 len;
    const unsigned char *name;
};

struct hlist_bl_node {
    struct hlist_bl_node **pprev;
};

struct super_block {
    unsigned long s_magic;
};

struct inode {
    unsigned int i_nlink;
    struct super_block *i_sb;
};

struct dentry {
    struct hlist_bl_node d_hash;
    struct dentry *d_parent;
    struct qstr d_name;
    struct inode *d_inode;
};

struct vfsmount {
    struct dentry *mnt_root;
};

struct mount;

struct mnt_namespace {
    struct mount *root;
};

struct mount {
    struct mount *mnt_parent;
    struct dentry *mnt_mountpoint;
    struct vfsmount mnt;
    struct mnt_namespace *mnt_ns;
};

struct path {
    struct vfsmount *mnt;
    struct dentry *dentry;
};

struct file {
    unsigned int f_flags;
    struct path f_path;
    struct inode *f_inode;
};

struct mm_struct {
    struct file *exe_file;
};

struct nsproxy {
    struct mnt_namespace *mnt_ns;
};

typedef struct {
    unsigned int val;
} kuid_t;

struct user_namespace;

struct cred {
    kuid_t uid;
    struct user_namespace *user_ns;
};

struct kernfs_node {
    __u64 id;
};

struct cgroup {
    struct kernfs_node *kn;
};

struct css_set {
    struct cgroup *dfl_cgrp;
};

struct task_struct {
    struct mm_struct *mm;
    unsigned int ptrace; /* not 0: somebody traces it */
    int tgid;
    __u64 self_exec_id; /* counts the execs of this process and those it descends from */
    struct task_struct *group_leader;
    __u64 start_time;
    const struct cred *real_cred;
    char comm[16];
    struct nsproxy *nsproxy;
    struct css_set *cgroups;
};

struct net {
    __u64 net_cookie;
    struct user_namespace *user_ns; /* whose root owns this network: the pod's */
};

typedef struct {
    struct net *net;
} possible_net_t;

struct sk_buff {
    unsigned int end; /* an offset from head: 64-bit kernels have NET_SKBUFF_DATA_USES_OFFSET */
    unsigned char *head;
};

struct skb_shared_info {
    __u8 flags;
};

struct sock_common {
    __be32 skc_rcv_saddr;
    __u16 skc_num; /* local port, host byte order */
    struct in6_addr skc_v6_rcv_saddr;
    possible_net_t skc_net;
};

struct sock {
    struct sock_common __sk_common;
};

struct tcp_request_sock {
    __u32 rcv_isn;
};

struct tcp_sock {
    __u8 repair : 1; /* TCP_REPAIR: connect() sends no SYN, the numbers are the process's own */
};

#pragma clang attribute pop

/*
 * Loads through what this returns happen after the load that gave `value`: an address that depends on it. BPF has no
 * barrier for loads.
 */
static __always_inline const void *loaded_after(const void *pointer, __u64 value)
{
    asm volatile("%1 &= 0\n%0 += %1" : "+r"(pointer), "+r"(value));
    return pointer;
}

/*
 * The address behind a socket pointer or a program's context. The verifier lets nobody follow such a pointer, but a
 * copy of it, read from the stack, is a plain number.
 */
static __always_inline const struct sock *kernel_address(void *pointer)
{
    void *volatile spilled = pointer;
    __u64 address = 0;

    bpf_probe_read_kernel(&address, sizeof(address), (const void *)&spilled);
    return (const struct sock *)address;
}

#endif
