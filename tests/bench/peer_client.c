/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/peer_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "tests/bench/bench.h"
#include "tests/bench/payloads.h"

#define PORT_DNS 53
#define TIMEOUT_S 2
#define REQUEST_LENGTH 200

static struct in_addr server;
static unsigned char query[PAYLOAD_MAX], request[PAYLOAD_MAX];
static size_t query_length;

/* A connected socket, or -1 with errno. */
static int open_to(int type, uint16_t port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = server};
    const struct timeval timeout = {.tv_sec = TIMEOUT_S};
    cleanup_close int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    int one = 1;

    if (fd < 0)
        return -1;
    if (type == SOCK_STREAM)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)))
        return -1;
    return TAKE_FD(fd);
}

static bool is_wrong(void)
{
    errno = EPROTO;
    return false;
}

static bool echo(int fd)
{
    char byte = 'x';

    if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || recv(fd, &byte, 1, 0) != 1)
        return false;
    return byte == 'x' || is_wrong();
}

static bool ask_name(int fd, unsigned int id)
{
    unsigned char answer[1024];

    query[0] = (unsigned char)(id >> 8);
    query[1] = (unsigned char)id;
    if (send(fd, query, query_length, 0) != (ssize_t)query_length)
        return false;

    ssize_t length = recv(fd, answer, sizeof(answer), 0);

    if (length < 0)
        return false;
    return ((size_t)length > query_length && !memcmp(answer, query, 2) && !(answer[3] & 15) && answer[7] == 1) ||
           is_wrong();
}

static bool fetch(int fd)
{
    static const char start[] = "HTTP/1.1 200";
    char answer[1024];

    if (send(fd, request, REQUEST_LENGTH, MSG_NOSIGNAL) != REQUEST_LENGTH)
        return false;
    return recv(fd, answer, sizeof(answer), 0) > (ssize_t)sizeof(start) ? !memcmp(answer, start, sizeof(start) - 1)
                                                                        : false;
}

static const struct {
    int type;
    uint16_t port;
    bool is_fresh; /* a socket for each */
} kinds[PEER_WORKS] = {
    [PEER_RR] = {SOCK_STREAM, PEER_ECHO_PORT, false},       [PEER_CRR] = {SOCK_STREAM, PEER_ECHO_PORT, true},
    [PEER_CONNECT] = {SOCK_DGRAM, PORT_DNS, true},          [PEER_DNS] = {SOCK_DGRAM, PORT_DNS, false},
    [PEER_DNS_FRESH] = {SOCK_DGRAM, PORT_DNS, true},        [PEER_HTTP] = {SOCK_STREAM, PEER_HTTP_PORT, false},
    [PEER_HTTP_CONN] = {SOCK_STREAM, PEER_HTTP_PORT, true},
};

static bool do_one(enum peer_work work, int fd, unsigned int number)
{
    switch (work) {
    case PEER_RR:
    case PEER_CRR:
        return echo(fd);
    case PEER_DNS:
    case PEER_DNS_FRESH:
        return ask_name(fd, number);
    case PEER_HTTP:
    case PEER_HTTP_CONN:
        return fetch(fd);
    default:
        return true;
    }
}

static unsigned int work_through(const struct peer_order *order)
{
    bool is_fresh = kinds[order->work].is_fresh;
    int type = kinds[order->work].type, fd = is_fresh ? -1 : open_to(type, kinds[order->work].port);
    unsigned int done;

    for (done = 0; done < order->count; done++) {
        if (is_fresh)
            fd = open_to(type, kinds[order->work].port);
        if (fd < 0 || !do_one(order->work, fd, done))
            break;
        if (is_fresh)
            close(fd);
    }
    if (!is_fresh || done < order->count) {
        int failure = errno;

        close(fd);
        errno = failure;
    }
    return done;
}

_Noreturn void peer_work_for(int control, const char *server_text)
{
    struct peer_order order;

    inet_pton(AF_INET, server_text, &server);
    payload_request(request, "GET", PEER_TARGET, REQUEST_LENGTH);
    while (recv(control, &order, sizeof(order), 0) == sizeof(order)) {
        struct peer_reply reply = {0};

        query_length = payload_query(query, order.name, 0);
        errno = 0;

        double start = bench_seconds();

        reply.at = work_through(&order);
        reply.seconds = bench_seconds() - start;
        reply.failure = reply.at < order.count ? (errno ? errno : EPROTO) : 0;
        if (send(control, &reply, sizeof(reply), 0) != sizeof(reply))
            break;
    }
    _exit(0);
}
