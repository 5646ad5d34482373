/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody with a shell in a container would try, one step a run: prints what the kernel answered, by the name of
 * errno. Exit status 0: it went through; 1: it was refused; 2: usage.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netinet/ip_icmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "demo/http.h"
#include "lib/cleanup.h"

#define TIMEOUT_MS 2000
#define HOLD_INTERVAL_MS 20

static int say(const char *call, int code)
{
    printf("%s: %s\n", call, code < 0 ? strerrorname_np(-code) : "ok");
    fflush(stdout);
    return code < 0;
}

static int http(const char *address, const char *port)
{
    cleanup_close int fd = http_connect(address, port, TIMEOUT_MS);
    int status;

    if (fd < 0)
        return say("connect", fd);
    status = http_request(fd, "GET", "/task", false);
    if (status < 0)
        return say("request", status);
    printf("HTTP %d\n", status);
    return 0;
}

/* Counts what connect() says of each port. */
static int scan(const char *address, const char *range)
{
    unsigned counts[256] = {0};
    const char *separator = "";
    char port[16];
    int first, last, fd;

    if (sscanf(range, "%d-%d", &first, &last) != 2)
        return 2;
    for (int number = first; number <= last; number++) {
        snprintf(port, sizeof(port), "%d", number);
        fd = http_connect(address, port, TIMEOUT_MS);
        counts[fd < 0 ? -fd & 0xff : 0]++;
        if (fd >= 0)
            close(fd);
    }
    for (int code = 0; code < 256; code++) {
        if (!counts[code])
            continue;
        printf("%s%u %s", separator, counts[code], code ? strerrorname_np(code) : "open");
        separator = ", ";
    }
    printf("\n");
    return counts[0] == 0;
}

/* An ICMP echo request of its own making, with the identifier and sequence 1; the checksum fits those. */
static int raw(const char *address)
{
    struct sockaddr_in peer = {.sin_family = AF_INET};
    struct icmphdr echo = {.type = ICMP_ECHO,
                           .checksum = htons(0xffff - (ICMP_ECHO << 8) - 2),
                           .un.echo = {.id = htons(1), .sequence = htons(1)}};
    struct timeval timeout = {.tv_sec = 2};
    unsigned char answer[256];
    cleanup_close int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

    if (fd < 0)
        return say("socket", -errno);
    if (inet_pton(AF_INET, address, &peer.sin_addr) != 1)
        return 2;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    if (sendto(fd, &echo, sizeof(echo), 0, (struct sockaddr *)&peer, sizeof(peer)) < 0)
        return say("sendto", -errno);
    for (;;) {
        ssize_t n = recv(fd, answer, sizeof(answer), 0);
        size_t header = (answer[0] & 0xf) * 4U;
        struct icmphdr icmp;

        if (n < 0)
            return say("recv", errno == EAGAIN ? -ETIMEDOUT : -errno);
        if ((size_t)n < header + sizeof(icmp))
            continue;
        memcpy(&icmp, answer + header, sizeof(icmp));
        if (icmp.type != ICMP_ECHOREPLY || icmp.un.echo.id != echo.un.echo.id)
            continue;
        printf("echo reply\n");
        return 0;
    }
}

/* Tells everybody on the link that the gateway's address is here. */
static int arp(const char *gateway)
{
    struct sockaddr_ll link = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP), .sll_halen = ETH_ALEN};
    cleanup_close int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ARP));
    struct ether_arp claim = {.ea_hdr = {.ar_hrd = htons(ARPHRD_ETHER),
                                         .ar_pro = htons(ETH_P_IP),
                                         .ar_hln = ETH_ALEN,
                                         .ar_pln = 4,
                                         .ar_op = htons(ARPOP_REPLY)}};
    struct ifreq own = {.ifr_name = "eth0"};

    if (fd < 0)
        return say("socket", -errno);
    if (ioctl(fd, SIOCGIFHWADDR, &own) < 0 || inet_pton(AF_INET, gateway, claim.arp_spa) != 1)
        return 2;
    memcpy(claim.arp_sha, own.ifr_hwaddr.sa_data, ETH_ALEN);
    memcpy(claim.arp_tpa, claim.arp_spa, sizeof(claim.arp_tpa));
    link.sll_ifindex = if_nametoindex("eth0");
    memset(claim.arp_tha, 0xff, ETH_ALEN);
    memset(link.sll_addr, 0xff, ETH_ALEN);
    if (sendto(fd, &claim, sizeof(claim), 0, (struct sockaddr *)&link, sizeof(link)) < 0)
        return say("sendto", -errno);
    return say("sendto", 0);
}

/* Keeps one connection and uses it until it breaks. */
static int hold(const char *address, const char *port)
{
    const struct timespec interval = {.tv_nsec = HOLD_INTERVAL_MS * 1000000L};
    cleanup_close int fd = http_connect(address, port, TIMEOUT_MS);
    unsigned long answered;
    int status;

    if (fd < 0)
        return say("connect", fd);
    for (answered = 0;; answered++) {
        status = http_request(fd, "GET", "/task", true);
        if (status < 0)
            break;
        if (answered == 0)
            say("connect", 0);
        nanosleep(&interval, NULL);
    }
    printf("after %lu answers: %s\n", answered, strerrorname_np(-status));
    return 1;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";

    if (argc == 4 && !strcmp(verb, "http"))
        return http(argv[2], argv[3]);
    if (argc == 4 && !strcmp(verb, "scan"))
        return scan(argv[2], argv[3]);
    if (argc == 3 && !strcmp(verb, "raw"))
        return raw(argv[2]);
    if (argc == 4 && !strcmp(verb, "hold"))
        return hold(argv[2], argv[3]);
    if (argc == 3 && !strcmp(verb, "arp"))
        return arp(argv[2]);
    fprintf(stderr, "usage: attack http ADDRESS PORT | scan ADDRESS FIRST-LAST | raw ADDRESS | hold ADDRESS PORT |"
                    " arp GATEWAY\n");
    return 2;
}
