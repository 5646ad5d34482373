/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What one RULES object says of a flow: layers l3, address and l4, all of which must allow; an absent or empty list
 * allows nothing. What the flow carries is judged later (application.h). One code path for both directions and
 * families.
 */
#ifndef NSP_DATAPATH_RULES_H
#define NSP_DATAPATH_RULES_H

#include "datapath/inspect.h"

/* Beside REASON_NONE in the answer of rules_refuse(). */
#define ALLOWED_IF_JUDGED 0x100 /* by what it carries */
#define ALLOWED_BY_NAME 0x200   /* the peer was learnt */
#define WANTS_NAMES 0x400       /* REASON_ADDRESS, unless it was */

/* Whether the peer is in cidr4 or cidr6. */
static __always_inline bool rules_list_address(__u32 id, const struct rules *rules, const struct cidr_key *peer)
{
    if (rules->flags & (is_mapped_ipv4(peer->address) ? RULES_ANY4 : RULES_ANY6))
        return true;
    if (!(rules->flags & RULES_CIDRS))
        return false;

    void *trie = bpf_map_lookup_elem(&nsp_cidrs, &id);

    return trie && bpf_map_lookup_elem(trie, peer);
}

/* REASON_NONE, perhaps with ALLOWED_BY_NAME, or why the address layer refuses. */
static __always_inline int refuse_address(const struct question *q, __u32 id, const struct rules *rules)
{
    bool is_unlisted = q->is_looked_up && q->wants_names >> (q->part & 7) & 1; /* found out before */

    if (!is_unlisted && rules_list_address(id, rules, &q->peer))
        return REASON_NONE;
    if (!(rules->flags & RULES_FQDNS) || q->direction != EGRESS)
        return REASON_ADDRESS;
    if (!q->is_looked_up)
        return REASON_ADDRESS | WANTS_NAMES;
    if (q->is_named >> (q->part & 7) & 1)
        return ALLOWED_BY_NAME;
    return q->is_expired >> (q->part & 7) & 1 ? REASON_FQDN_EXPIRED : REASON_ADDRESS;
}

/* Whether a bit is set in one of the 256-bit sets of struct rules. */
static __always_inline bool has_protocol(const __u64 set[4], __u8 protocol)
{
    return set[protocol >> 6 & 3] >> (protocol & 63) & 1;
}

static __always_inline int refuse_port(__u32 id, const struct rules *rules, __u8 protocol, __u16 port)
{
    if (has_protocol(rules->protocols, protocol))
        return REASON_NONE;
    if (!has_protocol(rules->ported, protocol))
        return REASON_L4_PROTOCOL;

    struct port_key key = {.rules = id, .protocol = protocol};

    for (int length = 16; length >= 0; length--) {
        if (!(rules->port_lengths >> length & 1))
            continue;
        key.length = length;
        key.port = port & (0xffff0000 >> length);
        if (bpf_map_lookup_elem(&nsp_ports, &key))
            return REASON_NONE;
    }
    return REASON_L4_PORT;
}

/* Whether somebody reads what such a flow carries: of those that no process owns, only the pod's own datagrams. */
static __always_inline bool is_read(const struct question *q)
{
    bool is_owned = q->absent != REASON_NO_DEFAULT;

    return (q->protocol == PROTOCOL_UDP && (is_owned || q->direction == EGRESS)) ||
           (q->protocol == PROTOCOL_TCP && is_owned);
}

/* What nobody reads is allowed by `any` alone, and where no list would have to be judged. */
static __always_inline int refuse_unread(const struct question *q, const struct rules *rules)
{
    bool has_data = q->protocol == PROTOCOL_TCP || q->protocol == PROTOCOL_UDP;

    if (!(rules->flags & RULES_INSPECT))
        return REASON_NONE;
    if (is_read(q))
        return ALLOWED_IF_JUDGED;
    return rules->flags & RULES_L7_ANY && !has_data ? REASON_NONE : REASON_L7_PROTOCOL;
}

/* Layers l3 and address. */
static __always_inline int refuse_peer(const struct question *q, __u32 id, const struct rules *rules)
{
    bool is_arp = q->ethertype == ETHERTYPE_ARP;
    __u32 l3 = q->ethertype == ETHERTYPE_IPV4   ? L3_IPV4
               : q->ethertype == ETHERTYPE_IPV6 ? L3_IPV6
               : is_arp                         ? L3_ARP
                                                : 0;

    if (!(rules->l3 & l3))
        return REASON_L3_PROTOCOL;
    return is_arp ? REASON_NONE : refuse_address(q, id, rules);
}

/* Where there are no rules in this direction, or none at all. */
static __always_inline int refuse_without_rules(const struct question *q)
{
    if (!q->is_listed)
        return q->absent;
    return q->kind == QUESTION_FLOW ? REASON_L3_PROTOCOL : q->kind == QUESTION_BIND ? REASON_BIND : REASON_RAW_SOCKET;
}

/* The first layer of these rules that refuses, or REASON_NONE with one of the bits above. */
static __always_inline int rules_refuse(const struct question *q, __u32 id)
{
    const struct rules *rules = bpf_map_lookup_elem(&nsp_rules, &id);
    int peer = REASON_NONE, port;

    if (q->kind == QUESTION_NONE)
        return q->reason;
    if (!id || !rules || !(rules->flags & RULES_PRESENT))
        return refuse_without_rules(q);
    if (q->kind == QUESTION_RAW)
        return has_protocol(rules->protocols, q->protocol) ? REASON_NONE : REASON_RAW_SOCKET;
    if (q->kind == QUESTION_FLOW)
        peer = refuse_peer(q, id, rules);
    if (peer & 0xff || q->ethertype == ETHERTYPE_ARP) /* l4 does not apply to ARP */
        return peer;
    port = refuse_port(id, rules, q->protocol, q->port);
    if (q->kind == QUESTION_BIND)
        return port ? REASON_BIND : REASON_NONE;
    return port ? port : peer | refuse_unread(q, rules);
}

#endif
