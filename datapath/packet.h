/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bytes to struct packet, one code path for IPv4 and IPv6 and for both directions. Whatever does not parse gets a
 * reason instead of a meaning; nothing is skipped. Headers are read where they lie if that is the linear part, which is
 * the kernel's own memory, else copied to the stack first.
 */
#ifndef NSP_DATAPATH_PACKET_H
#define NSP_DATAPATH_PACKET_H

#include "datapath/abi.h"
#include "datapath/headers.h"
#include "datapath/kernel.h"

#define EXTENSION_HEADERS_MAX 6
#define IPV4_OPTIONS_MAX 40
#define IPV4_OPTION_LSRR 131
#define IPV4_OPTION_SSRR 137

enum fragment {
    FRAGMENT_NONE,
    FRAGMENT_FIRST,
    FRAGMENT_LATER,
};

struct packet {
    struct flow_key flow; /* the pod's view; epoch is filled in by the caller */
    __u16 ethertype;      /* host byte order; 0: not even an Ethernet header */
    __u16 l3;             /* offset of the network header */
    __u16 l4;             /* offset of the transport header */
    __u16 reserved;
    __u32 fragment_id; /* of a fragment: its datagram's identification, as it stands in the packet */
    __u8 tcp_flags;
    __u8 fragment; /* enum fragment */
    __u8 icmp_type;
    __u8 reason;      /* enum reason: why this packet cannot be judged by its fields; 0: it can */
    __u32 payload;    /* bytes after the TCP or UDP header; other protocols: 0 */
    __u16 payload_at; /* their offset */
    __u8 is_fixed;    /* what is sent again will be the same: it is the pod's own, and shares no pages (pages.h) */
    __u8 reserved2;
    __u32 sequence; /* TCP, host byte order */
};

/* `size` (a constant) bytes at `offset`: in the packet itself, or copied to `buffer`; NULL beyond its end. */
static __always_inline const void *packet_header(struct __sk_buff *skb, __u32 offset, void *buffer, const __u32 size)
{
    if (offset < 256) {
        asm volatile("%0 &= 255" : "+r"(offset)); /* the bound must be on the very register that is added */

        const void *from = (void *)(long)skb->data + offset;

        if (from + size <= (void *)(long)skb->data_end)
            return from;
    }
    return bpf_skb_load_bytes(skb, offset, buffer, size) ? NULL : buffer;
}

/* ::ffff:a.b.c.d, in two stores: what is written in small pieces is slow to read in large ones. `to` is 8-aligned. */
static __always_inline void map_ipv4(__u8 to[16], __be32 from)
{
    __u64 *words = (void *)to;

    words[0] = 0;
    words[1] = (__u64)from << 32 | 0xffff0000; /* little-endian, as all our targets */
}

static __always_inline void copy_ipv6(__u8 to[16], const __be32 from[4])
{
    const __u64 *source = (const void *)from;
    __u64 *words = (void *)to;

    words[0] = source[0];
    words[1] = source[1];
}

