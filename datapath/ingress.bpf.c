/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The hook on the pod's cgroup that judges what a socket receives. What finds no socket is judged in tc.bpf.c. */
#include "datapath/afterwards.h"
#include "datapath/datagram.h"
#include "datapath/flow_datagram.h"
#include "datapath/refuse.h"
#include "datapath/stream_early.h"

#define ALLOW 1
#define REFUSE 0

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * What meets a listener. Data in a SYN (fast open) waits for the connection's own socket, and so does what cannot be
 * placed in its stream: a client sends it again.
 */
static __always_inline int receive_handshake(struct __sk_buff *skb, struct inspection *in, struct socket_state *state)
{
    __u8 flags = in->packet.tcp_flags & (TCP_SYN | TCP_ACK);
    int result = STREAM_WAIT;

    handshake_forget();
    if (flow_decide_listener(in, !(flags & TCP_SYN)) == VERDICT_DROPPED)
        return REFUSE;
    afterwards_ask(in);
    if (!in->packet.payload || !in->is_inspected)
        return ALLOW;
    if (flags == TCP_ACK)
        result = handshake_inspect(skb, in, state);
    if (result == STREAM_REFUSE) {
        ask_for_reset(in);
        return REFUSE;
    }
    if (result == STREAM_PASS || !in->is_enforced)
        return ALLOW;
    let_wait(in);
    return REFUSE;
}

static __always_inline int receive_tcp(struct __sk_buff *skb, struct inspection *in, struct socket_state *state,
                                       __u32 socket_state)
{
    if (in->packet.tcp_flags & TCP_RST)
        return ALLOW; /* carries nothing, ends the flow */
    if (socket_state == BPF_TCP_LISTEN)
        return receive_handshake(skb, in, state);
    if (flow_decide_tcp(in, state) != VERDICT_DROPPED) {
        if (!in->is_inspected)
            return ALLOW;
        afterwards_ask(in);
        switch (stream_inspect(skb, in, state, INGRESS)) {
        case STREAM_PASS:
            return ALLOW;
        case STREAM_WAIT:
            let_wait(in);
            return REFUSE;
        default:
            break;
        }
    }
    ask_for_reset(in);
    return REFUSE;
}

static __always_inline int receive_datagram(struct __sk_buff *skb, struct inspection *in, struct socket_state *state)
{
    __u64 ruling = datagram_known_good(in, state, INGRESS);

    if (ruling)
        inspect_follow(in, ruling);
    else if (flow_decide_by_socket(in, state, INGRESS) == VERDICT_DROPPED)
        return REFUSE;
    if (!in->is_inspected || in->packet.flow.protocol != PROTOCOL_UDP)
        return ALLOW;
    return datagram_inspect(skb, in, INGRESS) == VERDICT_DROPPED ? REFUSE : ALLOW;
}

static __always_inline int receive(struct __sk_buff *skb, struct inspection *in, struct socket_state *state,
                                   __u32 socket_state)
{
    const struct packet *p = &in->packet;

    if (p->reason || !state) {
        refuse_as(in, p->reason ? p->reason : REASON_FOREIGN_SOCKET);
        return in->verdict == VERDICT_DROPPED ? REFUSE : ALLOW;
    }
    if (p->flow.protocol == PROTOCOL_TCP && state->type != SOCK_RAW)
        return receive_tcp(skb, in, state, socket_state);
    if (p->flow.protocol == PROTOCOL_ICMP || p->flow.protocol == PROTOCOL_ICMPV6)
        return flow_decide_by_table(in, INGRESS) == VERDICT_DROPPED ? REFUSE : ALLOW;
    return receive_datagram(skb, in, state);
}

/* A socket without state is older than our attaching, or had no memory for it: its cgroup tells the pod. */
static __always_inline int inspect_receiver(struct inspection *in, const struct socket_state *state)
{
    if (state)
        return inspect_pod(in, state->slot, state->epoch);

    const struct pod_ref *ref = bpf_get_local_storage(&nsp_cgroup, 0);

    return inspect_pod(in, ref->slot, ref->epoch);
}

SEC("cgroup_skb/ingress")
int nsp_ingress(struct __sk_buff *skb)
{
    struct inspection *in = inspect_start(DESK_INGRESS);
    struct bpf_sock *sk = skb->sk;
    struct socket_state *state;

    if (skb->ifindex == LOOPBACK_IFINDEX || skb->pkt_type == PACKET_LOOPBACK)
        return ALLOW; /* the pod's own, its own copy of a multicast included */
    sk = sk ? bpf_sk_fullsock(sk) : NULL;
    if (!sk || !in)
        return REFUSE;
    in->hook = HOOK_CGROUP_INGRESS;
    in->direction = INGRESS;
    state = bpf_sk_storage_get(&nsp_sockets, sk, NULL, 0);
    packet_parse_datagram(skb, &in->packet);
    in->ifindex = skb->ifindex;

    int access = inspect_receiver(in, state);

    if (access == POD_ACCESS_FREE)
        return ALLOW;
    if (access == POD_ACCESS_JUDGE && state && in->packet.flow.protocol == PROTOCOL_TCP && !in->packet.reason &&
        state->type != SOCK_RAW && tcp_is_known_good(in, state))
        return ALLOW;
    inspect_owner(in, state);
    if (access != POD_ACCESS_JUDGE)
        return event_pending(in, access) ? ALLOW : REFUSE;
    in->cookie = bpf_get_socket_cookie(skb);
    return receive(skb, in, state, sk->state);
}
