/* SPDX-License-Identifier: Apache-2.0 */
/*
 * e2e-storm ADDRESS COUNT RATE: sends COUNT datagrams, each as a flow of its own (another port of the address), RATE a
 * second, or as fast as it can (0). The socket is connected to each port first, so that what is refused is refused at
 * the device. Prints how many were sent and how many that was a second.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "tests/support/e2e-socket.h"

#define FIRST_PORT 20000
#define PORTS 40000
#define BURST_NS 1000000 /* it keeps its rate in bursts of a millisecond */
#define SECOND_NS 1000000000LL

static long long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND_NS + now.tv_nsec;
}

/* Until it is this one's turn. */
static void keep_rate(long long start_ns, long index, long rate)
{
    long long due_ns = start_ns + index * SECOND_NS / rate;
    const struct timespec due = {.tv_sec = due_ns / SECOND_NS, .tv_nsec = due_ns % SECOND_NS};

    if (due_ns - now_ns() > BURST_NS)
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

static int send_to(int fd, struct peer *peer, long index)
{
    in_port_t port = htons((in_port_t)(FIRST_PORT + index % PORTS));

    if (peer->any.sa_family == AF_INET)
        peer->four.sin_port = port;
    else
        peer->six.sin6_port = port;
    if (connect(fd, &peer->any, peer->length) < 0)
        return -1;
    return send(fd, "storm", 5, 0) == 5 ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct peer peer;
    long count, rate;
    long long start_ns;
    int fd;

    if (argc != 4 || peer_parse(&peer, argv[1], "1"))
        return 2;
    count = strtol(argv[2], NULL, 10);
    rate = strtol(argv[3], NULL, 10);
    fd = socket_open(peer.any.sa_family, SOCK_DGRAM, 0);
    start_ns = now_ns();
    for (long i = 0; i < count; i++) {
        if (rate)
            keep_rate(start_ns, i, rate);
        if (send_to(fd, &peer, i)) {
            printf("%ld %s\n", i, strerror(errno));
            return 1;
        }
    }
    printf("%ld %lld\n", count, count * SECOND_NS / (now_ns() - start_ns + 1));
    return 0;
}
