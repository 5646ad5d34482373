/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program in a pod may find out about its network, one verb a run: prints "ok", or the call that failed and the
 * name of its errno. `loop` and `times` repeat a verb and count; the first run comes before
 * anything else the process does.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "tests/support/e2e-frames.h"
#include "tests/support/e2e-socket.h"

#define PROTOCOL_MPTCP 262
#define HOLD_INTERVAL_MS 5

static struct outcome echo(int fd)
{
    char answer[16];
    ssize_t n;

    if (send(fd, "echo\n", 5, MSG_NOSIGNAL) < 0)
        return outcome_errno("send");
    n = recv(fd, answer, sizeof(answer), 0);
    if (n < 0)
        return outcome_errno("recv");
    return n ? outcome_ok() : (struct outcome){"recv EOF"};
}

static int connect_to(char **args, int type, int protocol, struct outcome *outcome)
{
    struct peer peer;
    int fd;

    if (peer_parse(&peer, args[0], args[1]))
        exit(2);
    fd = socket_open(peer.any.sa_family, type, protocol);
    if (fd < 0) {
        *outcome = outcome_errno("socket");
        return -1;
    }
    if (connect(fd, &peer.any, peer.length) < 0) {
        *outcome = outcome_errno("connect");
        close(fd);
        return -1;
    }
    *outcome = outcome_ok();
    return fd;
}

static struct outcome probe_tcp(char **args)
{
    struct outcome outcome;
    cleanup_close int fd = connect_to(args, SOCK_STREAM, 0, &outcome);

    return fd < 0 ? outcome : echo(fd);
}

static struct outcome probe_mptcp(char **args)
{
    struct outcome outcome;
    cleanup_close int fd = connect_to(args, SOCK_STREAM, PROTOCOL_MPTCP, &outcome);

    return fd < 0 ? outcome : echo(fd);
}

static struct outcome probe_udp_connect(char **args)
{
    struct outcome outcome;
    cleanup_close int fd = connect_to(args, SOCK_DGRAM, 0, &outcome);

    return outcome;
}

static struct outcome probe_udp_connected(char **args)
{
    struct outcome outcome;
    cleanup_close int fd = connect_to(args, SOCK_DGRAM, 0, &outcome);

    return fd < 0 ? outcome : echo(fd);
}

static struct outcome probe_udp(char **args)
{
    cleanup_close int fd = -1;
    struct peer peer;
    char answer[16];

    if (peer_parse(&peer, args[0], args[1]))
        exit(2);
    fd = socket_open(peer.any.sa_family, SOCK_DGRAM, 0);
    if (fd < 0)
        return outcome_errno("socket");
    if (sendto(fd, "echo\n", 5, 0, &peer.any, peer.length) < 0)
        return outcome_errno("sendto");
    return recv(fd, answer, sizeof(answer), 0) < 0 ? outcome_errno("recv") : outcome_ok();
}

/* 4,000 bytes: more than the veth takes at once. */
static struct outcome probe_udp_large(char **args)
{
    char datagram[4000] = "echo\n", answer[sizeof(datagram)];
    struct peer peer;

    if (peer_parse(&peer, args[0], args[1]))
        exit(2);

    cleanup_close int fd = socket_open(peer.any.sa_family, SOCK_DGRAM, 0);

    if (fd < 0)
        return outcome_errno("socket");
    if (sendto(fd, datagram, sizeof(datagram), 0, &peer.any, peer.length) < 0)
        return outcome_errno("sendto");
    return recv(fd, answer, sizeof(answer), 0) < 0 ? outcome_errno("recv") : outcome_ok();
}

static struct outcome probe_bind(char **args)
{
    int type = !strcmp(args[0], "tcp") ? SOCK_STREAM : SOCK_DGRAM;
    cleanup_close int fd = socket_open(AF_INET6, type, 0);
    struct peer any;

    if (fd < 0)
        return outcome_errno("socket");
    peer_any(&any, atoi(args[1]));
    return bind(fd, &any.any, any.length) < 0 ? outcome_errno("bind") : outcome_ok();
}

/* A live connection until it breaks; "receive" never sends again once the stream has begun. */
static struct outcome probe_hold(char **args)
{
    struct outcome outcome;
    cleanup_close int fd = connect_to(args, SOCK_STREAM, 0, &outcome);
    int receives = !strcmp(args[2], "receive");
    char answer[64];
    ssize_t n;

    if (fd < 0)
        return outcome;
    if (receives && send(fd, "stream", 6, MSG_NOSIGNAL) < 0)
        return outcome_errno("send");
    for (int first = 1;; first = 0) {
        if (!receives && send(fd, "echo\n", 5, MSG_NOSIGNAL) < 0)
            return outcome_errno("send");
        n = recv(fd, answer, sizeof(answer), 0);
        if (n <= 0)
            return n ? outcome_errno("recv") : (struct outcome){"recv EOF"};
        if (first) {
            puts("holding");
            fflush(stdout);
        }
        if (!receives)
            poll(NULL, 0, HOLD_INTERVAL_MS); /* the pace of its traffic */
    }
}

