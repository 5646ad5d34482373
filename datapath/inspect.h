/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One inspection: what a run of a program knows of the pod, the packet or call, its owner, and what was decided.
 * Filled by the glue (socket.bpf.c, tc.bpf.c, ingress.bpf.c), read and completed by policy.h, flow.h and event.h. It
 * lies in map memory, so that stacks (512 bytes and 8 frames for all that call each other) stay free for the rest: no
 * pointer can be kept in it.
 */
#ifndef NSP_DATAPATH_INSPECT_H
#define NSP_DATAPATH_INSPECT_H

#include "datapath/maps.h"
#include "datapath/packet.h"

/* What one part of a block had to say. */
struct said {
    __u8 reason; /* REASON_NONE: nothing */
    __u8 profile;
    __u16 process;
};

/* Who owns the packet or call: copied from the socket's state. */
struct owner_copy {
    __u8 path[16];
    char comm[16];
    __u64 cgroup_id;
    __u32 pid;
    __u32 uid;
    __u8 is_known; /* 0: no process owns it, and nothing else of this is filled */
    __u8 untrusted;
    __u8 is_image;
    __u8 reserved[5];
};

enum question_kind {
    QUESTION_FLOW,   /* may this flow be? */
    QUESTION_BIND,   /* can any ingress rule match this port? */
    QUESTION_RAW,    /* may this executable open a raw socket of this protocol? */
    QUESTION_NONE,   /* no, `reason` says why; only who acts on it is open */
    QUESTION_ATTACK, /* no, for those who want one of `attacks` detected; the others are not heard */
};

/* What the rules are asked, made of an inspection by policy.h. */
struct question {
    struct block_key block;
    struct cidr_key peer; /* the other side, ready to be looked up */
    __u32 reserved2;
    __u64 container; /* container_hash() of the process's container, once a part has asked for it */
    __u32 slot;
    __u32 epoch;
    __u16 port; /* the flow's destination port, host byte order */
    __u16 ethertype;
    __u8 protocol;
    __u8 direction;
    __u8 kind;
    __u8 reason;  /* QUESTION_NONE: why not */
    __u8 absent;  /* the reason where there are no rules at all */
    __u8 is_live; /* the flow was allowed as a learnt address and still lives */
    __u8 attacks; /* enum attacks: what was detected */
    __u8 is_listed;
    __u8 heard;  /* profiles, as bits, some part of which was asked */
    __u8 missed; /* profiles, as bits, with a part for another container */
    /* Parts, as bits, that would allow the peer as a learnt address: they are asked again once names.h has looked. */
    __u8 wants_names;
    __u8 is_named;   /* a name of theirs, that lives, leads to it */
    __u8 is_expired; /* one that has expired does */
    __u8 is_looked_up;
    __u8 part;         /* index of the part that is asked */
    __u8 is_looked_at; /* parts, as bits, that names.h has done with */
    __u8 name;         /* names that it has looked at for the next one */
    __u8 reserved[3];
};

/* What the parts that enforce, those that alert and those that ignore have said so far; index: enum action. */
struct side {
    __u8 parts, allows, may_allow, is_named; /* may_allow: by what the flow carries */
    struct said said;                        /* of those that refuse, the part that got furthest */
};

struct inspection {
    struct packet packet;
    __u64 revision;
    __u64 cookie;
    __u64 now; /* inspect_now() */
    __u32 slot;
    __u32 policy;
    __u32 ifindex;
    __u8 hook;      /* enum hook */
    __u8 direction; /* of the flow: who opened it */
    __u8 flags;     /* enum event_flags */
    __u8 verdict;
    __u8 reason;
    __u8 profile;
    __u16 process;
    __u8 parts;          /* those of the block that allow the flow as far as its headers go: bit i is parts[i] */
    __u8 is_inspected;   /* what the flow carries must be judged, or read */
    __u8 is_enforced;    /* and may be refused: only then is anything held back to be read in order */
    __u8 is_named;       /* the peer is allowed as a learnt address */
    __u8 block_flags;    /* enum block_flags, as far as they are of parts that were heard */
    __u8 is_own_claim;   /* ARP or ND that claims nothing but the pod's own: passes where there are no rules for it */
    __u8 is_clsact;      /* once.h's: this run is a clsact filter's */
    struct said shadow;  /* what those that alert say beside a verdict of DROPPED */
    struct said ignored; /* what those that ignore say beside a stricter verdict */
    struct said tracer;  /* who traces DNS, with BLOCK_TRACES */
    struct said learner; /* who learns, with BLOCK_LEARNS */

    /* once.h's own: the last packet that a run by tcx let go on; ifindex 0: it did not */
    __u64 judged;
    __u32 judged_ifindex;

    struct owner_copy owner;

    /* policy.h's own */
    struct question question;
    struct learnt_key learnt; /* names.h's own */
    struct side sides[4];
    __u32 desk; /* where this lies */
    __u32 is_taken;
};
#define INSPECTION_CLEARED offsetof(struct inspection, judged)

