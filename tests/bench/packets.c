/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums are left zero: no program reads them. */
#include "tests/bench/packets.h"

#include <arpa/inet.h>
#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <string.h>

#include "tests/bench/world.h"

#define PAYLOAD 64
#define PORT_DNS 53

static size_t build_payload(const struct packet_shape *shape, unsigned char *out)
{
    switch (shape->payload) {
    case PAYLOAD_QUERY:
        return payload_query(out, shape->name, PACKET_QUERY_ID);
    case PAYLOAD_ANSWER:
        return payload_answer(out, shape->name, PACKET_QUERY_ID, shape->alias, shape->addresses);
    case PAYLOAD_REQUEST:
        return payload_request(out, shape->method ? shape->method : "GET", PACKET_TARGET, PACKET_HEAD);
    default:
        return PAYLOAD;
    }
}

static __u16 server_port(const struct packet_shape *shape)
{
    if (shape->payload == PAYLOAD_QUERY || shape->payload == PAYLOAD_ANSWER)
        return PORT_DNS;
    return shape->is_other_port ? WORLD_OTHER_PORT : WORLD_PORT;
}

static size_t build_l4(const struct packet_shape *shape, unsigned char *l4)
{
    __be16 server = htons(server_port(shape)), pod = htons(PACKET_POD_PORT);
    __be16 source = shape->is_to_pod ? server : pod, destination = shape->is_to_pod ? pod : server;
    struct tcphdr tcp = {.source = source, .dest = destination, .seq = htonl(PACKET_SEQUENCE), .doff = sizeof(tcp) / 4};
    struct udphdr udp = {.source = source, .dest = destination};
    struct icmphdr icmp = {.type = ICMP_ECHO, .un.echo = {.id = htons(77), .sequence = htons(1)}};
    size_t length;

    switch (shape->kind) {
    case PACKET_DATA:
        tcp.ack = 1;
        tcp.psh = 1;
        memcpy(l4, &tcp, sizeof(tcp));
        return sizeof(tcp) + build_payload(shape, l4 + sizeof(tcp));
    case PACKET_SYN:
        tcp.syn = 1;
        memcpy(l4, &tcp, sizeof(tcp));
        return sizeof(tcp);
    case PACKET_DATAGRAM:
        length = sizeof(udp) + build_payload(shape, l4 + sizeof(udp));
        udp.len = htons((__u16)length);
        memcpy(l4, &udp, sizeof(udp));
        return length;
    case PACKET_ECHO:
        memcpy(l4, &icmp, sizeof(icmp));
        return sizeof(icmp) + PAYLOAD;
    }
    return 0;
}

static __u8 protocol_of(enum packet_kind kind)
{
    return kind == PACKET_ECHO ? IPPROTO_ICMP : kind == PACKET_DATAGRAM ? IPPROTO_UDP : IPPROTO_TCP;
}

static size_t build_ipv4(const struct packet_shape *shape, unsigned char *l3)
{
    static const __u8 direct[4] = WORLD_SERVER4, learnt[4] = {192, 0, 2, 1}, pod[4] = WORLD_POD4;
    const __u8 *server = shape->is_learnt ? learnt : direct;
    struct iphdr ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = protocol_of(shape->kind)};
    size_t length = sizeof(ip) + build_l4(shape, l3 + sizeof(ip));

    ip.tot_len = htons((__u16)length);
    memcpy(&ip.saddr, shape->is_to_pod ? server : pod, 4);
    memcpy(&ip.daddr, shape->is_to_pod ? pod : server, 4);
    memcpy(l3, &ip, sizeof(ip));
    return length;
}

static size_t build_ipv6(const struct packet_shape *shape, unsigned char *l3)
{
    static const __u8 server[16] = WORLD_SERVER6, pod[16] = WORLD_POD6;
    struct ipv6hdr ip = {.version = 6, .hop_limit = 64, .nexthdr = protocol_of(shape->kind)};
    size_t length = build_l4(shape, l3 + sizeof(ip));

    ip.payload_len = htons((__u16)length);
    memcpy(&ip.saddr, shape->is_to_pod ? server : pod, 16);
    memcpy(&ip.daddr, shape->is_to_pod ? pod : server, 16);
    memcpy(l3, &ip, sizeof(ip));
    return sizeof(ip) + length;
}

size_t packet_build(const struct packet_shape *shape, unsigned char frame[PACKET_MAX])
{
    struct ethhdr ethernet = {.h_dest = {2, 0, 0, 0, 0, 1},
                              .h_source = {2, 0, 0, 0, 0, 2},
                              .h_proto = htons(shape->is_ipv6 ? ETH_P_IPV6 : ETH_P_IP)};
    unsigned char *l3 = frame + sizeof(ethernet);

    memset(frame, 0, PACKET_MAX);
    memcpy(frame, &ethernet, sizeof(ethernet));
    return sizeof(ethernet) + (shape->is_ipv6 ? build_ipv6(shape, l3) : build_ipv4(shape, l3));
}
