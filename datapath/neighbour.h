/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What ARP and ND packets claim: does one from the pod claim only what is the pod's own? (RFC 826, 4861, 5227) */
#ifndef NSP_DATAPATH_NEIGHBOUR_H
#define NSP_DATAPATH_NEIGHBOUR_H

#include "datapath/inspect.h"

#define ND_ROUTER_SOLICITATION 133
#define ND_ROUTER_ADVERTISEMENT 134
#define ND_NEIGHBOUR_SOLICITATION 135
#define ND_NEIGHBOUR_ADVERTISEMENT 136
#define ND_REDIRECT 137
#define ND_OPTION_SOURCE 1 /* link-layer addresses */
#define ND_OPTION_TARGET 2
#define ND_OPTIONS_MAX 4 /* more than anybody sends in what a pod may send */

struct arp_ipv4 {
    __be16 hardware, protocol;
    __u8 hardware_length, protocol_length;
    __be16 operation;
    __u8 sender_mac[6];
    __be32 sender_ip;
    __u8 target_mac[6];
    __be32 target_ip;
} __attribute__((packed));

static __always_inline bool is_zero_address(const __u8 address[16])
{
    const __u64 *words = (const void *)address;

    return !words[0] && !words[1];
}

/* One of the recorded addresses, or the link-local one that the MAC gives (RFC 4291 appendix A). */
static __always_inline bool is_pods_address(const struct pod *pod, const __u8 address[16])
{
    const __u8 *mac = pod->mac;
    __u8 link_local[16] __attribute__((aligned(8))) = {0xfe, 0x80};

    if (pod_has_address(pod, address))
        return true;
    link_local[8] = mac[0] ^ 2;
    link_local[9] = mac[1];
    link_local[10] = mac[2];
    link_local[11] = 0xff;
    link_local[12] = 0xfe;
    link_local[13] = mac[3];
    link_local[14] = mac[4];
    link_local[15] = mac[5];
    return same_address(link_local, address);
}

static __always_inline bool same_mac(const __u8 a[6], const __u8 b[6])
{
    for (int i = 0; i < 6; i++) {
        if (a[i] != b[i])
            return false;
    }
    return true;
}

/* False: no ARP of IPv4 over Ethernet. */
static __always_inline bool arp_read(struct __sk_buff *skb, struct arp_ipv4 *arp)
{
    return !bpf_skb_load_bytes(skb, ETHERNET_HEADER, arp, sizeof(*arp)) && arp->protocol == bpf_htons(ETHERTYPE_IPV4) &&
           arp->hardware_length == 6 && arp->protocol_length == 4;
}

static __always_inline bool arp_claims_own(struct __sk_buff *skb, const struct pod *pod)
{
    struct arp_ipv4 arp;
    __u8 sender[16] __attribute__((aligned(8)));

    if (!arp_read(skb, &arp) || !same_mac(arp.sender_mac, pod->mac))
        return false;
    map_ipv4(sender, arp.sender_ip);
    return !arp.sender_ip || is_pods_address(pod, sender);
}

/* Where the options of an ND message start. */
static __always_inline __u32 nd_options(const struct packet *p)
{
    switch (p->icmp_type) {
    case ND_ROUTER_SOLICITATION:
        return p->l4 + 8;
    case ND_ROUTER_ADVERTISEMENT:
        return p->l4 + 16;
    case ND_REDIRECT:
        return p->l4 + 40;
    default:
        return p->l4 + 24;
    }
}

/* Options of an ND message, one after the other. */
struct nd_option {
    __u8 type, length; /* length: in 8 bytes */
    __u8 mac[6];       /* of ND_OPTION_SOURCE and _TARGET */
};

/* Every link-layer address among the options is the pod's. Options that cannot be read are not. */
static __always_inline bool nd_options_are_own(struct __sk_buff *skb, const struct packet *p, const struct pod *pod)
{
    __u32 offset = nd_options(p);

    for (int i = 0; i < ND_OPTIONS_MAX; i++) {
        struct nd_option option;

        if (offset >= skb->len)
            return true;
        if (bpf_skb_load_bytes(skb, offset, &option, sizeof(option)) || !option.length)
            return false;
        if ((option.type == ND_OPTION_SOURCE || option.type == ND_OPTION_TARGET) && !same_mac(option.mac, pod->mac))
            return false;
        offset += option.length * 8;
    }
    return offset >= skb->len;
}

static __always_inline bool nd_claims_own(struct __sk_buff *skb, const struct packet *p, const struct pod *pod)
{
    __u8 target[16] __attribute__((aligned(8)));
    bool is_unspecified = is_zero_address(p->flow.local);

    if ((!is_unspecified && !is_pods_address(pod, p->flow.local)) || !nd_options_are_own(skb, p, pod))
        return false;
    if (p->icmp_type == ND_ROUTER_SOLICITATION)
        return true;
    if (p->icmp_type != ND_NEIGHBOUR_SOLICITATION && p->icmp_type != ND_NEIGHBOUR_ADVERTISEMENT)
        return false;
    if (p->icmp_type == ND_NEIGHBOUR_SOLICITATION && !is_unspecified)
        return true; /* asks for somebody else, claims its own source */
    return !bpf_skb_load_bytes(skb, p->l4 + 8, target, sizeof(target)) && is_pods_address(pod, target);
}

/* For packets from the pod only: what others claim towards it is not the pod's claim. */
SUBPROGRAM int neighbour_claims_own(struct __sk_buff *skb, const struct inspection *in)
{
    __u32 slot = in->slot;
    const struct pod *pod = bpf_map_lookup_elem(&nsp_pods, &slot);

    if (!pod)
        return 0;
    if (in->packet.ethertype == ETHERTYPE_ARP)
        return arp_claims_own(skb, pod);
    return packet_is_nd(&in->packet) && nd_claims_own(skb, &in->packet, pod);
}

#endif
