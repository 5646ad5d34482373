/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hooks that run in the process itself: name who owns a socket, and refuse early (EPERM). Glue only: identity.h
 * names, policy.h and flow_*.h decide, event.h tells.
 */
#include "datapath/attack.h"
#include "datapath/flow_datagram.h"
#include "datapath/flow_tcp.h"
#include "datapath/handshake.h"
#include "datapath/identity.h"

#define ALLOW 1
#define REFUSE 0

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline void state_init(struct socket_state *state, const struct bpf_sock *sk)
{
    const struct pod_ref *ref = bpf_get_local_storage(&nsp_cgroup, 0);

    state->slot = ref->slot;
    state->epoch = ref->epoch;
    if (!state->protocol) {
        state->protocol = sk->protocol;
        state->type = sk->type;
    }
}

/* Another executable sends on this socket now: its flow is judged again, in the direction it had. */
static __always_inline void forget_revision(struct socket_state *state)
{
    bpf_spin_lock(&state->lock);
    if (!(state->ruling & RULING_EXEMPT))
        state->ruling &= RULING_WITHOUT_REVISION;
    bpf_spin_unlock(&state->lock);
}

/* The socket's state, with the current process as its owner. NULL: no memory, so nothing may pass. */
static __always_inline struct socket_state *own_socket(struct bpf_sock *sk)
{
    struct socket_state *state = bpf_sk_storage_get(&nsp_sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

    if (!state)
        return NULL;
    state_init(state, sk);
    if (identity_update(state, sk) && state->protocol != PROTOCOL_TCP)
        forget_revision(state);
    return state;
}

static __always_inline void inspect_socket(struct inspection *in, const struct socket_state *state, __u8 hook)
{
    in->hook = hook;
    inspect_owner(in, state);
    in->packet.flow.protocol = state->protocol;
}

/* May this process have a raw socket? */
static __always_inline int answer_raw(struct inspection *in, struct bpf_sock *ctx, struct socket_state *state)
{
    inspect_socket(in, state, HOOK_SOCK_CREATE);

    int access = inspect_pod(in, state->slot, state->epoch);

    if (access == POD_ACCESS_FREE)
        return ALLOW;
    if (ctx->protocol == PROTOCOL_MPTCP)
        return REFUSE; /* its subflows' sockets are the kernel's own; programs fall back to TCP */
    if (ctx->type != SOCK_RAW || access == POD_ACCESS_AUDIT)
        return ALLOW;
    if (access == POD_ACCESS_CLOSED)
        return event_pending(in, access) ? ALLOW : REFUSE;
    in->packet.ethertype = ctx->family == AF_INET ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
    in->direction = EGRESS;
    if (attack_is_refused(in, ATTACK_RAW_SOCKET))
        return REFUSE;
    if (policy_judge(in, QUESTION_RAW) != VERDICT_FORWARDED)
        event_report(in);
    return in->verdict == VERDICT_DROPPED ? REFUSE : ALLOW;
}

static __always_inline int judge_raw(struct bpf_sock *ctx, struct socket_state *state)
{
    struct inspection *in = inspect_take();

    if (!in)
        return REFUSE;

    int answer = answer_raw(in, ctx, state);

    inspect_give_back(in);
    return answer;
}

SEC("cgroup/sock_create")
int nsp_sock_create(struct bpf_sock *ctx)
{
    struct socket_state *state;

    if (ctx->family != AF_INET && ctx->family != AF_INET6)
        return ALLOW;
    state = own_socket(ctx);
    if (!state)
        return REFUSE;
    identity_create(state);
    if (ctx->type != SOCK_RAW && ctx->protocol != PROTOCOL_MPTCP)
        return ALLOW;
    return judge_raw(ctx, state);
}

/* The context of sock_release does not show the socket's own address. */
/* NOLINTNEXTLINE(readability-function-size): BPF_CORE_READ nests */
static __always_inline void set_local(struct flow_key *flow, const struct sock *sk)
{
    flow->local_port_be = bpf_htons(BPF_CORE_READ(sk, __sk_common.skc_num));
    if (is_mapped_ipv4(flow->remote)) {
        __be32 local = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);

        map_ipv4(flow->local, local);
    } else {
        struct in6_addr local = BPF_CORE_READ(sk, __sk_common.skc_v6_rcv_saddr);

        __builtin_memcpy(flow->local, &local, 16);
    }
}

static __always_inline void remember_closed(struct inspection *in, const struct socket_state *state,
                                            const struct sock *sk)
{
    struct flow_key *flow = &in->packet.flow;

    flow->protocol = PROTOCOL_TCP;
    __builtin_memcpy(flow->remote, state->peer, 16);
    flow->remote_port_be = state->peer_port_be;
    set_local(flow, sk);
    flow_remember(in, state->ruling | RULING_ANSWERED, bpf_ktime_get_coarse_ns());
}

