/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers and layouts on the wire: RFC 791, 8200, 9293, 768, 792, 4443. */
#ifndef NSP_DATAPATH_HEADERS_H
#define NSP_DATAPATH_HEADERS_H

#include <linux/types.h>

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define ETHERNET_HEADER 14

#define PROTOCOL_HOPOPTS 0
#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_DCCP 33
#define PROTOCOL_ROUTING 43
#define PROTOCOL_FRAGMENT 44
#define PROTOCOL_AH 51
#define PROTOCOL_ICMPV6 58
#define PROTOCOL_DSTOPTS 60
#define PROTOCOL_SCTP 132
#define PROTOCOL_UDPLITE 136
#define PROTOCOL_MPTCP 262

#define PORT_DNS 53
#define PORT_HTTP 80
#define PORT_HTTPS 443

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_URG 0x20

struct ethernet_header {
    __u8 destination[6];
    __u8 source[6];
    __be16 type;
};

struct ipv4_header {
    __u8 version_ihl;
    __u8 tos;
    __be16 total_length;
    __be16 id;
    __be16 fragment;
    __u8 ttl;
    __u8 protocol;
    __be16 checksum;
    __be32 source;
    __be32 destination;
};

struct ipv6_header {
    __be32 version_class_flow;
    __be16 payload_length;
    __u8 next;
    __u8 hop_limit;
    __be32 source[4];
    __be32 destination[4];
};

struct tcp_header {
    __be16 source;
    __be16 destination;
    __be32 sequence;
    __be32 acknowledgment;
    __u8 offset; /* high 4 bits: header length in 32-bit words */
    __u8 flags;
    __be16 window;
    __be16 checksum;
    __be16 urgent;
};

struct icmp_header {
    __u8 type, code;
    __be16 checksum, id, sequence;
};

/* What UDP, UDP-Lite, SCTP and DCCP have in common: at least 8 bytes, ports first. */
struct port_header {
    __be16 source, destination;
    __be16 length; /* UDP's */
    __be16 reserved;
};

#endif
