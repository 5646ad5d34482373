/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probe's other side: echoes TCP and UDP on each port, on IPv4 and IPv6. A TCP client that says "stream" first gets
 * lines without end, so that it only ever receives. One process per TCP client.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/e2e-socket.h"

#define PORTS_MAX 16
#define STREAM_INTERVAL_MS 5

static int open_port(int port, int type)
{
    struct peer any;
    int on = 1, off = 0;
    int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    peer_any(&any, port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, &any.any, any.length) < 0)
        return -1;
    return type == SOCK_STREAM && listen(fd, 128) < 0 ? -1 : fd;
}

static void stream(int fd)
{
    while (send(fd, "line\n", 5, MSG_NOSIGNAL) == 5)
        poll(NULL, 0, STREAM_INTERVAL_MS);
}

static void serve_client(int fd)
{
    char text[512];
    ssize_t n;

    while ((n = recv(fd, text, sizeof(text), 0)) > 0) {
        if (n >= 6 && !memcmp(text, "stream", 6))
            stream(fd);
        if (send(fd, text, n, MSG_NOSIGNAL) != n)
            return;
    }
}

static void accept_client(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0 && fork() == 0) {
        serve_client(fd);
        _exit(0);
    }
    close(fd);
}

static void echo_datagram(int fd)
{
    struct peer from = {.length = sizeof(from.six)};
    char text[512];
    ssize_t n = recvfrom(fd, text, sizeof(text), 0, &from.any, &from.length);

    if (n >= 0)
        sendto(fd, text, n, 0, &from.any, from.length);
}

int serve(char **ports)
{
    struct pollfd polls[2 * PORTS_MAX];
    size_t count = 0;

    signal(SIGCHLD, SIG_IGN);
    for (; *ports && count < 2 * PORTS_MAX; ports++, count += 2) {
        polls[count] = (struct pollfd){.fd = open_port(atoi(*ports), SOCK_STREAM), .events = POLLIN};
        polls[count + 1] = (struct pollfd){.fd = open_port(atoi(*ports), SOCK_DGRAM), .events = POLLIN};
        if (polls[count].fd < 0 || polls[count + 1].fd < 0) {
            fprintf(stderr, "e2e-probe: port %s: %s\n", *ports, strerrorname_np(errno));
            return 1;
        }
    }
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        if (poll(polls, count, -1) < 0)
            continue;
        for (size_t i = 0; i < count; i++) {
            if (!(polls[i].revents & POLLIN))
                continue;
            if (i % 2 == 0)
                accept_client(polls[i].fd);
            else
                echo_datagram(polls[i].fd);
        }
    }
}
