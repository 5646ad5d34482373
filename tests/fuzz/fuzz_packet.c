/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a frame or datagram, any part of it linear: packet.h takes what a parser written by the book takes, with
 * the same fields, refuses the rest, and reads nothing outside. The first byte says how the packet comes, the second
 * how much of it is linear.
 */
#include <stdlib.h>

#include "tests/fuzz/skb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT(readability-identifier-naming): libFuzzer's */

enum how {
    FROM_POD = 1,
    DATAGRAM = 2, /* without an Ethernet header */
    GSO = 4,
    TAGGED = 8,
    IPV6 = 16, /* of a datagram */
    LINEAR = 32,
};

static void claim(bool is_true)
{
    if (!is_true)
        abort();
}

static unsigned be16(const uint8_t *from)
{
    return (unsigned)from[0] << 8 | from[1];
}

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static void set_addresses(struct packet *p, const uint8_t *source, const uint8_t *destination, size_t size, int how)
{
    uint8_t *from = how & FROM_POD ? p->flow.local : p->flow.remote;
    uint8_t *to = how & FROM_POD ? p->flow.remote : p->flow.local;

    if (size == 4) {
        memcpy(from, mapped, sizeof(mapped));
        memcpy(to, mapped, sizeof(mapped));
    }
    memcpy(from + 16 - size, source, size);
    memcpy(to + 16 - size, destination, size);
}

static void set_ports(struct packet *p, const uint8_t *header, int how)
{
    memcpy(&p->flow.local_port_be, header + (how & FROM_POD ? 0 : 2), 2);
    memcpy(&p->flow.remote_port_be, header + (how & FROM_POD ? 2 : 0), 2);
}

static bool read_tcp(struct packet *p, const uint8_t *header, size_t length, int how)
{
    size_t size = length < 20 ? 0 : (header[12] >> 4) * 4U;

    if (size < 20 || size > length)
        return false;
    p->tcp_flags = header[13];
    p->payload = (uint32_t)(length - size);
    p->payload_at = (uint16_t)(p->l4 + size);
    p->sequence = (uint32_t)be16(header + 4) << 16 | be16(header + 6);
    set_ports(p, header, how);
    return true;
}

static bool read_udp(struct packet *p, const uint8_t *header, size_t length, int how)
{
    size_t said = length < 8 ? 0 : be16(header + 4);

    if (length < 8)
        return false;
    set_ports(p, header, how);
    if (p->fragment != FRAGMENT_NONE)
        return true;
    if (said == 0)
        said = length;
    if (said < 8 || said > length)
        return false;
    p->payload = (uint32_t)(said - 8);
    p->payload_at = (uint16_t)(p->l4 + 8);
    return true;
}

static bool read_icmp(struct packet *p, const uint8_t *header, size_t length)
{
    if (length < 8)
        return false;
    p->icmp_type = header[0];
    if (p->flow.protocol == 1 ? header[0] == 8 || header[0] == 0 : header[0] == 128 || header[0] == 129) {
        memcpy(&p->flow.local_port_be, header + 4, 2);
        memcpy(&p->flow.remote_port_be, header + 4, 2);
    }
    return true;
}

static bool read_transport(struct packet *p, const uint8_t *header, size_t length, int how)
{
    if (p->fragment == FRAGMENT_LATER)
        return true;
    switch (p->flow.protocol) {
    case 6:
        return read_tcp(p, header, length, how);
    case 17:
        return read_udp(p, header, length, how);
    case 1:
    case 58:
        return read_icmp(p, header, length);
    case 33:  /* DCCP */
    case 132: /* SCTP */
    case 136: /* UDP-Lite */
        if (length < 8)
            return false;
        set_ports(p, header, how);
        return true;
    default:
        return true;
    }
}

static bool read_ipv4(struct packet *p, const uint8_t *ip, size_t size, int how)
{
    if (size < 20 || ip[0] >> 4 != 4)
        return false;

    size_t header = (ip[0] & 15) * 4U, total = be16(ip + 2);
    unsigned fragment = be16(ip + 6);

    if (total == 0 && how & GSO)
        total = size;
    if (header < 20 || header > total || total > size)
        return false;
    if (memchr(ip + 20, 131, header - 20) || memchr(ip + 20, 137, header - 20))
        return false; /* a source route, or what may be read as one */
    set_addresses(p, ip + 12, ip + 16, 4, how);
    p->flow.protocol = ip[9];
    p->fragment = fragment & 0x1fff ? FRAGMENT_LATER : fragment & 0x2000 ? FRAGMENT_FIRST : FRAGMENT_NONE;
    memcpy(&p->fragment_id, (const uint8_t[]){ip[4], ip[5], 0, 0}, 4);
    p->l4 = (uint16_t)(p->l3 + header);
    return read_transport(p, ip + header, total - header, how);
}

