/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which bytes of a segment continue what was read of a connection, and which only repeat it. */
#ifndef NSP_DATAPATH_STREAM_ORDER_H
#define NSP_DATAPATH_STREAM_ORDER_H

#include "datapath/scratch.h"
#include "datapath/stream_state.h"

static __always_inline bool is_before(__u32 a, __u32 b)
{
    return (__s32)(a - b) < 0;
}

/* Whether re-sent bytes from..to, of which the receiver has not those from `confirmed` on, may pass unread. */
static __always_inline bool may_repeat(const struct stream_side *side, __u32 from, __u32 to, __u32 confirmed)
{
    if (is_before(from, confirmed))
        from = confirmed;
    return !is_before(from, to) || (side->is_opaque && !is_before(from, side->opaque_from));
}

enum order {
    ORDER_READ,
    ORDER_PASS,
    ORDER_WAIT,
    ORDER_LOST, /* something before it has arrived unread */
};

/* Fills *cursor where there is something to read. got: up to where the receiver has what was sent. */
SUBPROGRAM int stream_order(struct stream_side *side, const struct packet *p, __u32 got, struct cursor *cursor)
{
    __u32 from = p->sequence + !!(p->tcp_flags & TCP_SYN), to = from + p->payload;

    if (is_before(side->next, from))
        return is_before(side->next, got) ? ORDER_LOST : ORDER_WAIT;
    if (!may_repeat(side, from, is_before(to, side->next) ? to : side->next, p->is_fixed ? side->next : got)) {
        side->waited++;
        return ORDER_WAIT;
    }
    if (!is_before(side->next, to))
        return ORDER_PASS;
    side->waited = 0;
    cursor->offset = p->payload_at + side->next - from;
    cursor->left = to - side->next;
    cursor->sequence = side->next;
    return ORDER_READ;
}

/* Up to where the receiver has what was sent. */
SUBPROGRAM __u32 received_up_to(struct bpf_sock *sk, const struct stream_side *side, int direction)
{
    struct bpf_tcp_sock *tcp = bpf_tcp_sock(sk);
    __u32 sent, received;

    if (!tcp)
        return side->next;
    /* Both are read before one is chosen: the verifier allows no arithmetic on this pointer. */
    sent = settled(tcp->snd_una);
    received = settled(tcp->rcv_nxt);
    return direction == EGRESS ? sent : received;
}

/* Sets side->next to where the bytes begin that the side sends. 0: some of them are gone by already. */
SUBPROGRAM int find_beginning(struct bpf_sock *sk, const struct packet *p, struct stream_side *side, int direction)
{
    struct bpf_tcp_sock *tcp = bpf_tcp_sock(sk);
    __u32 sent, received, acked, got;

    if (!tcp)
        return false;
    sent = settled(tcp->snd_una);
    received = settled(tcp->rcv_nxt);
    acked = settled(tcp->bytes_acked);
    got = settled(tcp->bytes_received);
    side->next = direction == EGRESS ? sent + !!(p->tcp_flags & TCP_SYN) : received;
    return direction == EGRESS ? acked <= 1 /* the SYN */ : !got;
}

#endif
