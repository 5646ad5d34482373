/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/parse.h"

#include <arpa/inet.h>
#include <string.h>

#include "datapath/dns_answer.h"
#include "datapath/http.h"
#include "datapath/tls.h"
#include "tests/model/hex.h"

#define STREAM_MAX 262144

/* Bytes and where they are cut, handed out in chunks. */
struct pieces {
    __u8 bytes[STREAM_MAX];
    size_t length, at;
    const json_t *sizes;
    size_t next;       /* piece */
    size_t left_in_it; /* of which so much is left */
};

static bool next_chunk(struct pieces *pieces, struct chunk *chunk)
{
    size_t count;

    while (!pieces->left_in_it && pieces->at < pieces->length) {
        bool is_last = pieces->next >= json_array_size(pieces->sizes);

        pieces->left_in_it = is_last ? pieces->length - pieces->at
                                     : (size_t)json_integer_value(json_array_get(pieces->sizes, pieces->next));
        pieces->next++;
    }
    if (pieces->at >= pieces->length)
        return false;
    count = pieces->left_in_it < CHUNK_SIZE ? pieces->left_in_it : CHUNK_SIZE;
    if (count > pieces->length - pieces->at)
        count = pieces->length - pieces->at;
    memset(chunk, 0xa5, sizeof(*chunk)); /* noise beyond its end */
    memcpy(chunk->bytes, pieces->bytes + pieces->at, count);
    chunk->at = 0;
    chunk->length = (__u32)count;
    pieces->at += count;
    pieces->left_in_it -= count;
    return true;
}

/* --- HTTP --------------------------------------------------------------------------------------------------------- */

static json_t *tell_request(const struct http_request *request)
{
    __u32 kept = request->uri_length < NSP_URI_MAX ? request->uri_length : NSP_URI_MAX;

    return json_pack("[s#oib]", (const char *)request->method, (int)request->method_length,
                     hex_write(request->uri, kept), (int)request->uri_length, (int)request->is_canonical);
}

/* The caller's part of HTTP_SKIP. */
static void skip(struct http_state *state, struct chunk *chunk)
{
    __u32 left = chunk->length - chunk->at;
    __u32 count = state->skip < left ? (__u32)state->skip : left;

    chunk->at += count;
    state->skip -= count;
}

static int feed_http(struct http_state *state, struct chunk *chunk, json_t *requests)
{
    int result = HTTP_MORE;

    skip(state, chunk);
    while (chunk->at < chunk->length || (!state->skip && result != HTTP_MORE)) {
        result = http_feed(state, chunk);
        if (result == HTTP_LINE)
            json_array_append_new(requests, tell_request(&state->request));
        if (result == HTTP_SKIP)
            skip(state, chunk);
        if (result == HTTP_MORE || result == HTTP_BAD || result == HTTP_TUNNEL)
            break;
        if (state->skip)
            break;
    }
    return result;
}

static json_t *parse_http(struct pieces *pieces)
{
    static struct http_state state;
    struct chunk chunk;
    json_t *requests = json_array();
    int result = HTTP_MORE;

    memset(&state, 0, sizeof(state));
    while (result != HTTP_BAD && result != HTTP_TUNNEL && next_chunk(pieces, &chunk))
        result = feed_http(&state, &chunk, requests);
    return json_pack("[so]", result == HTTP_BAD ? "bad" : result == HTTP_TUNNEL ? "tunnel" : "more", requests);
}

/* --- TLS ---------------------------------------------------------------------------------------------------------- */

static json_t *parse_tls(struct pieces *pieces)
{
    static struct tls_state state;
    struct chunk chunk;
    int result = TLS_MORE;

    memset(&state, 0, sizeof(state));
    while (result == TLS_MORE && next_chunk(pieces, &chunk))
        result = tls_feed(&state, &chunk);
    if (result != TLS_HELLO)
        return json_pack("[s]", result == TLS_BAD ? "bad" : "more");
    return json_pack("[sob]", "hello", hex_write(state.host, state.host_length), (int)state.has_ech);
}

/* --- DNS ---------------------------------------------------------------------------------------------------------- */

/* Every byte of the key is another one; what it is does not matter. */
static const __u32 *text_key(void)
{
    static __u32 key[NSP_TEXT_KEY_WORDS];
    __u32 state = 2463534242;

    for (int i = 0; i < NSP_TEXT_KEY_WORDS && !key[NSP_TEXT_KEY_WORDS - 1]; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        key[i] = state;
    }
    return key;
}

static json_t *tell_name(const struct name *name)
{
    return hex_write(name->text + NSP_NAME_SIZE - name->length, name->length);
}

static json_t *tell_answer(const struct dns_answer *answer)
{
    json_t *addresses = json_array();

    for (int i = 0; i < answer->count; i++)
        json_array_append_new(addresses,
                              json_pack("[oI]", hex_write(answer->addresses[i], 16), (json_int_t)answer->ttls[i]));
    return json_pack("[siioibo]", "answer", ntohs(answer->id), (int)answer->type, tell_name(&answer->name),
                     (int)answer->rcode, (int)answer->is_truncated, addresses);
}

/* A message that is longer than can be judged never gets as far as the parser. */
static json_t *parse_dns(const struct pieces *pieces, bool is_query)
{
    static struct dns_message message;
    static struct dns_query query;
    static struct dns_answer answer;
    int reason = REASON_DNS_MESSAGE;

    memset(&message, 0xa5, sizeof(message));
    message.length = (__u32)pieces->length;
    if (pieces->length <= DNS_MESSAGE_MAX && pieces->length >= DNS_HEADER_SIZE) {
        memcpy(message.bytes, pieces->bytes, pieces->length);
        reason =
            is_query ? dns_read_query(&message, &query, text_key()) : dns_read_answer(&message, &answer, text_key());
    }
    if (reason)
        return json_pack("[s]", "bad");
    if (!is_query)
        return tell_answer(&answer);
    return json_pack("[siio]", "query", ntohs(query.id), (int)query.type, tell_name(&query.name));
}

json_t *parse_run(const json_t *wanted)
{
    static struct pieces pieces;
    const char *kind = json_string_value(json_array_get(wanted, 0));

    pieces.length = hex_read(json_array_get(wanted, 1), pieces.bytes, sizeof(pieces.bytes));
    pieces.sizes = json_array_get(wanted, 2);
    pieces.at = pieces.next = pieces.left_in_it = 0;
    if (strcmp(kind, "http") == 0)
        return parse_http(&pieces);
    if (strcmp(kind, "tls") == 0)
        return parse_tls(&pieces);
    return parse_dns(&pieces, strcmp(kind, "query") == 0);
}
