/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flows of sockets that talk to many peers at once (UDP, UDP-Lite, SCTP, raw). The socket holds its first peer, written
 * under its lock; the pod's table holds the others. And fragments, which have no ports: they follow their first one.
 */
#ifndef NSP_DATAPATH_FLOW_DATAGRAM_H
#define NSP_DATAPATH_FLOW_DATAGRAM_H

#include "datapath/flow.h"

/* What the lock of a socket protects, copied out. */
struct held {
    __u64 ruling;
    __u64 seen_ns;
    bool is_same_peer;
};

/* Without the lock. False: somebody writes just now. */
static __always_inline bool socket_peek(const struct socket_state *state, const struct inspection *in,
                                        struct held *held)
{
    const struct flow_key *flow = &in->packet.flow;
    const __u64 *remote = (const void *)flow->remote;
    __u32 before = *(const volatile __u32 *)&state->writes;
    const volatile struct socket_state *now = loaded_after(state, before);
    const volatile __u64 *peer = (const volatile void *)now->peer;
    __u64 different = (peer[0] ^ remote[0]) | (peer[1] ^ remote[1]) | (now->peer_port_be ^ flow->remote_port_be);

    held->ruling = now->ruling;
    held->seen_ns = now->seen_ns;
    held->is_same_peer = !different;
    state = loaded_after(state, different ^ held->ruling ^ held->seen_ns);
    return !(before & 1) && *(const volatile __u32 *)&state->writes == before;
}

static __always_inline struct held socket_read(struct socket_state *state, const struct inspection *in)
{
    const struct flow_key *flow = &in->packet.flow;
    struct held held;

    if (socket_peek(state, in, &held))
        return held;
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
        __u32 writes = state->writes;

        __sync_lock_test_and_set(&state->writes, writes + 1);
        __builtin_memcpy(state->peer, flow->remote, 16);
        state->peer_port_be = flow->remote_port_be;
        state->ruling = ruling;
        state->seen_ns = now;
        __sync_lock_test_and_set(&state->writes, writes + 2);
    }
    bpf_spin_unlock(&state->lock);
    return is_mine;
}

/*
 * Where the pod's table keeps what a socket cannot hold beside its first peer. The local address is not known when a
 * datagram is about to be sent, so the executable stands in its place: what one has been allowed is not another's.
 */
static __always_inline struct flow_key owned_key(const struct flow_key *flow, const struct socket_state *state)
{
    struct flow_key key = *flow;

    __builtin_memcpy(key.local, state->path, 16);
    key.reserved[0] = state->untrusted;
    return key;
}

/* The ruling that the table keeps of this socket's flow; 0: none that is fresh. */
SUBPROGRAM __u64 owned_find(__u32 slot, const struct flow_key *packet_flow, const struct socket_state *state, __u64 now)
{
    void *table = flow_table(slot);
    struct flow_key key;

    if (!table || !state)
        return 0;
    key = owned_key(packet_flow, state);

    struct flow *flow = bpf_map_lookup_elem(table, &key);

    if (!flow || !ruling_is_fresh(flow->ruling, flow->seen_ns, now))
        return 0;
    flow->seen_ns = now;
    return flow->ruling;
}

SUBPROGRAM int owned_remember(const struct inspection *in, const struct socket_state *state, __u64 ruling, __u64 now)
{
    void *table = flow_table(in->slot);
    struct flow flow = {.ruling = ruling, .seen_ns = now};
    struct flow_key key;

    if (!table || !state || ruling_verdict(ruling) == VERDICT_DROPPED)
        return 0;
    key = owned_key(&in->packet.flow, state);
    flow_enter(table, &key, &flow);
    return 0;
}

/*
 * The ruling to start from, if `held` (0: not held) or the table has one. What comes in as exempt must be so now; and a
 * refused flow has no replies: what goes the other way is a flow of its own.
 */
static __always_inline __u64 datagram_ruling(const struct inspection *in, const struct socket_state *state,
                                             __u64 held_ruling, int packet_direction, __u64 now)
{
    __u64 ruling = held_ruling ? held_ruling : owned_find(in->slot, &in->packet.flow, state, now);

    if (packet_direction == INGRESS && (!ruling || ruling & RULING_EXEMPT)) {
        const struct flow *flow = flow_find(in);

        ruling = flow_is_exempt(flow, now) ? flow->ruling : 0;
    }
    if (ruling_verdict(ruling) == VERDICT_DROPPED && ruling_direction(ruling) != (packet_direction & 1))
        return 0;
    return ruling;
}

/*
 * The fast path: the ruling of a flow with the socket's own peer that this revision lets pass, and of which nothing new
 * is to be noted; else 0. What comes in as exempt must be so now, which only the table knows.
 */
static __always_inline __u64 datagram_known_good(struct inspection *in, const struct socket_state *state,
                                                 int packet_direction)
{
    struct held held;
    __u64 ruling;

    if (!socket_peek(state, in, &held) || !held.is_same_peer)
        return 0;
    ruling = held.ruling;
    if (!ruling_is_current(ruling, in->revision) || ruling_verdict(ruling) == VERDICT_DROPPED ||
        (packet_direction == INGRESS && ruling & RULING_EXEMPT) ||
        (ruling_direction(ruling) != packet_direction && !(ruling & RULING_ANSWERED)) ||
        inspect_now(in) - held.seen_ns >= FLOW_TOUCH_NS)
        return 0;
    return ruling;
}

SUBPROGRAM int flow_decide_by_socket(struct inspection *in, struct socket_state *state, int packet_direction)
{
    if (!state)
        return VERDICT_DROPPED;

    __u64 now = inspect_now(in);
    struct held held = socket_read(state, in);
    bool is_held = held.is_same_peer && ruling_is_fresh(held.ruling, held.seen_ns, now);
    __u64 found = datagram_ruling(in, state, is_held ? held.ruling : 0, packet_direction, now);
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
        if (found)
            inspect_live(in, found);
        flow_judge(in);
        ruling = ruling_make(in, ruling & RULING_ANSWERED);
    }

    bool is_kept = is_held ? ruling == held.ruling && now - held.seen_ns < FLOW_TOUCH_NS
                           : ruling == found && !(ruling & RULING_EXEMPT);

    if (!is_kept && !socket_hold(state, in, ruling, now))
        owned_remember(in, state, ruling, now);
    return in->verdict;
}

/* The key under which a first fragment is remembered, and later ones look: their datagram. */
static __always_inline struct flow_key fragment_key(const struct inspection *in)
{
    struct flow_key key = in->packet.flow;

    key.local_port_be = in->packet.fragment_id;
    key.remote_port_be = in->packet.fragment_id >> 16;
    key.opened = FLOW_KEY_FRAGMENT;
    return key;
}

/* A first fragment has been let pass: the rest of its datagram may follow. */
SUBPROGRAM int fragment_remember(const struct inspection *in)
{
    struct flow_key key = fragment_key(in);
    struct flow flow = {.ruling = ruling_make(in, 0), .seen_ns = bpf_ktime_get_coarse_ns()};
    void *table = flow_table(in->slot);

    if (table)
        flow_enter(table, &key, &flow);
    return 0;
}

/* A later fragment: it follows its first one, or is refused. False: refused, the caller says so. */
SUBPROGRAM int fragment_is_known(const struct inspection *in)
{
    struct flow_key key = fragment_key(in);
    const struct flow *flow = flow_find_key(in->slot, &key);

    return flow && ruling_is_current(flow->ruling, in->revision) &&
           ruling_is_fresh(flow->ruling, flow->seen_ns, bpf_ktime_get_coarse_ns());
}

#endif
