/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stands between BPF_PROG_TEST_RUN and the shipped programs: gives the packet's socket an owner, then goes on into the
 * program under test; or sends the packet for real, as one that no socket owns; and counts what comes out.
 */
#include "datapath/maps.h"
#include "tests/bpf/owner.h"

#define MISSED_TAIL_CALL 99

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct owner);
} owner_wanted SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, SEEN_PLACES);
    __type(key, __u32);
    __type(value, __u64);
} owner_seen SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} owner_tc SEC(".maps"), owner_cgroup SEC(".maps");

static __always_inline void give_owner(struct __sk_buff *skb)
{
    __u32 zero = 0;
    const struct owner *owner = bpf_map_lookup_elem(&owner_wanted, &zero);
    struct bpf_sock *sk = skb->sk;
    struct socket_state *state;

    if (!owner || owner->is_absent || !sk)
        return;
    sk = bpf_sk_fullsock(sk);
    if (!sk)
        return;
    state = bpf_sk_storage_get(&nsp_sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    if (!state)
        return;
    state->slot = owner->slot;
    state->epoch = owner->epoch;
    state->ruling = owner->ruling;
    __builtin_memcpy(state->peer, owner->peer, sizeof(state->peer));
    state->peer_port_be = owner->peer_port_be;
    state->protocol = owner->protocol;
    state->type = owner->type;
    state->is_passive = owner->is_passive;
    state->untrusted = owner->untrusted;
    state->pid = owner->pid;
    state->cgroup_id = owner->cgroup_id;
    state->is_image = owner->is_image;
    __builtin_memcpy(state->path, owner->path, sizeof(state->path));
}

SEC("tc")
int owner_run_tc(struct __sk_buff *skb)
{
    give_owner(skb);
    bpf_tail_call(skb, &owner_tc, 0);
    return MISSED_TAIL_CALL;
}

/* A test run makes cgroup storage for the program it starts with, and only one with the same map may be tail-called. */
SEC("cgroup_skb/ingress")
int owner_run_cg(struct __sk_buff *skb)
{
    struct pod_ref *ref = bpf_get_local_storage(&nsp_cgroup, 0);
    __u32 zero = 0;
    const struct owner *owner = bpf_map_lookup_elem(&owner_wanted, &zero);

    if (owner) {
        ref->slot = owner->slot;
        ref->epoch = owner->epoch;
    }
    give_owner(skb);
    bpf_tail_call(skb, &owner_cgroup, 0);
    return 0;
}

/* A clone carries no socket. skb->mark says through which device it leaves. */
SEC("tc")
int owner_send(struct __sk_buff *skb)
{
    return bpf_clone_redirect(skb, skb->mark, 0);
}

static __always_inline void see(__u32 place)
{
    __u64 *packets = bpf_map_lookup_elem(&owner_seen, &place);

    if (packets)
        __sync_fetch_and_add(packets, 1);
}

/* Nothing goes further: the stack would answer. */
SEC("tc")
int owner_from_pod(struct __sk_buff *skb)
{
    (void)skb;
    see(SEEN_FROM_POD);
    return 2; /* TC_ACT_SHOT */
}

SEC("tc")
int owner_at_pod(struct __sk_buff *skb)
{
    (void)skb;
    see(SEEN_AT_POD);
    return 2;
}
