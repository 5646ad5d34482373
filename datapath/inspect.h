/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One inspection: what a run of a program knows of the pod, the packet or call, its owner, and what was decided.
 * Filled by the glue (socket.bpf.c, tc.bpf.c), read and completed by policy.h, flow.h and event.h.
 */
#ifndef NSP_DATAPATH_INSPECT_H
#define NSP_DATAPATH_INSPECT_H

#include "datapath/maps.h"
#include "datapath/packet.h"

struct inspection {
    struct packet packet;
    __u32 slot;
    __u32 policy;
    __u64 revision;
    const struct socket_state *owner; /* NULL: no process owns this */
    __u64 cookie;
    __u32 ifindex;
    __u8 hook;      /* enum hook */
    __u8 direction; /* of the flow: who opened it */
    __u8 flags;     /* enum event_flags */
    __u8 verdict;
    __u8 reason;
    __u8 profile;
    __u8 parts; /* those of the block that allow the flow as far as its headers go: bit i is parts[i] */
    __u16 process;
};

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
