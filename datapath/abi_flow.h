/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A part of abi.h, which includes it: what the kernel remembers of flows, and of the executables that open them. */
#ifndef NSP_DATAPATH_ABI_FLOW_H
#define NSP_DATAPATH_ABI_FLOW_H

#include <linux/types.h>

/* nsp_flows[slot]: flows that no full socket remembers. A miss means: judge again. */
struct flow_key {
    __u8 remote[16];
    __u8 local[16];
    __u16 remote_port_be; /* ICMP: the echo identifier in both ports */
    __u16 local_port_be;
    __u32 epoch;
    __u8 protocol;
    __u8 opened; /* ICMP: enum direction of who asked, since both sides may use one identifier; else 0 */
    __u8 reserved[6];
} __attribute__((aligned(8))); /* so that addresses are compared in words */

struct flow {
    __u64 ruling;   /* as in struct socket_state */
    __u64 seen_ns;  /* CLOCK_MONOTONIC coarse, of the last packet */
    __u8 owner[16]; /* path hash of the executable that opened it; 0: no process */
};

/*
 * A cached ruling. 0: not judged. Bits 0-11: flags; 12-19: enum reason; 20-27: which parts of the block allow the flow
 * as far as its packets' headers go (bit i: parts[i]), for what it carries to be judged by; 28-63: the revision.
 */
enum ruling_flags {
    RULING_VERDICT_MASK = 7, /* enum verdict */
    RULING_INGRESS = 8,      /* the peer opened the flow */
    RULING_ANSWERED = 16,    /* the other side has spoken: UDP and ICMP live longer */
    RULING_EXEMPT = 32,      /* a socket of the node itself opened it */
    RULING_RESET = 64,       /* refused on its way in: the next packet to the pod becomes a RST */
    RULING_INSPECT = 128,    /* what it carries is judged, or read, packet by packet */
    RULING_ENFORCED = 512,   /* with RULING_INSPECT: somebody may refuse what it carries */
    RULING_NAMED = 256,      /* its peer is allowed as a learnt address */
};
#define RULING_REASON_SHIFT 12
#define RULING_PARTS_SHIFT 20
#define RULING_REVISION_SHIFT 28

/* flow_key.opened of entries that are no flows */
#define FLOW_KEY_FRAGMENT 2 /* a datagram whose first fragment passed: the ports are its identification */
#define FLOW_KEY_ASK 3      /* a DNS query: local is half of its name's hash, local_port its id; see ask.h */

/*
 * nsp_binaries[path hash]: the text of a path that some socket hook has seen. It ends at path[NSP_PATH_MAX], without a
 * final zero; the bytes beyond are never used (they let the verifier see that no write leaves the structure).
 */
struct binary {
    __u32 length; /* bytes of the text, which starts at path[NSP_PATH_MAX - length]; 0: not yet written */
    __u32 reserved;
    char path[NSP_PATH_MAX + 256];
};

/* skb->mark of a copy that tells a refused client (afterwards.h). No packet from a pod has one: between network
 * namespaces it is cleared. */
enum afterwards_mark {
    AFTERWARDS_ONCE = 0x4e535001,
    AFTERWARDS_TWICE,
    AFTERWARDS_BACK, /* on its way to the pod, judged by nsp_to_pod */
};

#endif
