/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which executable owns this socket, and is that believable. It is known by its path (path_walk.h, path_cache.h), and
 * believed by what the kernel says of its file and its process. Called where the process itself runs.
 */
#ifndef NSP_DATAPATH_IDENTITY_H
#define NSP_DATAPATH_IDENTITY_H

#include "datapath/path_cache.h"

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
    UNTRUSTED_REPAIRED,        /* the socket takes over a connection in its middle: TCP_REPAIR */
};

/*
 * A file of overlayfs of which there is no copy in the upper layer: nobody in the container has written it or put it
 * there. In struct ovl_inode the upper layer's entry stands right behind the inode (fs/overlayfs/ovl_entry.h, 6.1 to
 * 6.18).
 */
SUBPROGRAM int is_of_lower_layer(const struct file *file)
{
    const struct inode *inode = file->f_inode;
    const struct dentry *upper = NULL;
    const void *behind;

    if (inode->i_sb->s_magic != OVERLAYFS_SUPER_MAGIC)
        return 0;
    behind = (const void *)inode + bpf_core_type_size(struct inode);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): a pointer is what is read */
    return !bpf_probe_read_kernel(&upper, sizeof(upper), behind) && !upper;
}

/* Walks and hashes the path; returns enum untrusted. */
SUBPROGRAM int walk_path(__u8 path[16], const struct file *file, const struct mnt_namespace *mnt_ns)
{
    struct path_walk walk = {};
    const __u32 place = 0;
    const struct control *control = bpf_map_lookup_elem(&nsp_control, &place);

    if (!control || !path)
        return UNTRUSTED_NO_PATH;
    path_hash_start(&walk.hash, control->path_key);
    walk_start(&walk, file, zero_of(control));
    bpf_loop(NSP_PATH_DEPTH_MAX + PATH_CROSSINGS_MAX, walk_up, &walk, 0);
    path_hash_end(&walk.hash, walk.components, (__u64 *)path);

    const struct mount *root = walk.mount;
    const struct mnt_namespace *reached = BPF_CORE_READ(root, mnt_ns);

    if (!walk.is_done)
        return UNTRUSTED_NO_PATH;
    return (__u64)reached == (__u64)mnt_ns ? TRUSTED : UNTRUSTED_MOUNT_NAMESPACE;
}

static __always_inline int walk_and_tell(__u8 path[16], const struct file *file, const struct mnt_namespace *mnt_ns)
{
    int untrusted = walk_path(path, file, mnt_ns);

    if (untrusted != UNTRUSTED_NO_PATH)
        remember_text(path, file);
    return untrusted;
}

/* The same, from what is known of the process, where nothing of that can have changed. */
static __always_inline int find_path(__u8 path[16], const struct process *process, const struct mnt_namespace *mnt_ns)
{
    struct known_path *known = path_cache_take(process);
    int untrusted = TRUSTED;

    if (!known)
        return walk_and_tell(path, process->file, mnt_ns);
    if (path_cache_holds(known, process)) {
        __builtin_memcpy(path, known->path, sizeof(known->path));
    } else {
        path_cache_note(known, process->file);
        untrusted = walk_and_tell(path, process->file, mnt_ns);
        if (!untrusted)
            path_cache_enter(known, process, path);
    }
    path_cache_give_back(known);
    return untrusted;
}

/* Hashes the path of the process's executable; returns enum untrusted. */
static __always_inline int name_executable(struct socket_state *state, __u8 path[16], const struct process *process)
{
    const struct file *file = process->file;
    const struct mnt_namespace *mnt_ns = process->task->nsproxy->mnt_ns;
    bool is_plain = path_is_plain(file, mnt_ns);
    int untrusted = is_plain ? find_path(path, process, mnt_ns) : walk_and_tell(path, file, mnt_ns);

    /* Other roots and other mounts do not tell. */
    state->is_image = is_plain && is_of_lower_layer(file);
    if (untrusted)
        return untrusted;
    if (!file->f_path.dentry->d_hash.pprev || !file->f_inode->i_nlink)
        return UNTRUSTED_DELETED;
    return file->f_flags & FMODE_EXEC_FLAG ? TRUSTED : UNTRUSTED_NOT_EXECUTED;
}

