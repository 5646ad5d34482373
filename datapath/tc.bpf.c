/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hooks on the host's end of the pod's veth. From the pod: every packet is judged, by the socket it carries or,
 * without one, as a reply or by `default`. To the pod: what no socket will judge (ingress.bpf.c does the rest). Glue
 * only. An allowed packet goes on to the next program (UNSPEC, which is also TCX_NEXT).
 */
#include "datapath/attack.h"
#include "datapath/datagram.h"
#include "datapath/flow_tcp.h"
#include "datapath/icmp_error.h"
#include "datapath/neighbour.h"
#include "datapath/pages.h"
#include "datapath/stream.h"
#include "datapath/reset.h"

#define NEXT (-1) /* TC_ACT_UNSPEC, TCX_NEXT */
#define DROP 2    /* TC_ACT_SHOT, TCX_DROP */

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline int let_pass(const struct __sk_buff *skb, __u32 slot, int direction)
{
    struct traffic *traffic = bpf_map_lookup_elem(&nsp_traffic, &slot);

    if (traffic) {
        traffic->packets[direction]++;
        traffic->bytes[direction] += skb->len;
    }
    return NEXT;
}

/* The packet cannot be judged by its fields: in->reason says why, the block that would judge says what to do. */
static __always_inline void refuse_as(struct inspection *in, __u8 reason)
{
    in->reason = reason;
    policy_judge(in, QUESTION_NONE);
    event_report(in);
}

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
    } else if (!found.state || found.state->slot != in->slot || found.state->epoch != p->flow.epoch) {
        decide_kernel_tcp_alone(in);
    } else if (p->tcp_flags & TCP_RST) {
        in->verdict = VERDICT_FORWARDED; /* it ends the flow, and says nothing else */
    } else if (found.tcp_state == BPF_TCP_LISTEN || found.tcp_state == BPF_TCP_NEW_SYN_RECV) {
        inspect_owner(in, found.state);
        flow_decide_listener(in, 1);
    } else {
        inspect_owner(in, found.state);
        flow_decide_tcp(in, found.state);
    }
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

static __always_inline bool is_segment_of(const struct packet *p, const struct socket_state *state)
{
    return state && p->flow.protocol == PROTOCOL_TCP && state->type != SOCK_RAW && !p->reason && !p->fragment;
}

/* Protocols whose socket in the pod can be found, or whose flows the table keeps anyhow. */
static __always_inline bool is_looked_up(const struct packet *p)
{
    return p->flow.protocol == PROTOCOL_TCP || p->flow.protocol == PROTOCOL_UDP || p->flow.protocol == PROTOCOL_ICMP ||
           p->flow.protocol == PROTOCOL_ICMPV6;
}

static __always_inline void decide_owned(struct inspection *in, struct socket_state *state)
{
    const struct packet *p = &in->packet;

    if (state->type == SOCK_RAW && state->protocol != p->flow.protocol)
        refuse_as(in, REASON_RAW_SOCKET);
    else if (is_segment_of(p, state))
        flow_decide_tcp(in, state);
    else if (p->flow.protocol == PROTOCOL_ICMP || p->flow.protocol == PROTOCOL_ICMPV6)
        flow_decide_by_table(in, EGRESS);
    else
        flow_decide_by_socket(in, state, EGRESS);
    /* Nobody can be asked which socket such a protocol's reply is for: the pod's table lets it come as far as that. */
    if (in->verdict != VERDICT_DROPPED && !is_looked_up(p))
        flow_remember(in, ruling_make(in, RULING_ANSWERED), bpf_ktime_get_coarse_ns());
}

/* A refused segment of a connected socket becomes a RST back into the pod; anything else is dropped. */
static __always_inline int drop_or_reset(struct __sk_buff *skb, const struct inspection *in)
{
    if (in->flags & EVENT_RESET && !reset_from_segment(skb, &in->packet, 1))
        return bpf_redirect(skb->ifindex, 0);
    return DROP;
}

/* A segment out of order, or sent again: it will come once more. Not a violation, but a drop, and counted as one. */
static __always_inline void let_wait(struct inspection *in)
{
    in->verdict = VERDICT_DROPPED;
    in->reason = REASON_STREAM;
    in->flags &= ~EVENT_RESET;
    event_suppress(in);
}

/* What an allowed packet carries, where the rules, or those who learn names, want to know. */
SUBPROGRAM int inspect_content(struct __sk_buff *skb, struct inspection *in, struct socket_state *state)
{
    struct packet *p = &in->packet;

    if (p->fragment) {
        judge_fragment(in);
    } else if (p->flow.protocol == PROTOCOL_UDP) {
        datagram_inspect(skb, in, EGRESS);
    } else if (is_segment_of(p, state)) {
        int result = pages_copy(skb, p) ? stream_inspect(skb, in, state, EGRESS) : STREAM_WAIT;

        if (result == STREAM_WAIT)
            let_wait(in);
        else if (result == STREAM_REFUSE)
            ask_for_reset(in);
    }
    return in->verdict;
}

/* A later fragment names no ports: it follows the first one of its datagram. */
static __always_inline void decide_later_fragment(struct inspection *in)
{
    in->verdict = VERDICT_FORWARDED;
    if (!fragment_is_known(in))
        refuse_as(in, REASON_FRAGMENT);
}

/* Whose veth is it, and does the socket agree? A socket of another pod, or of none, owns nothing here. */
static __always_inline struct socket_state *check_owner(struct __sk_buff *skb, struct socket_state *state, __u32 *slot,
                                                        __u32 *epoch)
{
    if (state && state->ifindex == skb->ifindex) {
        *slot = state->slot;
        *epoch = state->epoch;
        return state;
    }

    __u32 ifindex = skb->ifindex;
    const struct iface *iface = bpf_map_lookup_elem(&nsp_ifs, &ifindex);

    *slot = iface ? iface->slot : 0;
    *epoch = iface ? iface->epoch : 0;
    return state && state->slot == *slot && state->epoch == *epoch ? state : NULL;
}