/* A closed TCP socket may still have to answer its peer, without a socket (RST): its flow moves to the pod's table. */
SEC("cgroup/sock_release")
int nsp_release(struct bpf_sock *ctx)
{
    struct socket_state *state;
    struct inspection *in;

    if (ctx->protocol != PROTOCOL_TCP)
        return ALLOW;
    state = bpf_sk_storage_get(&nsp_sockets, ctx, NULL, 0);
    if (!state || (!state->holds_name && (!state->ruling || ruling_verdict(state->ruling) == VERDICT_DROPPED)))
        return ALLOW;
    in = inspect_take();
    if (!in)
        return ALLOW; /* its last words are refused */
    names_release(in, state);
    if (state->ruling && ruling_verdict(state->ruling) != VERDICT_DROPPED &&
        inspect_pod(in, state->slot, state->epoch) == POD_ACCESS_JUDGE)
        remember_closed(in, state, kernel_address(ctx));
    inspect_give_back(in);
    return ALLOW;
}

static __always_inline void set_address(struct bpf_sock_addr *ctx, __u8 address[16], bool is_v6)
{
    if (is_v6) {
        __u32 words[4] = {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]};

        __builtin_memcpy(address, words, 16);
    } else {
        __u32 word = ctx->user_ip4;

        map_ipv4(address, word);
    }
}

static __always_inline void set_ethertype(struct inspection *in, const __u8 address[16])
{
    in->packet.ethertype = is_mapped_ipv4(address) ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
}

/* Fills the remote side of the flow. False: the destination is the pod itself, which is never judged. */
static __always_inline bool inspect_destination(struct inspection *in, struct bpf_sock_addr *ctx,
                                                const struct socket_state *state, bool is_v6)
{
    struct flow_key *flow = &in->packet.flow;

    set_address(ctx, flow->remote, is_v6);
    flow->remote_port_be = ctx->user_port;
    set_ethertype(in, flow->remote);
    return !inspect_is_own_address(state->slot, flow->remote);
}

static __always_inline int answer_connect(struct inspection *in, struct bpf_sock_addr *ctx, struct socket_state *state,
                                          bool is_v6)
{
    inspect_socket(in, state, HOOK_CONNECT);
    in->cookie = bpf_get_socket_cookie(ctx);
    if (!inspect_destination(in, ctx, state, is_v6))
        return ALLOW;

    int access = inspect_pod(in, state->slot, state->epoch);

    if (access == POD_ACCESS_FREE)
        return ALLOW;
    if (access != POD_ACCESS_JUDGE)
        return event_pending(in, access) ? ALLOW : REFUSE;
    if (flow_decide_tcp(in, state) == VERDICT_DROPPED)
        return REFUSE;
    if (in->is_named)
        names_hold(in, state);
    return ALLOW;
}

static __always_inline int judge_connect(struct bpf_sock_addr *ctx, struct socket_state *state, bool is_v6)
{
    struct inspection *in;

    if (!state)
        return REFUSE;
    identity_connect(state);
    if (ctx->protocol != PROTOCOL_TCP)
        return ALLOW; /* sends nothing; its first datagram is judged */
    identity_connect_tcp(state, kernel_address(ctx->sk));
    state->protocol = PROTOCOL_TCP;
    state->is_passive = 0;
    state->ifindex = 0;
    __sync_lock_test_and_set(&state->ruling, 0);
    in = inspect_take();
    if (!in)
        return REFUSE;
    names_release(in, state);

    int answer = answer_connect(in, ctx, state, is_v6);

    inspect_give_back(in);
    return answer;
}

static __always_inline int answer_datagram(struct inspection *in, struct bpf_sock_addr *ctx, struct socket_state *state,
                                           bool is_v6)
{
    inspect_socket(in, state, HOOK_SENDMSG);
    in->cookie = bpf_get_socket_cookie(ctx);
    in->packet.flow.local_port_be = bpf_htons(ctx->sk->src_port);
    if (!inspect_destination(in, ctx, state, is_v6))
        return ALLOW;

    int access = inspect_pod(in, state->slot, state->epoch);

    if (access == POD_ACCESS_FREE)
        return ALLOW;
    if (access != POD_ACCESS_JUDGE)
        return event_pending(in, access) ? ALLOW : REFUSE;
    return flow_decide_by_socket(in, state, EGRESS) == VERDICT_DROPPED ? REFUSE : ALLOW;
}

