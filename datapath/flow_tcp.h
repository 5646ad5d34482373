/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flows of TCP sockets: one peer, one ruling, kept in the socket and read without a lock. Listeners keep none. */
#ifndef NSP_DATAPATH_FLOW_TCP_H
#define NSP_DATAPATH_FLOW_TCP_H

#include "datapath/flow.h"

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

/* The fast path: an established flow that this revision lets pass, whatever it carries. */
static __always_inline bool tcp_is_known_good(const struct inspection *in, const struct socket_state *state)
{
    __u64 ruling = tcp_ruling(in, state);

    return ruling_is_current(ruling, in->revision) && !(ruling & RULING_INSPECT) &&
           ruling_verdict(ruling) != VERDICT_DROPPED;
}

/* Judges without reporting; returns RULING_EXEMPT for a flow that the node's own sockets opened, else 0. */
static __always_inline __u32 tcp_judge(struct inspection *in)
{
    if (in->direction == INGRESS && flow_is_exempt(flow_find(in), bpf_ktime_get_coarse_ns())) {
        in->verdict = VERDICT_FORWARDED;
        in->reason = REASON_NONE;
        return RULING_EXEMPT;
    }
    policy_judge(in, QUESTION_FLOW);
    tell_flow(in);
    return 0;
}

/*
 * Keeps a ruling in the socket; false if another CPU was faster. A socket gets its peer before it sends or receives
 * anything (connect, or the first segment of an accepted child) and keeps it for life, so that no reader can take the
 * ruling of one peer for another's.
 */
static __always_inline bool tcp_keep(const struct inspection *in, struct socket_state *state, __u64 before,
                                     __u64 ruling)
{
    const struct flow_key *flow = &in->packet.flow;

    if (!tcp_has_peer(in, state)) {
        before = 0;
        __sync_lock_test_and_set(&state->ruling, 0);
        __builtin_memcpy(state->peer, flow->remote, 16);
        state->peer_port_be = flow->remote_port_be;
    }
    return __sync_val_compare_and_swap(&state->ruling, before, ruling) == before;
}

/*
 * A segment of a TCP socket that is not listening: it has one peer. Judged once a revision, in the direction of whoever
 * opened it. An accepted flow that is only audited was reported when its SYN met the listener.
 */
SUBPROGRAM int flow_decide_tcp(struct inspection *in, struct socket_state *state)
{
    if (!state)
        return VERDICT_DROPPED;

    __u64 ruling = tcp_ruling(in, state);

    if (ruling_is_current(ruling, in->revision)) {
        inspect_follow(in, ruling);
        if (in->verdict == VERDICT_DROPPED)
            event_suppress(in);
        return in->verdict;
    }
    in->direction = state->is_passive ? INGRESS : EGRESS;
    if (ruling)
        inspect_live(in, ruling);

    __u32 exempt = tcp_judge(in);
    bool is_first = tcp_keep(in, state, ruling, ruling_make(in, exempt));

    if (in->verdict == VERDICT_FORWARDED)
        return in->verdict;
    /* The other direction's program may have judged the same revision on another CPU: one of the two reports. */
    if (!is_first || (state->is_passive && !ruling && in->verdict != VERDICT_DROPPED))
        event_suppress(in);
    else
        event_report(in);
    return in->verdict;
}

/*
 * A segment that meets or comes from a listener (SYN, last ACK, SYN-ACK): judged as ingress each time, since a listener
 * remembers no peer. Reported once: only the SYN that comes in speaks.
 */
SUBPROGRAM int flow_decide_listener(struct inspection *in, int is_quiet)
{
    in->direction = INGRESS;
    tcp_judge(in);
    if (in->verdict == VERDICT_FORWARDED)
        return in->verdict;
    if (is_quiet)
        event_suppress(in);
    else
        event_report(in);
    return in->verdict;
}

/*
 * A live flow was refused: what else arrives of it becomes a RST for the pod's process, at the peer's next try (tc, to
 * the pod), and the peer gets one too.
 */
static __always_inline void ask_for_reset(struct inspection *in)
{
    __u32 slot = in->slot;
    __u64 now = bpf_ktime_get_coarse_ns();
    struct pod_tally *pod = bpf_map_lookup_elem(&nsp_tallies, &slot);

    flow_remember(in, ruling_make(in, RULING_RESET), now);
    if (pod)
        pod->refused_ns = now;
}

#endif
