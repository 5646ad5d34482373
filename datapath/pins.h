/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pinned datapath as user space sees it: one directory in a bpffs with all maps and programs (nsp_*), and
 * links/ for tcx links. Opening needs no libelf and loads nothing. Loading is load.c, attaching attach.c, the pods'
 * records record.c.
 */
#ifndef NSP_DATAPATH_PINS_H
#define NSP_DATAPATH_PINS_H

#include "datapath/abi.h"
#include "lib/error.h"

#define PINS_DIRECTORY "/sys/fs/bpf/nsp" /* default of every program's --bpffs and of the plugin's `bpffs` */

/* Names of the pins, index = enum below. A BPF name has at most 15 characters, so map and pin carry the same one. */
enum pins_map {
    MAP_CONTROL,     /* nsp_control   ARRAY[1]          struct control, BPF_F_MMAPABLE */
    MAP_STATES,      /* nsp_states    ARRAY[PODS]       __u64 pod word, BPF_F_MMAPABLE */
    MAP_REVISIONS,   /* nsp_revisions ARRAY[POLICIES]  __u64, BPF_F_MMAPABLE */
    MAP_PODS,        /* nsp_pods      ARRAY[PODS]       struct pod */
    MAP_IDS,         /* nsp_ids       HASH              __u64 cgroup id -> struct pod_ref */
    MAP_CGROUP,      /* nsp_cgroup    CGROUP_STORAGE    __u64 cgroup id -> struct pod_ref; exists once attached */
    MAP_IFS,         /* nsp_ifs       HASH              __u32 ifindex -> struct iface */
    MAP_ATTACHED,    /* nsp_attached  HASH              struct attachment_key -> struct attachment */
    MAP_POLICIES,    /* nsp_policies  ARRAY[POLICIES]   struct policy */
    MAP_BLOCKS,      /* nsp_blocks    HASH              struct block_key -> struct block */
    MAP_RULES,       /* nsp_rules     ARRAY[RULES]      struct rules */
    MAP_PORTS,       /* nsp_ports     HASH              struct port_key -> __u8 1 */
    MAP_CIDRS,       /* nsp_cidrs     ARRAY_OF_MAPS[RULES] rules id -> LPM_TRIE(struct cidr_key -> __u8 1) */
    MAP_TEXTS,       /* nsp_texts     HASH              struct text_key -> struct text */
    MAP_GLOBS,       /* nsp_globs     ARRAY[GLOBS]      struct glob */
    MAP_UNLEARNABLE, /* nsp_unlearnable LPM_TRIE      struct cidr_key -> __u8 1 */
    MAP_CONTAINERS,  /* nsp_containers HASH            __u64 leaf cgroup id -> __u64 container_hash() */
    MAP_LEARNT,      /* nsp_learnt    ARRAY_OF_MAPS[PODS]  slot -> HASH(struct learnt_key -> struct learnt) */
    MAP_NAMES,       /* nsp_names     ARRAY_OF_MAPS[PODS]  slot -> HASH(struct name_key -> struct known_name) */
    MAP_ASKS,        /* nsp_asks      ARRAY_OF_MAPS[PODS]  slot -> ARRAY[NSP_ASK_SETS](struct ask_set) */
    MAP_GATEWAYS,    /* nsp_gateways  ARRAY[PODS]       struct gateway */
    MAP_SHARES,      /* nsp_shares    ARRAY[POLICIES * PARTS] struct share */
    MAP_TOLD,        /* nsp_told      LRU_HASH          32-byte hash -> __u8 1; private to the programs */
    MAP_FLOWS,       /* nsp_flows     ARRAY_OF_MAPS[PODS]  slot -> LRU_HASH(struct flow_key -> struct flow) */
    MAP_BINARIES,    /* nsp_binaries  LRU_HASH          16-byte path hash -> struct binary */
    MAP_TRAFFIC,     /* nsp_traffic   PERCPU_ARRAY[PODS] struct traffic */
    MAP_TALLIES,     /* nsp_tallies   ARRAY[PODS]       struct pod_tally */
    MAP_EVENTS,      /* nsp_events    RINGBUF */
    MAP_SOCKETS,     /* nsp_sockets   SK_STORAGE        private to the programs (datapath/maps.h) */
    MAP_STREAMS,     /* nsp_streams   SK_STORAGE        likewise (datapath/stream.h) */
    PINS_MAPS,
};

enum pins_program {
    PROGRAM_SOCK_CREATE,
    PROGRAM_SOCK_RELEASE,
    PROGRAM_CONNECT4,
    PROGRAM_CONNECT6,
    PROGRAM_SENDMSG4,
    PROGRAM_SENDMSG6,
    PROGRAM_BIND4,
    PROGRAM_BIND6,
    PROGRAM_SOCKOPS,
    PROGRAM_INGRESS,  /* cgroup_skb/ingress */
    PROGRAM_FROM_POD, /* tc, ingress of the host's veth */
    PROGRAM_TO_POD,   /* tc, egress of the host's veth */
    PINS_PROGRAMS,
    PROGRAMS_OF_CGROUP = PROGRAM_INGRESS + 1, /* the first ones belong on the pod's cgroup, in this order */
};

/* Map and pin name ("nsp_states"); program name ("nsp_connect4") and pin name are the same as well. */
const char *pins_map_name(enum pins_map map);
const char *pins_program_name(enum pins_program program);

struct datapath {
    char directory[128];
    int maps[PINS_MAPS];         /* file descriptors, -1 where not open */
    int programs[PINS_PROGRAMS]; /* likewise */
    struct control *control;     /* mapped, shared, writable */
    __u64 *states;               /* mapped: NSP_PODS_MAX words */
    __u64 *revisions;            /* mapped: NSP_POLICIES_MAX words */
};

/*
 * Opens the pins below `directory` and checks magic and ABI version. Errors, with the remedy in the message:
 * ENOENT no such directory, EUCLEAN something of it is missing, EPROTO another ABI version, ENOTDIR `directory` is not
 * on a bpffs, EPERM no CAP_BPF. On success the caller closes with pins_close().
 */
int pins_open(struct datapath *datapath, const char *directory, struct error *err);

/* For a removal: what is still pinned of a datapath that is not whole; the rest is negative. Nothing is mapped. */
void pins_open_remains(struct datapath *datapath, const char *directory);

/* Safe after pins_init() alone, and twice. */
void pins_close(struct datapath *datapath);

/* An initial value: every descriptor -1, nothing mapped. */
void pins_init(struct datapath *datapath);

/* Whether `path`, or its nearest existing parent, lies on a bpffs. */
int pins_on_bpffs(const char *path);

#endif
