/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes in pods: a server that answers DNS, echoes TCP and speaks a little HTTP, and clients that ask it as often
 * as they are told and say how long that took. Like the probe (probe.h) they are this program again, started anew.
 */
#ifndef NSP_TESTS_BENCH_PEER_H
#define NSP_TESTS_BENCH_PEER_H

#include <sys/types.h>

#include "tests/bench/node.h"

#define PEER_ECHO_PORT 7001
#define PEER_HTTP_PORT 8080
#define PEER_TARGET "/task"

enum peer_work {
    PEER_RR,        /* one byte there and back, on one TCP connection */
    PEER_CRR,       /* connect, one byte there and back, close */
    PEER_CONNECT,   /* socket, connect to UDP port 53, close: nothing is sent */
    PEER_DNS,       /* a query and its answer, one socket for all */
    PEER_DNS_FRESH, /* a query and its answer, a socket for each, as resolver libraries do */
    PEER_HTTP,      /* a request and its answer, on one connection */
    PEER_HTTP_CONN, /* connect, a request and its answer, close */
    PEER_WORKS,
};

struct peer {
    pid_t pid;
    int control; /* a SOCK_SEQPACKET */
};

/* main() begins with this; it returns unless the program is a peer. */
void peer_if_asked(int argc, char **argv);

/* Each ends the bench on failure. The server answers once peer_start_server returns. */
void peer_start_server(const struct node_pod *pod, int cpu, struct peer *peer);
void peer_start_client(const struct node_pod *pod, int cpu, const char *server, struct peer *peer);
void peer_stop(struct peer *peer);

/* Microseconds for each of `count`. name: asked for, where it is DNS. Every answer is checked. */
double peer_ask(const struct peer *peer, enum peer_work work, unsigned int count, const char *name);

#endif
