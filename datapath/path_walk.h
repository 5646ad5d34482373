/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path of a file, walked from the file up to the root of its mount namespace and hashed on the way (path_hash.h):
 * the path as the container sees it, right through overlayfs and pivot_root. The text is kept beside for people.
 */
#ifndef NSP_DATAPATH_PATH_WALK_H
#define NSP_DATAPATH_PATH_WALK_H

#include "datapath/maps.h"
#include "datapath/path_hash.h"

#define PATH_NAME_MAX 255     /* NAME_MAX */
#define PATH_CROSSINGS_MAX 16 /* mounts below each other on the way up */

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

/* For a pointer that leads here from the current task, followed by plain loads. */
static __always_inline __u32 dentry_renames(const struct dentry *dentry)
{
    return ((const struct dentry___renamed *)dentry)->d_seq.seqcount.sequence;
}

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
 * 0, but not to the verifier: before Linux 6.7 it believes that a callback runs once, and cuts off what can only come
 * true in later rounds, such as limits.
 */
static __always_inline __u32 zero_of(const struct control *control)
{
    return control->exempt_node >> 31; /* which is 0 or 1 */
}

static __always_inline void walk_start(struct path_walk *walk, const struct file *file, __u32 zero)
{
    walk->dentry = BPF_CORE_READ(file, f_path.dentry);
    walk->mount = mount_of(BPF_CORE_READ(file, f_path.mnt));
    walk->components = zero;
    walk->length = zero;
    walk->is_done = zero;
}

/* Keeps the text of a path, unless it is known. */
SUBPROGRAM int remember_text(const __u8 hash[16], const struct file *file)
{
    struct path_walk walk = {.wants_text = 1};
    const __u32 place = 0;
    const struct control *control = bpf_map_lookup_elem(&nsp_control, &place);
    struct binary *binary;

    if (!hash || !control)
        return 0;
    __builtin_memcpy(walk.key, hash, sizeof(walk.key));
    binary = bpf_map_lookup_elem(&nsp_binaries, walk.key);
    if (binary && binary->length)
        return 0;
    if (!binary) {
        const struct binary *empty = bpf_map_lookup_elem(&nsp_no_binary, &place);

        if (!empty || bpf_map_update_elem(&nsp_binaries, walk.key, empty, BPF_NOEXIST))
            return 0;
    }
    walk_start(&walk, file, zero_of(control));
    bpf_loop(NSP_PATH_DEPTH_MAX + PATH_CROSSINGS_MAX, walk_up, &walk, 0);
    binary = bpf_map_lookup_elem(&nsp_binaries, walk.key);
    if (binary && walk.is_done)
        binary->length = walk.length;
    return 0;
}

#endif
