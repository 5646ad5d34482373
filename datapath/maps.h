/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every map of the datapath but nsp_streams (stream.h). Keys and values are abi.h's; the order of names is pins.h's.
 * Weak, because both objects that are linked into one define them from here.
 */
#ifndef NSP_DATAPATH_MAPS_H
#define NSP_DATAPATH_MAPS_H

#include "datapath/abi.h"
#include "datapath/kernel.h"

/*
 * What a socket remembers: who owns it, and how its flow was judged. Written by the socket hooks (owner) and by
 * whichever program judges (flow); cloned from listener to child. A TCP socket has one peer for life, so that peer and
 * ruling are written peer first and read ruling first; other sockets talk to many peers at once: theirs are written
 * under lock, and read again if `writes` says that they were written meanwhile.
 */
struct socket_state {
    struct bpf_spin_lock lock;
    __u32 slot;
    __u32 epoch;
    __u32 ifindex; /* the veth this flow was judged on; 0: none yet */
    __u64 ruling;  /* abi.h: enum ruling_flags */
    __u64 seen_ns;
    __u8 peer[16];
    __u16 peer_port_be;
    __u8 protocol;   /* of the socket: 0 until known */
    __u8 type;       /* SOCK_STREAM ... */
    __u8 is_passive; /* listens, or was accepted */
    __u8 untrusted;  /* enum untrusted: why the path is not believed; 0: it is */
    __u8 is_image;   /* the executable is from the image's layers, as far as overlayfs tells */
    __u8 holds_name; /* counted in struct learnt.flows */
    __u32 writes;    /* of peer, ruling and seen_ns under lock, twice each: odd while one is under way */
    /* The owner: the process that created, connected, bound or last sent on it. */
    __u32 pid;
    __u32 uid;
    __u64 cgroup_id;
    __u64 started_ns; /* start time of the process; these four tell whether the owner is still the same */
    __u64 exec_id;
    __u64 executable; /* address of the struct file; compared, never followed */
    __u8 path[16];    /* path hash */
    __u8 creator[16]; /* that of who called socket(); 0: not seen */
    char comm[16];
};

#define NSP_MAP(name) name __weak SEC(".maps")

/* Settings. Writer: policyd. Readers: all programs. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct control);
} NSP_MAP(nsp_control);

/* State word of each pod. Writers: plugin (PENDING), policyd (READY). Readers: all programs. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, NSP_PODS_MAX);
    __type(key, __u32);
    __type(value, __u64);
} NSP_MAP(nsp_states);

/* Revision in force of each policy. Writer: policyd. Readers: all programs, once a run. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, NSP_POLICIES_MAX);
    __type(key, __u32);
    __type(value, __u64);
} NSP_MAP(nsp_revisions);

/* Who a pod is. Writer: plugin. Readers: user space; the programs for the pod's own addresses. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, NSP_PODS_MAX);
    __type(key, __u32);
    __type(value, struct pod);
} NSP_MAP(nsp_pods);

/* Cgroup id to slot. Writer and reader: user space. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, NSP_PODS_MAX);
    __type(key, __u64);
    __type(value, struct pod_ref);
} NSP_MAP(nsp_ids);

/* The slot of the pod on whose cgroup a program is attached. A key of 8 bytes: one value for all attach types. */
struct {
    __uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
    __type(key, __u64);
    __type(value, struct pod_ref);
} NSP_MAP(nsp_cgroup);

