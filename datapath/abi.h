/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between the kernel programs and everything in user space: keys and values of the pinned maps, verdicts,
 * reasons, events. Included by both sides. Integers are in host byte order unless the name ends in _be; addresses are
 * 16 bytes in network order, IPv4 as ::ffff:a.b.c.d. No structure has implicit padding: keys are compared as bytes. Any
 * change here that an old program or an old map would misread raises NSP_ABI_VERSION.
 */
#ifndef NSP_DATAPATH_ABI_H
#define NSP_DATAPATH_ABI_H

#include <linux/types.h>

#define NSP_ABI_VERSION 1
#define NSP_ABI_MAGIC 0x4e535041 /* "NSPA" */

#define NSP_PODS_MAX 512       /* slots of nsp_pods; slot 0 is nobody's and always PENDING */
#define NSP_POLICIES_MAX 2048  /* policy 0 means: no profile selects the pod */
#define NSP_RULES_MAX 65536    /* rule set 0 allows nothing */
#define NSP_PARTS_MAX 8        /* profiles that may select one pod */
#define NSP_PATH_MAX 512       /* bytes of an executable's path, without a final zero */
#define NSP_PATH_DEPTH_MAX 32  /* components of that path */
#define NSP_ADDRESSES_MAX 8    /* addresses of one pod interface */
#define NSP_POD_FLOWS_MIN 1024 /* flows of one pod that no socket remembers; more on machines with more than 4 CPUs */

/* Which way a flow or packet goes: always the pod's view. */
enum direction {
    EGRESS = 0,
    INGRESS = 1,
    DIRECTIONS = 2,
};

/* What was decided. The numbers of FORWARDED .. AUDIT are Hubble's. IGNORED is a violation that is only counted. */
enum verdict {
    VERDICT_UNKNOWN = 0,
    VERDICT_FORWARDED = 1,
    VERDICT_DROPPED = 2,
    VERDICT_IGNORED = 3,
    VERDICT_AUDIT = 4,
    VERDICTS = 5,
};

/* Why something was not allowed: the first layer that said no, or what made judging impossible. */
enum reason {
    REASON_NONE = 0,
    REASON_PENDING = 1,           /* policyd has not yet said what selects this pod */
    REASON_UNKNOWN_BINARY = 2,    /* no block lists this executable */
    REASON_UNTRUSTED_BINARY = 3,  /* the path of this executable cannot be believed */
    REASON_NO_DEFAULT = 4,        /* no process owns the packet and no profile has a `default` block */
    REASON_L3_PROTOCOL = 5,       /* EtherType not in l3.protocols */
    REASON_ADDRESS = 6,           /* peer not in cidr4, cidr6 (or learnt for fqdns) */
    REASON_L4_PROTOCOL = 7,       /* neither l4.protocols nor any entry of l4.protocolPorts names the protocol */
    REASON_L4_PORT = 8,           /* l4.protocolPorts names the protocol with other ports only */
    REASON_L7_PROTOCOL = 9,       /* l7.protocols has no `any` and the application protocol was not recognised */
    REASON_ETHERTYPE = 10,        /* neither IPv4, IPv6 nor ARP */
    REASON_VLAN = 11,             /* a VLAN tag from or to a pod */
    REASON_MALFORMED = 12,        /* headers that do not parse or do not agree with the packet's length */
    REASON_FRAGMENT = 13,         /* a fragment that hides its ports, or that no judged datagram belongs to */
    REASON_EXTENSION_HEADER = 14, /* IPv6 extension headers that hide the transport header */
    REASON_FOREIGN_SOCKET = 15,   /* a socket from outside the pod's cgroup, or an AF_PACKET socket */
    REASON_RAW_SOCKET = 16,       /* SOCK_RAW opened by an executable whose rules cannot use it */
    REASON_BIND = 17,             /* bind to a port that no ingress rule can match */
    REASON_NOT_A_REPLY = 18,      /* ICMP error, RST or ACK that belongs to no live flow */
    REASONS = 24,                 /* room; counters are this wide */
};

