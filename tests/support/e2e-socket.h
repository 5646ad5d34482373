/* SPDX-License-Identifier: Apache-2.0 */
/* What the probe's verbs share: addresses of both families, and what a verb reports: "ok" or a call and its errno. */
#ifndef NSP_TESTS_E2E_SOCKET_H
#define NSP_TESTS_E2E_SOCKET_H

#include <netinet/in.h>
#include <stddef.h>

/* How long a verb waits before it reports ETIMEDOUT: for an answer; for room or a connection, whose SYN the kernel
 * sends again after a second. */
#define REPLY_MS 1000
#define CONNECT_MS 1500

struct outcome {
    char text[64]; /* such as "ok" or "connect EPERM" */
};

struct peer {
    socklen_t length;
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    };
};

/* Numeric address and port. Returns 0, or -1 when it is neither IPv4 nor IPv6. */
int peer_parse(struct peer *peer, const char *address, const char *port);
/* Any address of both families, on a port. */
void peer_any(struct peer *peer, int port);

struct outcome outcome_ok(void);
/* Names errno; what SO_RCVTIMEO and SO_SNDTIMEO make of silence is ETIMEDOUT. */
struct outcome outcome_errno(const char *call);

/* A socket with these as its timeouts, or -1. */
int socket_open(int family, int type, int protocol);

/* One verb each; args as in the usage of e2e-probe.c. */
struct outcome probe_ping(char **args);
struct outcome probe_raw(char **args);
struct outcome probe_packet(char **args);
/* Fires at one address by TCP, UDP and ICMP without waiting for answers. */
struct outcome probe_blast(char **args);

/* Echoes TCP and UDP on these ports (a NULL-terminated list of decimals) until killed. Returns only on failure. */
int serve(char **ports);

#endif
