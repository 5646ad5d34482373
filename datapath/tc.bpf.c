/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hooks on the host's end of the pod's veth. From the pod: every packet is judged, by the socket it carries or,
 * without one, as a reply or by `default`. To the pod: what no socket will judge (ingress.bpf.c does the rest). Glue
 * only. An allowed packet goes on to the next program (UNSPEC, which is also TCX_NEXT).
 */
#include "datapath/afterwards.h"
#include "datapath/arriving.h"
#include "datapath/attack.h"
#include "datapath/datagram.h"
#include "datapath/once.h"
#include "datapath/pages.h"
#include "datapath/refuse.h"
#include "datapath/reset.h"
#include "datapath/stream.h"
#include "datapath/unowned.h"

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

static __always_inline bool is_segment_of(const struct packet *p, const struct socket_state *state)
{
    return state && p->flow.protocol == PROTOCOL_TCP && state->type != SOCK_RAW && !p->reason && !p->fragment;
}

static __always_inline bool is_datagram_of(const struct packet *p, const struct socket_state *state)
{
    return state && p->flow.protocol == PROTOCOL_UDP && state->type != SOCK_RAW && !p->reason && !p->fragment;
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

/* What an allowed packet carries, where the rules, or those who learn names, want to know. */
SUBPROGRAM int inspect_content(struct __sk_buff *skb, struct inspection *in, struct socket_state *state)
{
    struct packet *p = &in->packet;

    if (p->fragment) {
        judge_fragment(in);
    } else if (p->flow.protocol == PROTOCOL_UDP) {
        if (pages_copy(skb, p))
            datagram_inspect(skb, in, EGRESS);
        else
            let_wait(in);
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
static __always_inline struct socket_state *check_owner(struct __sk_buff *skb, struct inspection *in,
                                                        struct socket_state *state)
{
    if (state && state->ifindex == skb->ifindex) {
        in->slot = state->slot;
        in->packet.flow.epoch = state->epoch;
        return state;
    }

    __u32 ifindex = skb->ifindex;
    const struct iface *iface = bpf_map_lookup_elem(&nsp_ifs, &ifindex);

    in->slot = iface ? iface->slot : 0;
    in->packet.flow.epoch = iface ? iface->epoch : 0;
    return state && state->slot == in->slot && state->epoch == in->packet.flow.epoch ? state : NULL;
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

/* A datagram of a known flow, on the veth that its socket has used before; its source may be another each time. */
SUBPROGRAM int follow_datagram(struct __sk_buff *skb, struct inspection *in, const struct socket_state *state)
{
    __u64 ruling = state ? datagram_known_good(in, state, EGRESS) : 0;

    if (!ruling || attack_from_pod(skb, in, 0))
        return 0;
    inspect_follow(in, ruling);
    return 1;
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

static __always_inline int judge_from_pod(struct __sk_buff *skb, struct inspection *in)
{
    struct bpf_sock *sk = skb->sk;
    struct socket_state *carried = NULL, *state;
    bool is_foreign = false, is_packet_socket = false, is_segment, is_known;

    if (afterwards_is_copy(skb))
        return afterwards_go_on(skb);
    if (sk)
        sk = bpf_sk_fullsock(sk);
    if (sk) {
        carried = bpf_sk_storage_get(&nsp_sockets, sk, NULL, 0);
        is_foreign = !carried && is_foreign_socket(sk);
        is_packet_socket = is_foreign && is_frame_socket(sk);
    }
    packet_parse_frame(skb, &in->packet, true);
    state = check_owner(skb, in, carried);
    in->hook = HOOK_TC_FROM_POD;
    in->ifindex = skb->ifindex;

    int access = inspect_pod(in, in->slot, in->packet.flow.epoch);

    if (access == POD_ACCESS_FREE)
        return let_pass(skb, in->slot, EGRESS);
    is_segment = is_segment_of(&in->packet, state);
    if (access == POD_ACCESS_JUDGE && is_segment && state->ifindex == skb->ifindex && tcp_is_known_good(in, state))
        return let_pass(skb, in->slot, EGRESS);
    is_known = access == POD_ACCESS_JUDGE && is_datagram_of(&in->packet, state) && state->ifindex == skb->ifindex &&
               follow_datagram(skb, in, state);
    if (is_known && !in->is_inspected)
        return let_pass(skb, in->slot, EGRESS);
    inspect_owner(in, state);
    if (access != POD_ACCESS_JUDGE)
        return event_pending(in, access) ? let_pass(skb, in->slot, EGRESS) : DROP;
    if (is_segment && reset_can_answer(&in->packet))
        in->flags |= EVENT_RESET;
    in->cookie = state ? bpf_get_socket_cookie(skb) : 0;
    if (!is_known)
        decide_from_pod(skb, in, state, is_foreign || (carried && !state), is_packet_socket);
    if (in->is_inspected && in->verdict != VERDICT_DROPPED)
        inspect_content(skb, in, state);
    if (in->packet.fragment == FRAGMENT_FIRST && in->verdict != VERDICT_DROPPED)
        fragment_remember(in);
    return in->verdict == VERDICT_DROPPED ? drop_or_reset(skb, in) : let_pass(skb, in->slot, EGRESS);
}

static __always_inline int judge_to_pod(struct __sk_buff *skb, struct inspection *in)
{
    __u32 ifindex = skb->ifindex;
    const struct iface *iface = bpf_map_lookup_elem(&nsp_ifs, &ifindex);
    bool is_copy = skb->mark == AFTERWARDS_BACK;

    if (afterwards_is_copy(skb))
        return DROP;
    packet_parse_frame(skb, &in->packet, false);
    in->hook = HOOK_TC_TO_POD;
    in->ifindex = ifindex;
    in->direction = INGRESS;

    int access = inspect_pod(in, iface ? iface->slot : 0, iface ? iface->epoch : 0);

    if (is_copy) {
        skb->mark = 0;
        return access == POD_ACCESS_JUDGE && should_reset(in) && reset_both(skb, &in->packet) ? NEXT : DROP;
    }
    if (access == POD_ACCESS_FREE)
        return let_pass(skb, in->slot, INGRESS);
    if (access != POD_ACCESS_JUDGE || !iface)
        return event_pending(in, access) ? let_pass(skb, in->slot, INGRESS) : DROP;

    decide_arriving(skb, in, iface->netns_id);
    if (in->verdict == VERDICT_DROPPED)
        return DROP;
    /* The socket's hook judges what it carries, and cannot copy: a sender on this node could still write into it. */
    if (in->packet.payload && !pages_copy(skb, &in->packet))
        return DROP;
    afterwards_send(skb, in);
    return let_pass(skb, in->slot, INGRESS);
}

/* A refused packet meets none of the programs that come after. */
static __always_inline int once_end(struct __sk_buff *skb, struct inspection *in, int answer)
{
    if (answer == NEXT)
        once_note(skb, in);
    return answer;
}

SEC("tc")
int nsp_from_pod(struct __sk_buff *skb)
{
    struct inspection *in = inspect_start(DESK_FROM_POD);

    if (!in)
        return DROP;
    return once_is_judged(skb, in) ? NEXT : once_end(skb, in, judge_from_pod(skb, in));
}

SEC("tc")
int nsp_to_pod(struct __sk_buff *skb)
{
    struct inspection *in = inspect_start(DESK_TO_POD);

    if (!in)
        return DROP;
    return once_is_judged(skb, in) ? NEXT : once_end(skb, in, judge_to_pod(skb, in));
}
