/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * profile.md 16: what is an attack whatever the rules say. From the pod: frames that wear what is not the pod's own. To
 * the pod: frames that would lead it astray. What is done about it is up to the profiles that name the attack: one that
 * enforces drops it, one that alerts is told and the packet goes on to the rules. Segments of established TCP
 * connections are not looked at: a connection cannot change its addresses.
 */
#ifndef NSP_DATAPATH_ATTACK_H
#define NSP_DATAPATH_ATTACK_H

#include "datapath/event.h"
#include "datapath/neighbour.h"
#include "datapath/policy.h"

#define PROTOCOL_IGMP 2
#define PORT_DHCP_SERVER 67
#define ICMP_REDIRECT 5
#define MLD_REPORT 131
#define MLD_DONE 132
#define MLD_REPORT_2 143

/* ICMP redirects: nobody needs to obey them (T42). */
static __always_inline bool packet_is_redirect(const struct packet *p)
{
    return (p->flow.protocol == PROTOCOL_ICMP && p->icmp_type == ICMP_REDIRECT) ||
           (p->flow.protocol == PROTOCOL_ICMPV6 && p->icmp_type == ND_REDIRECT);
}

/* Where its MAC is not known, none is wrong. */
static __always_inline bool is_pods_mac(const struct pod *pod, const __u8 mac[6])
{
    const __u8 unknown[6] = {};

    return same_mac(mac, pod->mac) || same_mac(pod->mac, unknown);
}

static __always_inline bool is_from_pods_mac(struct __sk_buff *skb, const struct pod *pod)
{
    struct ethernet_header buffer;
    const struct ethernet_header *ethernet = packet_header(skb, 0, &buffer, sizeof(buffer));

    return ethernet && is_pods_mac(pod, ethernet->source);
}

/* What a host sends that has no address yet: ND and MLD (RFC 4862, RFC 3590), DHCP (RFC 2131), IGMP. */
static __always_inline bool may_be_unspecified(const struct packet *p)
{
    const struct flow_key *flow = &p->flow;
    const __u32 *words = (const void *)flow->remote;

    if (flow->protocol == PROTOCOL_ICMPV6)
        return p->icmp_type == ND_ROUTER_SOLICITATION || p->icmp_type == ND_NEIGHBOUR_SOLICITATION ||
               p->icmp_type == MLD_REPORT || p->icmp_type == MLD_DONE || p->icmp_type == MLD_REPORT_2;
    if (!is_mapped_ipv4(flow->remote))
        return false;
    return flow->protocol == PROTOCOL_IGMP ||
           (flow->protocol == PROTOCOL_UDP && words[3] == ~0U && flow->remote_port_be == bpf_htons(PORT_DHCP_SERVER));
}

static __always_inline bool is_unspecified(const __u8 address[16])
{
    const __u32 *words = (const void *)address;

    return !words[3] && (is_mapped_ipv4(address) || is_zero_address(address));
}

static __always_inline bool is_pods_source(const struct pod *pod, const struct packet *p)
{
    return is_pods_address(pod, p->flow.local) || (is_unspecified(p->flow.local) && may_be_unspecified(p));
}

/* enum attacks that a frame from the pod is. One of an AF_PACKET socket is one by itself. */
SUBPROGRAM int attack_from_pod(struct __sk_buff *skb, const struct inspection *in, int is_packet_socket)
{
    const struct packet *p = &in->packet;
    __u32 slot = in->slot;
    const struct pod *pod = bpf_map_lookup_elem(&nsp_pods, &slot);
    int attacks = is_packet_socket ? ATTACK_RAW_SOCKET : 0;
    bool has_mac;

    if (!pod)
        return attacks;
    has_mac = is_from_pods_mac(skb, pod);
    if (p->ethertype == ETHERTYPE_ARP)
        return has_mac && arp_claims_own(skb, pod) ? attacks : attacks | ATTACK_ARP_SPOOFING;
    if ((packet_is_nd(p) || (p->flow.protocol == PROTOCOL_ICMPV6 && packet_is_redirect(p))) &&
        !(has_mac && nd_claims_own(skb, p, pod)))
        attacks |= ATTACK_ND_SPOOFING;
    if (!has_mac || !is_pods_source(pod, p) || (p->flow.protocol == PROTOCOL_ICMP && packet_is_redirect(p)))
        attacks |= ATTACK_IP_SPOOFING;
    return attacks;
}

/* --- to the pod ----------------------------------------------------------------------------------------------------
 */

/* Nobody but the node itself may say that the gateway has another MAC than it was first seen with. */
static __always_inline bool rebinds_gateway(const struct inspection *in, __u32 family, const __u8 mac[6], bool is_node)
{
    __u32 slot = in->slot, epoch = in->packet.flow.epoch;
    struct gateway *gateway = bpf_map_lookup_elem(&nsp_gateways, &slot);

    family &= 1;
    if (!gateway)
        return false;
    if (gateway->epoch != epoch) {
        gateway->epoch = epoch;
        gateway->is_known[0] = 0;
        gateway->is_known[1] = 0;
    }
    if (!is_node && gateway->is_known[family])
        return !same_mac(gateway->mac[family], mac);
    __builtin_memcpy(gateway->mac[family], mac, 6);
    gateway->is_known[family] = 1;
    return false;
}

