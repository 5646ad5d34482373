/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A remote client whose request is refused is told at once. What arrives is judged at its socket (ingress.bpf.c), where
 * no packet can be made; so a copy of the segment goes twice through the queue of what this CPU receives. When it comes
 * out again the segment itself, queued in between, has been judged; where that was refused the copy is taken for what
 * the client sends next (should_reset() in arriving.h), else it ends. One that overtakes the segment, because CPUs hand
 * packets to each other, changes nothing: the client is told when it sends again.
 */
#ifndef NSP_DATAPATH_AFTERWARDS_H
#define NSP_DATAPATH_AFTERWARDS_H

#include "datapath/inspect.h"

/* The revision in which flows into the pod were last read for somebody who may refuse; index: slot. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, NSP_PODS_MAX);
    __type(key, __u32);
    __type(value, __u64);
} NSP_MAP(nsp_afterwards);

/* From now on copies are made for this pod: some flow into it is read. */
static __always_inline void afterwards_ask(const struct inspection *in)
{
    __u32 slot = in->slot;
    __u64 *revision = bpf_map_lookup_elem(&nsp_afterwards, &slot);

    if (revision && in->is_enforced && in->direction == INGRESS && *revision != in->revision)
        *revision = in->revision;
}

/* For a segment that goes on to the pod; a request ends with PSH. */
static __always_inline void afterwards_send(struct __sk_buff *skb, const struct inspection *in)
{
    __u32 slot = in->slot, mark = skb->mark;
    const __u64 *revision;

    if (!in->packet.payload || in->packet.flow.protocol != PROTOCOL_TCP ||
        (in->packet.tcp_flags & (TCP_PSH | TCP_RST)) != TCP_PSH)
        return;
    revision = bpf_map_lookup_elem(&nsp_afterwards, &slot);
    if (!revision || *revision != in->revision)
        return;
    skb->mark = AFTERWARDS_ONCE;
    bpf_clone_redirect(skb, skb->ifindex, BPF_F_INGRESS);
    skb->mark = mark;
}

/* At the host's end of the veth, as if from the pod. One that comes there as if to the pod has gone astray, because
 * nsp_from_pod was not there to take it: it ends, or a bridge in hairpin mode would make two of each for ever. */
static __always_inline bool afterwards_is_copy(const struct __sk_buff *skb)
{
    return skb->mark == AFTERWARDS_ONCE || skb->mark == AFTERWARDS_TWICE;
}

static __always_inline int afterwards_go_on(struct __sk_buff *skb)
{
    bool is_first = skb->mark == AFTERWARDS_ONCE;

    skb->mark = is_first ? AFTERWARDS_TWICE : AFTERWARDS_BACK;
    return bpf_redirect(skb->ifindex, is_first ? BPF_F_INGRESS : 0);
}

#endif