/* Whose veth a device is. Writer: plugin. Readers: tc programs. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 2 * NSP_PODS_MAX);
    __type(key, __u32);
    __type(value, struct iface);
} NSP_MAP(nsp_ifs);

/* What ADD did. Writer and reader: user space. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 2 * NSP_PODS_MAX);
    __type(key, struct attachment_key);
    __type(value, struct attachment);
} NSP_MAP(nsp_attached);

/* What sync wrote. Writer and reader: policyd. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, NSP_POLICIES_MAX);
    __type(key, __u32);
    __type(value, struct policy);
} NSP_MAP(nsp_policies);

/* Blocks of all revisions in force. Writer: policyd. Readers: programs that judge. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 65536);
    __type(key, struct block_key);
    __type(value, struct block);
} NSP_MAP(nsp_blocks);

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, NSP_RULES_MAX);
    __type(key, __u32);
    __type(value, struct rules);
} NSP_MAP(nsp_rules);

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 262144);
    __type(key, struct port_key);
    __type(value, __u8);
} NSP_MAP(nsp_ports);

struct nsp_cidr_trie {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 100000);
    __uint(key_size, sizeof(struct cidr_key));
    __uint(value_size, 1);
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, NSP_RULES_MAX);
    __type(key, __u32);
    __array(values, struct nsp_cidr_trie);
} NSP_MAP(nsp_cidrs);

/* Names and requests that rule sets list. Writer: policyd. Readers: programs that judge. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 262144);
    __type(key, struct text_key);
    __type(value, struct text);
} NSP_MAP(nsp_texts);

/* Patterns that a hash cannot find. Writer: policyd. Readers: programs that judge. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, NSP_GLOBS_MAX);
    __type(key, __u32);
    __type(value, struct glob);
} NSP_MAP(nsp_globs);

/* Addresses that are never learnt, beside the built-in ones. Writer: policyd. Readers: programs that learn. */
struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1024);
    __uint(key_size, sizeof(struct cidr_key));
    __uint(value_size, 1);
} NSP_MAP(nsp_unlearnable);

/* Leaf cgroup to container_hash(). Writer: policyd. Readers: programs that judge. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 16 * NSP_PODS_MAX);
    __type(key, __u64);
    __type(value, __u64);
} NSP_MAP(nsp_containers);

/* What DNS answers have taught, a map of its own for each pod. Writers and readers: the programs. */
struct nsp_learnt_table {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, NSP_LEARNT_MAX);
    __uint(key_size, sizeof(struct learnt_key));
    __uint(value_size, sizeof(struct learnt));
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, NSP_PODS_MAX);
    __type(key, __u32);
    __array(values, struct nsp_learnt_table);
} NSP_MAP(nsp_learnt);

struct nsp_name_table {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, NSP_NAMES_MAX);
    __uint(key_size, sizeof(struct name_key));
    __uint(value_size, sizeof(struct known_name));
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, NSP_PODS_MAX);
    __type(key, __u32);
    __array(values, struct nsp_name_table);
} NSP_MAP(nsp_names);

/* DNS queries on their way, a map of its own for each pod. Writers and readers: the programs. */
struct nsp_ask_table {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, NSP_ASK_SETS);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(struct ask_set));
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, NSP_PODS_MAX);
    __type(key, __u32);
    __array(values, struct nsp_ask_table);
} NSP_MAP(nsp_asks);

/* The MAC of each pod's gateway. Writers and readers: tc programs. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, NSP_PODS_MAX);
    __type(key, __u32);
    __type(value, struct gateway);
} NSP_MAP(nsp_gateways);

/* Violations by profile. Writers: programs that judge, atomically. Reader: policyd. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, NSP_POLICIES_MAX *NSP_PARTS_MAX);
    __type(key, __u32);
    __type(value, struct share);
} NSP_MAP(nsp_shares);

/* What `learn` has told already: a keyed hash of (pod, executable, what). Writers and readers: the programs. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 16384);
    __uint(key_size, 32);
    __uint(value_size, 1);
} NSP_MAP(nsp_told);

/* Flows without a full socket, a map of its own for each pod. Writers and readers: the programs. */
struct nsp_flow_table {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, NSP_POD_FLOWS_MIN);
    __uint(key_size, sizeof(struct flow_key)); /* sizes: clang leaves an inner map's structures out of the BTF */
    __uint(value_size, sizeof(struct flow));
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, NSP_PODS_MAX);
    __type(key, __u32);
    __array(values, struct nsp_flow_table);
} NSP_MAP(nsp_flows);

/* Texts of paths, for people. Writers: socket hooks. Reader: policyd. Decides nothing. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 4096);
    __type(key, __u8[16]);
    __type(value, struct binary);
} NSP_MAP(nsp_binaries);

/* An empty struct binary to start a text from: too large for the stack. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct binary);
} NSP_MAP(nsp_no_binary);

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, NSP_PODS_MAX);
    __type(key, __u32);
    __type(value, struct traffic);
} NSP_MAP(nsp_traffic);

/* Violations: shared by all CPUs and added to atomically: nothing is lost, and at rest the sums agree. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, NSP_PODS_MAX);
    __type(key, __u32);
    __type(value, struct pod_tally);
} NSP_MAP(nsp_tallies);

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 20);
} NSP_MAP(nsp_events);

struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
    __type(key, int);
    __type(value, struct socket_state);
} NSP_MAP(nsp_sockets);

#endif
