/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which executable owns this socket, and is that believable. The path is walked from the file of the executable up to
 * the root of its mount namespace: the path as the container sees it, right through overlayfs and pivot_root. It is
 * hashed on the way (path_hash.h); the text is kept beside for people. Called where the process itself runs.
 */
#ifndef NSP_DATAPATH_IDENTITY_H
#define NSP_DATAPATH_IDENTITY_H

#include "datapath/maps.h"
#include "datapath/path_hash.h"

#define PATH_NAME_MAX 255     /* NAME_MAX */
#define PATH_CROSSINGS_MAX 16 /* mounts below each other on the way up */

enum untrusted {
    TRUSTED = 0,
    UNTRUSTED_NO_EXECUTABLE,   /* a kernel thread */
    UNTRUSTED_NOT_EXECUTED,    /* exe_file was not opened by execve: prctl(PR_SET_MM) */
    UNTRUSTED_DELETED,         /* unlinked, or never linked: memfd */
    UNTRUSTED_NO_PATH,         /* does not lead to a root, too deep, or too long */
    UNTRUSTED_MOUNT_NAMESPACE, /* leads to the root of another mount namespace */
    UNTRUSTED_USER_NAMESPACE,  /* in one of its own, where anybody may mount anything over a path */
    UNTRUSTED_TRACED,          /* somebody else says what it does: ptrace */
    UNTRUSTED_HANDED_ON,       /* the socket that it connects was made by another executable */
};

struct path_walk {
    const struct dentry *dentry;
    const struct mount *mount;
    struct path_hash hash;
    __u8 key[16]; /* of nsp_binaries, when the text is wanted */
    __u32 components;
    __u32 length;  /* bytes of the text so far, slashes included */
    __u32 is_done; /* reached the root of the namespace */
    __u32 wants_text;
};

/* The kernel counts it up around each rename. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct seqcount {
    unsigned int sequence;
};
struct seqcount_spinlock {
    struct seqcount seqcount;
};
struct dentry___renamed {
    struct seqcount_spinlock d_seq;
};
#pragma clang attribute pop

/* NOLINTNEXTLINE(readability-function-size): BPF_CORE_READ nests */
static __always_inline __u32 renames_of(const struct dentry *dentry)
{
    return BPF_CORE_READ((const struct dentry___renamed *)dentry, d_seq.seqcount.sequence);
}

static __always_inline const struct mount *mount_of(const struct vfsmount *mnt)
{
    return (const void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

/*
 * Global, so that the verifier walks through its words once and not once for every way that leads to it (of 430,000
 * instructions that leaves 7,000). `name` is the kernel address of the component's bytes.
 */
__weak __noinline int path_hash_name(struct path_hash *hash, __u64 name, __u32 length)
{
    struct path_hash h;

    if (!hash)
        return 0;
    h = *hash;
    path_hash_word(&h, length);
    for (__u32 i = 0; i < (PATH_NAME_MAX + 7) / 8; i++) {
        __u32 left = length - i * 8;
        __u64 word = 0;

        if (i * 8 >= length)
            break;
        /* Names are kept in multiples of 8 bytes. */
        bpf_probe_read_kernel(&word, sizeof(word), (const void *)(name + i * 8));
        /* Bytes beyond the name become zero; without a branch, which would double the verifier's states. */
        __u32 beyond = (8 - left) & -((left - 8) >> 31) & 7;

        word = word << beyond * 8 >> beyond * 8;
        path_hash_word(&h, word);
    }
    *hash = h;
    return 0;
}

/* Writes "/name" in front of what is there. Two CPUs that do so at once write the same bytes. */
static __always_inline void write_name(const struct path_walk *walk, const unsigned char *name, __u32 length)
{
    struct binary *binary = bpf_map_lookup_elem(&nsp_binaries, walk->key);
    __u32 start = NSP_PATH_MAX - walk->length;

    if (!binary || walk->length > NSP_PATH_MAX)
        return;
    start &= NSP_PATH_MAX - 1;
    binary->path[start] = '/';
    bpf_probe_read_kernel(&binary->path[start + 1], length & PATH_NAME_MAX, name);
}

/* One step up: to the parent directory, or from the root of a mount to where it is mounted. 1 ends the walk. */
/* NOLINTNEXTLINE(readability-function-size): BPF_CORE_READ nests */
static long walk_up(__u32 index, struct path_walk *walk)
{
    const struct dentry *dentry = walk->dentry;
    const struct mount *mount = walk->mount; /* BPF_CORE_READ relocates every step it is given */
    const struct dentry *parent;

    (void)index;
    if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
        const struct mount *above = BPF_CORE_READ(mount, mnt_parent);

        if (above == mount) {
            walk->is_done = 1;
            return 1;
        }
        walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
        walk->mount = above;
        return 0;
    }

    __u32 renames = renames_of(dentry);

    parent = BPF_CORE_READ(dentry, d_parent);

    __u32 length = BPF_CORE_READ(dentry, d_name.len);
    const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);

    if (parent == dentry || length > PATH_NAME_MAX || walk->components == NSP_PATH_DEPTH_MAX)
        return 1;
    walk->components++;
    walk->length += length + 1;
    if (walk->length >= NSP_PATH_MAX)
        return 1;
    if (walk->wants_text)
        write_name(walk, name, length);
    else
        path_hash_name(&walk->hash, (__u64)name, length);
    /* A name of one place and a parent of another make a path that never was. */
    if (renames & 1 || renames_of(dentry) != renames)
        return 1;
    walk->dentry = parent;
    return 0;
}

