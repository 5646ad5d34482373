/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is this a reply to something allowed, or was this flow judged before? A ruling lives in the socket where there is
 * one, else in the pod's own small table. It is believed while its revision is in force; an older one still tells who
 * opened the flow, so that it is judged again in that direction. A miss means "judge", never "allow".
 */
#ifndef NSP_DATAPATH_FLOW_H
#define NSP_DATAPATH_FLOW_H

#include "datapath/application.h"

#define FLOW_IDLE_NS (30ULL * 1000000000)      /* profile.md 4: a UDP or ICMP exchange, not yet answered */
#define FLOW_ANSWERED_NS (180ULL * 1000000000) /* once answered */
#define RULING_WITHOUT_REVISION ((1ULL << RULING_REVISION_SHIFT) - 1)
#define FLOW_TOUCH_NS 1000000000ULL /* how exactly a socket notes when its flow was last seen */

static __always_inline __u64 ruling_make(const struct inspection *in, __u32 flags)
{
    return in->revision << RULING_REVISION_SHIFT | (__u64)in->parts << RULING_PARTS_SHIFT |
           (__u64)in->reason << RULING_REASON_SHIFT | flags | in->verdict |
           (in->direction == INGRESS ? RULING_INGRESS : 0) | (in->is_inspected ? RULING_INSPECT : 0) |
           (in->is_enforced ? RULING_ENFORCED : 0) | (in->is_named ? RULING_NAMED : 0);
}

static __always_inline bool ruling_is_current(__u64 ruling, __u64 revision)
{
    return ruling && (ruling >> RULING_REVISION_SHIFT == revision || ruling & RULING_EXEMPT);
}

static __always_inline __u32 ruling_verdict(__u64 ruling)
{
    return ruling & RULING_VERDICT_MASK;
}

static __always_inline __u8 ruling_direction(__u64 ruling)
{
    return ruling & RULING_INGRESS ? INGRESS : EGRESS;
}

static __always_inline bool ruling_is_fresh(__u64 ruling, __u64 seen_ns, __u64 now)
{
    return ruling && now - seen_ns < (ruling & RULING_ANSWERED ? FLOW_ANSWERED_NS : FLOW_IDLE_NS);
}

/* Takes a cached ruling as this inspection's answer. */
static __always_inline void inspect_follow(struct inspection *in, __u64 ruling)
{
    in->verdict = ruling_verdict(ruling);
    in->reason = ruling >> RULING_REASON_SHIFT;
    in->parts = ruling >> RULING_PARTS_SHIFT;
    in->is_inspected = !!(ruling & RULING_INSPECT);
    in->is_enforced = !!(ruling & RULING_ENFORCED);
    in->is_named = !!(ruling & RULING_NAMED);
    in->direction = ruling_direction(ruling);
}

/* An earlier revision had let this flow pass: it is judged again, and keeps the name that it was allowed by. */
static __always_inline void inspect_live(struct inspection *in, __u64 ruling)
{
    in->flags |= EVENT_LIVE_FLOW;
    in->is_named = !!(ruling & RULING_NAMED);
}

static __always_inline void *flow_table(__u32 slot)
{
    return bpf_map_lookup_elem(&nsp_flows, &slot);
}

/* The pod's own entry for a flow, or NULL. */
static __always_inline struct flow *flow_find_key(__u32 slot, const struct flow_key *key)
{
    void *table = flow_table(slot);

    return table ? bpf_map_lookup_elem(table, key) : NULL;
}

static __always_inline struct flow *flow_find(const struct inspection *in)
{
    return flow_find_key(in->slot, &in->packet.flow);
}

/* Whether the executable that opened the flow, as it was called then, is at hand; or nobody, where nobody did. */
static __always_inline bool is_opened_by(const struct flow *flow, const struct owner_copy *owner)
{
    const __u64 *path = (const void *)flow->owner;

    return owner->is_known ? same_address(flow->owner, owner->path) : !path[0] && !path[1];
}

/* A path that is not believed owns nothing, whatever it claims to be. */
static __always_inline bool is_owner(const struct flow *flow, const struct owner_copy *owner)
{
    return is_opened_by(flow, owner) && !(owner->is_known && owner->untrusted);
}

