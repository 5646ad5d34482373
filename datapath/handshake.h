/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Data in the last segment of a handshake with a server in the pod: that of a server which wants no connection before
 * it (TCP_DEFER_ACCEPT), or that of a client whose bare ACK was lost. It meets the listener: the connection has no
 * socket yet that could keep its stream. So it is read in memory of this CPU, and the socket that the kernel makes of
 * it, before this CPU looks at another segment, takes that over (socket.bpf.c). Should it not, the connection's next
 * segment finds that bytes are gone, and is refused.
 */
#ifndef NSP_DATAPATH_HANDSHAKE_H
#define NSP_DATAPATH_HANDSHAKE_H

#include "datapath/stream_state.h"

#define PASSIVE_EARLY 2 /* socket_state.is_passive: a listener that has let such data pass, and what it accepted */

struct handshake {
    struct flow_key flow;
    __u32 begins;    /* sequence number of its first byte */
    __u32 is_judged; /* it passed, and the socket has not come yet */
    struct stream_state stream;
    struct stream_messages messages;
};

/* The first is in use; the second stays zero, to begin with. Only softirqs read, which do not interrupt each other. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, struct handshake);
} NSP_MAP(nsp_handshake);

static __always_inline struct handshake *handshake_here(void)
{
    const __u32 zero = 0;

    return bpf_map_lookup_elem(&nsp_handshake, &zero);
}

/* For each segment that meets a listener: what an earlier one left is not for the socket that this one may make. */
static __always_inline void handshake_forget(void)
{
    struct handshake *handshake = handshake_here();

    if (handshake)
        handshake->is_judged = 0;
}

/* The socket that it was for, by peer, ports and where its bytes begin. */
static __always_inline bool handshake_is_of(const struct handshake *handshake, struct bpf_sock_ops *ctx, __u32 epoch)
{
    const struct flow_key *flow = &handshake->flow;
    __u8 remote[16] __attribute__((aligned(8)));

    if (ctx->family == AF_INET) {
        __u32 word = ctx->remote_ip4;

        map_ipv4(remote, word);
    } else {
        /* Word by word: of a program's context nothing larger may be read. */
        __u32 words[4] = {settled(ctx->remote_ip6[0]), settled(ctx->remote_ip6[1]), settled(ctx->remote_ip6[2]),
                          settled(ctx->remote_ip6[3])};

        __builtin_memcpy(remote, words, 16);
    }
    return same_address(flow->remote, remote) && bpf_ntohs(flow->remote_port_be) == bpf_ntohl(ctx->remote_port) &&
           bpf_ntohs(flow->local_port_be) == ctx->local_port && flow->epoch == epoch &&
           handshake->begins == ctx->rcv_nxt;
}

/* An accepted connection's own socket is there. Not inlined for its stack. */
SUBPROGRAM int handshake_take_over(struct bpf_sock_ops *ctx, __u32 epoch)
{
    struct handshake *handshake = handshake_here();
    struct bpf_sock *sk = ctx->sk;

    if (!handshake || !handshake->is_judged || !sk || !handshake_is_of(handshake, ctx, epoch))
        return 0;
    handshake->is_judged = 0;
    bpf_sk_storage_get(&nsp_streams, sk, &handshake->stream, BPF_SK_STORAGE_GET_F_CREATE);
    if (handshake->stream.application == APPLICATION_DNS)
        bpf_sk_storage_get(&nsp_messages, sk, &handshake->messages, BPF_SK_STORAGE_GET_F_CREATE);
    return 0;
}

#endif
