/* SPDX-License-Identifier: Apache-2.0 */
/* Frames from a description, with valid lengths and zero checksums (nothing under test verifies them). */
#ifndef NSP_TESTS_BPF_PACKETS_H
#define NSP_TESTS_BPF_PACKETS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define PACKETS_MAX 512
#define PACKETS_EXTENSIONS_MAX 8

#define POD4 "10.0.0.2" /* the pod under test */
#define POD6 "fd00::2"
#define GATEWAY4 "10.0.0.1"
#define GATEWAY6 "fd00::1"
#define PACKETS_POD_MAC "\x02\x00\x00\x00\x00\x02"
#define PACKETS_OTHER_MAC "\x02\x00\x00\x00\x00\x77"

enum flaw {
    FLAW_NONE,
    FLAW_VERSION,       /* of the IP header */
    FLAW_HEADER_LENGTH, /* IPv4: shorter than 20 bytes; TCP where protocol is TCP: see FLAW_TCP_OFFSET */
    FLAW_TOO_LONG,      /* the IP header promises more than there is */
    FLAW_TOTAL_SHORT,   /* IPv4: total length shorter than the header */
    FLAW_TCP_OFFSET,    /* TCP header shorter than 20 bytes */
    FLAW_TCP_BEYOND,    /* TCP header longer than the segment */
    FLAW_UDP_LENGTH,    /* UDP length beyond the datagram */
    FLAW_TINY,          /* only 4 bytes of the transport header */
    FLAW_SOURCE_ROUTE,  /* IPv4: the options are NOPs and a loose source route */
};

/* Zero fields mean: IPv4, no tag, whole datagram, no payload. */
struct packet_spec {
    __u16 ethertype;                  /* 0: by the addresses; ARP builds a request from source for destination */
    __u16 vlan;                       /* a tag's EtherType, such as 0x8100 */
    const char *source, *destination; /* text, IPv4 or IPv6 */
    __u8 protocol;
    __u16 source_port, destination_port; /* ICMP echo: source_port is the identifier */
    __u8 tcp_flags;
    __u8 icmp_type;
    __u16 payload;  /* bytes */
    __u16 fragment; /* offset in 8 bytes */
    __u8 more_fragments;
    __u8 extensions[PACKETS_EXTENSIONS_MAX]; /* IPv6: protocol numbers, ends with 255; HOPOPTS is 0 */
    __u8 extensions_count;
    __u8 ipv4_options; /* 32-bit words */
    __u8 routing_type;
    enum flaw flaw;
    const struct packet_spec *quoted; /* ICMP errors: its IP header and 8 bytes follow */
    const char *nd_target;
    __u8 nd_skip;            /* bytes of an ND message between its first 8 and its options */
    __u8 nd_option;          /* type of a link-layer address option */
    const char *mac;         /* source of the frame; NULL: PACKETS_POD_MAC */
    const char *claimed_mac; /* by ARP, or the option; NULL: PACKETS_POD_MAC */
};

/* Whether the frame is a RST and nothing else: flags, lengths and both checksums are as they must be. */
bool packets_is_reset(const __u8 *frame, size_t length);

/* Returns the number of bytes in frame. */
size_t packets_build(const struct packet_spec *spec, __u8 frame[PACKETS_MAX]);

#endif
