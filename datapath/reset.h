/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet that ends a refused live flow: made from the offending segment, so that the pod's process gets ECONNRESET
 * at once. RFC 9293 3.10.7: the answer to a segment with ACK is <SEQ=SEG.ACK><CTL=RST>; RFC 5961 wants it exact.
 */
#ifndef NSP_DATAPATH_RESET_H
#define NSP_DATAPATH_RESET_H

#include "datapath/packet.h"

#define TCP_HEADER_MIN 20

/* One's complement sum of the TCP header and the pseudo header; size of addresses is 8 or 32 bytes. */
static __always_inline __u16 tcp_checksum(struct tcp_header *tcp, __be32 *addresses, const __u32 size)
{
    __s64 sum = bpf_csum_diff(NULL, 0, addresses, size, bpf_htons(PROTOCOL_TCP) + bpf_htons(TCP_HEADER_MIN));

    tcp->checksum = 0;
    sum = bpf_csum_diff(NULL, 0, (__be32 *)tcp, sizeof(*tcp), sum);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff);
    sum = (sum & 0xffff) + (sum >> 16);
    return ~sum;
}

static __always_inline int write_ipv4(struct __sk_buff *skb, bool is_answer, struct tcp_header *tcp)
{
    struct ipv4_header ip;

    if (bpf_skb_load_bytes(skb, ETHERNET_HEADER, &ip, sizeof(ip)))
        return -1;
    if (is_answer) {
        __be32 source = ip.source;

        ip.source = ip.destination;
        ip.destination = source;
    }
    ip.total_length = bpf_htons(sizeof(ip) + TCP_HEADER_MIN);
    ip.ttl = 64;
    ip.checksum = 0;

    __s64 sum = bpf_csum_diff(NULL, 0, (__be32 *)&ip, sizeof(ip), 0);

    sum = (sum & 0xffff) + (sum >> 16 & 0xffff);
    sum = (sum & 0xffff) + (sum >> 16);
    ip.checksum = ~sum;
    tcp->checksum = tcp_checksum(tcp, &ip.source, 8);
    return bpf_skb_store_bytes(skb, ETHERNET_HEADER, &ip, sizeof(ip), 0);
}

static __always_inline int write_ipv6(struct __sk_buff *skb, bool is_answer, struct tcp_header *tcp)
{
    struct ipv6_header ip;

    if (bpf_skb_load_bytes(skb, ETHERNET_HEADER, &ip, sizeof(ip)))
        return -1;
    if (is_answer) {
        __be32 swap[4];

        __builtin_memcpy(swap, ip.source, 16);
        __builtin_memcpy(ip.source, ip.destination, 16);
        __builtin_memcpy(ip.destination, swap, 16);
    }
    ip.payload_length = bpf_htons(TCP_HEADER_MIN);
    ip.hop_limit = 64;
    tcp->checksum = tcp_checksum(tcp, ip.source, 32);
    return bpf_skb_store_bytes(skb, ETHERNET_HEADER, &ip, sizeof(ip), 0);
}

/* Where the TCP header is if nothing stands between it and a plain IP header. */
static __always_inline __u32 reset_header(const struct packet *p)
{
    return ETHERNET_HEADER + (p->ethertype == ETHERTYPE_IPV4 ? sizeof(struct ipv4_header) : sizeof(struct ipv6_header));
}

/* Whether this segment can be answered by a RST. */
static __always_inline bool reset_can_answer(const struct packet *p)
{
    __u8 flags = p->tcp_flags & (TCP_SYN | TCP_RST | TCP_ACK);

    return p->l4 == reset_header(p) && (flags == TCP_ACK || (flags == TCP_SYN && p->payload)); /* fast open */
}

/*
 * Turns the segment in skb into a RST. is_answer: it goes back to where it came from; else it goes on to where it was
 * going, in the sender's name. Headers with options or extensions are not rewritten: -1, and the caller drops.
 */
SUBPROGRAM int reset_from_segment(struct __sk_buff *skb, const struct packet *p, int is_answer)
{
    bool is_v4 = p->ethertype == ETHERTYPE_IPV4;
    __u32 header = reset_header(p);
    struct ethernet_header ethernet;
    struct tcp_header tcp;
    bool is_first = false; /* a SYN, which has nothing to acknowledge: RFC 9293 3.10.7.1 */

    if (p->l4 != header || bpf_skb_load_bytes(skb, header, &tcp, sizeof(tcp)) ||
        bpf_skb_load_bytes(skb, 0, &ethernet, sizeof(ethernet)))
        return -1;
    if (is_answer) {
        __be16 port = tcp.source;
        __u8 swap[6];

        tcp.source = tcp.destination;
        tcp.destination = port;
        is_first = !(tcp.flags & TCP_ACK);
        tcp.acknowledgment = is_first ? bpf_htonl(bpf_ntohl(tcp.sequence) + 1) : tcp.acknowledgment;
        tcp.sequence = is_first ? 0 : tcp.acknowledgment;
        __builtin_memcpy(swap, ethernet.source, 6);
        __builtin_memcpy(ethernet.source, ethernet.destination, 6);
        __builtin_memcpy(ethernet.destination, swap, 6);
    }
    if (!is_first)
        tcp.acknowledgment = 0;
    tcp.offset = TCP_HEADER_MIN / 4 << 4;
    tcp.flags = is_first ? TCP_RST | TCP_ACK : TCP_RST;
    tcp.window = 0;
    tcp.urgent = 0;
    if (bpf_skb_change_tail(skb, header + TCP_HEADER_MIN, 0))
        return -1;
    if (is_v4 ? write_ipv4(skb, is_answer, &tcp) : write_ipv6(skb, is_answer, &tcp))
        return -1;
    if (bpf_skb_store_bytes(skb, header, &tcp, sizeof(tcp), 0))
        return -1;
    return bpf_skb_store_bytes(skb, 0, &ethernet, sizeof(ethernet), 0);
}

/*
 * For a segment on its way into the pod: whoever sent it gets a RST as if from the pod, and the segment is left as it
 * was but for its payload. The clone comes in again at the host's end of the veth, as the pod's own packets do.
 */
SUBPROGRAM int reset_sender(struct __sk_buff *skb, const struct packet *p)
{
    __u8 headers[ETHERNET_HEADER + sizeof(struct ipv6_header) + TCP_HEADER_MIN];
    bool is_v4 = p->ethertype == ETHERTYPE_IPV4;
    const __u32 size_v4 = ETHERNET_HEADER + sizeof(struct ipv4_header) + TCP_HEADER_MIN;

    if (is_v4 ? bpf_skb_load_bytes(skb, 0, headers, size_v4) : bpf_skb_load_bytes(skb, 0, headers, sizeof(headers)))
        return -1;
    if (reset_from_segment(skb, p, 1))
        return -1;
    bpf_clone_redirect(skb, skb->ifindex, BPF_F_INGRESS);
    return is_v4 ? bpf_skb_store_bytes(skb, 0, headers, size_v4, 0)
                 : bpf_skb_store_bytes(skb, 0, headers, sizeof(headers), 0);
}

#endif
