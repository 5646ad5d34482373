/* SPDX-License-Identifier: Apache-2.0 */
/* The packets of bench-prog: frames as they pass the host's end of a veth. */
#ifndef NSP_TESTS_BENCH_PACKETS_H
#define NSP_TESTS_BENCH_PACKETS_H

#include <stdbool.h>
#include <stddef.h>

enum packet_kind {
    PACKET_DATA, /* an established TCP segment with 64 bytes */
    PACKET_SYN,
    PACKET_DATAGRAM, /* UDP with 64 bytes */
    PACKET_ECHO,     /* ICMP echo request */
};

struct packet_shape {
    enum packet_kind kind;
    bool is_ipv6;
    bool is_to_pod;
    bool is_other_port; /* the server's, which no rule allows */
};

#define PACKET_MAX 160
/* Returns the length of the frame. */
size_t packet_build(const struct packet_shape *shape, unsigned char frame[PACKET_MAX]);

#endif
