/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The bytes of a TCP connection in order, to http.h, tls.h and dns.h; only for flows with RULING_INSPECT. A segment is
 * read when it continues what was read; what lies ahead is dropped until it comes in order, so that packets are the
 * stream. What has been read is let pass again, unless the receiver has not got it and it may now be something else:
 * then it waits too. What whoever opened the connection sends is judged; of the other side only DNS answers are read.
 */
#ifndef NSP_DATAPATH_STREAM_H
#define NSP_DATAPATH_STREAM_H

#include "datapath/dns_flow.h"
#include "datapath/flow_tcp.h"
#include "datapath/handshake.h"
#include "datapath/stream_read.h"

#define JUDGEMENTS_MAX 32768 /* requests in one segment */

enum stream_result {
    STREAM_PASS,   /* judged, or nothing to judge; in->verdict may be AUDIT */
    STREAM_REFUSE, /* the connection ends here: in->reason says why */
    STREAM_WAIT,   /* drop the segment: it will come again */
};

static __always_inline void set_asked(struct asked *asked, const struct stream_state *stream)
{
    asked->application = stream->application;
    asked->is_by_port = stream->is_by_port;
    asked->reason = stream->reason;
}

/* What the connection is, as a whole: nothing more of it is read, only judged again in the next revision. */
SUBPROGRAM int judge_whole(struct inspection *in, struct stream_state *stream)
{
    struct asked asked = {};

    set_asked(&asked, stream);
    if (stream->has_name)
        asked.name = &stream->name;
    stream->is_done = 1;
    stream->judged_revision = in->revision;
    return policy_judge_application(in, &asked) == VERDICT_DROPPED;
}

SUBPROGRAM int judge_request(struct inspection *in, struct stream_state *stream)
{
    struct asked asked = {};

    set_asked(&asked, stream);
    asked.request = &stream->http.request;
    return policy_judge_application(in, &asked) == VERDICT_DROPPED;
}

/* Judges what reading has come to; 1: it is refused. */
static __always_inline int judge_read(struct inspection *in, struct stream_state *stream, struct scratch *scratch)
{
    switch (scratch->run.read) {
    case READ_REQUEST:
        return judge_request(in, stream);
    case READ_WHOLE:
        return judge_whole(in, stream);
    default:
        break;
    }
    if (scratch->run.direction == stream->opener)
        return dns_judge_query(in->desk, PORT_DNS) == VERDICT_DROPPED;
    return stream->opener == EGRESS && dns_judge_answer(in->desk, 1) == VERDICT_DROPPED;
}

/* Reads up to the next thing to judge, and judges it. 1 ends the loop. */
static long stream_go_on(__u32 index, struct stream_run *run)
{
    struct scratch *scratch = scratch_of(run->in->desk);

    (void)index;
    if (!scratch || stream_read(run, scratch) == READ_ON)
        return 1;
    if (judge_read(run->in, run->stream, scratch)) {
        scratch->run.result = STREAM_REFUSE;
        return 1;
    }
    return run->stream->is_done != 0;
}

/* It cannot be read: its beginning was not seen, or somebody plays with its order. Judged once, as a whole. */
SUBPROGRAM int stream_give_up(struct inspection *in, struct stream_state *stream)
{
    stream->application = APPLICATION_UNKNOWN;
    stream->reason = REASON_STREAM;
    stream->is_by_port = 0;
    stream->has_name = 0;
    return judge_whole(in, stream) ? STREAM_REFUSE : STREAM_PASS;
}

/* --- a segment ---------------------------------------------------------------------------------------------------- */

/* Nothing is left to read in this revision: the connection is as any other. */
static __always_inline void stop_inspecting(struct socket_state *state, const struct inspection *in)
{
    __u64 ruling = *(volatile __u64 *)&state->ruling;

    if (ruling >> RULING_REVISION_SHIFT == in->revision)
        __sync_val_compare_and_swap(&state->ruling, ruling, ruling & ~(__u64)RULING_INSPECT);
}

/* The connection ends in this revision: no segment of either side passes any more. */
static __always_inline void keep_refusal(struct socket_state *state, const struct inspection *in)
{
    __sync_lock_test_and_set(&state->ruling, ruling_make(in, 0));
}

/* Where the side's bytes begin, if this is their beginning. False: it was not seen. */
static __always_inline bool stream_open_side(struct bpf_sock *sk, const struct inspection *in,
                                             struct stream_state *stream, int direction)
{
    struct stream_side *side = &stream->sides[direction & 1];

    stream->opener = in->direction;
    if (side->is_known)
        return true;
    side->is_known = find_beginning(sk, &in->packet, side, direction);
    return side->is_known;
}

static __always_inline __u16 port_of(const struct stream_state *stream, const struct packet *p)
{
    return bpf_ntohs(stream->opener == EGRESS ? p->flow.remote_port_be : p->flow.local_port_be);
}