/* The first packet of a TCP connection on this veth is looked at, which notes the veth; the others wear the same. */
static __always_inline bool is_attack(struct __sk_buff *skb, struct inspection *in, struct socket_state *state,
                                      bool is_packet_socket)
{
    int attacks = attack_from_pod(skb, in, is_packet_socket);

    if (attacks && attack_is_refused(in, attacks))
        return true;
    if (state)
        state->ifindex = skb->ifindex;
    return false;
}

/*
 * is_foreign: whoever sends it is no process of the pod's. Not inlined: its stack is free again when what the packet
 * carries is read.
 */
SUBPROGRAM int decide_from_pod(struct __sk_buff *skb, struct inspection *in, struct socket_state *state, int is_foreign,
                               int is_packet_socket)
{
    if (in->packet.reason)
        refuse_as(in, in->packet.reason);
    else if (is_attack(skb, in, state, is_packet_socket))
        ; /* refused, and told */
    else if (is_foreign)
        refuse_as(in, REASON_FOREIGN_SOCKET);
    else if (packet_is_redirect(&in->packet))
        refuse_as(in, REASON_NOT_A_REPLY);
    else if (in->packet.fragment == FRAGMENT_LATER)
        decide_later_fragment(in);
    else if (state)
        decide_owned(in, state);
    else
        decide_unowned(skb, in, EGRESS);
    return in->verdict;
}

SEC("tc")
int nsp_from_pod(struct __sk_buff *skb)
{
    struct inspection *in = inspect_start(DESK_FROM_POD);
    struct bpf_sock *sk = skb->sk;
    struct socket_state *carried = NULL, *state;
    bool is_foreign = false, is_packet_socket = false, is_segment;
    __u32 slot, epoch;

    if (!in)
        return DROP;
    if (sk)
        sk = bpf_sk_fullsock(sk);
    if (sk) {
        carried = bpf_sk_storage_get(&nsp_sockets, sk, NULL, 0);
        is_foreign = !carried && is_foreign_socket(sk);
        is_packet_socket = is_foreign && sk->family == AF_PACKET;
    }
    packet_parse_frame(skb, &in->packet, true);
    state = check_owner(skb, carried, &slot, &epoch);
    in->hook = HOOK_TC_FROM_POD;
    in->ifindex = skb->ifindex;

    int access = inspect_pod(in, slot, epoch);

    if (access == POD_ACCESS_FREE)
        return let_pass(skb, in->slot, EGRESS);
    is_segment = is_segment_of(&in->packet, state);
    if (access == POD_ACCESS_JUDGE && is_segment && state->ifindex == skb->ifindex && tcp_is_known_good(in, state))
        return let_pass(skb, in->slot, EGRESS);
    inspect_owner(in, state);
    if (access != POD_ACCESS_JUDGE)
        return event_pending(in, access) ? let_pass(skb, in->slot, EGRESS) : DROP;
    if (is_segment && reset_can_answer(&in->packet))
        in->flags |= EVENT_RESET;
    in->cookie = state ? bpf_get_socket_cookie(skb) : 0;
    decide_from_pod(skb, in, state, is_foreign || (carried && !state), is_packet_socket);
    if (in->is_inspected && in->verdict != VERDICT_DROPPED)
        inspect_content(skb, in, state);
    if (in->packet.fragment == FRAGMENT_FIRST && in->verdict != VERDICT_DROPPED)
        fragment_remember(in);
    return in->verdict == VERDICT_DROPPED ? drop_or_reset(skb, in) : let_pass(skb, in->slot, EGRESS);
}

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

/* The same addresses and ports, but not the node's socket: somebody who wears its address. */
static __always_inline void end_exemption(const struct inspection *in)
{
    const struct flow *known = flow_find(in);
    void *table = flow_table(in->slot);

    if (known && known->ruling & RULING_EXEMPT && table)
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
        event_suppress(in); /* the segment does not arrive, a RST in its place does; and its sender gets one too */
        if (reset_can_answer(p) && reset_sender(skb, p))
            return;
        if (!reset_from_segment(skb, p, 0))
            in->verdict = VERDICT_FORWARDED;
        return;
    }
    if (!is_segment && !is_arp) {
        if (is_from_node(skb, in))
            return;
        end_exemption(in);
    }
    if (is_arp || !socket_will_judge(skb, in, netns_id))
        decide_unowned(skb, in, INGRESS);
}

SEC("tc")
int nsp_to_pod(struct __sk_buff *skb)
{
    struct inspection *in = inspect_start(DESK_TO_POD);
    __u32 ifindex = skb->ifindex;
    const struct iface *iface = bpf_map_lookup_elem(&nsp_ifs, &ifindex);

    if (!in)
        return DROP;
    packet_parse_frame(skb, &in->packet, false);
    in->hook = HOOK_TC_TO_POD;
    in->ifindex = ifindex;
    in->direction = INGRESS;

    int access = inspect_pod(in, iface ? iface->slot : 0, iface ? iface->epoch : 0);

    if (access == POD_ACCESS_FREE)
        return let_pass(skb, in->slot, INGRESS);
    if (access != POD_ACCESS_JUDGE || !iface)
        return event_pending(in, access) ? let_pass(skb, in->slot, INGRESS) : DROP;

    decide_arriving(skb, in, iface->netns_id);
    return in->verdict == VERDICT_DROPPED ? DROP : let_pass(skb, in->slot, INGRESS);
}