/*
 * A UDP socket handed on through DEPTH programs, of which /usr/bin/other is each second and the first; the last one
 * sends. FD is "-" in the first run, which sends a datagram itself.
 */
static struct outcome probe_inherit(char **args)
{
    int depth = atoi(args[0]), fd = atoi(args[1]);
    char left[16], number[16];
    struct peer peer;

    if (peer_parse(&peer, args[2], args[3]))
        exit(2);
    if (!strcmp(args[1], "-")) {
        fd = socket_open(peer.any.sa_family, SOCK_DGRAM, 0);
        if (fcntl(fd, F_SETFD, 0) < 0 || sendto(fd, "echo\n", 5, 0, &peer.any, peer.length) < 0)
            return outcome_errno("first sendto");
    }
    if (depth == 0)
        return sendto(fd, "echo\n", 5, 0, &peer.any, peer.length) < 0 ? outcome_errno("sendto") : outcome_ok();
    snprintf(left, sizeof(left), "%d", depth - 1);
    snprintf(number, sizeof(number), "%d", fd);
    execl(depth % 2 ? "/usr/bin/other" : "/usr/bin/third", "e2e-probe", "inherit", left, number, args[2], args[3],
          (char *)NULL);
    return outcome_errno("execl");
}

struct verb {
    const char *name;
    const char *arguments;
    int count;
    struct outcome (*run)(char **args);
};

static const struct verb verbs[] = {
    {"tcp", "ADDRESS PORT", 2, probe_tcp},
    {"mptcp", "ADDRESS PORT", 2, probe_mptcp},
    {"udp", "ADDRESS PORT", 2, probe_udp},
    {"udp-connect", "ADDRESS PORT", 2, probe_udp_connect},
    {"udp-connected", "ADDRESS PORT", 2, probe_udp_connected},
    {"udp-large", "ADDRESS PORT", 2, probe_udp_large},
    {"bind", "tcp|udp PORT", 2, probe_bind},
    {"hold", "ADDRESS PORT send|receive", 3, probe_hold},
    {"ping", "ADDRESS", 1, probe_ping},
    {"raw", "ADDRESS", 1, probe_raw},
    {"packet", "IFNAME FROM TO PORT", 4, probe_packet},
    {"bypass", "IFNAME FROM TO PORT", 4, probe_bypass},
    {"xdp", "IFNAME FROM TO PORT", 4, probe_xdp},
    {"blast", "ADDRESS PORT", 2, probe_blast},
    {"inherit", "DEPTH FD ADDRESS PORT", 4, probe_inherit},
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static volatile sig_atomic_t ended;

static void end(int number)
{
    (void)number;
    ended = 1;
}

/* Runs the verb until SIGTERM, or `most` times; says each outcome that differs from the one before it. */
static int repeat(const struct verb *verb, char **args, const char *expected, unsigned long most, int interval_ms)
{
    struct outcome outcome, last = {""};
    unsigned long runs, unexpected = 0;

    signal(SIGTERM, end);
    for (runs = 0; runs < most; runs++) {
        outcome = verb->run(args);
        if (ended) /* and interrupted it */
            break;
        unexpected += strcmp(outcome.text, expected) != 0;
        if (strcmp(outcome.text, last.text) != 0) {
            printf("%s\n", outcome.text);
            fflush(stdout);
            last = outcome;
        }
        if (interval_ms)
            poll(NULL, 0, interval_ms);
    }
    printf("runs=%lu unexpected=%lu\n", runs, unexpected);
    return 0;
}

static const struct verb *find_verb(const char *name, int count)
{
    for (size_t i = 0; i < VERBS; i++)
        if (!strcmp(name, verbs[i].name) && count == verbs[i].count)
            return &verbs[i];
    return NULL;
}

static int print_usage(void)
{
    fprintf(stderr,
            "usage: e2e-probe VERB | serve PORT... | loop INTERVAL_MS EXPECTED VERB | times COUNT EXPECTED VERB\n");
    for (size_t i = 0; i < VERBS; i++)
        fprintf(stderr, "  %s %s\n", verbs[i].name, verbs[i].arguments);
    return 2;
}

int main(int argc, char **argv)
{
    const struct verb *verb;
    unsigned long number;

    if (argc > 2 && !strcmp(argv[1], "serve"))
        return serve(argv + 2);
    if (argc > 4 && (!strcmp(argv[1], "loop") || !strcmp(argv[1], "times"))) {
        bool is_loop = !strcmp(argv[1], "loop");

        number = strtoul(argv[2], NULL, 10);
        verb = find_verb(argv[4], argc - 5);
        return verb ? repeat(verb, argv + 5, argv[3], is_loop ? ULONG_MAX : number, is_loop ? (int)number : 0)
                    : print_usage();
    }
    verb = argc > 1 ? find_verb(argv[1], argc - 2) : NULL;
    if (!verb)
        return print_usage();
    puts(verb->run(argv + 2).text);
    return 0;
}
