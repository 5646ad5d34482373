/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which socket in the pod a flow belongs to, asked from the host's side of the veth: for packets that carry no full
 * socket of their own (SYN-ACK, RST, TIME_WAIT ACK, everything on its way in). And whose socket a packet carries.
 */
#ifndef NSP_DATAPATH_LOOKUP_H
#define NSP_DATAPATH_LOOKUP_H

#include "datapath/inspect.h"
#include "datapath/policy.h"

struct found {
    struct socket_state *state; /* of the socket, or of its listener; NULL: none */
    __u32 tcp_state;            /* enum of linux/bpf.h; 0: no socket */
};

/* The tuple of what comes from flow->remote to flow->local; returns its size. */
static __always_inline __u32 fill_tuple(struct bpf_sock_tuple *tuple, const struct flow_key *flow)
{
    if (is_mapped_ipv4(flow->remote)) {
        __builtin_memcpy(&tuple->ipv4.saddr, flow->remote + 12, 4);
        __builtin_memcpy(&tuple->ipv4.daddr, flow->local + 12, 4);
        tuple->ipv4.sport = flow->remote_port_be;
        tuple->ipv4.dport = flow->local_port_be;
        return sizeof(tuple->ipv4);
    }
    __builtin_memcpy(tuple->ipv6.saddr, flow->remote, 16);
    __builtin_memcpy(tuple->ipv6.daddr, flow->local, 16);
    tuple->ipv6.sport = flow->remote_port_be;
    tuple->ipv6.dport = flow->local_port_be;
    return sizeof(tuple->ipv6);
}

/*
 * The TCP socket in the pod's network namespace that receives what comes from flow->remote to flow->local. One bound to
 * a device is not found: the kernel compares it with the host's end of the veth.
 */
SUBPROGRAM int find_tcp(struct __sk_buff *skb, const struct flow_key *flow, __s32 netns_id, struct found *found)
{
    struct bpf_sock_tuple tuple = {};
    struct bpf_sock *sk, *full;

    if (netns_id < 0)
        return 0;
    /* The size must be a constant for the verifier. */
    if (fill_tuple(&tuple, flow) == sizeof(tuple.ipv4))
        sk = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), netns_id, 0);
    else
        sk = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv6), netns_id, 0);
    if (!sk)
        return 0;
    found->tcp_state = sk->state;
    full = sk->state == BPF_TCP_NEW_SYN_RECV ? bpf_get_listener_sock(sk) : bpf_sk_fullsock(sk);
    if (full)
        found->state = bpf_sk_storage_get(&nsp_sockets, full, NULL, 0);
    bpf_sk_release(sk);
    return 1;
}

SUBPROGRAM int find_udp(struct __sk_buff *skb, const struct flow_key *flow, __s32 netns_id, struct found *found)
{
    struct bpf_sock_tuple tuple = {};
    struct bpf_sock *sk;

    if (netns_id < 0)
        return 0;
    if (fill_tuple(&tuple, flow) == sizeof(tuple.ipv4))
        sk = bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv4), netns_id, 0);
    else
        sk = bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv6), netns_id, 0);
    if (!sk)
        return 0;
    found->state = bpf_sk_storage_get(&nsp_sockets, sk, NULL, 0);
    bpf_sk_release(sk);
    return 1;
}

/* A socket for whole frames, such as AF_PACKET or AF_XDP. */
static __always_inline bool is_frame_socket(const struct bpf_sock *sk)
{
    return sk->family != AF_INET && sk->family != AF_INET6;
}

/* A full socket without our storage that some process must have made: for frames, or born outside the pod's cgroup. The
 * kernel's own control sockets (RST, ICMP, ND, MLD) are raw and have none either. */
static __always_inline bool is_foreign_socket(const struct bpf_sock *sk)
{
    return is_frame_socket(sk) || sk->type != SOCK_RAW;
}

/* Whether the sender's socket lives in the node's own network namespace. */
static __always_inline bool is_socket_of_node(struct bpf_sock *sk, const struct control *control)
{
    const struct sock *address = kernel_address(sk);

    return BPF_CORE_READ(address, __sk_common.skc_net.net, net_cookie) == control->host_netns_cookie;
}

#endif
