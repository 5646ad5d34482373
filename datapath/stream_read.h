/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One segment's new bytes, piece by piece, to whoever reads the protocol: until something is to be judged. */
#ifndef NSP_DATAPATH_STREAM_READ_H
#define NSP_DATAPATH_STREAM_READ_H

#include "datapath/scratch.h"
#include "datapath/stream_order.h"

#define SEGMENT_STEPS 65536 /* of a segment: more than its 256-byte pieces and the requests in it can be */

static __always_inline void cursor_advance(struct cursor *cursor, __u32 count)
{
    cursor->offset += count;
    cursor->left -= count;
    cursor->sequence += count;
}

/* What reading has come to. */
enum read_result {
    READ_ON,      /* more of the segment, or of the next one, is needed */
    READ_REQUEST, /* stream->http.request is to be judged */
    READ_MESSAGE, /* scratch->message is a DNS query to be judged, or an answer */
    READ_WHOLE,   /* what the connection is, is to be judged: nothing more of it is read */
};

static __always_inline int read_http(struct stream_state *stream, struct chunk *chunk)
{
    switch (http_feed(&stream->http, chunk)) {
    case HTTP_LINE:
        return READ_REQUEST;
    case HTTP_SKIP:
        stream->skip = stream->http.skip;
        return READ_ON;
    case HTTP_TUNNEL: /* after CONNECT or Upgrade: no longer HTTP */
        stream->application = APPLICATION_UNKNOWN;
        return READ_WHOLE;
    case HTTP_BAD:
        stream->reason = REASON_HTTP_AMBIGUOUS;
        return READ_WHOLE;
    default:
        return READ_ON;
    }
}

static __always_inline int read_tls(struct stream_state *stream, struct chunk *chunk)
{
    int result = tls_feed(&stream->tls, chunk);
    const __u32 zero = 0;
    const struct control *control = bpf_map_lookup_elem(&nsp_control, &zero);

    if (result == TLS_MORE)
        return READ_ON;
    if (result == TLS_BAD || stream->tls.has_ech || !control)
        stream->reason = REASON_TLS_HELLO;
    else
        stream->has_name = stream->tls.host_length &&
                           name_from_text(&stream->name, stream->tls.host, stream->tls.host_length, control->text_key);
    return READ_WHOLE;
}

/*
 * What the connection is, as far as its first bytes tell; is_final: nothing more will come before it is to be known.
 * READ_WHOLE: it is something that is not read.
 */
SUBPROGRAM int stream_recognise(struct stream_state *stream, int port, int is_final)
{
    int found = recognise(&stream->first, port, is_final);
    __u8 application = found;
    bool is_by_port = found & BY_PORT;

    stream->application = application;
    stream->is_by_port = is_by_port;
    if (application == APPLICATION_UNKNOWN)
        return READ_WHOLE;
    if (!is_by_port || application == APPLICATION_NONE)
        return READ_ON;
    stream->reason = application == APPLICATION_HTTP  ? REASON_HTTP_AMBIGUOUS
                     : application == APPLICATION_DNS ? REASON_DNS_MESSAGE
                                                      : 0;
    return READ_WHOLE;
}

/* Takes what is missing of the connection's first bytes, and recognises them. */
static __always_inline int read_first(struct stream_state *stream, struct chunk *chunk, __u16 port)
{
    struct first_bytes *first = &stream->first;
    __u32 at = first->count & (FIRST_BYTES - 1), take = FIRST_BYTES - at;

    if (take > chunk->length)
        take = chunk->length;
    if (!is_size(&take, FIRST_BYTES))
        return READ_ON;
    bpf_probe_read_kernel(first->bytes + at, take, chunk->bytes);
    first->count = at + take;
    chunk->at = take;
    return stream_recognise(stream, port, 0);
}

/* Bytes of the connection's beginning that were kept until it was recognised are read first. */
static __always_inline bool replay_first(struct stream_state *stream, struct chunk *chunk)
{
    __u32 left = stream->first.count - stream->replayed;

    if (!stream->application || stream->replayed >= FIRST_BYTES || !is_size(&left, FIRST_BYTES))
        return false;
    bpf_probe_read_kernel(chunk->bytes, left, stream->first.bytes + (stream->replayed & (FIRST_BYTES - 1)));
    chunk->length = left;
    chunk->at = 0;
    return true;
}

static __always_inline bool load_chunk(struct __sk_buff *skb, struct chunk *chunk, const struct cursor *cursor)
{
    __u32 length = cursor->left < CHUNK_SIZE ? cursor->left : CHUNK_SIZE;

    chunk->at = 0;
    chunk->length = length;
    return is_size(&length, CHUNK_SIZE) && !bpf_skb_load_bytes(skb, cursor->offset, chunk->bytes, length);
}

/* --- DNS over TCP (RFC 7766): two bytes of length, then the message ----------------------------------------------- */

static __always_inline __u32 message_place(bool is_query)
{
    return is_query ? 0 : STREAM_QUERY_MAX;
}