/* The node's own sockets opened this flow, a moment ago: later, somebody else may wear the node's address. */
static __always_inline bool flow_is_exempt(const struct flow *flow, __u64 now)
{
    return flow && flow->ruling & RULING_EXEMPT && ruling_is_fresh(flow->ruling, flow->seen_ns, now);
}

/* An LRU map evicts first what nobody has looked up yet, and that is what was just entered: so it is looked up. */
static __always_inline void flow_enter(void *table, const struct flow_key *key, const struct flow *flow)
{
    bpf_map_update_elem(table, key, flow, BPF_ANY);
    bpf_map_lookup_elem(table, key);
}

static __always_inline void flow_remember(const struct inspection *in, __u64 ruling, __u64 now)
{
    void *table = flow_table(in->slot);
    struct flow flow = {.ruling = ruling, .seen_ns = now};

    if (in->owner.is_known)
        __builtin_memcpy(flow.owner, in->owner.path, sizeof(flow.owner));
    if (table)
        flow_enter(table, &in->packet.flow, &flow);
}

/* A new ruling for an entry that is there: by an update, since an element may be another's by the next instruction. */
static __always_inline void flow_remember_as(const struct inspection *in, __u64 ruling, __u64 now,
                                             const struct flow *before)
{
    void *table = flow_table(in->slot);
    struct flow flow = {.ruling = ruling, .seen_ns = now};

    __builtin_memcpy(flow.owner, before->owner, sizeof(flow.owner));
    if (table)
        bpf_map_update_elem(table, &in->packet.flow, &flow, BPF_EXIST);
}

/* Judges and reports one flow; the caller keeps the ruling. */
static __always_inline void flow_judge(struct inspection *in)
{
    if (policy_judge(in, QUESTION_FLOW) != VERDICT_FORWARDED)
        event_report(in);
    tell_flow(in);
}

/*
 * A flow that only the pod's table can remember: no owner, or ICMP. `packet_direction` is this packet's. Refusals are
 * not kept: each packet of a refused flow is judged, and counted, by itself.
 */
SUBPROGRAM int flow_decide_by_table(struct inspection *in, int packet_direction)
{
    bool is_reply_only = packet_is_echo_reply(&in->packet);
    __u64 now = bpf_ktime_get_coarse_ns();

    in->direction = packet_direction & 1;
    if (packet_is_echo_request(&in->packet))
        in->packet.flow.opened = in->direction;
    else if (is_reply_only)
        in->packet.flow.opened = !in->direction;

    struct flow *flow = flow_find(in);
    __u64 ruling = flow ? *(volatile __u64 *)&flow->ruling : 0;

    /* One executable's echo opens nothing for another's with the same identifier. */
    if (flow && ruling_direction(ruling) == (packet_direction & 1) && !is_owner(flow, &in->owner))
        ruling = 0;
    if (flow && ruling_is_fresh(ruling, flow->seen_ns, now)) {
        flow->seen_ns = now;
        if (ruling_direction(ruling) != (packet_direction & 1) && !(ruling & RULING_ANSWERED)) {
            ruling |= RULING_ANSWERED;
            flow_remember_as(in, ruling, now, flow);
        }
        /* A reply without its owner at hand waits for the owner's socket, or next request, to be judged again. */
        if (ruling_is_current(ruling, in->revision) || !is_opened_by(flow, &in->owner)) {
            inspect_follow(in, ruling);
            if (in->verdict == VERDICT_DROPPED)
                event_suppress(in);
            return in->verdict;
        }
        in->direction = ruling_direction(ruling);
        inspect_live(in, ruling);
    } else {
        ruling = 0; /* what has ended leaves nothing to what begins */
        if (is_reply_only)
            in->packet.flow.opened = in->direction; /* nobody asked: a flow of its own */
    }
    flow_judge(in);
    if (in->verdict != VERDICT_DROPPED)
        flow_remember(in, ruling_make(in, ruling & RULING_ANSWERED), now);
    return in->verdict;
}

#endif
