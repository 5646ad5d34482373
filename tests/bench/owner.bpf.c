// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Wrappers around the shipped programs. A test run's packets carry a fresh socket without storage, so at the first of
 * them an owner is written as the socket hooks would have done it; then the program under test runs by tail call.
 * The same wrapper in front of an empty program is what is subtracted.
 */
#include "datapath/ask.h"
#include "datapath/packet.h"
#include "datapath/stream_state.h"
#include "tests/bench/owner.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct owner owner;
/* Always zero. */
struct stream_state blank;

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} bench_tc SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} bench_cgroup SEC(".maps");

static __always_inline struct socket_state *find_state(struct __sk_buff *skb, __u64 flags)
{
    struct bpf_sock *sk = skb->sk;

    sk = sk ? bpf_sk_fullsock(sk) : NULL;
    return sk ? bpf_sk_storage_get(&nsp_sockets, sk, NULL, flags) : NULL;
}

static __noinline int write_owner(struct __sk_buff *skb)
{
    struct socket_state *state = find_state(skb, BPF_SK_STORAGE_GET_F_CREATE);

    if (!state)
        return 0;
    state->slot = owner.slot;
    state->epoch = owner.epoch;
    state->protocol = owner.protocol;
    state->type = owner.type;
    state->is_passive = owner.is_passive;
    state->pid = 1;
    if (owner.ruling) {
        state->ruling = owner.ruling;
        state->seen_ns = bpf_ktime_get_coarse_ns();
        state->peer_port_be = owner.peer_port_be;
        __builtin_memcpy(state->peer, owner.peer, sizeof(state->peer));
    }
    __builtin_memcpy(state->path, owner.path, sizeof(state->path));
    __builtin_memcpy(state->comm, "bench", sizeof("bench"));
    owner.is_written = 1;
    return 0;
}

/* The socket keeps what was decided: all packets but the first belong to an established flow. */
SEC("tc")
int bench_keep(struct __sk_buff *skb)
{
    if (!owner.is_written)
        write_owner(skb);
    bpf_tail_call(skb, &bench_tc, 0);
    return 0;
}

/* The socket forgets it: each packet opens a flow. */
SEC("tc")
int bench_forget(struct __sk_buff *skb)
{
    if (!owner.is_written)
        write_owner(skb);

    struct socket_state *state = find_state(skb, 0);

    if (state)
        state->ruling = 0;
    bpf_tail_call(skb, &bench_tc, 0);
    return 0;
}

SEC("cgroup_skb/ingress")
int bench_receive(struct __sk_buff *skb)
{
    /* A program may be called only by one with the same cgroup storage. */
    const struct pod_ref *ref = bpf_get_local_storage(&nsp_cgroup, 0);

    if (!owner.is_written && !ref->slot)
        write_owner(skb);
    bpf_tail_call(skb, &bench_cgroup, 0);
    return 0;
}

/* The query is not answered yet: each answer teaches. */
SEC("cgroup_skb/ingress")
int bench_answer(struct __sk_buff *skb)
{
    const struct pod_ref *ref = bpf_get_local_storage(&nsp_cgroup, 0);

    if (!owner.is_written && !ref->slot)
        write_owner(skb);

    void *table = bpf_map_lookup_elem(&nsp_asks, &owner.slot);
    struct ask_set *set = table ? bpf_map_lookup_elem(table, &owner.ask_set) : NULL;

    if (set)
        set->queries[owner.ask_place & (NSP_ASKS_IN_SET - 1)].state &= ~(__u64)ASK_ANSWERED;
    bpf_tail_call(skb, &bench_cgroup, 0);
    return 0;
}

static __always_inline struct stream_state *find_stream(struct __sk_buff *skb)
{
    struct bpf_sock *sk = skb->sk;

    sk = sk ? bpf_sk_fullsock(sk) : NULL;
    return sk ? bpf_sk_storage_get(&nsp_streams, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE) : NULL;
}

/* The next segment is what comes next of the stream. */
static __always_inline void expect_segment(struct stream_state *stream)
{
    stream->opener = EGRESS;
    stream->sides[EGRESS].next = owner.sequence;
    stream->sides[EGRESS].is_known = 1;
}

/* The connection begins with each packet, as far as its stream is concerned. */
SEC("tc")
int bench_first(struct __sk_buff *skb)
{
    struct stream_state *stream = find_stream(skb);

    if (!owner.is_written)
        write_owner(skb);
    if (stream) {
        bpf_probe_read_kernel(stream, sizeof(*stream), &blank);
        expect_segment(stream);
    }
    bpf_tail_call(skb, &bench_tc, 0);
    return 0;
}

/* A connection that is kept alive: each packet comes after the one before. */
SEC("tc")
int bench_next(struct __sk_buff *skb)
{
    struct stream_state *stream = find_stream(skb);

    if (!owner.is_written)
        write_owner(skb);
    if (stream)
        expect_segment(stream);
    bpf_tail_call(skb, &bench_tc, 0);
    return 0;
}

SEC("tc")
int bench_empty(struct __sk_buff *skb)
{
    (void)skb;
    return EMPTY_TC;
}

SEC("cgroup_skb/ingress")
int bench_empty_in(struct __sk_buff *skb)
{
    (void)skb;
    return EMPTY_CGROUP;
}

/* An anchor: what reading the headers alone costs. */
SEC("tc")
int bench_parse(struct __sk_buff *skb)
{
    struct packet packet = {};

    packet_parse_frame(skb, &packet, true);
    return packet.reason ? 0 : EMPTY_TC;
}
