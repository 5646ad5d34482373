/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets on the veth that no process's socket owns: ARP and ND, what the pod's kernel answers with, and what is for
 * `default`.
 */
#ifndef NSP_DATAPATH_UNOWNED_H
#define NSP_DATAPATH_UNOWNED_H

#include "datapath/flow_tcp.h"
#include "datapath/icmp_error.h"
#include "datapath/neighbour.h"

/* ARP, ND and whatever else has no owner, for the first time or without memory. */
static __always_inline void judge_neighbour(struct __sk_buff *skb, struct inspection *in)
{
    in->is_own_claim = in->direction == INGRESS || neighbour_claims_own(skb, in);
    if (policy_judge(in, QUESTION_FLOW) != VERDICT_FORWARDED)
        event_report(in);
}

/*
 * The kernel's answer to a segment that met no socket. A flow that just ended, or one that `default` let in, is in the
 * pod's table. Any other RST only says that nobody is there: refused, and counted without an event.
 */
static __always_inline void decide_kernel_tcp_alone(struct inspection *in)
{
    const struct flow *flow = flow_find(in);

    if (!(in->packet.tcp_flags & TCP_RST) ||
        (flow && ruling_verdict(flow->ruling) != VERDICT_DROPPED &&
         ruling_is_fresh(flow->ruling, flow->seen_ns, bpf_ktime_get_coarse_ns()))) {
        flow_decide_by_table(in, EGRESS);
        return;
    }
    in->reason = REASON_NOT_A_REPLY;
    if (policy_judge(in, QUESTION_NONE) != VERDICT_FORWARDED)
        event_suppress(in);
}

/* A TCP segment from the pod that carries no socket of a process: the kernel made it, for a flow that must exist. */
static __always_inline void decide_kernel_tcp(struct __sk_buff *skb, struct inspection *in, __s32 netns_id)
{
    const struct packet *p = &in->packet;
    struct found found = {};

    if (!p->payload)
        find_tcp(skb, &p->flow, netns_id, &found);
    if (found.tcp_state == BPF_TCP_TIME_WAIT && !(p->tcp_flags & (TCP_SYN | TCP_FIN))) {
        in->verdict = VERDICT_FORWARDED;
        return;
    }
    if (!found.state || found.state->slot != in->slot || found.state->epoch != p->flow.epoch) {
        decide_kernel_tcp_alone(in);
        return;
    }
    if (p->tcp_flags & TCP_RST) { /* it ends the flow, and says nothing else */
        in->verdict = VERDICT_FORWARDED;
        return;
    }
    inspect_owner(in, found.state);
    if (found.tcp_state == BPF_TCP_LISTEN || found.tcp_state == BPF_TCP_NEW_SYN_RECV)
        flow_decide_listener(in, 1);
    else
        flow_decide_tcp(in, found.state);
}

static __always_inline void decide_unowned(struct __sk_buff *skb, struct inspection *in, int direction)
{
    __u32 ifindex = skb->ifindex;
    const struct iface *iface = bpf_map_lookup_elem(&nsp_ifs, &ifindex);
    __s32 netns_id = iface ? iface->netns_id : -1;
    const struct packet *p = &in->packet;

    in->direction = direction;
    if (p->ethertype == ETHERTYPE_ARP || packet_is_nd(p)) {
        judge_neighbour(skb, in);
    } else if (packet_is_icmp_error(p) && error_is_about_live_flow(skb, in, netns_id, direction == EGRESS)) {
        in->verdict = VERDICT_FORWARDED;
    } else if (p->flow.protocol == PROTOCOL_TCP && direction == EGRESS && !p->fragment) {
        decide_kernel_tcp(skb, in, netns_id);
    } else {
        flow_decide_by_table(in, direction);
    }
}

#endif
