/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that sends datagrams while its rules change to and fro between two policies, of which one allows an address
 * with some ports and the other another address with other ports. Counts what each allowed, and what neither can have:
 * an address of the one with a port of the other. Ends after so many sends. `flood` opens as many flows instead.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "tests/support/e2e-socket.h"

#define PORTS 1000

static uint32_t seed = 1;

/* xorshift: rand() takes a lock. */
static uint32_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

/* Returns 1 when it was allowed, 0 when it was refused; anything else is no answer. */
static int send_one(int fd, struct peer *peer, unsigned port)
{
    peer->four.sin_port = htons(port);
    for (;;) {
        if (sendto(fd, "x", 1, MSG_DONTWAIT, &peer->any, peer->length) == 1)
            return 1;
        if (errno == EPERM)
            return 0;
        if (errno != EAGAIN && errno != ENOBUFS && errno != ECONNREFUSED) {
            perror("sendto");
            exit(1);
        }
    }
}

/* change FIRST PORT SECOND PORT COUNT */
static int change(char **args)
{
    unsigned ports[2] = {strtoul(args[1], NULL, 10), strtoul(args[3], NULL, 10)};
    unsigned long count = strtoul(args[4], NULL, 10), allowed[2][2] = {{0}}, changes = 0;
    cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct peer peers[2];
    int last = -1;

    if (fd < 0 || peer_parse(&peers[0], args[0], "0") || peer_parse(&peers[1], args[2], "0"))
        return 2;
    for (unsigned long i = 0; i < count; i++) {
        uint32_t random = next_random();
        /* Most ask for what neither policy has: these cost least and matter most. */
        unsigned address = random & 1, range = random >> 1 & 31 ? !address : address;

        if (!send_one(fd, &peers[address], ports[range] + (random >> 8) % PORTS))
            continue;
        allowed[address][range]++;
        changes += address == range && last >= 0 && last != (int)address;
        last = (int)address;
    }
    printf("sent=%lu first=%lu second=%lu mixed=%lu changes=%lu\n", count, allowed[0][0], allowed[1][1],
           allowed[0][1] + allowed[1][0], changes);
    return 0;
}

/* flood ADDRESS COUNT: a flow for each port and socket. */
static int flood(char **args)
{
    unsigned long count = strtoul(args[1], NULL, 10), allowed = 0;
    struct peer peer;

    if (peer_parse(&peer, args[0], "0"))
        return 2;
    for (unsigned long i = 0; i < count;) {
        cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        for (unsigned port = 1024; fd >= 0 && port < 65000 && i < count; port++, i++)
            allowed += send_one(fd, &peer, port) == 1;
    }
    printf("flows=%lu allowed=%lu\n", count, allowed);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 7 && !strcmp(argv[1], "change"))
        return change(argv + 2);
    if (argc == 4 && !strcmp(argv[1], "flood"))
        return flood(argv + 2);
    fprintf(stderr, "usage: e2e-change change FIRST PORT SECOND PORT COUNT | flood ADDRESS COUNT\n");
    return 2;
}
