/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Do the rules of this identity allow this flow? Layers l3, address, l4, l7, all of which must allow; an absent or
 * empty list allows nothing. One code path for both directions and both families. Cost does not depend on other blocks.
 */
#ifndef NSP_DATAPATH_POLICY_H
#define NSP_DATAPATH_POLICY_H

#include "datapath/inspect.h"

enum question_kind {
    QUESTION_FLOW, /* may this flow be? */
    QUESTION_BIND, /* can any ingress rule match this port? */
    QUESTION_RAW,  /* may this executable open a raw socket of this protocol? */
    QUESTION_NONE, /* no, `reason` says why; only who acts on it is open */
};

/*
 * What is asked and what is answered: plain data, so that the functions that judge can be global functions, which the
 * verifier checks once and not again for every path that leads to them. Weak like the maps, for the linker.
 */
struct question {
    struct block_key block;
    __u8 remote[16];
    __u16 port; /* the flow's destination port, host byte order */
    __u16 ethertype;
    __u8 protocol;
    __u8 direction;
    __u8 kind;
    __u8 absent; /* the reason where there are no rules at all */
    __u8 verdict;
    __u8 reason;
    __u8 profile;
    __u8 is_listed;
    __u16 process;
    __u16 reserved;
};

static __always_inline bool rules_allow_address(__u32 id, const struct rules *rules, const __u8 peer[16])
{
    if (rules->flags & (is_mapped_ipv4(peer) ? RULES_ANY4 : RULES_ANY6))
        return true;
    if (!(rules->flags & RULES_CIDRS))
        return false;

    void *trie = bpf_map_lookup_elem(&nsp_cidrs, &id);
    struct cidr_key key = {.prefix_length = 128};

    __builtin_memcpy(key.address, peer, 16);
    return trie && bpf_map_lookup_elem(trie, &key);
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

static __always_inline int refuse_flow(const struct question *q, __u32 id, const struct rules *rules)
{
    bool is_arp = q->ethertype == ETHERTYPE_ARP;
    __u32 l3 = q->ethertype == ETHERTYPE_IPV4   ? L3_IPV4
               : q->ethertype == ETHERTYPE_IPV6 ? L3_IPV6
               : is_arp                         ? L3_ARP
                                                : 0;

    if (!(rules->l3 & l3))
        return REASON_L3_PROTOCOL;
    if (is_arp)
        return REASON_NONE; /* address and l4 do not apply */
    if (!rules_allow_address(id, rules, q->remote))
        return REASON_ADDRESS;

    int reason = refuse_port(id, rules, q->protocol, q->port);

    return !reason && rules->flags & RULES_INSPECT ? REASON_L7_PROTOCOL : reason;
}

/* Global: REASON_NONE, or the first layer of these rules that refuses. */
__weak __noinline int rules_refuse(const struct question *q, __u32 id)
{
    const struct rules *rules = bpf_map_lookup_elem(&nsp_rules, &id);

    if (!q)
        return REASON_MALFORMED;
    if (q->kind == QUESTION_NONE)
        return q->reason;
    if (!id || !rules || !(rules->flags & RULES_PRESENT)) {
        if (!q->is_listed)
            return q->absent;
        return q->kind == QUESTION_FLOW   ? REASON_L3_PROTOCOL /* no RULES in this direction: no layer allows */
               : q->kind == QUESTION_BIND ? REASON_BIND
                                          : REASON_RAW_SOCKET;
    }
    switch (q->kind) {
    case QUESTION_BIND:
        return refuse_port(id, rules, q->protocol, q->port) ? REASON_BIND : REASON_NONE;
    case QUESTION_RAW:
        return has_protocol(rules->protocols, q->protocol) ? REASON_NONE : REASON_RAW_SOCKET;
    default:
        return refuse_flow(q, id, rules);
    }
}

/* What the parts that enforce, those that alert and those that ignore have said so far; index: enum action. */
struct sides {
    struct side {
        __u8 parts, allows, reason, profile;
        __u16 process, reserved;
    } side[4];
};

/* Global, so that what has been said is unknown to the verifier and 8 parts cost it no more than one. */
__weak __noinline int sides_hear(struct sides *sides, const struct part *part, int reason)
{
    if (!sides || !part)
        return 0;

    struct side *side = &sides->side[part->action < ACTION_ENFORCE ? part->action : ACTION_ENFORCE];

    side->parts = 1;
    if (reason == REASON_NONE) {
        side->allows = 1;
    } else if (reason >= side->reason) {
        side->reason = reason;
        side->profile = part->profile;
        side->process = part->process;
    }
    return 0;
}

static __always_inline bool side_refuses(struct question *q, const struct side *side, __u8 verdict)
{
    if (!side->parts || side->allows)
        return false;
    q->verdict = verdict;
    q->reason = side->reason;
    q->profile = side->profile;
    q->process = side->process;
    return true;
}

static __always_inline const struct block *find_block(const struct question *q)
{
    struct block_key key = q->block; /* 6.1 takes no key from a global function's argument */
    const struct block *block = bpf_map_lookup_elem(&nsp_blocks, &key);

    if (block)
        return block;
    __builtin_memset(key.path, BLOCK_UNLISTED, sizeof(key.path));
    return bpf_map_lookup_elem(&nsp_blocks, &key);
}

/*
 * Global. Fills verdict, reason, profile and process. The parts that enforce are joined, and so are those that alert,
 * and those that ignore; the strictest side that nobody allows on decides. On each side the part that got furthest
 * speaks.
 */
__weak __noinline int policy_decide(struct question *q)
{
    struct sides sides = {};

    if (!q)
        return VERDICT_DROPPED;

    const struct block *block = find_block(q);

    q->verdict = VERDICT_DROPPED;
    if (!block)
        return VERDICT_DROPPED; /* cannot be: every revision has a block for the unlisted */
    for (__u32 i = 0; i < NSP_PARTS_MAX && i < block->count; i++) {
        const struct part *part = &block->parts[i];
        struct part copy = *part; /* 6.1 passes no map value to a global function */
        __u32 rules = part->rules[q->direction & 1];

        q->is_listed = copy.process != 0xffff;
        sides_hear(&sides, &copy, rules_refuse(q, rules));
    }
    if (side_refuses(q, &sides.side[ACTION_ENFORCE], VERDICT_DROPPED) ||
        side_refuses(q, &sides.side[ACTION_ALERT], VERDICT_AUDIT) ||
        side_refuses(q, &sides.side[ACTION_IGNORE], VERDICT_IGNORED))
        return q->verdict;
    q->verdict = VERDICT_FORWARDED;
    q->reason = REASON_NONE;
    return VERDICT_FORWARDED;
}

/* The block that judges this: the executable's, that of the unlisted, or that of packets without an owner. */
static __always_inline void ask_block(struct question *q, const struct socket_state *owner)
{
    if (!owner) {
        __builtin_memset(q->block.path, BLOCK_DEFAULT, sizeof(q->block.path));
        q->absent = REASON_NO_DEFAULT;
    } else if (owner->untrusted) {
        __builtin_memset(q->block.path, BLOCK_UNLISTED, sizeof(q->block.path));
        q->absent = REASON_UNTRUSTED_BINARY;
    } else {
        __builtin_memcpy(q->block.path, owner->path, sizeof(q->block.path));
        q->absent = REASON_UNKNOWN_BINARY;
    }
}

/* Judges an inspection: fills its verdict, reason, profile and process; returns the verdict. */
static __always_inline int policy_judge(struct inspection *in, __u8 kind)
{
    const struct flow_key *flow = &in->packet.flow;
    struct question q = {
        .block.revision = in->revision,
        .port = bpf_ntohs(in->direction == EGRESS ? flow->remote_port_be : flow->local_port_be),
        .ethertype = in->packet.ethertype,
        .protocol = flow->protocol,
        .direction = in->direction,
        .kind = kind,
        .reason = in->reason,
    };

    __builtin_memcpy(q.remote, flow->remote, sizeof(q.remote));
    ask_block(&q, in->owner);
    policy_decide(&q);
    in->verdict = q.verdict;
    in->reason = q.reason;
    in->profile = q.profile;
    in->process = q.process;
    return in->verdict;
}

#endif