/* A piece of the message, up to its end. */
static __always_inline void read_message(struct stream_messages *messages, struct chunk *chunk, __u32 side,
                                         bool is_query)
{
    __u32 at = messages->sides[side].got - 2, left = messages->sides[side].wanted - at;
    __u32 take = chunk->length - chunk->at;
    __u32 from = chunk->at & (CHUNK_SIZE - 1);

    if (take > left)
        take = left;
    if (take > CHUNK_SIZE - from)
        take = CHUNK_SIZE - from;
    if (!is_size(&take, CHUNK_SIZE))
        return;
    at += message_place(is_query);
    if (at > sizeof(messages->bytes) - CHUNK_SIZE)
        return;
    bpf_probe_read_kernel(messages->bytes + at, take, chunk->bytes + from);
    messages->sides[side].got += take;
    chunk->at += take;
}

/* A message that is whole goes to scratch->message. */
static __always_inline int take_message(struct stream_messages *messages, struct dns_message *message, __u32 side,
                                        bool is_query)
{
    __u32 length = messages->sides[side].wanted;

    messages->sides[side].got = 0;
    message->length = length;
    if (is_query)
        bpf_probe_read_kernel(message->bytes, STREAM_QUERY_MAX, messages->bytes);
    else
        bpf_probe_read_kernel(message->bytes, DNS_MESSAGE_MAX, messages->bytes + STREAM_QUERY_MAX);
    return READ_MESSAGE;
}

SUBPROGRAM int read_dns(struct stream_state *stream, struct stream_messages *messages, struct scratch *scratch,
                        int direction)
{
    struct chunk *chunk = &scratch->chunk;
    bool is_query = direction == stream->opener;
    __u32 side = direction & 1;
    __u32 got = messages->sides[side].got;

    if (got < 2) {
        __u32 byte = chunk->bytes[chunk->at & (CHUNK_SIZE - 1)];

        messages->sides[side].wanted = got ? messages->sides[side].wanted << 8 | byte : byte;
        messages->sides[side].got = got + 1;
        chunk->at++;
        return READ_ON;
    }
    if (messages->sides[side].wanted > (is_query ? STREAM_QUERY_MAX : DNS_MESSAGE_MAX)) {
        stream->reason = REASON_DNS_MESSAGE;
        return READ_WHOLE;
    }
    read_message(messages, chunk, side, is_query);
    return messages->sides[side].got == messages->sides[side].wanted + 2
               ? take_message(messages, &scratch->message, side, is_query)
               : READ_ON;
}

/* A run over one segment; the rest of it is scratch->run. */
struct stream_run {
    struct __sk_buff *skb;
    struct inspection *in;
    struct stream_state *stream;
    struct stream_messages *messages; /* of DNS only */
};

/* Body bytes: passed over, whatever they are. */
static __always_inline bool skip_body(struct stream_state *stream, struct cursor *cursor, struct stream_side *side)
{
    __u32 count = stream->skip < cursor->left ? stream->skip : cursor->left;

    if (!stream->skip) {
        side->is_opaque = 0;
        return false;
    }
    if (!side->is_opaque)
        side->opaque_from = cursor->sequence;
    side->is_opaque = 1;
    stream->skip -= count;
    cursor_advance(cursor, count);
    return true;
}

static __always_inline int read_chunk(struct stream_run *run, struct stream_state *stream, struct scratch *scratch)
{
    struct chunk *chunk = &scratch->chunk;

    if (!stream->application)
        return read_first(stream, chunk, scratch->run.port);
    if (stream->application == APPLICATION_HTTP)
        return read_http(stream, chunk);
    if (stream->application == APPLICATION_HTTPS)
        return read_tls(stream, chunk);
    return run->messages ? read_dns(stream, run->messages, scratch, scratch->run.direction) : READ_ON;
}

/* One piece of the segment. 1 ends the loop: the segment is used up, or something is to be judged. */
static long read_piece(__u32 index, struct stream_run *run)
{
    struct stream_state *stream = run->stream;
    struct scratch *scratch = scratch_of(run->in->desk);

    (void)index;
    if (!stream || !scratch)
        return 1;

    struct cursor *cursor = &scratch->cursor;
    bool is_replay = scratch->run.direction == stream->opener && replay_first(stream, &scratch->chunk);

    if (!is_replay) {
        if (!cursor->left)
            return 1;
        if (skip_body(stream, cursor, &stream->sides[scratch->run.direction & 1]))
            return 0;
        if (!load_chunk(run->skb, &scratch->chunk, cursor)) {
            stream->reason = REASON_MALFORMED;
            scratch->run.read = READ_WHOLE;
            return 1;
        }
    }
    scratch->run.read = read_chunk(run, stream, scratch);
    if (is_replay)
        stream->replayed += scratch->chunk.at;
    else
        cursor_advance(cursor, scratch->chunk.at);
    return scratch->run.read != READ_ON;
}

/* Reads on where scratch->cursor is. Returns enum read_result. */
static __always_inline int stream_read(struct stream_run *run, struct scratch *scratch)
{
    scratch->run.read = READ_ON;
    bpf_loop(SEGMENT_STEPS, read_piece, run, 0);
    return scratch->run.read;
}

#endif