static __always_inline int judge_datagram(struct bpf_sock_addr *ctx, struct socket_state *state, bool is_v6)
{
    struct inspection *in = state ? inspect_take() : NULL;

    if (!in)
        return REFUSE;

    int answer = answer_datagram(in, ctx, state, is_v6);

    inspect_give_back(in);
    return answer;
}

static __always_inline bool is_loopback(struct bpf_sock_addr *ctx, const __u8 address[16], bool is_v6)
{
    if (is_mapped_ipv4(address))
        return address[12] == 127;
    return is_v6 && !ctx->user_ip6[0] && !ctx->user_ip6[1] && !ctx->user_ip6[2] && ctx->user_ip6[3] == bpf_htonl(1);
}

/* profile.md 15: refused only to unlisted binaries and for a port that no ingress rule can match. */
static __always_inline int answer_bind(struct inspection *in, struct bpf_sock_addr *ctx, struct socket_state *state,
                                       bool is_v6)
{
    struct flow_key *flow = &in->packet.flow;

    inspect_socket(in, state, HOOK_BIND);
    in->direction = INGRESS;
    in->cookie = bpf_get_socket_cookie(ctx);
    flow->protocol = ctx->protocol;
    set_address(ctx, flow->local, is_v6);
    flow->local_port_be = ctx->user_port;
    set_ethertype(in, flow->local);
    if (is_loopback(ctx, flow->local, is_v6) || inspect_pod(in, state->slot, state->epoch) != POD_ACCESS_JUDGE)
        return ALLOW; /* binding sends nothing */
    if (policy_judge(in, QUESTION_BIND) != VERDICT_FORWARDED)
        event_report(in);
    return in->verdict == VERDICT_DROPPED ? REFUSE : ALLOW;
}

static __always_inline int judge_bind(struct bpf_sock_addr *ctx, struct socket_state *state, bool is_v6)
{
    struct inspection *in;

    if (!state)
        return REFUSE;
    if (!ctx->user_port || (ctx->protocol != PROTOCOL_TCP && ctx->protocol != PROTOCOL_UDP))
        return ALLOW;
    in = inspect_take();
    if (!in)
        return REFUSE;

    int answer = answer_bind(in, ctx, state, is_v6);

    inspect_give_back(in);
    return answer;
}

static __always_inline struct socket_state *caller_of(struct bpf_sock_addr *ctx)
{
    return ctx->sk ? own_socket(ctx->sk) : NULL;
}

SEC("cgroup/connect4")
int nsp_connect4(struct bpf_sock_addr *ctx)
{
    return judge_connect(ctx, caller_of(ctx), false);
}

SEC("cgroup/connect6")
int nsp_connect6(struct bpf_sock_addr *ctx)
{
    return judge_connect(ctx, caller_of(ctx), true);
}

SEC("cgroup/sendmsg4")
int nsp_sendmsg4(struct bpf_sock_addr *ctx)
{
    return judge_datagram(ctx, caller_of(ctx), false);
}

SEC("cgroup/sendmsg6")
int nsp_sendmsg6(struct bpf_sock_addr *ctx)
{
    return judge_datagram(ctx, caller_of(ctx), true);
}

SEC("cgroup/bind4")
int nsp_bind4(struct bpf_sock_addr *ctx)
{
    return judge_bind(ctx, caller_of(ctx), false);
}

SEC("cgroup/bind6")
int nsp_bind6(struct bpf_sock_addr *ctx)
{
    return judge_bind(ctx, caller_of(ctx), true);
}

/* listen() may come without bind(), and from another process than socket(). Children inherit what is set here. */
SEC("sockops")
int nsp_sockops(struct bpf_sock_ops *ctx)
{
    const struct pod_ref *ref = bpf_get_local_storage(&nsp_cgroup, 0);

    if (ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
        handshake_take_over(ctx, ref->epoch);
    if (ctx->op != BPF_SOCK_OPS_TCP_LISTEN_CB || !ctx->sk)
        return ALLOW;

    struct socket_state *state = bpf_sk_storage_get(&nsp_sockets, ctx->sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

    if (!state)
        return ALLOW; /* without state, what comes in is refused */

    state->slot = ref->slot;
    state->epoch = ref->epoch;
    state->protocol = PROTOCOL_TCP;
    state->type = SOCK_STREAM;
    state->is_passive = 1;
    state->ifindex = 0;
    __sync_lock_test_and_set(&state->ruling, 0);
    __builtin_memset(state->peer, 0, sizeof(state->peer));
    state->peer_port_be = 0;
    identity_update(state, ctx->sk);
    return ALLOW;
}
