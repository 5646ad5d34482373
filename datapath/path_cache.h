/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What walking the path of a process's executable found, kept for the next socket of that process. Nothing is believed
 * that could have changed since: the process is the same, has not executed anything, and holds the same file, and with
 * it every directory above; the kernel counts up a number in each of these when it is renamed or moved, and all numbers
 * are compared again. Paths that lead through more mounts than the root are walked each time: mounts carry no number.
 */
#ifndef NSP_DATAPATH_PATH_CACHE_H
#define NSP_DATAPATH_PATH_CACHE_H

#include "datapath/path_walk.h"

#define PATH_CACHE_SIZE 64     /* a power of two */
#define PATH_CACHE_DEPTH 12    /* deeper paths are not kept */
#define PATH_CACHE_JIFFIES 250 /* 0.25 to 2.5 s: long before a number that counts renames comes round again */

/* The process whose executable is asked for. */
struct process {
    const struct task_struct *task;
    const struct file *file;
    __u64 started_ns;
    __u64 exec_id;
    __u32 pid;
    __u32 traced;
};

struct known_path {
    __u32 is_taken;
    __u32 pid; /* 0: nothing is known */
    __u64 started_ns;
    __u64 exec_id;
    __u64 executable; /* addresses are compared, never followed */
    __u64 mount;
    __u64 walked_jiffies;
    __u8 path[16];
    __u32 depth;
    __u32 renames[PATH_CACHE_DEPTH];
    __u64 dentries[PATH_CACHE_DEPTH];
};

/* Index: the process. On each CPU, so that an entry is taken without waiting; who finds it taken does without. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, PATH_CACHE_SIZE);
    __type(key, __u32);
    __type(value, struct known_path);
} NSP_MAP(nsp_known_paths);

/*
 * Whether a file lies in the mount that is the root of a mount namespace, so that no other mount is part of its path.
 * After pivot_root() that one is mounted over the namespace's own root, which nobody sees any more.
 */
SUBPROGRAM int path_is_plain(const struct file *file, const struct mnt_namespace *mnt_ns)
{
    const struct vfsmount *mnt = file->f_path.mnt;
    const struct mount *root = mnt_ns->root, *mount = mount_of(mnt);

    if ((__u64)mnt == (__u64)&root->mnt)
        return 1;
    return (__u64)BPF_CORE_READ(mount, mnt_parent) == (__u64)root &&
           (__u64)BPF_CORE_READ(mount, mnt_mountpoint) == (__u64)root->mnt.mnt_root;
}

static __always_inline struct known_path *path_cache_take(const struct process *process)
{
    __u32 place = process->pid & (PATH_CACHE_SIZE - 1);
    struct known_path *known = bpf_map_lookup_elem(&nsp_known_paths, &place);

    return known && !__sync_lock_test_and_set(&known->is_taken, 1) ? known : NULL;
}

static __always_inline void path_cache_give_back(struct known_path *known)
{
    __sync_lock_test_and_set(&known->is_taken, 0);
}

/* Notes the way up and how often each step of it was renamed, before its names are read. */
SUBPROGRAM int path_cache_note(struct known_path *known, const struct file *file)
{
    const struct dentry *dentry = file->f_path.dentry, *root = file->f_path.mnt->mnt_root;

    if (!known)
        return 0;
    known->pid = 0;
    known->depth = PATH_CACHE_DEPTH;
    for (__u32 i = 0; i < PATH_CACHE_DEPTH; i++) {
        if (dentry == root) {
            known->depth = i;
            break;
        }
        known->dentries[i] = (__u64)dentry;
        known->renames[i] = dentry_renames(dentry);
        dentry = dentry->d_parent;
    }
    return 0;
}

/* Whether the way up is still the one that was noted. An odd number: it is renamed right now. */
SUBPROGRAM int is_same_way(const struct known_path *known, const struct file *file)
{
    const struct dentry *dentry = file->f_path.dentry, *root = file->f_path.mnt->mnt_root;

    if (!known)
        return 0;
    for (__u32 i = 0; i < PATH_CACHE_DEPTH; i++) {
        if (dentry == root)
            return known->depth == i;
        if (known->dentries[i] != (__u64)dentry || known->renames[i] != dentry_renames(dentry) || known->renames[i] & 1)
            return 0;
        dentry = dentry->d_parent;
    }
    return 0;
}

/* Enters the path that was walked since path_cache_note(), if the way up has not changed meanwhile. */
static __always_inline void path_cache_enter(struct known_path *known, const struct process *process,
                                             const __u8 path[16])
{
    if (!is_same_way(known, process->file))
        return;
    known->started_ns = process->started_ns;
    known->exec_id = process->exec_id;
    known->executable = (__u64)process->file;
    known->mount = (__u64)process->file->f_path.mnt;
    known->walked_jiffies = bpf_jiffies64();
    __builtin_memcpy(known->path, path, sizeof(known->path));
    known->pid = process->pid;
}

/* Whether the path is the process's, now. */
static __always_inline bool path_cache_holds(const struct known_path *known, const struct process *process)
{
    return known->pid == process->pid && known->started_ns == process->started_ns &&
           known->exec_id == process->exec_id && known->executable == (__u64)process->file &&
           known->mount == (__u64)process->file->f_path.mnt &&
           bpf_jiffies64() - known->walked_jiffies < PATH_CACHE_JIFFIES && is_same_way(known, process->file);
}

#endif