static __always_inline bool same_hash(const __u8 a[16], const __u8 b[16])
{
    const __u64 *x = (const void *)a, *y = (const void *)b;

    return x[0] == y[0] && x[1] == y[1];
}

/* The kernel's types are known of what current's pointers lead to: plain loads, where a NULL reads as zeroes. */
static __always_inline void read_process(struct process *process)
{
    const struct task_struct *task = bpf_get_current_task_btf();
    const struct task_struct *leader = task->group_leader;
    const struct mm_struct *mm = task->mm;

    process->task = task;
    process->file = mm ? mm->exe_file : NULL;
    process->started_ns = leader->start_time;
    process->exec_id = leader->self_exec_id;
    process->pid = task->tgid;
    process->traced = task->ptrace | leader->ptrace;
}

static __always_inline bool is_owner_still(const struct socket_state *state, const struct process *process)
{
    return process->file && state->pid == process->pid && state->started_ns == process->started_ns &&
           state->exec_id == process->exec_id && state->executable == (__u64)process->file && !state->untrusted &&
           !process->traced && process->file->f_flags & FMODE_EXEC_FLAG;
}

static __always_inline void write_owner(struct socket_state *state, const struct process *process)
{
    const struct task_struct *task = process->task;

    state->pid = process->pid;
    state->started_ns = process->started_ns;
    state->exec_id = process->exec_id;
    state->uid = task->real_cred->uid.val;
    state->cgroup_id = task->cgroups->dfl_cgrp->kn->id;
    bpf_probe_read_kernel(state->comm, sizeof(state->comm), &task->comm);
}

/* Whose root owns the network that a socket is in; `sk` is what the verifier calls a socket. */
/* NOLINTNEXTLINE(readability-function-size): BPF_CORE_READ nests */
SUBPROGRAM __u64 owner_of_network(void *sk)
{
    const struct sock *address = kernel_address(sk);

    return (__u64)BPF_CORE_READ(address, __sk_common.skc_net.net, user_ns);
}

/* Hashes the path of the process's executable; returns enum untrusted. */
static __always_inline int name_process(struct socket_state *state, __u8 path[16], const struct process *process,
                                        void *sk)
{
    if (!process->file) {
        state->is_image = 0;
        return UNTRUSTED_NO_EXECUTABLE;
    }

    int untrusted = name_executable(state, path, process);

    if (!untrusted && (__u64)process->task->real_cred->user_ns != owner_of_network(sk))
        return UNTRUSTED_USER_NAMESPACE;
    return !untrusted && process->traced ? UNTRUSTED_TRACED : untrusted;
}

/*
 * Writes the current process into the socket's state as its owner. Cheap when it is the owner already: the same
 * process, no exec since, and its executable still the same open file. 1: the socket had another executable before.
 */
SUBPROGRAM int identity_update(struct socket_state *state, void *sk)
{
    __u8 path[16] __attribute__((aligned(8))) = {};
    struct process process;
    int untrusted, is_another;

    if (!state)
        return 0;
    read_process(&process);
    if (is_owner_still(state, &process))
        return 0;
    state->executable = 0; /* until all is written: other threads may use the socket meanwhile */
    untrusted = name_process(state, path, &process, sk);
    is_another = state->untrusted != untrusted || !same_hash(state->path, path);
    __builtin_memcpy(state->path, path, sizeof(state->path));
    state->untrusted = untrusted;
    write_owner(state, &process);
    __sync_lock_test_and_set(&state->executable, (__u64)process.file);
    return is_another;
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

/*
 * With TCP_REPAIR, which CAP_NET_ADMIN allows, connect() goes on with what another socket has begun: what is read of a
 * connection would begin in the middle of a request. sk: of a TCP socket that connects.
 */
/* NOLINTNEXTLINE(readability-function-size): BPF_CORE_READ nests */
static __always_inline void identity_connect_tcp(struct socket_state *state, const struct sock *sk)
{
    const struct tcp_sock *tcp = (const void *)sk;

    if (!state->untrusted && BPF_CORE_READ_BITFIELD_PROBED(tcp, repair))
        state->untrusted = UNTRUSTED_REPAIRED;
}

#endif
