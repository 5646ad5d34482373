/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Is an ICMP error about a flow that lives? What it quotes is read as carefully as any packet. */
#ifndef NSP_DATAPATH_ICMP_ERROR_H
#define NSP_DATAPATH_ICMP_ERROR_H

#include "datapath/flow_datagram.h"
#include "datapath/lookup.h"

/* The flow that an ICMP error quotes a packet of. That went the other way: from the peer, if the error is the pod's. */
SUBPROGRAM int read_quoted(struct __sk_buff *skb, const struct packet *error, struct packet *quoted, int is_from_pod)
{
    struct flow_key *flow = &quoted->flow;
    struct icmp_header transport; /* its first 4 bytes are the ports of all that have some */
    __u32 offset = error->l4 + 8;

    if (error->ethertype == ETHERTYPE_IPV4) {
        struct ipv4_header ip;

        if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) || ip.version_ihl >> 4 != 4)
            return -1;
        map_ipv4(is_from_pod ? flow->remote : flow->local, ip.source);
        map_ipv4(is_from_pod ? flow->local : flow->remote, ip.destination);
        flow->protocol = ip.protocol;
        offset += (ip.version_ihl & 0xf) * 4;
    } else {
        struct ipv6_header ip __attribute__((aligned(8)));

        if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)))
            return -1;
        copy_ipv6(is_from_pod ? flow->remote : flow->local, ip.source);
        copy_ipv6(is_from_pod ? flow->local : flow->remote, ip.destination);
        flow->protocol = ip.next;
        offset += sizeof(ip);
    }
    flow->epoch = error->flow.epoch;
    if (bpf_skb_load_bytes(skb, offset, &transport, sizeof(transport)))
        return -1;
    if (protocol_has_ports(flow->protocol)) {
        const __be16 *ports = (const void *)&transport;

        packet_set_ports(quoted, ports[0], ports[1], !is_from_pod);
    } else if (flow->protocol == PROTOCOL_ICMP || flow->protocol == PROTOCOL_ICMPV6) {
        packet_set_ports(quoted, transport.id, transport.id, true);
        flow->opened = is_from_pod ? INGRESS : EGRESS;
    }
    return 0;
}

/*
 * An ICMP error follows the flow of the packet it quotes, if that lives: in the pod's table or by a socket whose flow
 * was not refused. (RFC 792, RFC 4443 2.4)
 */
SUBPROGRAM int error_is_about_live_flow(struct __sk_buff *skb, const struct inspection *in, __s32 netns_id,
                                        int is_from_pod)
{
    struct packet quoted = {};
    const struct flow_key *key = &quoted.flow;
    struct found found = {};

    if (read_quoted(skb, &in->packet, &quoted, is_from_pod))
        return 0;

    __u64 now = bpf_ktime_get_coarse_ns();
    const struct flow *flow = flow_find_key(in->slot, key);

    if (flow && ruling_verdict(flow->ruling) != VERDICT_DROPPED && ruling_is_fresh(flow->ruling, flow->seen_ns, now))
        return 1;
    if (key->protocol == PROTOCOL_TCP)
        find_tcp(skb, key, netns_id, &found);
    else if (key->protocol == PROTOCOL_UDP)
        find_udp(skb, key, netns_id, &found);
    if (!found.state || found.state->slot != in->slot)
        return 0;
    if (key->protocol == PROTOCOL_UDP && owned_find(in->slot, key, found.state, now))
        return 1;
    return found.state->ruling && same_address(found.state->peer, key->remote) &&
           found.state->peer_port_be == key->remote_port_be && ruling_verdict(found.state->ruling) != VERDICT_DROPPED;
}

#endif