static __always_inline bool is_mapped_ipv4(const __u8 address[16])
{
    const __u32 *words = (const void *)address;

    return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

static __always_inline bool protocol_has_ports(__u8 protocol)
{
    return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP || protocol == PROTOCOL_SCTP ||
           protocol == PROTOCOL_UDPLITE || protocol == PROTOCOL_DCCP;
}

static __always_inline bool packet_is_echo_request(const struct packet *p)
{
    return (p->flow.protocol == PROTOCOL_ICMP && p->icmp_type == 8) ||
           (p->flow.protocol == PROTOCOL_ICMPV6 && p->icmp_type == 128);
}

static __always_inline bool packet_is_echo_reply(const struct packet *p)
{
    return (p->flow.protocol == PROTOCOL_ICMP && p->icmp_type == 0) ||
           (p->flow.protocol == PROTOCOL_ICMPV6 && p->icmp_type == 129);
}

static __always_inline void packet_set_ports(struct packet *p, __be16 source, __be16 destination, bool from_pod)
{
    p->flow.local_port_be = from_pod ? source : destination;
    p->flow.remote_port_be = from_pod ? destination : source;
}

static __always_inline int parse_tcp(struct __sk_buff *skb, struct packet *p, __u32 length, bool from_pod)
{
    struct tcp_header buffer;
    const struct tcp_header *tcp = packet_header(skb, p->l4, &buffer, sizeof(buffer));

    if (length < sizeof(*tcp) || !tcp)
        return REASON_MALFORMED;

    __u32 header = (tcp->offset >> 4) * 4;

    if (header < sizeof(*tcp) || header > length)
        return REASON_MALFORMED;
    p->tcp_flags = tcp->flags;
    p->payload = length - header;
    p->payload_at = p->l4 + header;
    p->sequence = bpf_ntohl(tcp->sequence);
    packet_set_ports(p, tcp->source, tcp->destination, from_pod);
    return REASON_NONE;
}

static __always_inline int parse_icmp(struct __sk_buff *skb, struct packet *p, __u32 length)
{
    struct icmp_header buffer;
    const struct icmp_header *icmp = packet_header(skb, p->l4, &buffer, sizeof(buffer));

    if (length < sizeof(*icmp) || !icmp)
        return REASON_MALFORMED;
    p->icmp_type = icmp->type;
    if (packet_is_echo_request(p) || packet_is_echo_reply(p)) {
        p->flow.local_port_be = icmp->id;
        p->flow.remote_port_be = icmp->id;
    }
    return REASON_NONE;
}

static __always_inline int parse_ports(struct __sk_buff *skb, struct packet *p, __u32 length, bool from_pod)
{
    struct port_header buffer;
    const struct port_header *header = packet_header(skb, p->l4, &buffer, sizeof(buffer));

    if (length < sizeof(*header) || !header)
        return REASON_MALFORMED;
    if (p->flow.protocol == PROTOCOL_UDP && !p->fragment) {
        __u32 said = bpf_ntohs(header->length);

        if (said > length || (said && said < sizeof(*header)))
            return REASON_MALFORMED;
        p->payload = (said ? said : length) - sizeof(*header); /* 0: a jumbogram, or a GSO packet (RFC 2675) */
        p->payload_at = p->l4 + sizeof(*header);
    }
    packet_set_ports(p, header->source, header->destination, from_pod);
    return REASON_NONE;
}

/* length: bytes from the transport header to the end of the datagram (or of this fragment). */
static __always_inline int parse_transport(struct __sk_buff *skb, struct packet *p, __u32 length, bool from_pod)
{
    __u8 protocol = p->flow.protocol;

    if (p->fragment == FRAGMENT_LATER)
        return REASON_NONE;

    int reason = REASON_NONE;

    if (protocol == PROTOCOL_TCP) {
        reason = parse_tcp(skb, p, length, from_pod);
    } else if (protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMPV6) {
        reason = parse_icmp(skb, p, length);
    } else if (protocol_has_ports(protocol)) {
        reason = parse_ports(skb, p, length, from_pod);
    }
    if (reason && p->fragment)
        return REASON_FRAGMENT; /* a first fragment too small for its own transport header */
    return reason;
}

/*
 * A source route (RFC 791: LSRR, SSRR) leads elsewhere than the destination says. Any byte that could be the number of
 * one counts: options are rare, and whoever reads them otherwise must not get to choose.
 */
SUBPROGRAM int may_have_source_route(struct __sk_buff *skb, __u32 offset, __u32 length)
{
    __u8 options[IPV4_OPTIONS_MAX] = {};
    int found = 0;

    if (length - 1 >= sizeof(options) || bpf_skb_load_bytes(skb, offset, options, length))
        return 1;
    for (__u32 i = 0; i < sizeof(options); i++)
        found |= (options[i] == IPV4_OPTION_LSRR) | (options[i] == IPV4_OPTION_SSRR);
    return found;
}

static __always_inline int parse_ipv4(struct __sk_buff *skb, struct packet *p, bool from_pod)
{
    struct ipv4_header buffer;
    const struct ipv4_header *ip = packet_header(skb, p->l3, &buffer, sizeof(buffer));

    if (!ip || ip->version_ihl >> 4 != 4)
        return REASON_MALFORMED;

    __u32 header = (ip->version_ihl & 0xf) * 4;
    __u32 total = bpf_ntohs(ip->total_length);
    __u32 fragment = bpf_ntohs(ip->fragment);
    __u32 present = skb->len - p->l3;

    if (!total && skb->gso_segs > 1)
        total = present; /* BIG TCP: more than 16 bits can say */
    map_ipv4(from_pod ? p->flow.local : p->flow.remote, ip->source);
    map_ipv4(from_pod ? p->flow.remote : p->flow.local, ip->destination);
    p->flow.protocol = ip->protocol;
    if (header < sizeof(*ip) || total < header || total > present)
        return REASON_MALFORMED;
    if (header > sizeof(*ip) && may_have_source_route(skb, p->l3 + sizeof(*ip), header - sizeof(*ip)))
        return REASON_EXTENSION_HEADER;
    if (fragment & 0x1fff)
        p->fragment = FRAGMENT_LATER;
    else if (fragment & 0x2000)
        p->fragment = FRAGMENT_FIRST;
    p->fragment_id = ip->id;
    p->l4 = p->l3 + header;
    return parse_transport(skb, p, total - header, from_pod);
}

/* Walks extension headers up to the transport header. *next and *offset move; returns a reason. */
static __always_inline int skip_extension_headers(struct __sk_buff *skb, struct packet *p, __u8 *next, __u32 *offset)
{
    for (int i = 0; i < EXTENSION_HEADERS_MAX; i++) {
        __u8 header[8];

        switch (*next) {
        case PROTOCOL_HOPOPTS:
        case PROTOCOL_ROUTING:
        case PROTOCOL_DSTOPTS:
        case PROTOCOL_AH:
        case PROTOCOL_FRAGMENT:
            break;
        default:
            return REASON_NONE;
        }
        if (*offset > 1024 || bpf_skb_load_bytes(skb, *offset, header, sizeof(header)))
            return REASON_MALFORMED;
        if (*next == PROTOCOL_ROUTING && header[2] == 0)
            return REASON_EXTENSION_HEADER; /* type 0, RFC 5095 */
        if (*next == PROTOCOL_FRAGMENT) {
            __u32 bits = header[2] << 8 | header[3];

            __builtin_memcpy(&p->fragment_id, header + 4, 4);

            if (bits & 0xfff8)
                p->fragment = FRAGMENT_LATER;
            else if (bits & 1)
                p->fragment = FRAGMENT_FIRST;
            *offset += 8;
        } else if (*next == PROTOCOL_AH) {
            *offset += (header[1] + 2) * 4;
        } else {
            *offset += (header[1] + 1) * 8;
        }
        *next = header[0];
        if (p->fragment == FRAGMENT_LATER)
            return REASON_NONE;
    }
    return REASON_EXTENSION_HEADER;
}

static __always_inline int parse_ipv6(struct __sk_buff *skb, struct packet *p, bool from_pod)
{
    struct ipv6_header buffer __attribute__((aligned(8)));
    const struct ipv6_header *ip = packet_header(skb, p->l3, &buffer, sizeof(buffer));

    if (!ip || (bpf_ntohl(ip->version_class_flow) >> 28) != 6)
        return REASON_MALFORMED;

    __u32 length = bpf_ntohs(ip->payload_length);
    __u32 present = skb->len - p->l3 - sizeof(*ip);
    __u32 offset = p->l3 + sizeof(*ip);
    __u8 next = ip->next;

    if (!length && skb->gso_segs > 1)
        length = present; /* BIG TCP */
    copy_ipv6(from_pod ? p->flow.local : p->flow.remote, ip->source);
    copy_ipv6(from_pod ? p->flow.remote : p->flow.local, ip->destination);
    p->flow.protocol = next;
    if (length > present)
        return REASON_MALFORMED;

    int reason = REASON_NONE;

    if (next != PROTOCOL_TCP && next != PROTOCOL_UDP)
        reason = skip_extension_headers(skb, p, &next, &offset);
    p->flow.protocol = next;
    if (reason)
        return reason;
    if (offset > p->l3 + sizeof(*ip) + length)
        return REASON_MALFORMED;
    p->l4 = offset;
    return parse_transport(skb, p, p->l3 + sizeof(*ip) + length - offset, from_pod);
}

static __always_inline void packet_parse_l3(struct __sk_buff *skb, struct packet *p, bool from_pod)
{
    if (p->ethertype == ETHERTYPE_IPV4)
        p->reason = parse_ipv4(skb, p, from_pod);
    else if (p->ethertype == ETHERTYPE_IPV6)
        p->reason = parse_ipv6(skb, p, from_pod);
    else if (p->ethertype != ETHERTYPE_ARP)
        p->reason = REASON_ETHERTYPE;
}

/* A frame on the host's end of a veth. *p is all zero before. Not inlined: its stack is free again when judging. */
SUBPROGRAM int packet_parse_frame(struct __sk_buff *skb, struct packet *p, int from_pod)
{
    struct ethernet_header buffer;
    const struct ethernet_header *ethernet = packet_header(skb, 0, &buffer, sizeof(buffer));

    if (!ethernet) {
        p->reason = REASON_MALFORMED;
        return p->reason;
    }
    p->ethertype = bpf_ntohs(ethernet->type);
    p->l3 = ETHERNET_HEADER;
    if (skb->vlan_present || p->ethertype == ETHERTYPE_VLAN || p->ethertype == ETHERTYPE_QINQ)
        p->reason = REASON_VLAN;
    else
        packet_parse_l3(skb, p, from_pod);
    return p->reason;
}

/* A packet on its way to a socket (cgroup_skb): data starts at the network header. */
SUBPROGRAM int packet_parse_datagram(struct __sk_buff *skb, struct packet *p)
{
    p->ethertype = bpf_ntohs(skb->protocol);
    p->l3 = 0;
    packet_parse_l3(skb, p, false);
    return p->reason;
}

/* An error message about some other packet (RFC 792, RFC 4443). Redirects are none: nobody needs to obey them. */
static __always_inline bool packet_is_icmp_error(const struct packet *p)
{
    if (p->flow.protocol == PROTOCOL_ICMP)
        return p->icmp_type == 3 || p->icmp_type == 11 || p->icmp_type == 12;
    return p->flow.protocol == PROTOCOL_ICMPV6 && p->icmp_type >= 1 && p->icmp_type <= 4;
}

/* Neighbour discovery (RFC 4861) without redirects. */
static __always_inline bool packet_is_nd(const struct packet *p)
{
    return p->flow.protocol == PROTOCOL_ICMPV6 && p->icmp_type >= 133 && p->icmp_type <= 136;
}

#endif