static bool is_extension(uint8_t protocol)
{
    return protocol == 0 || protocol == 43 || protocol == 60 || protocol == 51 || protocol == 44;
}

/* One extension header; its protocol is in p->flow.protocol. Returns its size, 0 when it is refused. */
static size_t read_extension(struct packet *p, const uint8_t *header)
{
    uint8_t protocol = p->flow.protocol;

    p->flow.protocol = header[0];
    if (protocol == 44) {
        memcpy(&p->fragment_id, header + 4, 4);
        if (be16(header + 2) & 0xfff8)
            p->fragment = FRAGMENT_LATER;
        else if (header[3] & 1)
            p->fragment = FRAGMENT_FIRST;
        return 8;
    }
    if (protocol == 43 && header[2] == 0)
        return 0;
    return protocol == 51 ? (header[1] + 2) * 4U : (header[1] + 1) * 8U;
}

static bool read_ipv6(struct packet *p, const uint8_t *ip, size_t size, int how)
{
    if (size < 40 || ip[0] >> 4 != 6)
        return false;

    size_t length = be16(ip + 4), at = 40;

    if (length == 0 && how & GSO)
        length = size - 40;
    if (length > size - 40)
        return false;
    set_addresses(p, ip + 8, ip + 24, 16, how);
    p->flow.protocol = ip[6];
    for (int count = 1; is_extension(p->flow.protocol) && p->fragment != FRAGMENT_LATER; count++) {
        size_t taken = 0;

        if (p->l3 + at <= 1024 && at + 8 <= 40 + length)
            taken = read_extension(p, ip + at);
        /* What follows the last header that is looked at is not; a later fragment has nothing that could be. */
        if (taken == 0 || (count == EXTENSION_HEADERS_MAX && p->fragment != FRAGMENT_LATER))
            return false;
        at += taken;
    }
    if (at > 40 + length)
        return false;
    p->l4 = (uint16_t)(p->l3 + at);
    return read_transport(p, ip + at, 40 + length - at, how);
}

/* What packet_parse_frame() and packet_parse_datagram() should come to; false: a reason not to. */
static bool read_plainly(struct packet *p, const uint8_t *bytes, size_t size, int how)
{
    memset(p, 0, sizeof(*p));
    p->ethertype = how & IPV6 ? 0x86dd : 0x0800;
    if (!(how & DATAGRAM)) {
        if (size < 14 || how & TAGGED)
            return false;
        p->ethertype = (uint16_t)be16(bytes + 12);
        p->l3 = 14;
    }
    if (p->ethertype == 0x0800)
        return read_ipv4(p, bytes + p->l3, size - p->l3, how);
    if (p->ethertype == 0x86dd)
        return read_ipv6(p, bytes + p->l3, size - p->l3, how);
    return p->ethertype == 0x0806;
}

static void claim_same(const struct packet *a, const struct packet *b)
{
    claim(memcmp(&a->flow, &b->flow, sizeof(a->flow)) == 0);
    claim(a->ethertype == b->ethertype && a->l3 == b->l3 && a->l4 == b->l4);
    claim(a->fragment == b->fragment && a->fragment_id == b->fragment_id);
    claim(a->tcp_flags == b->tcp_flags && a->icmp_type == b->icmp_type && a->sequence == b->sequence);
    claim(a->payload == b->payload && a->payload_at == b->payload_at);
}

/* T38 T39 T40 T46 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;

    int how = data[0] & DATAGRAM ? data[0] & ~FROM_POD : data[0];
    size_t linear = how & LINEAR ? size - 2 : data[1] * 2U;
    struct packet expected, p = {0};

    if (linear > size - 2)
        linear = size - 2;

    /* Network headers are aligned: in a frame they stand after 14 bytes. Nothing may be read behind the linear part. */
    size_t pad = how & DATAGRAM ? 0 : 2;
    uint8_t *exact = malloc(pad + linear);

    claim(exact != NULL);
    memcpy(exact + pad, data + 2, linear);

    struct __sk_buff skb = {
        .data = (__u64)(uintptr_t)(exact + pad),
        .data_end = (__u64)(uintptr_t)(exact + pad + linear),
        .bytes = data + 2,
        .len = (__u32)(size - 2),
        .gso_segs = how & GSO ? 2 : 0,
        .vlan_present = how & TAGGED ? 1 : 0,
        .protocol = htons(how & IPV6 ? 0x86dd : 0x0800),
    };
    int reason = how & DATAGRAM ? packet_parse_datagram(&skb, &p) : packet_parse_frame(&skb, &p, how & FROM_POD);

    claim(reason == p.reason && reason >= 0 && reason < REASONS);
    claim(read_plainly(&expected, data + 2, size - 2, how) == (reason == REASON_NONE));
    if (reason == REASON_NONE)
        claim_same(&p, &expected);
    free(exact);
    return 0;
}
