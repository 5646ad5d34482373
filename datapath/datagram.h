/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a UDP datagram carries, of a flow with RULING_INSPECT. Each one is judged by itself. */
#ifndef NSP_DATAPATH_DATAGRAM_H
#define NSP_DATAPATH_DATAGRAM_H

#include "datapath/dns_flow.h"
#include "datapath/recognise.h"

#define DNS_FLAGS_BYTE 2 /* of the header: its top bit says "answer" */

/* The datagram to scratch->message. False: it is too long to be DNS, or empty. */
static __always_inline bool load_message(struct __sk_buff *skb, const struct packet *p, struct dns_message *message)
{
    __u32 length = p->payload;

    message->length = length;
    return is_size(&length, DNS_MESSAGE_MAX) && !bpf_skb_load_bytes(skb, p->payload_at, message->bytes, length);
}

/* What is no DNS: known by its port at most. */
SUBPROGRAM int judge_other_datagram(struct inspection *in, int port)
{
    struct asked asked = {.application = application_by_port(port), .is_by_port = 1};

    if (asked.application == APPLICATION_HTTP)
        asked.reason = REASON_HTTP_AMBIGUOUS;
    else if (asked.application == APPLICATION_DNS)
        asked.reason = REASON_DNS_MESSAGE;
    return policy_judge_application(in, &asked);
}

/* A fragment names nobody whole: only rules that need not know may let it pass. */
SUBPROGRAM int judge_fragment(struct inspection *in)
{
    struct asked asked = {.application = APPLICATION_UNKNOWN, .reason = REASON_FRAGMENT};

    return policy_judge_application(in, &asked);
}

/* Several datagrams of one size in one packet (UDP_SEGMENT): no one of them is read. */
static __always_inline bool is_batch(const struct __sk_buff *skb)
{
    return skb->gso_segs > 1;
}

/* Answers are read where queries are: on port 53, or where one looks like an answer. There it may be something else. */
static __always_inline int judge_reply(struct inspection *in, struct scratch *scratch, bool is_loaded, int port)
{
    in->verdict = VERDICT_FORWARDED;
    if (in->direction == INGRESS)
        return VERDICT_FORWARDED; /* the pod's own answers: it asked nothing */
    if (port != PORT_DNS && (!is_loaded || !(scratch->message.bytes[DNS_FLAGS_BYTE] & 0x80)))
        return VERDICT_FORWARDED;
    if (!is_loaded)
        scratch->message.length = 0;
    return dns_judge_answer(in->desk, port == PORT_DNS);
}

/* Fills verdict and reason. direction: of this datagram. */
SUBPROGRAM int datagram_inspect(struct __sk_buff *skb, struct inspection *in, int direction)
{
    const struct packet *p = &in->packet;
    struct scratch *scratch = scratch_of(in->desk);
    int port = bpf_ntohs(in->direction == EGRESS ? p->flow.remote_port_be : p->flow.local_port_be);
    bool is_loaded;

    if (!scratch)
        return VERDICT_DROPPED;
    if (p->fragment)
        return judge_fragment(in);
    is_loaded = !is_batch(skb) && load_message(skb, p, &scratch->message);
    if ((__u8)direction != in->direction)
        return judge_reply(in, scratch, is_loaded, port);
    if (is_loaded &&
        (port == PORT_DNS || (p->payload >= DNS_HEADER_SIZE && dns_looks_like_query(scratch->message.bytes))))
        return dns_judge_query(in->desk, port);
    return judge_other_datagram(in, port);
}

#endif