/*
 * zero: 0, but not to the verifier: before Linux 6.7 it believes that a callback runs once, and cuts off what can only
 * come true in later rounds, such as limits.
 */
static __always_inline void walk_start(struct path_walk *walk, const struct file *file, __u32 zero)
{
    walk->dentry = BPF_CORE_READ(file, f_path.dentry);
    walk->mount = mount_of(BPF_CORE_READ(file, f_path.mnt));
    walk->components = zero;
    walk->length = zero;
    walk->is_done = zero;
}

/* Keeps the text of a path, unless it is known. */
static __always_inline void remember_text(struct path_walk *walk, const struct file *file, const __u8 hash[16],
                                          __u32 zero)
{
    struct binary *binary = bpf_map_lookup_elem(&nsp_binaries, hash);
    const __u32 place = 0;

    if (binary && binary->length)
        return;
    if (!binary) {
        const struct binary *empty = bpf_map_lookup_elem(&nsp_no_binary, &place);

        if (!empty || bpf_map_update_elem(&nsp_binaries, hash, empty, BPF_NOEXIST))
            return;
    }
    __builtin_memcpy(walk->key, hash, 16);
    walk->wants_text = 1;
    walk_start(walk, file, zero);
    bpf_loop(NSP_PATH_DEPTH_MAX + PATH_CROSSINGS_MAX, walk_up, walk, 0);
    binary = bpf_map_lookup_elem(&nsp_binaries, hash);
    if (binary && walk->is_done)
        binary->length = walk->length;
}

/*
 * A file of the overlay that is the container's root, of which overlayfs has no copy in its upper layer: nobody in the
 * container has written it or put it there. Other roots and other mounts do not tell. In struct ovl_inode the upper
 * layer's entry stands right behind the inode (fs/overlayfs/ovl_entry.h, 6.1 to 6.18).
 */
/* NOLINTNEXTLINE(readability-function-size): BPF_CORE_READ nests */
static __always_inline bool is_of_image(const struct file *file, const struct mount *root)
{
    const struct inode *inode = BPF_CORE_READ(file, f_inode);
    const struct mount *mount = mount_of(BPF_CORE_READ(file, f_path.mnt));
    const struct dentry *upper = NULL;
    const void *behind;

    /* After pivot_root() it is mounted over the namespace's own root, which nobody sees any more. */
    if (mount != root && (BPF_CORE_READ(mount, mnt_parent) != root ||
                          BPF_CORE_READ(mount, mnt_mountpoint) != BPF_CORE_READ(root, mnt.mnt_root)))
        return false;
    if (BPF_CORE_READ(inode, i_sb, s_magic) != OVERLAYFS_SUPER_MAGIC)
        return false;
    behind = (const void *)inode + bpf_core_type_size(struct inode);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): a pointer is what is read */
    return !bpf_probe_read_kernel(&upper, sizeof(upper), behind) && !upper;
}

/* Hashes the path of the executable into state->path; returns enum untrusted. */
SUBPROGRAM int name_executable(struct socket_state *state, const struct file *file, const struct mnt_namespace *mnt_ns)
{
    struct path_walk walk = {};
    const __u32 place = 0;
    const struct control *control = bpf_map_lookup_elem(&nsp_control, &place);
    __u64 hash[2];

    if (!control || !state)
        return UNTRUSTED_NO_PATH;

    __u32 zero = control->exempt_node >> 31; /* which is 0 or 1 */

    path_hash_start(&walk.hash, control->path_key);
    walk_start(&walk, file, zero);
    bpf_loop(NSP_PATH_DEPTH_MAX + PATH_CROSSINGS_MAX, walk_up, &walk, 0);
    path_hash_end(&walk.hash, walk.components, hash);

    const struct mount *root = walk.mount;
    const struct mnt_namespace *reached = BPF_CORE_READ(root, mnt_ns);
    const struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);

    __builtin_memcpy(state->path, hash, 16);
    state->is_image = walk.is_done && is_of_image(file, root);
    if (!walk.is_done)
        return UNTRUSTED_NO_PATH;
    remember_text(&walk, file, state->path, zero);
    if (reached != mnt_ns)
        return UNTRUSTED_MOUNT_NAMESPACE;
    if (!BPF_CORE_READ(dentry, d_hash.pprev) || !BPF_CORE_READ(file, f_inode, i_nlink))
        return UNTRUSTED_DELETED;
    if (!(BPF_CORE_READ(file, f_flags) & FMODE_EXEC_FLAG))
        return UNTRUSTED_NOT_EXECUTED;
    return TRUSTED;
}

