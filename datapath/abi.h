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

#define NSP_ABI_VERSION 3
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
    REASON_FOREIGN_SOCKET = 15,   /* a socket from outside the pod's cgroup, or for frames: AF_PACKET, AF_XDP */
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

/* nsp_control: one value, written by policyd. */
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

/* The rest, by what it is about. Each part stands on what is above. */
#include "datapath/abi_event.h"
#include "datapath/abi_flow.h"
#include "datapath/abi_names.h"
#include "datapath/abi_pod.h"
#include "datapath/abi_policy.h"

#endif
