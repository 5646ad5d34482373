/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets on the veth to the pod: which of them no socket there will judge, and what is decided of those. The others
 * are let through to ingress.bpf.c.
 */
#ifndef NSP_DATAPATH_ARRIVING_H
#define NSP_DATAPATH_ARRIVING_H

#include "datapath/attack.h"
#include "datapath/refuse.h"
#include "datapath/reset.h"
#include "datapath/unowned.h"

/*
 * The node's own sockets may reach its pods (kubelet probes): the flow is noted, since the socket in the pod cannot see
 * who sent it. Traffic that only wears the node's address carries no socket here.
 */
static __always_inline bool is_from_node(struct __sk_buff *skb, struct inspection *in)
{
    __u32 zero = 0;
    const struct control *control = bpf_map_lookup_elem(&nsp_control, &zero);
    struct bpf_sock *sk = skb->sk;
    struct flow *known;

    if (!control || !control->exempt_node || !sk)
        return false;
    sk = bpf_sk_fullsock(sk);
    if (!sk || !is_socket_of_node(sk, control))
        return false;
    in->direction = INGRESS;
    in->verdict = VERDICT_FORWARDED;
    if (packet_is_echo_request(&in->packet))
        in->packet.flow.opened = INGRESS;

    __u64 now = bpf_ktime_get_coarse_ns();

    known = flow_find(in);
    if (flow_is_exempt(known, now))
        known->seen_ns = now;
    else if (!known || ruling_direction(known->ruling) == INGRESS ||
             !ruling_is_fresh(known->ruling, known->seen_ns, now))
        flow_remember(in, ruling_make(in, RULING_EXEMPT), now);
    return true;
}

/*
 * The same addresses and ports, but not the node's socket: somebody who wears its address. Or a new connection, to
 * which nothing is left of one that was refused.
 */
static __always_inline void end_earlier(const struct inspection *in)
{
    const struct flow *known = flow_find(in);
    void *table = flow_table(in->slot);

    if (known && known->ruling & (RULING_EXEMPT | RULING_RESET) && table)
        bpf_map_delete_elem(table, &in->packet.flow);
}

/* A segment of a live flow that ingress.bpf.c has refused: the pod's process gets a RST in its place. */
static __always_inline bool should_reset(struct inspection *in)
{
    __u32 slot = in->slot;
    const struct pod_tally *pod = bpf_map_lookup_elem(&nsp_tallies, &slot);

    if (!pod || !pod->refused_ns)
        return false;

    __u64 now = bpf_ktime_get_coarse_ns();

    if (now - pod->refused_ns > FLOW_IDLE_NS)
        return false;

    const struct flow *flow = flow_find(in);

    if (!flow || !(flow->ruling & RULING_RESET) || !ruling_is_current(flow->ruling, in->revision) ||
        !ruling_is_fresh(flow->ruling, flow->seen_ns, now))
        return false;
    inspect_follow(in, flow->ruling);
    return true;
}

/* Makes a segment of such a flow the RST for the pod; its sender gets one too. False: it must not arrive. */
static __always_inline bool reset_both(struct __sk_buff *skb, const struct packet *p)
{
    if (reset_can_answer(p) && reset_sender(skb, p))
        return false;
    return !reset_from_segment(skb, p, 0);
}

static __always_inline bool is_multicast(const __u8 address[16])
{
    return is_mapped_ipv4(address) ? address[12] >= 224 : address[0] == 0xff;
}

/* Whether a socket in the pod will judge this packet itself, in nsp_ingress. */
static __always_inline bool socket_will_judge(struct __sk_buff *skb, const struct inspection *in, __s32 netns_id)
{
    const struct packet *p = &in->packet;
    struct found found = {};

    if (p->fragment == FRAGMENT_LATER)
        return true; /* nothing comes of it unless its first fragment passes, which is judged whole */
    if (p->flow.protocol == PROTOCOL_TCP) {
        if ((p->tcp_flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
            return true; /* opens nothing: a socket judges it, or the kernel answers, and that is judged */
        find_tcp(skb, &p->flow, netns_id, &found);
    } else if (p->flow.protocol == PROTOCOL_UDP) {
        if (is_multicast(p->flow.local))
            return true; /* each receiver judges for itself; without one the kernel is silent */
        find_udp(skb, &p->flow, netns_id, &found);
    }
    return found.state || found.tcp_state == BPF_TCP_TIME_WAIT;
}

/* What no socket will judge, and what must not get as far as one. */
static __always_inline void decide_arriving(struct __sk_buff *skb, struct inspection *in, __s32 netns_id)
{
    const struct packet *p = &in->packet;
    bool is_arp = p->ethertype == ETHERTYPE_ARP;
    bool is_segment = p->flow.protocol == PROTOCOL_TCP && (p->tcp_flags & (TCP_SYN | TCP_ACK)) != TCP_SYN;

    in->verdict = VERDICT_FORWARDED;
    if (p->reason) {
        refuse_as(in, p->reason);
        return;
    }
    if (packet_is_redirect(p)) {
        if (!attack_is_refused(in, attack_to_pod(skb, in)))
            refuse_as(in, REASON_NOT_A_REPLY);
        return;
    }
    if (!is_segment && attack_is_refused(in, attack_to_pod(skb, in)))
        return;
    if (is_segment && !(p->tcp_flags & TCP_RST) && should_reset(in)) {
        event_suppress(in); /* the segment does not arrive */
        if (reset_both(skb, p))
            in->verdict = VERDICT_FORWARDED;
        in->packet.payload = 0; /* nothing of it is left */
        return;
    }
    if (!is_segment && !is_arp) {
        if (is_from_node(skb, in))
            return;
        end_earlier(in);
    }
    if (is_arp || !socket_will_judge(skb, in, netns_id))
        decide_unowned(skb, in, INGRESS);
}

#endif
