/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is this a reply to something allowed, or was this flow judged before? A ruling lives in the socket where there is
 * one, else in the pod's own small table. It is believed while its revision is in force; an older one still tells who
 * opened the flow, so that it is judged again in that direction. A miss means "judge", never "allow".
 */
#ifndef NSP_DATAPATH_FLOW_H
#define NSP_DATAPATH_FLOW_H

#include "datapath/event.h"
#include "datapath/policy.h"

#define FLOW_IDLE_NS (30ULL * 1000000000)      /* profile.md 4: a UDP or ICMP exchange, not yet answered */
#define FLOW_ANSWERED_NS (180ULL * 1000000000) /* once answered */
#define FLOW_TOUCH_NS 1000000000ULL            /* how exactly a socket notes when its flow was last seen */

static __always_inline __u64 ruling_make(const struct inspection *in, __u32 flags)
{
    return in->revision << 16 | (__u64)in->reason << 8 | flags | in->verdict |
           (in->direction == INGRESS ? RULING_INGRESS : 0);
}

static __always_inline bool ruling_is_current(__u64 ruling, __u64 revision)
{
    return ruling && (ruling >> 16 == revision || ruling & RULING_EXEMPT);
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
    in->reason = ruling >> 8;
    in->direction = ruling_direction(ruling);
}

static __always_inline void *flow_table(__u32 slot)
{
    return bpf_map_lookup_elem(&nsp_flows, &slot);
}

/* The pod's own entry for this flow, or NULL. Both ends of an echo may use one identifier, so ICMP is keyed by asker.
 */
static __always_inline struct flow *flow_find(const struct inspection *in)
{
    void *table = flow_table(in->slot);

    return table ? bpf_map_lookup_elem(table, &in->packet.flow) : NULL;
}

static __always_inline bool is_owner(const struct flow *flow, const struct socket_state *owner)
{
    const __u8 nobody[16] __attribute__((aligned(8))) = {};

    return same_address(flow->owner, owner ? owner->path : nobody);
}

static __always_inline void flow_remember(const struct inspection *in, __u64 ruling, __u64 now)
{
    void *table = flow_table(in->slot);
    struct flow flow = {.ruling = ruling, .seen_ns = now};

    if (in->owner)
        __builtin_memcpy(flow.owner, in->owner->path, sizeof(flow.owner));
    if (table)
        bpf_map_update_elem(table, &in->packet.flow, &flow, BPF_ANY);
}

/* Judges and reports one flow; the caller keeps the ruling. */
static __always_inline void flow_judge(struct inspection *in)
{
    if (policy_judge(in, QUESTION_FLOW) != VERDICT_FORWARDED)
        event_report(in);
}

/*
 * A flow that only the pod's table can remember: no owner, or ICMP. `packet_direction` is this packet's. Refusals are
 * not kept: each packet of a refused flow is judged, and counted, by itself.
 */
static __noinline int flow_decide_by_table(struct inspection *in, int packet_direction)
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
    if (flow && ruling_direction(ruling) == (packet_direction & 1) && !is_owner(flow, in->owner))
        ruling = 0;
    if (flow && ruling_is_fresh(ruling, flow->seen_ns, now)) {
        flow->seen_ns = now;
        if (ruling_direction(ruling) != (packet_direction & 1) && !(ruling & RULING_ANSWERED)) {
            ruling |= RULING_ANSWERED;
            flow->ruling = ruling;
        }
        /* A reply without its owner at hand waits for the owner's socket, or next request, to be judged again. */
        if (ruling_is_current(ruling, in->revision) || !is_owner(flow, in->owner)) {
            inspect_follow(in, ruling);
            if (in->verdict == VERDICT_DROPPED)
                event_suppress(in);
            return in->verdict;
        }
        in->direction = ruling_direction(ruling);
        in->flags |= EVENT_LIVE_FLOW;
    } else if (is_reply_only) {
        in->packet.flow.opened = in->direction; /* nobody asked: a flow of its own */
    }
    flow_judge(in);
    if (in->verdict != VERDICT_DROPPED)
        flow_remember(in, ruling_make(in, ruling & RULING_ANSWERED), now);
    return in->verdict;
}

