/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tell what is no violation: DNS queries and answers (trace-dns), and each flow, name and request once (learn). Counted
 * in pod_tally.other; the same token bucket, the same ring.
 */
#ifndef NSP_DATAPATH_TELL_H
#define NSP_DATAPATH_TELL_H

#include "datapath/event.h"
#include "datapath/path_hash.h"

/* What a DNS answer said, for trace-dns. */
struct traced_answer {
    __u64 latency_ns;
    __u32 ttl; /* the least, seconds */
    __u8 rcode;
    __u8 addresses;
    __u16 reserved;
};

/* Whose wish it is that this is told. */
static __always_inline void sign(struct event *event, struct said wish, __u8 kind)
{
    event->kind = kind;
    event->profile = wish.profile;
    event->process = wish.process;
}

/* 1: it is told. */
static __always_inline int tell(const struct inspection *in, const struct asked *asked,
                                const struct traced_answer *answer, __u8 kind)
{
    __u32 slot = in->slot, zero = 0;
    const struct control *control = bpf_map_lookup_elem(&nsp_control, &zero);
    struct pod_tally *pod = bpf_map_lookup_elem(&nsp_tallies, &slot);
    struct long_event *event;

    if (!control || !pod || !may_tell(pod, &pod->other, control))
        return 0;
    event = bpf_ringbuf_reserve(&nsp_events, sizeof(*event), 0);
    if (!event) {
        __sync_fetch_and_add(&pod->other.lost, 1);
        return 0;
    }
    fill_long(event, in, asked);
    sign(&event->event, kind == EVENT_LEARN ? in->learner : in->tracer, kind);
    if (kind != EVENT_LEARN)
        event->event.verdict = VERDICT_TRACED;
    if (answer) {
        event->event.latency_ns = answer->latency_ns;
        event->event.ttl = answer->ttl;
        event->event.rcode = answer->rcode;
        event->event.addresses = answer->addresses;
    }
    event_send(event, &pod->other, control);
    return 1;
}

/* For a block with BLOCK_TRACES; the verdict does not matter. */
SUBPROGRAM int tell_query(const struct inspection *in, const struct asked *asked)
{
    return tell(in, asked, NULL, EVENT_DNS_QUERY);
}

/* asked: the name and type that are answered. */
SUBPROGRAM int tell_answer(const struct inspection *in, const struct asked *asked, const struct traced_answer *answer)
{
    return tell(in, asked, answer, EVENT_DNS_ANSWER);
}

/* --- learn -------------------------------------------------------------------------------------------------------- */

struct told_key {
    __u64 hash[2];
    __u8 path[16];
};

struct told_words {
    struct path_hash hash;
    const struct http_request *request;
};

/* Method, then uri: both are zero beyond their ends. */
static long hash_request_word(__u32 index, struct told_words *words)
{
    const struct http_request *request = words->request;
    const __u64 *method = (const void *)request->method, *uri = (const void *)request->uri;

    if (index < NSP_METHOD_MAX / 8)
        path_hash_word(&words->hash, method[index & (NSP_METHOD_MAX / 8 - 1)]);
    else
        path_hash_word(&words->hash, uri[(index - NSP_METHOD_MAX / 8) & (NSP_URI_MAX / 8 - 1)]);
    return 0;
}

static __always_inline void hash_request(struct path_hash *hash, const struct http_request *request)
{
    __u32 length = request->uri_length < NSP_URI_MAX ? request->uri_length : NSP_URI_MAX;
    struct told_words words = {.hash = *hash, .request = request};

    path_hash_word(&words.hash, request->uri_length);
    bpf_loop(NSP_METHOD_MAX / 8 + (length + 7) / 8, hash_request_word, &words, 0);
    *hash = words.hash;
}

static __always_inline void hash_name(struct path_hash *hash, const struct name *name)
{
    path_hash_word(hash, name->length);
    for (int i = 0; i < 4; i++)
        path_hash_word(hash, name->hash[i]);
}

/* What is learnt of: who, which way, to which port, and the name, request or address. */
SUBPROGRAM int told_hash(const struct inspection *in, const struct asked *asked, struct told_key *key)
{
    const struct flow_key *flow = &in->packet.flow;
    const __u64 *path = (const void *)in->owner.path, *remote = (const void *)flow->remote;
    __u64 port = in->direction == EGRESS ? flow->remote_port_be : flow->local_port_be;
    const __u32 zero = 0;
    const struct control *control = bpf_map_lookup_elem(&nsp_control, &zero);
    struct path_hash hash;

    if (!control)
        return 0;
    path_hash_start(&hash, control->path_key);
    path_hash_word(&hash, (__u64)flow->epoch << 32 | port << 16 | flow->protocol << 8 | in->direction);
    path_hash_word(&hash, (__u64)asked->application << 32 | asked->query_type << 16 | in->packet.ethertype);
    if (in->owner.is_known) {
        __builtin_memcpy(key->path, path, sizeof(key->path));
        path_hash_word(&hash, in->owner.untrusted);
        path_hash_word(&hash, in->owner.cgroup_id);
    }
    if (asked->name) {
        hash_name(&hash, asked->name);
    } else if (asked->request) {
        hash_request(&hash, asked->request);
    } else {
        path_hash_word(&hash, remote[0]);
        path_hash_word(&hash, remote[1]);
    }
    path_hash_end(&hash, in->slot, key->hash);
    return 1;
}

/*
 * Once for each pod and executable, as long as the table has room. What was lost or suppressed is told the
 * next time. An LRU map evicts first what nobody has looked up yet, so it is looked up.
 */
SUBPROGRAM int tell_learnt(const struct inspection *in, const struct asked *asked)
{
    struct told_key key = {};
    const __u8 one = 1;

    if (!told_hash(in, asked, &key) || bpf_map_update_elem(&nsp_told, &key, &one, BPF_NOEXIST))
        return 0;
    if (tell(in, asked, NULL, EVENT_LEARN))
        return bpf_map_lookup_elem(&nsp_told, &key) != NULL;
    bpf_map_delete_elem(&nsp_told, &key);
    return 0;
}

/* A flow, for a block with BLOCK_LEARNS. */
static __always_inline void tell_flow(const struct inspection *in)
{
    const struct asked nothing = {};

    if (in->block_flags & BLOCK_LEARNS)
        tell_learnt(in, &nothing);
}

#endif