/* nsp_control: one value, written by policyd, except `events_lost`. */
struct control {
    __u32 magic;             /* NSP_ABI_MAGIC, written last */
    __u32 version;           /* NSP_ABI_VERSION */
    __u64 path_key[2];       /* SipHash key of executable paths: random, per load */
    __u64 host_netns_cookie; /* SO_NETNS_COOKIE of the node's network namespace */
    __u32 exempt_node;       /* 1: traffic from the node's own sockets into pods passes (kubelet probes) */
    __u32 reader_idle;       /* 1: the event reader sleeps and wants to be woken; 0: it comes by timer */
    __u64 event_interval_ns; /* token bucket of each pod: one event per interval, 0 = no limit */
    __u64 event_burst_ns;    /* how far ahead of the clock the bucket may run: burst * interval */
    char build[32];          /* version of the build that loaded the programs */
};

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
    __u8 mac[6];         /* of the pod's end of the veth */
    __u16 attachments;   /* how many entries of nsp_attached share this slot */
    char namespace_[64]; /* "" where CNI_ARGS did not say */
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

/* nsp_revisions[policy]: the revision in force; 0 = none. One 8-byte store publishes a new one for all its pods. */

/* nsp_blocks: what a policy says of an executable. */
struct block_key {
    __u64 revision;
    __u8 path[16]; /* path_hash(), or one of the two below */
};
#define BLOCK_UNLISTED 0x00 /* all 16 bytes: executables that no block lists */
#define BLOCK_DEFAULT 0xff  /* all 16 bytes: packets that no process owns */

enum action {
    ACTION_IGNORE = 0,
    ACTION_ALERT = 1,
    ACTION_ENFORCE = 2,
};

/* One profile's share in a block. What the enforcing parts allow is joined, and so is what the alerting parts allow. */
struct part {
    __u32 rules[DIRECTIONS]; /* index of nsp_rules; 0 allows nothing */
    __u8 action;             /* enum action */
    __u8 profile;            /* index into the policy's list of profiles (user space knows it by the revision) */
    __u16 process;           /* index into spec.processes; 0xffff: none */
};

struct block {
    __u32 count; /* parts in use */
    __u32 reserved;
    struct part parts[NSP_PARTS_MAX];
};

/* nsp_rules[id]: the layers of one RULES object, all of which must allow. */
enum rules_flags {
    RULES_PRESENT = 1,    /* clear: there is no such RULES object, nothing is allowed */
    RULES_ANY4 = 2,       /* 0.0.0.0/0 */
    RULES_ANY6 = 4,       /* ::/0 */
    RULES_CIDRS = 8,      /* nsp_cidrs[id] holds prefixes */
    RULES_L7_CLOSED = 16, /* l7 is present without `any`: no application protocol is recognised yet */
};
enum l3_bits {
    L3_IPV4 = 1,
    L3_IPV6 = 2,
    L3_ARP = 4,
};

struct rules {
    __u32 flags;        /* enum rules_flags */
    __u32 l3;           /* enum l3_bits */
    __u64 protocols[4]; /* bit p: protocol p, any port */
    __u64 ported[4];    /* bit p: protocol p has entries in nsp_ports */
    __u32 port_lengths; /* bit n (0..16): nsp_ports has prefixes of n bits */
    __u32 reserved;
};

/* nsp_ports: a port range as prefixes of its 16 bits (8000-8099 is three of them). */
struct port_key {
    __u32 rules;
    __u16 port;  /* host byte order, low bits beyond `length` zero */
    __u8 length; /* 0..16 */
    __u8 protocol;
};

/* nsp_cidrs[rules id]: LPM trie of addresses; an IPv4 prefix /n has prefix_length 96+n. The value is one byte, 1. */
struct cidr_key {
    __u32 prefix_length;
    __u8 address[16];
};

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

