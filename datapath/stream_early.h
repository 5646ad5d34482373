/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Judges data in a handshake with a server in the pod, before the connection has a socket: see handshake.h. */
#ifndef NSP_DATAPATH_STREAM_EARLY_H
#define NSP_DATAPATH_STREAM_EARLY_H

#include "datapath/lookup.h"
#include "datapath/stream.h"

/* Where the bytes of a connection begin whose SYN the kernel has answered. */
static __always_inline __u32 early_first(struct bpf_sock *sk)
{
    const struct tcp_request_sock *request = (const void *)kernel_address(sk);

    return BPF_CORE_READ(request, rcv_isn) + 1;
}

/*
 * Whether these are a new connection's first bytes. The kernel must have answered its SYN and know by itself where they
 * begin: of what comes later a part could be missing, and after a SYN cookie nobody knows.
 */
SUBPROGRAM int early_is_first(struct __sk_buff *skb, const struct flow_key *flow, __u32 sequence)
{
    struct bpf_sock_tuple tuple = {};
    struct bpf_sock *sk;
    int is_first;

    /* The size must be a constant for the verifier. */
    if (fill_tuple(&tuple, flow) == sizeof(tuple.ipv4))
        sk = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
    else
        sk = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
    if (!sk)
        return 0;
    is_first = sk->state == BPF_TCP_NEW_SYN_RECV && early_first(sk) == sequence;
    bpf_sk_release(sk);
    return is_first;
}

static __always_inline void early_begin(struct handshake *handshake, const struct packet *p)
{
    const __u32 one = 1;
    const struct handshake *blank = bpf_map_lookup_elem(&nsp_handshake, &one);

    if (blank)
        bpf_probe_read_kernel(&handshake->stream, sizeof(handshake->stream), &blank->stream);
    handshake->messages.sides[EGRESS].got = 0;
    handshake->messages.sides[INGRESS].got = 0;
    handshake->flow = p->flow;
    handshake->begins = p->sequence;
    handshake->stream.opener = INGRESS;
    handshake->stream.sides[INGRESS].is_known = 1;
    handshake->stream.sides[INGRESS].next = p->sequence + p->payload;
}

/* A segment with ACK and data of a flow with RULING_INSPECT, at the listener whose state this is. */
static __always_inline int handshake_inspect(struct __sk_buff *skb, struct inspection *in, struct socket_state *state)
{
    const struct packet *p = &in->packet;
    struct scratch *scratch = scratch_of(in->desk);
    struct handshake *handshake = handshake_here();
    struct stream_run run = {.skb = skb, .in = in};
    int result;

    if (!scratch || !handshake || !early_is_first(skb, &p->flow, p->sequence))
        return STREAM_WAIT;
    early_begin(handshake, p);
    run.stream = &handshake->stream;
    run.messages = &handshake->messages;
    scratch->cursor.offset = p->payload_at;
    scratch->cursor.left = p->payload;
    scratch->cursor.sequence = p->sequence;
    result = p->tcp_flags & TCP_URG ? stream_give_up(in, run.stream) : stream_read_segment(&run, scratch, INGRESS);
    if (result == STREAM_PASS) {
        state->is_passive = PASSIVE_EARLY;
        handshake->is_judged = 1;
    }
    return result;
}

#endif
