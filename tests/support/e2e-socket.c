/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, sockets and outcomes for the probe. */
#include "tests/support/e2e-socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

int peer_parse(struct peer *peer, const char *address, const char *port)
{
    in_port_t port_be = htons(strtoul(port, NULL, 10));

    memset(peer, 0, sizeof(*peer));
    if (inet_pton(AF_INET, address, &peer->four.sin_addr) == 1) {
        peer->four.sin_family = AF_INET;
        peer->four.sin_port = port_be;
        peer->length = sizeof(peer->four);
        return 0;
    }
    if (inet_pton(AF_INET6, address, &peer->six.sin6_addr) == 1) {
        peer->six.sin6_family = AF_INET6;
        peer->six.sin6_port = port_be;
        peer->length = sizeof(peer->six);
        return 0;
    }
    fprintf(stderr, "e2e-probe: \"%s\" is not an IP address\n", address);
    return -1;
}

void peer_any(struct peer *peer, int port)
{
    memset(peer, 0, sizeof(*peer));
    peer->six.sin6_family = AF_INET6;
    peer->six.sin6_port = htons(port);
    peer->length = sizeof(peer->six);
}

struct outcome outcome_ok(void)
{
    return (struct outcome){"ok"};
}

struct outcome outcome_errno(const char *call)
{
    struct outcome outcome;
    int code = errno == EAGAIN || errno == EINPROGRESS ? ETIMEDOUT : errno;

    snprintf(outcome.text, sizeof(outcome.text), "%s %s", call, strerrorname_np(code));
    return outcome;
}

int socket_open(int family, int type, int protocol)
{
    struct timeval reply = {.tv_sec = REPLY_MS / 1000, .tv_usec = REPLY_MS % 1000 * 1000};
    struct timeval connect = {.tv_sec = CONNECT_MS / 1000, .tv_usec = CONNECT_MS % 1000 * 1000};
    int fd = socket(family, type | SOCK_CLOEXEC, protocol);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &reply, sizeof(reply));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &connect, sizeof(connect));
    return fd;
}