/*
 * Where inspections lie, on each CPU. A program that runs in softirq has a place of its own: such programs do not
 * interrupt each other. Those that run in a process may be interrupted, or preempted, by the next: they take turns.
 */
enum desk {
    DESK_FROM_POD,
    DESK_TO_POD,
    DESK_INGRESS,
    DESK_SOCKET, /* the first of those */
    DESKS = DESK_SOCKET + 8,
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, DESKS);
    __type(key, __u32);
    __type(value, struct inspection);
} NSP_MAP(nsp_desks);

/* CLOCK_MONOTONIC coarse, read once a run: 13 ns. */
static __always_inline __u64 inspect_now(struct inspection *in)
{
    if (!in->now)
        in->now = bpf_ktime_get_coarse_ns();
    return in->now;
}

/* For a program that runs in softirq. */
static __always_inline struct inspection *inspect_start(__u32 desk)
{
    struct inspection *in = bpf_map_lookup_elem(&nsp_desks, &desk);

    if (!in)
        return NULL;
    __builtin_memset(in, 0, INSPECTION_CLEARED);
    in->owner.is_known = 0;
    in->desk = desk;
    return in;
}

/* For one that runs in a process. NULL: eight others on this CPU have been preempted right here; nothing may pass. */
static __always_inline struct inspection *inspect_take(void)
{
    for (__u32 desk = DESK_SOCKET; desk < DESKS; desk++) {
        __u32 key = desk;
        struct inspection *in = bpf_map_lookup_elem(&nsp_desks, &key);

        if (in && !__sync_lock_test_and_set(&in->is_taken, 1))
            return inspect_start(desk);
    }
    return NULL;
}

static __always_inline void inspect_give_back(struct inspection *in)
{
    __sync_lock_test_and_set(&in->is_taken, 0);
}

static __always_inline void inspect_owner(struct inspection *in, const struct socket_state *state)
{
    struct owner_copy *owner = &in->owner;

    owner->is_known = !!state;
    if (!state)
        return;
    __builtin_memcpy(owner->path, state->path, sizeof(owner->path));
    __builtin_memcpy(owner->comm, state->comm, sizeof(owner->comm));
    owner->cgroup_id = state->cgroup_id;
    owner->pid = state->pid;
    owner->uid = state->uid;
    owner->untrusted = state->untrusted;
    owner->is_image = state->is_image;
}

enum pod_access {
    POD_ACCESS_CLOSED, /* pending, unknown, or another pod's slot: nothing passes */
    POD_ACCESS_AUDIT,  /* pending and open */
    POD_ACCESS_FREE,   /* no profile selects it */
    POD_ACCESS_JUDGE,
};

/* Reads the pod's word and the revision in force, once a run. Fills slot, policy, revision and the flow's epoch. */
static __always_inline int inspect_pod(struct inspection *in, __u32 slot, __u32 epoch)
{
    const __u64 *word = bpf_map_lookup_elem(&nsp_states, &slot);

    in->slot = slot;
    in->packet.flow.epoch = epoch;
    if (!word)
        return POD_ACCESS_CLOSED;

    __u64 now = *(const volatile __u64 *)word;

    if (!slot || pod_word_epoch(now) != epoch)
        return POD_ACCESS_CLOSED;
    if ((now & POD_STATE_MASK) != POD_READY)
        return now & POD_OPEN ? POD_ACCESS_AUDIT : POD_ACCESS_CLOSED;
    in->policy = pod_word_policy(now);
    if (!in->policy)
        return POD_ACCESS_FREE;

    const __u64 *revision = bpf_map_lookup_elem(&nsp_revisions, &in->policy);

    if (!revision)
        return POD_ACCESS_CLOSED;
    in->revision = *(const volatile __u64 *)revision;
    return in->revision ? POD_ACCESS_JUDGE : POD_ACCESS_CLOSED;
}

static __always_inline bool same_address(const __u8 a[16], const __u8 b[16])
{
    const __u64 *x = (const void *)a, *y = (const void *)b;

    return x[0] == y[0] && x[1] == y[1];
}

static __always_inline bool pod_has_address(const struct pod *pod, const __u8 address[16])
{
    for (__u32 i = 0; i < NSP_ADDRESSES_MAX; i++) {
        if (i < pod->address_count && same_address(pod->addresses[i], address))
            return true;
    }
    return false;
}

/* Loopback, unspecified (which connect takes for loopback), or one of the pod's own addresses. */
static __always_inline bool inspect_is_own_address(__u32 slot, const __u8 address[16])
{
    const __u32 *words = (const void *)address;

    if (is_mapped_ipv4(address) && (address[12] == 127 || !words[3]))
        return true;
    if (!words[0] && !words[1] && !words[2] && (!words[3] || words[3] == bpf_htonl(1)))
        return true;

    const struct pod *pod = bpf_map_lookup_elem(&nsp_pods, &slot);

    return pod && pod_has_address(pod, address);
}

#endif