static __always_inline bool same_hash(const __u8 a[16], const __u8 b[16])
{
    const __u64 *x = (const void *)a, *y = (const void *)b;

    return x[0] == y[0] && x[1] == y[1];
}

/* What identity_update() compares and stores of the current process. */
struct process {
    const struct task_struct *task;
    const struct file *file;
    __u64 started_ns;
    __u64 exec_id;
    __u32 pid;
    __u32 traced;
};

/* NOLINTNEXTLINE(readability-function-size): BPF_CORE_READ nests */
static __always_inline void read_process(struct process *process)
{
    const struct task_struct *task = (void *)bpf_get_current_task();
    const struct task_struct *leader = BPF_CORE_READ(task, group_leader);

    process->task = task;
    process->file = BPF_CORE_READ(task, mm, exe_file);
    process->started_ns = BPF_CORE_READ(leader, start_time);
    process->exec_id = BPF_CORE_READ(leader, self_exec_id);
    process->pid = BPF_CORE_READ(task, tgid);
    process->traced = BPF_CORE_READ(task, ptrace) | BPF_CORE_READ(leader, ptrace);
}

static __always_inline bool is_owner_still(const struct socket_state *state, const struct process *process)
{
    const struct file *file = process->file;

    return state->pid == process->pid && state->started_ns == process->started_ns &&
           state->exec_id == process->exec_id && state->executable == (__u64)process->file && !state->untrusted &&
           !process->traced && BPF_CORE_READ(file, f_flags) & FMODE_EXEC_FLAG;
}

/* NOLINTNEXTLINE(readability-function-size): BPF_CORE_READ nests */
static __always_inline void write_owner(struct socket_state *state, const struct process *process)
{
    const struct task_struct *task = process->task;

    state->pid = process->pid;
    state->started_ns = process->started_ns;
    state->exec_id = process->exec_id;
    state->executable = (__u64)process->file;
    state->uid = BPF_CORE_READ(task, real_cred, uid.val);
    state->cgroup_id = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
    bpf_probe_read_kernel(state->comm, sizeof(state->comm), &task->comm);
}

/* Hashes the path of the process's executable into the state; returns enum untrusted. */
static __always_inline int name_process(struct socket_state *state, const struct process *process,
                                        const struct sock *sk)
{
    const struct task_struct *task = process->task;

    if (!process->file) {
        __builtin_memset(state->path, 0, sizeof(state->path));
        state->is_image = 0;
        return UNTRUSTED_NO_EXECUTABLE;
    }

    int untrusted = name_executable(state, process->file, BPF_CORE_READ(task, nsproxy, mnt_ns));

    if (!untrusted && BPF_CORE_READ(task, real_cred, user_ns) != BPF_CORE_READ(sk, __sk_common.skc_net.net, user_ns))
        return UNTRUSTED_USER_NAMESPACE;
    return !untrusted && process->traced ? UNTRUSTED_TRACED : untrusted;
}

/*
 * Writes the current process into the socket's state as its owner. Cheap when it is the owner already: the same
 * process, no exec since, and its executable still the same open file. True: the socket had another executable before.
 */
static __always_inline bool identity_update(struct socket_state *state, const struct sock *sk)
{
    __u8 before[16] __attribute__((aligned(8))), untrusted = state->untrusted;
    struct process process;

    read_process(&process);
    if (is_owner_still(state, &process))
        return false;
    __builtin_memcpy(before, state->path, sizeof(before));
    write_owner(state, &process);
    state->untrusted = name_process(state, &process, sk);
    return state->untrusted != untrusted || !same_hash(state->path, before);
}

/* Notes who calls socket(), after identity_update(). One whose path is not believed is like nobody else. */
static __always_inline void identity_create(struct socket_state *state)
{
    if (state->untrusted)
        __builtin_memset(state->creator, 0xff, sizeof(state->creator));
    else
        __builtin_memcpy(state->creator, state->path, sizeof(state->creator));
}

/*
 * A connection belongs to whoever connects it, and to who made the socket: that one may have kept a descriptor
 * (SCM_RIGHTS, fork) and would speak in the other's name.
 */
static __always_inline void identity_connect(struct socket_state *state)
{
    const __u64 *creator = (const void *)state->creator;

    if (!state->untrusted && (creator[0] || creator[1]) && !same_hash(state->creator, state->path))
        state->untrusted = UNTRUSTED_HANDED_ON;
}

#endif