/* What the lock of a socket protects, copied out. */
struct held {
    __u64 ruling;
    __u64 seen_ns;
    bool is_same_peer;
};

static __always_inline struct held socket_read(struct socket_state *state, const struct inspection *in)
{
    const struct flow_key *flow = &in->packet.flow;
    struct held held;

    bpf_spin_lock(&state->lock);
    held.ruling = state->ruling;
    held.seen_ns = state->seen_ns;
    held.is_same_peer = same_address(state->peer, flow->remote) && state->peer_port_be == flow->remote_port_be;
    bpf_spin_unlock(&state->lock);
    return held;
}

/* Keeps a ruling in the socket, unless that holds a living flow with somebody else: then false. */
static __always_inline bool socket_hold(struct socket_state *state, const struct inspection *in, __u64 ruling,
                                        __u64 now)
{
    const struct flow_key *flow = &in->packet.flow;
    bool is_mine;

    bpf_spin_lock(&state->lock);
    is_mine = (same_address(state->peer, flow->remote) && state->peer_port_be == flow->remote_port_be) ||
              ruling_verdict(state->ruling) == VERDICT_DROPPED || !ruling_is_fresh(state->ruling, state->seen_ns, now);
    if (is_mine) {
        __builtin_memcpy(state->peer, flow->remote, 16);
        state->peer_port_be = flow->remote_port_be;
        state->ruling = ruling;
        state->seen_ns = now;
    }
    bpf_spin_unlock(&state->lock);
    return is_mine;
}

/*
 * Where the pod's table keeps what a socket cannot hold beside its first peer. The local address is not known when a
 * datagram is about to be sent, so the executable stands in its place: what one has been allowed is not another's.
 */
static __always_inline struct flow_key owned_key(const struct inspection *in, const struct socket_state *state)
{
    struct flow_key key = in->packet.flow;

    __builtin_memcpy(key.local, state->path, 16);
    return key;
}

/* The ruling of a flow that the table keeps for this socket, or that the node's own sockets opened; 0: none is fresh.
 */
static __noinline __u64 owned_find(const struct inspection *in, const struct socket_state *state, int packet_direction,
                                   __u64 now)
{
    void *table = flow_table(in->slot);
    struct flow_key key;
    struct flow *flow;

    if (!table || !state)
        return 0;
    key = owned_key(in, state);
    flow = bpf_map_lookup_elem(table, &key);
    if (flow && ruling_is_fresh(flow->ruling, flow->seen_ns, now)) {
        flow->seen_ns = now;
        return flow->ruling;
    }
    if (packet_direction == EGRESS)
        return 0;
    flow = bpf_map_lookup_elem(table, &in->packet.flow);
    return flow && flow->ruling & RULING_EXEMPT ? flow->ruling : 0;
}

static __noinline int owned_remember(const struct inspection *in, const struct socket_state *state, __u64 ruling,
                                     __u64 now)
{
    void *table = flow_table(in->slot);
    struct flow flow = {.ruling = ruling, .seen_ns = now};
    struct flow_key key;

    if (!table || !state || ruling_verdict(ruling) == VERDICT_DROPPED)
        return 0;
    key = owned_key(in, state);
    bpf_map_update_elem(table, &key, &flow, BPF_ANY);
    return 0;
}

/* A datagram (UDP, UDP-Lite, SCTP, raw) with an owner. The socket holds its first peer, the pod's table the others. */
static __noinline int flow_decide_by_socket(struct inspection *in, struct socket_state *state, int packet_direction)
{
    if (!state)
        return VERDICT_DROPPED;

    __u64 now = bpf_ktime_get_coarse_ns();
    struct held held = socket_read(state, in);
    bool is_held = held.is_same_peer && ruling_is_fresh(held.ruling, held.seen_ns, now);
    __u64 found = is_held ? held.ruling : owned_find(in, state, packet_direction, now);
    __u64 ruling = found;

    in->direction = packet_direction & 1;
    if (found && ruling_direction(found) != in->direction) {
        in->direction = ruling_direction(found);
        ruling |= RULING_ANSWERED;
    }
    if (ruling_is_current(found, in->revision)) {
        inspect_follow(in, ruling);
        if (in->verdict == VERDICT_DROPPED)
            event_suppress(in);
    } else {
        in->flags |= found ? EVENT_LIVE_FLOW : 0;
        flow_judge(in);
        ruling = ruling_make(in, ruling & RULING_ANSWERED);
    }
    if (ruling == found && (!is_held || now - held.seen_ns < FLOW_TOUCH_NS))
        return in->verdict;
    if (!socket_hold(state, in, ruling, now))
        owned_remember(in, state, ruling, now);
    return in->verdict;
}

