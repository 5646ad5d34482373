/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A part of abi.h, which includes it: what was counted, and what is reported. */
#ifndef NSP_DATAPATH_ABI_EVENT_H
#define NSP_DATAPATH_ABI_EVENT_H

#include <linux/types.h>

/* nsp_shares[policy * NSP_PARTS_MAX + struct part.profile]: violations of each profile's own, in force or in shadow. */
struct share {
    __u64 violations[VERDICTS];
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

#endif
