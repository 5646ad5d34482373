// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Gives the socket of each test run what the same socket of the history remembered, goes on into the program under
 * test, and in a second run over the same socket keeps what it remembers then.
 */
#include "datapath/maps.h"
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
        bpf_probe_read_kernel(kept->state, STATE_SIZE, (const char *)state + AFTER_LOCK);
        return false;
    }
    if (wanted->is_new)
        fill_state(state, wanted);
    else
        bpf_probe_read_kernel((char *)state + AFTER_LOCK, STATE_SIZE, kept->state);
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
