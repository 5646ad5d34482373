/* SPDX-License-Identifier: Apache-2.0 */
/* One thread, one epoll: UDP 53 answers every name by one address, one port echoes, one speaks HTTP/1.1. */
#include "tests/bench/peer_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/bench.h"
#include "tests/bench/peer.h"

#define PORT_DNS 53
#define CLIENTS_MAX 4096

enum kind {
    KIND_DNS = 1,
    KIND_ECHO_LISTENER,
    KIND_HTTP_LISTENER,
    KIND_ECHO,
    KIND_HTTP,
};

static unsigned char kinds[CLIENTS_MAX]; /* enum kind, by descriptor */
static int loop;

static void watch(int fd, enum kind kind)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (fd < 0 || fd >= CLIENTS_MAX || epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event))
        bench_fail("the server: %s", strerror(errno));
    kinds[fd] = (unsigned char)kind;
}

static int open_port(int type, uint16_t port)
{
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) || (type == SOCK_STREAM && listen(fd, 128)))
        bench_fail("the server's port %d: %s", port, strerror(errno));
    return fd;
}

static void answer_dns(int fd)
{
    /* Its name is that of the question; A, IN, an hour, 192.0.2.1. */
    static const unsigned char record[] = {0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4, 192, 0, 2, 1};
    unsigned char message[512 + sizeof(record)];
    struct sockaddr_in from;
    socklen_t from_length = sizeof(from);
    ssize_t length = recvfrom(fd, message, 512, 0, (struct sockaddr *)&from, &from_length);

    if (length < 12)
        return;
    message[2] |= 0x80; /* an answer */
    message[7] = 1;
    memcpy(message + length, record, sizeof(record));
    sendto(fd, message, (size_t)length + sizeof(record), 0, (const struct sockaddr *)&from, from_length);
}

static void accept_client(int listener, enum kind kind)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), one = 1;

    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    watch(fd, kind);
}

/* A request comes whole in one segment here. */
static bool answer_tcp(int fd, bool is_http)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    char bytes[2048];
    ssize_t length = recv(fd, bytes, sizeof(bytes), 0);

    if (length <= 0)
        return false;
    if (is_http)
        return send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) > 0;
    return send(fd, bytes, (size_t)length, MSG_NOSIGNAL) > 0;
}

static void serve_one(int fd)
{
    switch (kinds[fd]) {
    case KIND_DNS:
        answer_dns(fd);
        break;
    case KIND_ECHO_LISTENER:
        accept_client(fd, KIND_ECHO);
        break;
    case KIND_HTTP_LISTENER:
        accept_client(fd, KIND_HTTP);
        break;
    default:
        if (!answer_tcp(fd, kinds[fd] == KIND_HTTP))
            close(fd);
    }
}

_Noreturn void peer_serve(int control)
{
    struct epoll_event events[16];

    loop = epoll_create1(EPOLL_CLOEXEC);
    watch(open_port(SOCK_DGRAM, PORT_DNS), KIND_DNS);
    watch(open_port(SOCK_STREAM, PEER_ECHO_PORT), KIND_ECHO_LISTENER);
    watch(open_port(SOCK_STREAM, PEER_HTTP_PORT), KIND_HTTP_LISTENER);
    if (send(control, "", 1, 0) != 1)
        bench_fail("nobody waits for the server");
    while (true) {
        int count = epoll_wait(loop, events, 16, -1);

        for (int i = 0; i < count; i++)
            serve_one(events[i].data.fd);
    }
}
