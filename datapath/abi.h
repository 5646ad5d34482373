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

#define NSP_ABI_VERSION 2
#define NSP_ABI_MAGIC 0x4e535041 /* "NSPA" */

#define NSP_PODS_MAX 512      /* slots of nsp_pods; slot 0 is nobody's and always PENDING */
#define NSP_POLICIES_MAX 2048 /* policy 0 means: no profile selects the pod */
#define NSP_RULES_MAX 16384   /* rule set 0 allows nothing */
#define NSP_GLOBS_MAX 4096    /* patterns with a `*` inside a label, of all rule sets */
#define NSP_PARTS_MAX 8       /* profiles that may select one pod */
#define NSP_PATH_MAX 512      /* bytes of an executable's path, without a final zero */
#define NSP_PATH_DEPTH_MAX 32 /* components of that path */
#define NSP_ADDRESSES_MAX 8   /* addresses of one pod interface */
#define NSP_NAME_SIZE 256     /* room for a DNS name on the wire: at most 254 bytes without the root's zero */
#define NSP_NAME_LABELS_MAX 127
#define NSP_URI_MAX 1024       /* bytes of a request target that rules can tell whole */
#define NSP_METHOD_MAX 32      /* bytes of an HTTP method */
#define NSP_PREFIXES_MAX 16    /* different lengths of uris that end in `*`, in one rule set */
#define NSP_LEARNT_MAX 1024    /* addresses learnt from DNS answers, per pod */
#define NSP_NAMES_MAX 256      /* names they were learnt from, per pod */
#define NSP_EVENT_TEXT_MAX 512 /* bytes of a name or request in an event */
#define NSP_POD_FLOWS_MIN 1024 /* flows of one pod that no socket remembers; more on machines with more than 4 CPUs */

/* Which way a flow or packet goes: always the pod's view. */
enum direction {
    EGRESS = 0,
    INGRESS = 1,
    DIRECTIONS = 2,
};

#define NSP_TEXT_KEY_WORDS 272 /* 132 positions of two words, shifted three times by two (text_hash.h) */

/* What was decided. The numbers of FORWARDED .. AUDIT are Hubble's. IGNORED is a violation that is only counted. */
enum verdict {
    VERDICT_UNKNOWN = 0,
    VERDICT_FORWARDED = 1,
    VERDICT_DROPPED = 2,
    VERDICT_IGNORED = 3,
    VERDICT_AUDIT = 4,
    VERDICTS = 5,
    VERDICT_TRACED = 6, /* of an event only: Hubble's number */
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
    REASON_FQDN_EXPIRED = 19,     /* the peer was learnt for a name in fqdns, too long ago */
    REASON_DNS_NAME = 20,         /* a name that l7.dns does not allow to ask for */
    REASON_DNS_MESSAGE = 21,      /* a DNS query or answer that does not parse, or is longer than can be judged */
    REASON_DNS_UNASKED = 22,      /* a DNS answer that matches no query */
    REASON_HTTP_REQUEST = 23,     /* no entry of l7.http has this method and uri */
    REASON_HTTP_AMBIGUOUS = 24,   /* a request that two parsers could read in two ways, or none at all */
    REASON_TLS_NAME = 25,         /* no server name in the ClientHello, or one that fqdns does not have */
    REASON_TLS_HELLO = 26,        /* a ClientHello that does not parse, or hides its name (ECH) */
    REASON_STREAM = 27,           /* bytes that cannot be judged in order: beginning not seen, urgent, pages shared */
    REASON_NOT_IMAGE = 28,        /* imageOnly, and the executable is not from the image's layers */
    REASON_ARP_SPOOFING = 29,     /* attacks: */
    REASON_ND_SPOOFING = 30,
    REASON_IP_SPOOFING = 31,
    REASON_RAW_SOCKET_ATTACK = 32,
    REASON_NAMES_FULL = 33, /* an answer that could not be learnt: the pod's table is full */
    REASONS = 40,           /* room; counters are this wide */
};