static __always_inline bool arp_misleads(struct __sk_buff *skb, const struct inspection *in, const struct pod *pod,
                                         bool is_node)
{
    struct arp_ipv4 arp;
    __u8 sender[16] __attribute__((aligned(8)));

    if (!arp_read(skb, &arp))
        return false; /* nobody listens to it */
    map_ipv4(sender, arp.sender_ip);
    if (same_address(sender, pod->gateways[0]))
        return rebinds_gateway(in, 0, arp.sender_mac, is_node);
    return !is_node && pod_has_address(pod, sender) && !same_mac(arp.sender_mac, pod->mac);
}

/* The MAC that an ND message gives its source (or target): of the option, or else of the frame. */
static __always_inline bool nd_read_mac(struct __sk_buff *skb, const struct packet *p, __u8 wanted, __u8 mac[6])
{
    __u32 offset = nd_options(p);

    for (int i = 0; i < ND_OPTIONS_MAX; i++) {
        struct nd_option option;

        if (offset >= skb->len || bpf_skb_load_bytes(skb, offset, &option, sizeof(option)) || !option.length)
            break;
        if (option.type == wanted) {
            __builtin_memcpy(mac, option.mac, 6);
            return true;
        }
        offset += option.length * 8;
    }
    return !bpf_skb_load_bytes(skb, 6, mac, 6);
}

/*
 * An advertisement that gives the gateway, or the pod's own address, away; a solicitation in the gateway's name; a
 * router where the gateway is known already; a redirect.
 */
static __always_inline bool nd_misleads(struct __sk_buff *skb, const struct inspection *in, const struct pod *pod,
                                        bool is_node)
{
    const struct packet *p = &in->packet;
    __u8 target[16] __attribute__((aligned(8))), mac[6];
    bool is_advertisement = p->icmp_type == ND_NEIGHBOUR_ADVERTISEMENT;

    if (p->icmp_type == ND_REDIRECT)
        return true;
    if (p->icmp_type == ND_ROUTER_SOLICITATION || is_zero_address(pod->gateways[1]))
        return false;
    if (!nd_read_mac(skb, p, is_advertisement ? ND_OPTION_TARGET : ND_OPTION_SOURCE, mac))
        return false;
    if (p->icmp_type == ND_ROUTER_ADVERTISEMENT)
        return !is_node && (!same_address(p->flow.remote, pod->gateways[1]) || rebinds_gateway(in, 1, mac, false));
    if (!is_advertisement)
        return same_address(p->flow.remote, pod->gateways[1]) && rebinds_gateway(in, 1, mac, is_node);
    if (bpf_skb_load_bytes(skb, p->l4 + 8, target, sizeof(target)))
        return false;
    if (same_address(target, pod->gateways[1]))
        return rebinds_gateway(in, 1, mac, is_node);
    return !is_node && pod_has_address(pod, target) && !same_mac(mac, pod->mac);
}

/* enum attacks that a frame to the pod is. Its own that a bridge sends back to it is none. */
SUBPROGRAM int attack_to_pod(struct __sk_buff *skb, const struct inspection *in)
{
    const struct packet *p = &in->packet;
    __u32 slot = in->slot, from = skb->ingress_ifindex;
    const struct pod *pod = bpf_map_lookup_elem(&nsp_pods, &slot);
    int attacks = 0;

    if (!pod || from == skb->ifindex)
        return 0;
    if (p->ethertype == ETHERTYPE_ARP)
        return arp_misleads(skb, in, pod, !from) ? ATTACK_ARP_SPOOFING : 0;
    if ((packet_is_nd(p) || (p->flow.protocol == PROTOCOL_ICMPV6 && packet_is_redirect(p))) &&
        nd_misleads(skb, in, pod, !from))
        attacks |= ATTACK_ND_SPOOFING;
    if (pod_has_address(pod, p->flow.remote) || (p->flow.protocol == PROTOCOL_ICMP && packet_is_redirect(p)))
        attacks |= ATTACK_IP_SPOOFING;
    return attacks;
}

/* --- what is done about it -----------------------------------------------------------------------------------------
 */

/* True: refused, and reported. False: it was told to those who want to know, and the rules decide. */
static __always_inline bool attack_is_refused(struct inspection *in, int attacks)
{
    if (!attacks || policy_judge_attack(in, attacks) == VERDICT_FORWARDED)
        return false;
    event_report(in);
    if (in->verdict == VERDICT_DROPPED)
        return true;
    in->verdict = VERDICT_FORWARDED;
    in->reason = REASON_NONE;
    return false;
}

#endif
