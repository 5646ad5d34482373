/* SPDX-License-Identifier: Apache-2.0 */
/* The probe's verbs that go around TCP and UDP: ICMP echoes, raw sockets, packet sockets, and all at once. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "tests/support/e2e-frames.h"
#include "tests/support/e2e-socket.h"

/* Both families have the same header; the kernel fills in the checksum of ICMPv6, and of ICMP on SOCK_DGRAM. */
static void make_echo(struct icmphdr *echo, int family)
{
    memset(echo, 0, sizeof(*echo));
    echo->type = family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
    echo->un.echo.sequence = htons(1);
    echo->checksum = htons(0xffff - (ICMP_ECHO << 8) - 1);
}

static int echo_protocol(int family)
{
    return family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
}

/* Sends one echo request by a socket of `type`, and waits for what comes back. */
static struct outcome echo_once(const struct peer *peer, int type)
{
    cleanup_close int fd = socket_open(peer->any.sa_family, type, echo_protocol(peer->any.sa_family));
    struct icmphdr echo;
    char answer[128];

    if (fd < 0)
        return outcome_errno("socket");
    make_echo(&echo, peer->any.sa_family);
    if (sendto(fd, &echo, sizeof(echo), 0, &peer->any, peer->length) < 0)
        return outcome_errno("sendto");
    if (recv(fd, answer, sizeof(answer), 0) < 0)
        return outcome_errno("recv");
    return outcome_ok();
}

struct outcome probe_ping(char **args)
{
    struct peer peer;

    if (peer_parse(&peer, args[0], "0"))
        exit(2);
    return echo_once(&peer, SOCK_DGRAM);
}

struct outcome probe_raw(char **args)
{
    struct peer peer;

    if (peer_parse(&peer, args[0], "0"))
        exit(2);
    return echo_once(&peer, SOCK_RAW);
}

static unsigned short ip_checksum(const unsigned char *header, size_t length)
{
    unsigned sum = 0;

    for (size_t i = 0; i < length; i += 2)
        sum += header[i] << 8 | header[i + 1];
    sum = (sum >> 16) + (sum & 0xffff);
    return htons(~(sum + (sum >> 16)) & 0xffff);
}

/* A UDP datagram of this making: header without a checksum, one byte of payload. */
size_t datagram_make(unsigned char *out, const struct peer *from, const struct peer *to)
{
    struct udphdr udp = {.uh_sport = from->four.sin_port, .uh_dport = to->four.sin_port, .uh_ulen = htons(9)};
    struct iphdr ip = {.version = 4,
                       .ihl = 5,
                       .tot_len = htons(sizeof(ip) + 9),
                       .ttl = 64,
                       .protocol = IPPROTO_UDP,
                       .saddr = from->four.sin_addr.s_addr,
                       .daddr = to->four.sin_addr.s_addr};

    memcpy(out, &ip, sizeof(ip));
    ip.check = ip_checksum(out, sizeof(ip));
    memcpy(out, &ip, sizeof(ip));
    memcpy(out + sizeof(ip), &udp, sizeof(udp));
    out[sizeof(ip) + sizeof(udp)] = '!';
    return sizeof(ip) + 9;
}

/* IFNAME FROM TO PORT: the datagram, past the whole stack, to everybody on the link. */
struct outcome probe_packet(char **args)
{
    struct sockaddr_ll link = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_halen = ETH_ALEN};
    cleanup_close int fd = socket_open(AF_PACKET, SOCK_DGRAM, 0);
    unsigned char packet[64];
    struct peer from, to;

    if (fd < 0)
        return outcome_errno("socket");
    if (peer_parse(&from, args[1], args[3]) || peer_parse(&to, args[2], args[3]))
        exit(2);
    link.sll_ifindex = if_nametoindex(args[0]);
    memset(link.sll_addr, 0xff, ETH_ALEN);
    if (sendto(fd, packet, datagram_make(packet, &from, &to), 0, (struct sockaddr *)&link, sizeof(link)) < 0)
        return outcome_errno("sendto");
    return outcome_ok();
}

/* Whether a call of each kind got past the socket hooks. */
static int fire(const struct peer *peer, int type, int protocol)
{
    cleanup_close int fd = socket(peer->any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    struct icmphdr echo;

    if (fd < 0)
        return 0;
    if (type == SOCK_STREAM)
        return connect(fd, &peer->any, peer->length) == 0 || errno == EINPROGRESS;
    make_echo(&echo, peer->any.sa_family);
    return sendto(fd, &echo, sizeof(echo), 0, &peer->any, peer->length) > 0;
}

struct outcome probe_blast(char **args)
{
    struct outcome outcome;
    struct peer peer;
    int tcp, udp, icmp;

    if (peer_parse(&peer, args[0], args[1]))
        exit(2);
    tcp = fire(&peer, SOCK_STREAM, 0);
    udp = fire(&peer, SOCK_DGRAM, 0);
    peer.four.sin_port = 0; /* the same place in both families; a raw socket has none */
    icmp = fire(&peer, SOCK_RAW, echo_protocol(peer.any.sa_family));
    snprintf(outcome.text, sizeof(outcome.text), "tcp=%d udp=%d icmp=%d", tcp, udp, icmp);
    return outcome;
}
