/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bpf/packets.h"

#include <arpa/inet.h>
#include <string.h>

#define ETHERTYPE_ARP 0x0806

static const char pod_mac[] = PACKETS_POD_MAC;

struct cursor {
    __u8 *bytes;
    size_t length;
};

static __u8 *append(struct cursor *at, size_t count)
{
    __u8 *start = at->bytes + at->length;

    memset(start, 0, count);
    at->length += count;
    return start;
}

static void put16(__u8 *to, size_t value)
{
    to[0] = (__u8)(value >> 8);
    to[1] = (__u8)value;
}

static bool is_ipv6(const struct packet_spec *spec)
{
    return spec->source && strchr(spec->source, ':');
}

static __u16 ethertype_of(const struct packet_spec *spec)
{
    if (spec->ethertype)
        return spec->ethertype;
    return is_ipv6(spec) ? 0x86dd : 0x0800;
}

static void put_ethernet(struct cursor *at, const struct packet_spec *spec)
{
    static const __u8 addresses[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

    memcpy(append(at, sizeof(addresses)), addresses, sizeof(addresses));
    if (spec->mac)
        memcpy(at->bytes + 6, spec->mac, 6);
    if (spec->vlan) {
        put16(append(at, 2), spec->vlan);
        put16(append(at, 2), 100);
    }
    put16(append(at, 2), ethertype_of(spec));
}

static void put_arp(struct cursor *at, const struct packet_spec *spec)
{
    static const __u8 start[] = {0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2};

    memcpy(append(at, sizeof(start)), start, sizeof(start));
    if (spec->claimed_mac)
        memcpy(at->bytes + at->length - 6, spec->claimed_mac, 6);
    inet_pton(AF_INET, spec->source, append(at, 4));
    append(at, 6);
    inet_pton(AF_INET, spec->destination, append(at, 4));
}

static void put_tcp(struct cursor *at, const struct packet_spec *spec)
{
    __u8 *tcp = append(at, 20 + spec->payload);

    put16(tcp, spec->source_port);
    put16(tcp + 2, spec->destination_port);
    put16(tcp + 6, 77);  /* sequence */
    put16(tcp + 10, 88); /* acknowledgment */
    tcp[12] = spec->flaw == FLAW_TCP_OFFSET ? 4 << 4 : spec->flaw == FLAW_TCP_BEYOND ? 15 << 4 : 5 << 4;
    tcp[13] = spec->tcp_flags;
}

static void put_datagram(struct cursor *at, const struct packet_spec *spec)
{
    __u8 *udp = append(at, 8 + spec->payload);

    put16(udp, spec->source_port);
    put16(udp + 2, spec->destination_port);
    put16(udp + 4, 8 + spec->payload + (spec->flaw == FLAW_UDP_LENGTH ? 1 : 0));
}

static void put_icmp(struct cursor *at, const struct packet_spec *spec)
{
    __u8 *icmp = append(at, 8 + spec->payload);

    icmp[0] = spec->icmp_type;
    put16(icmp + 4, spec->source_port);
    if (spec->nd_target)
        inet_pton(AF_INET6, spec->nd_target, append(at, 16));
    append(at, spec->nd_skip);
    if (spec->nd_option) {
        __u8 *option = append(at, 8);

        option[0] = spec->nd_option;
        option[1] = 1;
        memcpy(option + 2, spec->claimed_mac ? spec->claimed_mac : pod_mac, 6);
    }
    if (spec->quoted) {
        __u8 quoted[PACKETS_MAX];
        size_t length = packets_build(spec->quoted, quoted) - 14;
        size_t header = is_ipv6(spec->quoted) ? 40 : 20;

        length = length < header + 8 ? length : header + 8;
        memcpy(append(at, length), quoted + 14, length);
    }
}

static void put_transport(struct cursor *at, const struct packet_spec *spec)
{
    if (spec->flaw == FLAW_TINY)
        append(at, 4);
    else if (spec->fragment)
        append(at, spec->payload ? spec->payload : 8);
    else if (spec->protocol == IPPROTO_TCP)
        put_tcp(at, spec);
    else if (spec->protocol == IPPROTO_ICMP || spec->protocol == IPPROTO_ICMPV6)
        put_icmp(at, spec);
    else
        put_datagram(at, spec);
}

static void put_ipv4(struct cursor *at, const struct packet_spec *spec)
{
    size_t start = at->length, header = 20 + 4U * spec->ipv4_options;
    __u8 *ip = append(at, header);

    ip[0] = (__u8)((spec->flaw == FLAW_VERSION ? 5 << 4 : 4 << 4) | (header / 4));
    if (spec->flaw == FLAW_HEADER_LENGTH)
        ip[0] = 4 << 4 | 4;
    memset(ip + 20, 1, header - 20); /* NOP */
    if (spec->flaw == FLAW_SOURCE_ROUTE) {
        ip[21] = 131;
        ip[22] = 7;
        ip[23] = 4;
    }
    put16(ip + 6, spec->fragment | (spec->more_fragments ? 0x2000 : 0));
    ip[8] = 64;
    ip[9] = spec->protocol;
    inet_pton(AF_INET, spec->source, ip + 12);
    inet_pton(AF_INET, spec->destination, ip + 16);
    put_transport(at, spec);

    size_t total = at->length - start;

    if (spec->flaw == FLAW_TOO_LONG)
        total++;
    put16(ip + 2, spec->flaw == FLAW_TOTAL_SHORT ? header - 1 : total);
}

/* One extension header of 8 bytes; `next` is where its predecessor names it. */
static __u8 *put_extension(struct cursor *at, const struct packet_spec *spec, __u8 number, __u8 *next)
{
    __u8 *extension = append(at, 8);

    *next = number;
    if (number == IPPROTO_ROUTING)
        extension[2] = spec->routing_type;
    if (number == IPPROTO_FRAGMENT)
        put16(extension + 2, spec->fragment << 3 | (spec->more_fragments ? 1 : 0));
    return extension;
}

static void put_ipv6(struct cursor *at, const struct packet_spec *spec)
{
    __u8 *ip = append(at, 40), *next = ip + 6;
    size_t start = at->length;

    ip[0] = spec->flaw == FLAW_VERSION ? 5 << 4 : 6 << 4;
    ip[7] = 64;
    inet_pton(AF_INET6, spec->source, ip + 8);
    inet_pton(AF_INET6, spec->destination, ip + 24);
    for (int i = 0; i < spec->extensions_count; i++)
        next = put_extension(at, spec, spec->extensions[i], next);
    if (spec->fragment || spec->more_fragments)
        next = put_extension(at, spec, IPPROTO_FRAGMENT, next);
    *next = spec->protocol;
    put_transport(at, spec);
    put16(ip + 4, at->length - start + (spec->flaw == FLAW_TOO_LONG ? 1 : 0));
}

size_t packets_build(const struct packet_spec *spec, __u8 frame[PACKETS_MAX])
{
    struct cursor at = {frame, 0};
    __u16 ethertype = ethertype_of(spec);

    put_ethernet(&at, spec);
    if (ethertype == ETHERTYPE_ARP)
        put_arp(&at, spec);
    else if (ethertype == 0x0800)
        put_ipv4(&at, spec);
    else if (ethertype == 0x86dd)
        put_ipv6(&at, spec);
    else
        append(&at, 46);
    return at.length;
}

static __u32 add_words(const __u8 *bytes, size_t length, __u32 sum)
{
    for (size_t i = 0; i + 1 < length; i += 2)
        sum += (__u32)(bytes[i] << 8 | bytes[i + 1]);
    return sum;
}

/* A sum over bytes that include their own checksum is all ones. */
static bool is_whole(__u32 sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

bool packets_is_reset(const __u8 *frame, size_t length)
{
    const __u8 *ip = frame + 14;
    bool is_ipv4 = frame[12] == 0x08;
    size_t header = is_ipv4 ? 20 : 40;
    const __u8 *tcp = ip + header;

    if (length != 14 + header + 20 || (tcp[13] != 0x04 && tcp[13] != 0x14) || tcp[12] != 5 << 4)
        return false;

    size_t said = is_ipv4 ? (size_t)(ip[2] << 8 | ip[3]) : 40U + (size_t)(ip[4] << 8 | ip[5]);
    __u32 sum = add_words(tcp, 20, IPPROTO_TCP + 20);

    if (said != header + 20 || (is_ipv4 && !is_whole(add_words(ip, 20, 0))))
        return false;
    return is_whole(add_words(ip + (is_ipv4 ? 12 : 8), is_ipv4 ? 8 : 32, sum));
}
