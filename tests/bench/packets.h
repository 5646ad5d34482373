/* SPDX-License-Identifier: Apache-2.0 */
/* The packets of bench-prog: frames as they pass the host's end of a veth. */
#ifndef NSP_TESTS_BENCH_PACKETS_H
#define NSP_TESTS_BENCH_PACKETS_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/bench/payloads.h"

enum packet_kind {
    PACKET_DATA, /* an established TCP segment with 64 bytes */
    PACKET_SYN,
    PACKET_DATAGRAM, /* UDP with 64 bytes */
    PACKET_ECHO,     /* ICMP echo request */
};

/* What it carries. Queries and answers are of port 53, all else of WORLD_PORT. */
enum payload_kind {
    PAYLOAD_ZEROS,
    PAYLOAD_QUERY,
    PAYLOAD_ANSWER,
    PAYLOAD_REQUEST,
};

struct packet_shape {
    enum packet_kind kind;
    bool is_ipv6;
    bool is_to_pod;
    bool is_other_port; /* the server's, which no rule allows */
    bool is_learnt;     /* the server is the first of the addresses that answers give */
    enum payload_kind payload;
    const char *name; /* asked for */
    const char *alias;
    int addresses;
    const char *method; /* of the request; NULL: GET */
};

#define PACKET_MAX (PAYLOAD_MAX + 128)
#define PACKET_POD_PORT 40000
#define PACKET_QUERY_ID 0x4e53
#define PACKET_SEQUENCE 1000 /* of what a TCP segment carries */
#define PACKET_TARGET "/task"
#define PACKET_HEAD 200 /* bytes of a request's head */
/* Returns the length of the frame. */
size_t packet_build(const struct packet_shape *shape, unsigned char frame[PACKET_MAX]);

#endif
