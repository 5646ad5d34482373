/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demo's server: answers every HTTP/1.1 request with "pong", on IPv4 and IPv6, and keeps connections. One thread,
 * one poll(); a client beyond CLIENTS_MAX waits in the listener's queue.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 64
#define REQUEST_MAX 2048

struct client {
    size_t length;
    char request[REQUEST_MAX];
};

/* Slot 0 is the listener. */
static struct pollfd polls[1 + CLIENTS_MAX];
static struct client clients[1 + CLIENTS_MAX];

static int open_listener(int port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_any};
    int on = 1, off = 0;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 128) < 0)
        return -1;
    return fd;
}

static void drop_client(int slot)
{
    close(polls[slot].fd);
    polls[slot].fd = -1;
}

static void accept_client(void)
{
    int fd = accept4(polls[0].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    for (int slot = 1; fd >= 0 && slot <= CLIENTS_MAX; slot++) {
        if (polls[slot].fd >= 0)
            continue;
        polls[slot] = (struct pollfd){.fd = fd, .events = POLLIN};
        clients[slot].length = 0;
        return;
    }
}

/* Answers one complete request and removes it. Returns 1 when the client wants another, 0 when it has had enough. */
static int answer_request(int slot, char *end)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\npong\n";
    struct client *client = &clients[slot];
    size_t used;
    int keep;

    *end = '\0';
    keep = !strcasestr(client->request, "\r\nConnection: close");
    used = end + strlen("\r\n\r\n") - client->request;
    client->length -= used;
    memmove(client->request, client->request + used, client->length + 1);
    return send(polls[slot].fd, answer, strlen(answer), MSG_NOSIGNAL) == (ssize_t)strlen(answer) && keep;
}

static void serve_client(int slot)
{
    struct client *client = &clients[slot];
    ssize_t n = recv(polls[slot].fd, client->request + client->length, REQUEST_MAX - 1 - client->length, 0);
    char *end;

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        drop_client(slot);
        return;
    }
    client->length += n;
    client->request[client->length] = '\0';
    while ((end = strstr(client->request, "\r\n\r\n"))) {
        if (!answer_request(slot, end)) {
            drop_client(slot);
            return;
        }
    }
    if (client->length == REQUEST_MAX - 1)
        drop_client(slot);
}

static int has_room(void)
{
    for (int slot = 1; slot <= CLIENTS_MAX; slot++)
        if (polls[slot].fd < 0)
            return 1;
    return 0;
}

static void end(int number)
{
    _exit(number == SIGTERM ? 0 : 1);
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 8080;

    /* As the first process of a container it gets no default action for signals. */
    signal(SIGTERM, end);
    for (int slot = 0; slot <= CLIENTS_MAX; slot++)
        polls[slot].fd = -1;
    polls[0] = (struct pollfd){.fd = open_listener(port), .events = POLLIN};
    if (polls[0].fd < 0) {
        fprintf(stderr, "pong: port %d: %s\n", port, strerror(errno));
        return 1;
    }
    printf("pong: listening on port %d\n", port);
    fflush(stdout);
    for (;;) {
        polls[0].events = has_room() ? POLLIN : 0;
        if (poll(polls, 1 + CLIENTS_MAX, -1) < 0)
            continue;
        if (polls[0].revents)
            accept_client();
        for (int slot = 1; slot <= CLIENTS_MAX; slot++)
            if (polls[slot].fd >= 0 && polls[slot].revents)
                serve_client(slot);
    }
}
