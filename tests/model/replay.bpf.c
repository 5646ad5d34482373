// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Gives the socket of each test run what the same socket of the history remembered, goes on into the program under
 * test, and in a second run over the same socket keeps what it remembers then.
 */
#include "datapath/names.h"
#include "datapath/stream_state.h"
#include "tests/model/replay.h"

#define MISSED_TAIL_CALL 99
#define AFTER_LOCK sizeof(struct bpf_spin_lock)
#define STATE_SIZE (sizeof(struct socket_state) - AFTER_LOCK)

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct replay_wanted);
} replay_wanted SEC(".maps");

struct kept {
    __u8 state[STATE_SIZE];
    __u8 has_stream;
    __u8 has_messages;
    struct stream_state stream;
    struct stream_messages messages;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, REPLAY_SOCKETS_MAX);
    __type(key, __u32);
    __type(value, struct kept);
} replay_kept SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} replay_tc SEC(".maps"), replay_cgroup SEC(".maps");

static __always_inline void fill_state(struct socket_state *state, const struct replay_wanted *wanted)
{
    state->slot = wanted->owner.slot;
    state->epoch = wanted->owner.epoch;
    state->protocol = wanted->owner.protocol;
    state->type = wanted->owner.type;
    state->is_passive = wanted->owner.is_passive;
    state->untrusted = wanted->owner.untrusted;
    state->pid = wanted->owner.pid;
    state->cgroup_id = wanted->cgroup_id;
    __builtin_memcpy(state->path, wanted->owner.path, sizeof(state->path));
}

/* What the socket of the last run remembered is given to this one. */
static __always_inline void give_storage(struct bpf_sock *sk, struct socket_state *state, const struct kept *kept)
{
    void *stream, *messages;

    bpf_probe_read_kernel((char *)state + AFTER_LOCK, STATE_SIZE, kept->state);
    if (kept->has_stream) {
        stream = bpf_sk_storage_get(&nsp_streams, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
        if (stream)
            bpf_probe_read_kernel(stream, sizeof(kept->stream), &kept->stream);
    }
    if (kept->has_messages) {
        messages = bpf_sk_storage_get(&nsp_messages, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
        if (messages)
            bpf_probe_read_kernel(messages, sizeof(kept->messages), &kept->messages);
    }
}

/* A test run's socket is no TCP socket that could tell where its stream begins: this says it in its place. */
static __always_inline void begin_stream(struct bpf_sock *sk, const struct replay_wanted *wanted)
{
    struct stream_state *stream = bpf_sk_storage_get(&nsp_streams, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

    if (!stream)
        return;
    stream->opener = wanted->owner.is_passive ? INGRESS : EGRESS;
    if (wanted->direction != stream->opener && stream->application != APPLICATION_DNS)
        return; /* it is heard, not read */
    stream->sides[wanted->direction & 1].next = wanted->sequence;
    stream->sides[wanted->direction & 1].is_known = 1;
}

static __always_inline bool is_read(const struct socket_state *state)
{
    return state->ruling & RULING_INSPECT && (state->ruling & RULING_VERDICT_MASK) != VERDICT_DROPPED;
}

/* What connect() does in the pod. */
static __always_inline void hold_name(struct socket_state *state)
{
    __u32 desk = DESK_FROM_POD;
    struct inspection *in = bpf_map_lookup_elem(&nsp_desks, &desk);

    bool passes = (state->ruling & RULING_VERDICT_MASK) != VERDICT_DROPPED;

    if (in && passes && state->protocol == PROTOCOL_TCP && state->ruling & RULING_NAMED && !state->holds_name)
        names_hold(in, state);
}

/* Of a flow that was not read there is no stream: it was begun in vain. */
static __always_inline void keep_storage(struct bpf_sock *sk, const struct socket_state *state, struct kept *kept)
{
    const struct stream_state *stream = bpf_sk_storage_get(&nsp_streams, sk, NULL, 0);
    const void *messages = bpf_sk_storage_get(&nsp_messages, sk, NULL, 0);

    bpf_probe_read_kernel(kept->state, STATE_SIZE, (const char *)state + AFTER_LOCK);
    kept->has_stream = stream && (is_read(state) || stream->application || stream->is_done);
    if (stream)
        bpf_probe_read_kernel(&kept->stream, sizeof(kept->stream), stream);
    kept->has_messages = !!messages;
    if (messages)
        bpf_probe_read_kernel(&kept->messages, sizeof(kept->messages), messages);
}

/* True: go on into the program under test. */
static __always_inline bool prepare_socket(struct __sk_buff *skb)
{
    __u32 zero = 0;
    struct replay_wanted *wanted = bpf_map_lookup_elem(&replay_wanted, &zero);
    struct bpf_sock *sk = skb->sk ? bpf_sk_fullsock(skb->sk) : NULL;

    if (!wanted || !wanted->has_socket || !sk)
        return wanted != NULL;

    struct socket_state *state = bpf_sk_storage_get(&nsp_sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    struct kept *kept = bpf_map_lookup_elem(&replay_kept, &wanted->socket);

    if (!state || !kept)
        return false;
    if (wanted->is_second) {
        hold_name(state);
        keep_storage(sk, state, kept);
        return false;
    }
    if (wanted->is_new)
        fill_state(state, wanted);
    else
        give_storage(sk, state, kept);
    if (wanted->begins)
        begin_stream(sk, wanted);
    state->seen_ns = state->seen_ns > wanted->older_ns ? state->seen_ns - wanted->older_ns : 0;
    wanted->is_second = 1;
    return true;
}

SEC("tc")
int replay_run_tc(struct __sk_buff *skb)
{
    if (prepare_socket(skb))
        bpf_tail_call(skb, &replay_tc, 0);
    return MISSED_TAIL_CALL;
}

/* A test run makes cgroup storage for the program it starts with, and only one with the same map may be tail-called. */
SEC("cgroup_skb/ingress")
int replay_run_cg(struct __sk_buff *skb)
{
    struct pod_ref *ref = bpf_get_local_storage(&nsp_cgroup, 0);
    __u32 zero = 0;
    const struct replay_wanted *wanted = bpf_map_lookup_elem(&replay_wanted, &zero);

    if (wanted) {
        ref->slot = wanted->owner.slot;
        ref->epoch = wanted->owner.epoch;
    }
    if (prepare_socket(skb))
        bpf_tail_call(skb, &replay_cgroup, 0);
    return 0;
}

/* A clone carries no socket. skb->mark says through which device it leaves. */
SEC("tc")
int replay_send(struct __sk_buff *skb)
{
    return bpf_clone_redirect(skb, skb->mark, 0);
}