/* nsp_control: one value, written by policyd, except `events_lost`. */
struct control {
    __u32 magic;                        /* NSP_ABI_MAGIC, written last */
    __u32 version;                      /* NSP_ABI_VERSION */
    __u64 path_key[2];                  /* SipHash key of executable paths: random, per load */
    __u32 text_key[NSP_TEXT_KEY_WORDS]; /* NH key of names and requests (text_hash.h): random, per load */
    __u64 name_floor_ns;                /* a learnt address lives for max(TTL, floor) ... */
    __u64 name_cap_ns;                  /* ... and at most this long after its answer */
    __u64 host_netns_cookie;            /* SO_NETNS_COOKIE of the node's network namespace */
    __u32 exempt_node;                  /* 1: traffic from the node's own sockets into pods passes (kubelet probes) */
    __u32 reader_idle;                  /* 1: the event reader sleeps and wants to be woken; 0: it comes by timer */
    __u64 event_interval_ns;            /* token bucket of each pod: one event per interval, 0 = no limit */
    __u64 event_burst_ns;               /* how far ahead of the clock the bucket may run: burst * interval */
    char build[32];                     /* version of the build that loaded the programs */
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

enum part_flags {
    PART_IMAGE_ONLY = 1, /* refuses an executable that is not from the image's layers */
    PART_TRACE_DNS = 2,  /* an event for each DNS query and answer */
    PART_LEARN = 4,      /* each new flow, name and request is recorded once */
};

enum attacks {
    ATTACK_ARP_SPOOFING = 1,
    ATTACK_ND_SPOOFING = 2,
    ATTACK_IP_SPOOFING = 4,
    ATTACK_RAW_SOCKET = 8,
};

/* One profile's share in a block. What the enforcing parts allow is joined, and so is what the alerting parts allow. */
struct part {
    __u32 rules[DIRECTIONS]; /* index of nsp_rules; 0 allows nothing */
    __u64 container;         /* container_hash() of the only container it is for; 0: all */
    __u8 action;             /* enum action */
    __u8 profile;            /* index into the policy's list of profiles (user space knows it by the revision) */
    __u16 process;           /* index into spec.processes; 0xffff: none */
    __u8 flags;              /* enum part_flags */
    __u8 attacks;            /* enum attacks: what its profile wants detected */
    __u16 reserved;
};

enum block_flags {
    BLOCK_READS_DNS = 1, /* some part has fqdns, traces or learns: DNS is read even where no rule judges it */
    BLOCK_TRACES = 2,    /* some part has PART_TRACE_DNS */
    BLOCK_LEARNS = 4,    /* some part has PART_LEARN */
    BLOCK_ATTACKS = 8,   /* some part wants attacks detected */
};

struct block {
    __u32 count; /* parts in use */
    __u32 flags; /* enum block_flags */
    struct part parts[NSP_PARTS_MAX];
};

/* nsp_rules[id]: the layers of one RULES object, all of which must allow. */
enum rules_flags {
    RULES_PRESENT = 1,        /* clear: there is no such RULES object, nothing is allowed */
    RULES_ANY4 = 2,           /* 0.0.0.0/0 */
    RULES_ANY6 = 4,           /* ::/0 */
    RULES_CIDRS = 8,          /* nsp_cidrs[id] holds prefixes */
    RULES_FQDNS = 0x10,       /* names in nsp_texts, list LIST_FQDNS */
    RULES_FQDNS_ALL = 0x20,   /* one of them is `*` */
    RULES_POD_NAMES = 0x40,   /* nameScope: pod: also what other blocks with this flag have learnt */
    RULES_L7 = 0x80,          /* there is an l7 key */
    RULES_L7_ANY = 0x100,     /* l7.protocols has any, ... */
    RULES_L7_DNS = 0x200,     /* dns, ... */
    RULES_L7_HTTP = 0x400,    /* http, ... */
    RULES_L7_HTTPS = 0x800,   /* https */
    RULES_DNS_LIST = 0x1000,  /* there is an l7.dns key, maybe an empty one */
    RULES_DNS_ALL = 0x2000,   /* one of its names is `*` */
    RULES_HTTP_LIST = 0x4000, /* there is an l7.http key, maybe an empty one */
    RULES_INSPECT = 0x8000,   /* what a flow carries must be judged: an l7 key that does not allow all */
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
    __u32 prefix_count; /* of prefix_lengths */
    struct name_list {
        /* bit n: nsp_texts has patterns of this kind whose literal end has n labels */
        __u64 one_label;                    /* *.x */
        __u64 labels;                       /* **.x */
        __u64 globs;                        /* a `*` inside or in place of a label */
    } names[2];                             /* LIST_FQDNS, LIST_DNS */
    __u16 prefix_lengths[NSP_PREFIXES_MAX]; /* bytes of the uris that end in `*`, without it; ascending */
};

/*
 * nsp_texts: names and requests that a rule set lists, by their keyed hash (text_hash.h). Names are hashed as on the
 * wire, folded, without the root's zero; the key of a pattern is its literal end.
 */
enum text_list {
    LIST_FQDNS = 0,
    LIST_DNS = 1,
    LIST_HTTP = 2,
};
enum text_kind {
    TEXT_WHOLE = 0,     /* the name; the method and the uri */
    TEXT_ONE_LABEL = 1, /* *.x: the hash is that of x */
    TEXT_LABELS = 2,    /* **.x */
    TEXT_GLOB = 3,      /* struct text says which of nsp_globs to try */
    TEXT_PREFIX = 4,    /* uri with a `*` at its end: the hash is of the method and of what stands before it */
};
struct text_key {
    __u32 rules;
    __u8 list;    /* enum text_list */
    __u8 kind;    /* enum text_kind */
    __u16 length; /* bytes of the name's end, or of the uri; | TEXT_ANY_METHOD */
    __u64 hash[4];
};
#define TEXT_ANY_METHOD 0x8000 /* the entry's method is `*`: it is not in the hash */
struct text {
    __u32 first; /* TEXT_GLOB: nsp_globs[first .. first + count - 1]; else 0 */
    __u32 count; /* at most NSP_GLOBS_PER_END */
};
#define NSP_GLOBS_PER_END 16 /* patterns of one list with the same literal end */

/* nsp_globs[i]: a pattern as on the wire: labels with their length first, folded, a `*` in a label for any text. */
struct glob {
    __u8 length; /* bytes of text, which is left-aligned */
    __u8 text[NSP_NAME_SIZE - 1];
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
#define FLOW_KEY_ASK 3      /* a DNS query: local is half of its name's hash, local_port its id; see names.h */
#define FLOW_KEY_STREAM 4   /* what the data in a handshake has come to: see stream.h */

/* nsp_learnt[slot]: addresses learnt from DNS answers. Entries whose names have all expired go when room is needed. */
struct learnt_key {
    __u8 path[16]; /* of the block whose query taught it; all LEARNT_BY_POD: nameScope pod */
    __u8 address[16];
    __u32 epoch;
    __u32 reserved;
};
#define LEARNT_BY_POD 0xfe
#define LEARNT_NAMES_MAX 4 /* names that one address is known by at once; the one that ends first gives way */
struct learnt {
    __u64 used_ns; /* CLOCK_MONOTONIC coarse: when a flow to it was last seen */
    __u32 flows;   /* TCP connections to it that live: while there are some, its names do not expire */
    __u32 reserved;
    struct learnt_name {
        __u64 expires_ns; /* 0: free; 1: being written */
        __u64 hash[4];    /* key of nsp_names */
        __u32 length;     /* likewise */
        __u32 reserved;
    } names[LEARNT_NAMES_MAX];
};

/* nsp_names[slot]: the names they were learnt from. `name` as everywhere: right-aligned, folded, as on the wire. */
struct name_key {
    __u64 hash[4];
    __u32 length;
    __u32 epoch;
};
struct name {
    __u64 hash[4]; /* of the whole */
    __u16 length;  /* bytes, without the root's zero: 0..254 */
    __u8 labels;   /* 0..127 */
    __u8 reserved[5];
    __u8 starts[NSP_NAME_LABELS_MAX + 1]; /* where label i begins, counted from the name's first byte */
    __u8 text[NSP_NAME_SIZE];             /* ends at text[NSP_NAME_SIZE]; zero before its first byte */
};
struct known_name {
    __u64 expires_ns; /* the latest of its addresses' */
    struct name name;
};

/* nsp_containers: the leaf cgroup of a container to container_hash() of its name. Writer: policyd. */

/* nsp_gateways[slot]: the MAC that the pod's gateway was first seen with, for attacks: arp-spoofing, nd-spoofing. */
struct gateway {
    __u32 epoch;
    __u8 is_known[2]; /* IPv4, IPv6 */
    __u8 mac[2][6];
    __u8 reserved[6];
};

/* nsp_shares[policy * NSP_PARTS_MAX + struct part.profile]: violations of each profile's own, in force or in shadow. */
struct share {
    __u64 violations[VERDICTS];
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
    __u64 bucket_ns;    /* theoretical arrival time of the next event (GCRA) */
    __u64 refused_ns;   /* when a live TCP flow was last refused on its way in; 0: never */
    __u64 reclaimed_ns; /* when expired names were last cleared to make room */
    struct tally tallies[DIRECTIONS][VERDICTS][REASONS];
    struct tally other; /* events of what is no violation: trace-dns, learn */
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
    EVENT_LONG = 8,        /* a struct long_event */
    EVENT_TEXT_CUT = 16,   /* its text goes on beyond what is shown */
};

enum event_kind {
    EVENT_VIOLATION = 0,
    EVENT_DNS_QUERY = 1,  /* trace-dns */
    EVENT_DNS_ANSWER = 2, /* trace-dns */
    EVENT_LEARN = 3,      /* learn: a flow, name or request seen for the first time */
};

/* What a flow carries. */
enum application {
    APPLICATION_NONE = 0, /* nothing yet, or nobody looked */
    APPLICATION_DNS = 1,
    APPLICATION_HTTP = 2,
    APPLICATION_HTTPS = 3,
    APPLICATION_UNKNOWN = 4,
};

/* nsp_events: one violation, or what trace-dns and learn report. */
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
    __u64 latency_ns; /* EVENT_DNS_ANSWER: since its query */
    __u32 ttl;        /* EVENT_DNS_ANSWER: the least of what was learnt, seconds */
    __u16 query_type; /* of DNS, host byte order */
    __u16 text_length;
    __u8 kind;        /* enum event_kind */
    __u8 application; /* enum application */
    __u8 rcode;       /* EVENT_DNS_ANSWER */
    __u8 addresses;   /* EVENT_DNS_ANSWER: A and AAAA records on the chain of the name */
    __u32 reserved;
};

/* With what was asked for: a name as on the wire (DNS, HTTPS), or "METHOD target" (HTTP). */
struct long_event {
    struct event event;
    char text[NSP_EVENT_TEXT_MAX]; /* text_length bytes, no final zero */
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