/* A cached ruling: revision << 16 | reason << 8 | flags. 0: not judged. */
enum ruling_flags {
    RULING_VERDICT_MASK = 7, /* enum verdict */
    RULING_INGRESS = 8,      /* the peer opened the flow */
    RULING_ANSWERED = 16,    /* the other side has spoken: UDP and ICMP live longer */
    RULING_EXEMPT = 32,      /* a socket of the node itself opened it */
    RULING_RESET = 64,       /* refused on its way in: the next packet to the pod becomes a RST */
};

/*
 * nsp_binaries[path hash]: the text of a path that some socket hook has seen. It ends at path[NSP_PATH_MAX], without a
 * final zero; the bytes beyond are never used (they let the verifier see that no write leaves the structure).
 */
struct binary {
    __u32 length; /* bytes of the text, which starts at path[NSP_PATH_MAX - length]; 0: not yet written */
    __u32 reserved;
    char path[NSP_PATH_MAX + 256];
};

/* nsp_traffic[slot], per CPU: packets judged on the veth and let pass. */
struct traffic {
    __u64 packets[DIRECTIONS];
    __u64 bytes[DIRECTIONS];
};

/* nsp_tallies[slot]: violations; seen = reported + suppressed + lost, always. */
struct tally {
    __u64 seen;
    __u64 reported;   /* an event is in the ring */
    __u64 suppressed; /* token bucket empty, same flow again, or action ignore */
    __u64 lost;       /* ring full */
};

struct pod_tally {
    __u64 bucket_ns;  /* theoretical arrival time of the next event (GCRA) */
    __u64 refused_ns; /* when a live TCP flow was last refused on its way in; 0: never */
    struct tally tallies[DIRECTIONS][VERDICTS][REASONS];
};

/* Where in the kernel something was decided. */
enum hook {
    HOOK_SOCK_CREATE = 1,
    HOOK_CONNECT = 2,
    HOOK_SENDMSG = 3,
    HOOK_BIND = 4,
    HOOK_TC_FROM_POD = 5,
    HOOK_TC_TO_POD = 6,
    HOOK_CGROUP_INGRESS = 7,
};

enum event_flags {
    EVENT_HAS_PROCESS = 1, /* pid, uid and path are of the process that owns the socket */
    EVENT_LIVE_FLOW = 2,   /* a flow that an earlier revision had let pass */
    EVENT_RESET = 4,       /* the pod's process got ECONNRESET */
};

/* nsp_events: one violation. */
struct event {
    __u64 time_ns; /* CLOCK_MONOTONIC */
    __u64 revision;
    __u64 socket_cookie;
    __u64 cgroup_id; /* leaf cgroup of the process (the container); 0: unknown */
    __u32 slot;
    __u32 epoch;
    __u32 policy;
    __u32 pid; /* tgid, as the host counts */
    __u32 uid; /* as the host counts */
    __u32 ifindex;
    __u8 direction; /* of the flow: EGRESS = the pod opened it */
    __u8 verdict;
    __u8 reason;
    __u8 hook;
    __u8 flags;    /* enum event_flags */
    __u8 protocol; /* IP protocol, 0 where there is none */
    __u8 tcp_flags;
    __u8 profile;  /* struct part.profile of the part that refused */
    __u16 process; /* struct part.process */
    __u16 ethertype;
    __u16 local_port_be;
    __u16 remote_port_be;
    __u8 local[16];
    __u8 remote[16];
    __u8 path[16]; /* key of nsp_binaries */
    char comm[16];
};

/* nsp_policies[policy]: what sync wrote, so that a restarted policyd finds it again. The kernel does not read it. */
struct policy {
    __u64 revision;
    __u8 name[32];     /* digest of the names of its profiles */
    __u8 content[32];  /* digest of what was compiled */
    __u32 first_rules; /* its rule sets are first_rules .. first_rules + rules_count - 1 */
    __u32 rules_count;
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