static __always_inline bool tcp_has_peer(const struct inspection *in, const struct socket_state *state)
{
    const struct flow_key *flow = &in->packet.flow;

    return same_address(state->peer, flow->remote) && state->peer_port_be == flow->remote_port_be;
}

/* The ruling of a TCP socket's one flow; 0: not judged, or this packet goes elsewhere. */
static __always_inline __u64 tcp_ruling(const struct inspection *in, const struct socket_state *state)
{
    __u64 ruling = *(const volatile __u64 *)&state->ruling;

    return tcp_has_peer(in, state) ? ruling : 0;
}

/* The fast path: an established flow that this revision lets pass. */
static __always_inline bool tcp_is_known_good(const struct inspection *in, const struct socket_state *state)
{
    __u64 ruling = tcp_ruling(in, state);

    return ruling_is_current(ruling, in->revision) && ruling_verdict(ruling) != VERDICT_DROPPED;
}

/*
 * A segment of a TCP socket that is not listening: it has one peer. Judged once a revision, in the direction of whoever
 * opened it. An accepted flow that is only audited was reported when its SYN met the listener.
 */
static __noinline int flow_decide_tcp(struct inspection *in, struct socket_state *state)
{
    if (!state)
        return VERDICT_DROPPED;

    const struct flow_key *flow = &in->packet.flow;
    __u64 ruling = tcp_ruling(in, state);

    if (ruling_is_current(ruling, in->revision)) {
        inspect_follow(in, ruling);
        if (in->verdict == VERDICT_DROPPED)
            event_suppress(in);
        return in->verdict;
    }
    in->direction = state->is_passive ? INGRESS : EGRESS;
    if (ruling)
        in->flags |= EVENT_LIVE_FLOW;

    __u32 exempt = 0;
    struct flow *known = in->direction == INGRESS ? flow_find(in) : NULL;

    if (known && known->ruling & RULING_EXEMPT) {
        in->verdict = VERDICT_FORWARDED;
        in->reason = REASON_NONE;
        exempt = RULING_EXEMPT;
    } else if (state->is_passive && !ruling) {
        if (policy_judge(in, QUESTION_FLOW) == VERDICT_DROPPED)
            event_report(in);
        else if (in->verdict != VERDICT_FORWARDED)
            event_suppress(in);
    } else {
        flow_judge(in);
    }
    if (!tcp_has_peer(in, state)) {
        __sync_lock_test_and_set(&state->ruling, 0);
        __builtin_memcpy(state->peer, flow->remote, 16);
        state->peer_port_be = flow->remote_port_be;
    }
    __sync_lock_test_and_set(&state->ruling, ruling_make(in, exempt));
    return in->verdict;
}

/*
 * A segment that meets or comes from a listener (SYN, last ACK, SYN-ACK): judged as ingress each time, since a listener
 * remembers no peer. Reported once: only the SYN that comes in speaks.
 */
static __noinline int flow_decide_listener(struct inspection *in, int is_quiet)
{
    struct flow *known = flow_find(in);

    in->direction = INGRESS;
    if (known && known->ruling & RULING_EXEMPT) {
        in->verdict = VERDICT_FORWARDED;
        return VERDICT_FORWARDED;
    }
    policy_judge(in, QUESTION_FLOW);
    if (in->verdict == VERDICT_FORWARDED)
        return in->verdict;
    if (is_quiet)
        event_suppress(in);
    else
        event_report(in);
    return in->verdict;
}

#endif