/* Reads, and judges, what scratch->cursor has of a segment. */
static __always_inline int stream_read_segment(struct stream_run *run, struct scratch *scratch, int direction)
{
    struct stream_state *stream = run->stream;

    scratch->run.port = port_of(stream, &run->in->packet);
    scratch->run.direction = direction;
    scratch->run.result = STREAM_PASS;
    bpf_loop(JUDGEMENTS_MAX, stream_go_on, run, 0);
    if (scratch->run.result == STREAM_PASS && scratch->cursor.left && !stream->is_done)
        return stream_give_up(run->in, stream); /* in more pieces than anybody needs */
    return scratch->run.result;
}

static __always_inline int stream_run_segment(struct stream_run *run, struct bpf_sock *sk, int direction)
{
    struct stream_state *stream = run->stream;
    struct scratch *scratch = scratch_of(run->in->desk);
    struct stream_side *side = &stream->sides[direction & 1];
    const struct packet *p = &run->in->packet;

    if (!scratch)
        return STREAM_WAIT;
    switch (stream_order(side, p, received_up_to(sk, side, direction), &scratch->cursor)) {
    case ORDER_PASS:
        return STREAM_PASS;
    case ORDER_WAIT:
        side->waited += direction == EGRESS; /* a pod's own kernel sends in order: what is missing may never come */
        return side->waited > WAITED_MAX ? stream_give_up(run->in, stream) : STREAM_WAIT;
    case ORDER_LOST:
        return stream_give_up(run->in, stream);
    default:
        break;
    }
    side->next = scratch->cursor.sequence + scratch->cursor.left;
    if (!stream->application || stream->application == APPLICATION_DNS)
        run->messages = bpf_sk_storage_get(&nsp_messages, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    return stream_read_segment(run, scratch, direction);
}

/* The other side speaks. Before the opener has said what this is: then it is what its port says, or nothing known. */
SUBPROGRAM int stream_hear_other(struct inspection *in, struct stream_state *stream)
{
    __u16 port;

    stream->opener = in->direction;
    port = port_of(stream, &in->packet);
    if (stream->application)
        return STREAM_PASS;
    if (!stream->first.count && application_by_port(port) != APPLICATION_UNKNOWN)
        return STREAM_PASS;
    stream_recognise(stream, port, 1);
    return judge_whole(in, stream) ? STREAM_REFUSE : STREAM_PASS;
}

static __always_inline int inspect_segment(struct stream_run *run, struct bpf_sock *sk, int direction)
{
    struct inspection *in = run->in;
    struct stream_state *stream = run->stream;

    if (stream->is_done)
        return stream->judged_revision == in->revision || !judge_whole(in, stream) ? STREAM_PASS : STREAM_REFUSE;
    if ((__u8)direction != in->direction && stream->application != APPLICATION_DNS)
        return stream_hear_other(in, stream);
    if (in->packet.tcp_flags & TCP_URG || !stream_open_side(sk, in, stream, direction))
        return stream_give_up(in, stream);
    return stream_run_segment(run, sk, direction);
}

/* Another CPU's segment has just made this socket, and is about to leave it its stream (handshake.h). */
static __always_inline bool is_being_made(struct bpf_sock *sk, const struct socket_state *state, int direction)
{
    return direction == INGRESS && state->is_passive == PASSIVE_EARLY && sk->state == BPF_TCP_SYN_RECV &&
           !bpf_sk_storage_get(&nsp_streams, sk, NULL, 0);
}

/*
 * A segment of a flow with RULING_INSPECT, of a socket that is not listening. Fills verdict and reason; a refusal is
 * kept in the socket. direction: of the segment. Where nobody may refuse, nothing waits: the connection is no longer
 * read instead.
 */
static __always_inline int stream_inspect(struct __sk_buff *skb, struct inspection *in, struct socket_state *state,
                                          int direction)
{
    struct bpf_sock *sk = skb->sk ? bpf_sk_fullsock(skb->sk) : NULL;
    struct stream_run run = {.skb = skb, .in = in};
    int result;

    if (!in->packet.payload)
        return STREAM_PASS;
    if (in->is_enforced && sk && is_being_made(sk, state, direction))
        return STREAM_WAIT;
    if (sk)
        run.stream = bpf_sk_storage_get(&nsp_streams, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    if (!sk || !run.stream)
        return in->is_enforced ? STREAM_WAIT : STREAM_PASS;
    result = inspect_segment(&run, sk, direction);
    if (result == STREAM_WAIT && !in->is_enforced)
        result = stream_give_up(in, run.stream);
    if (result == STREAM_REFUSE)
        keep_refusal(state, in);
    else if (run.stream->is_done)
        stop_inspecting(state, in);
    return result;
}

#endif
