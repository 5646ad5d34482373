/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Do the rules of this identity allow this flow? Each part of its block, one profile's share, is asked (rules.h); what
 * the parts that enforce say is joined, and so is what those that alert say, and those that ignore. The strictest side
 * on which nobody allows decides; the others are reported beside it. Cost does not depend on other blocks.
 */
#ifndef NSP_DATAPATH_POLICY_H
#define NSP_DATAPATH_POLICY_H

#include "datapath/names.h"
#include "datapath/rules.h"

#define IS_NOT_KNOWN (~0ULL) /* no container_hash() */

static __always_inline void side_hear(struct inspection *in, const struct part *part, int answer)
{
    __u32 action = part->action;
    struct side *side = &in->sides[action < ACTION_ENFORCE ? action : ACTION_ENFORCE];
    __u8 reason = answer;

    side->parts = 1;
    if (reason == REASON_NONE) {
        if (answer & ALLOWED_IF_JUDGED)
            side->may_allow = 1;
        else
            side->allows = 1;
        if (answer & ALLOWED_BY_NAME)
            side->is_named = 1;
    } else if (reason >= side->said.reason) {
        side->said.reason = reason;
        side->said.profile = part->profile;
        side->said.process = part->process;
    }
}

static __always_inline bool side_refuses(const struct side *side)
{
    return side->parts && !side->allows && !side->may_allow;
}

static __always_inline void take_verdict(struct inspection *in, __u8 verdict, struct said said)
{
    in->verdict = verdict;
    in->reason = said.reason;
    in->profile = said.profile;
    in->process = said.process;
}

/* The verdict is that of the strictest side that refuses; what milder ones say goes beside it. */
static __always_inline void join_sides(struct inspection *in)
{
    const struct side *enforce = &in->sides[ACTION_ENFORCE], *alert = &in->sides[ACTION_ALERT];
    const struct side *ignore = &in->sides[ACTION_IGNORE];
    const struct said nothing = {};
    bool drops = side_refuses(enforce), alerts = side_refuses(alert), ignores = side_refuses(ignore);

    in->shadow = drops && alerts ? alert->said : nothing;
    in->ignored = (drops || alerts) && ignores ? ignore->said : nothing;
    if (drops)
        take_verdict(in, VERDICT_DROPPED, enforce->said);
    else if (alerts)
        take_verdict(in, VERDICT_AUDIT, alert->said);
    else if (ignores)
        take_verdict(in, VERDICT_IGNORED, ignore->said);
    else
        take_verdict(in, VERDICT_FORWARDED, nothing);
}

static __always_inline const struct block *find_block(const struct question *q)
{
    const struct block *block = bpf_map_lookup_elem(&nsp_blocks, &q->block);
    struct block_key unlisted = {.revision = q->block.revision};

    return block ? block : bpf_map_lookup_elem(&nsp_blocks, &unlisted);
}

static __always_inline const struct block *find_unlisted(const struct question *q)
{
    struct block_key key = {.revision = q->block.revision};

    return bpf_map_lookup_elem(&nsp_blocks, &key);
}

/* Whether a part is for the container that the process runs in. */
static __always_inline bool is_for_container(struct inspection *in, const struct part *part)
{
    struct question *q = &in->question;

    if (!part->container)
        return true;
    if (!q->container) {
        const __u64 *hash = in->owner.is_known ? bpf_map_lookup_elem(&nsp_containers, &in->owner.cgroup_id) : NULL;

        q->container = hash ? *hash : IS_NOT_KNOWN;
    }
    return q->container == part->container;
}

/* Of the attacks that were detected and that a part wants detected, one speaks for all. */
static __always_inline int attack_reason(__u8 attacks)
{
    return attacks & ATTACK_ARP_SPOOFING  ? REASON_ARP_SPOOFING
           : attacks & ATTACK_ND_SPOOFING ? REASON_ND_SPOOFING
           : attacks & ATTACK_IP_SPOOFING ? REASON_IP_SPOOFING
           : attacks & ATTACK_RAW_SOCKET  ? REASON_RAW_SOCKET_ATTACK
                                          : REASON_NONE;
}

/* Who wants to be told what passes, whatever is decided. */
static __always_inline void note_wishes(struct inspection *in, const struct part *part)
{
    struct said said = {.profile = part->profile, .process = part->process};

    if (part->flags & PART_TRACE_DNS) {
        in->tracer = said;
        in->block_flags |= BLOCK_TRACES;
    }
    if (part->flags & PART_LEARN) {
        in->learner = said;
        in->block_flags |= BLOCK_LEARNS;
    }
    if (part->attacks)
        in->block_flags |= BLOCK_ATTACKS;
}

static __always_inline int ask_part(struct inspection *in, const struct part *part)
{
    struct question *q = &in->question;
    int answer;

    if (part->flags & PART_IMAGE_ONLY && !in->owner.is_image && q->kind != QUESTION_NONE)
        return REASON_NOT_IMAGE;
    q->is_listed = part->process != 0xffff;
    answer = rules_refuse(q, part->rules[q->direction & 1]);
    if (answer & WANTS_NAMES)
        q->wants_names |= 1 << (q->part & 7);
    return answer;
}

/* Asks one part and hears its answer; true if it allows, as far as packets' headers go. */
static __always_inline bool hear_part(struct inspection *in, const struct part *part)
{
    struct question *q = &in->question;
    int answer;

    if (!is_for_container(in, part)) {
        q->missed |= 1 << (part->profile & 7);
        return false;
    }
    q->heard |= 1 << (part->profile & 7);
    note_wishes(in, part);
    if (q->kind == QUESTION_ATTACK) {
        answer = attack_reason(part->attacks & q->attacks);
        if (answer)
            side_hear(in, part, answer);
        return false;
    }
    answer = ask_part(in, part);
    side_hear(in, part, answer);
    return !(answer & 0xff);
}

/* The part of a profile that does not list the executable: it allows nothing. */
static __always_inline void hear_unlisted(struct inspection *in, const struct part *part)
{
    const struct question *q = &in->question;
    int answer = q->kind == QUESTION_ATTACK ? attack_reason(part->attacks & q->attacks)
                 : q->kind == QUESTION_NONE ? q->reason
                                            : q->absent;

    note_wishes(in, part);
    if (answer)
        side_hear(in, part, answer);
}

/* The parts of a block, one after the other: a callback is walked through once, a loop eight times. */
struct asking {
    struct inspection *in;
    const struct block *block;
};

static long ask_next(__u32 index, struct asking *asking)
{
    const struct block *block = asking->block;
    struct inspection *in = asking->in;

    if (!block || index >= NSP_PARTS_MAX || index >= block->count)
        return 1;
    in->question.part = index;
    if (hear_part(in, &block->parts[index]))
        in->parts |= 1 << index;
    return 0;
}

/* A profile that lists this executable for other containers only does not list it here. */
static long ask_missed(__u32 index, struct asking *asking)
{
    const struct block *block = asking->block;
    const struct question *q = &asking->in->question;

    if (!block || index >= NSP_PARTS_MAX || index >= block->count)
        return 1;

    __u8 profile = block->parts[index].profile & 7;

    if (q->missed >> profile & 1 && !(q->heard >> profile & 1))
        hear_unlisted(asking->in, &block->parts[index]);
    return 0;
}

/* Allowed by some part, but only as far as it allows what the flow carries. */
static __always_inline bool is_conditional(const struct side *side)
{
    return side->may_allow && !side->allows;
}

/* Whether what a flow carries must be read: because some side allows it on that condition, or for those who want to
 * know what it asks for. */
static __always_inline bool wants_reading(const struct inspection *in)
{
    const struct question *q = &in->question;
    bool is_judged = false;

    if (q->kind != QUESTION_FLOW || (q->protocol != PROTOCOL_TCP && q->protocol != PROTOCOL_UDP))
        return false;
    for (int i = ACTION_IGNORE; i <= ACTION_ENFORCE; i++)
        is_judged |= is_conditional(&in->sides[i]);
    if (is_judged || (in->block_flags & BLOCK_LEARNS && q->protocol == PROTOCOL_TCP))
        return true;
    return q->port == PORT_DNS &&
           in->block_flags &
               (q->direction == EGRESS ? BLOCK_READS_DNS | BLOCK_TRACES | BLOCK_LEARNS : BLOCK_TRACES | BLOCK_LEARNS);
}

static __always_inline void decide(struct inspection *in, const struct block *block)
{
    struct asking asking = {.in = in, .block = block};

    in->block_flags = block->flags & BLOCK_READS_DNS;
    if (in->question.kind == QUESTION_ATTACK && !(block->flags & BLOCK_ATTACKS))
        return;
    if (block->count == 1) /* most have: a loop costs more than it */
        ask_next(0, &asking);
    else
        bpf_loop(NSP_PARTS_MAX, ask_next, &asking, 0);
    if (in->question.missed & ~in->question.heard) {
        asking.block = find_unlisted(&in->question);
        bpf_loop(NSP_PARTS_MAX, ask_missed, &asking, 0);
    }
    for (int i = ACTION_IGNORE; i <= ACTION_ENFORCE; i++)
        in->is_named |= in->sides[i].is_named;
}

/*
 * Global, so that the verifier walks through it once and not once for every way that leads to it; such a function takes
 * no map memory as an argument (6.1), but may look it up itself. Answers in->question.
 */
__weak __noinline int policy_decide(__u32 desk)
{
    struct inspection *in = bpf_map_lookup_elem(&nsp_desks, &desk);
    const struct block *block;

    if (!in)
        return VERDICT_DROPPED;
    block = find_block(&in->question);
    __builtin_memset(in->sides, 0, sizeof(in->sides));
    in->parts = 0;
    in->is_named = 0;
    if (block)
        decide(in, block);
    else
        in->sides[ACTION_ENFORCE].parts = 1; /* cannot be: every revision has a block for the unlisted */
    join_sides(in);
    in->is_inspected = wants_reading(in);
    in->is_enforced = is_conditional(&in->sides[ACTION_ENFORCE]);
    return in->verdict;
}

/* The block that judges this: the executable's, that of the unlisted, or that of packets without an owner. */
static __always_inline void ask_block(struct inspection *in)
{
    struct question *q = &in->question;
    const struct owner_copy *owner = &in->owner;

    if (!owner->is_known) {
        __builtin_memset(q->block.path, BLOCK_DEFAULT, sizeof(q->block.path));
        q->absent = in->is_own_claim ? REASON_NONE : REASON_NO_DEFAULT;
    } else if (owner->untrusted) {
        __builtin_memset(q->block.path, BLOCK_UNLISTED, sizeof(q->block.path));
        q->absent = REASON_UNTRUSTED_BINARY;
    } else {
        __builtin_memcpy(q->block.path, owner->path, sizeof(q->block.path));
        q->absent = REASON_UNKNOWN_BINARY;
    }
}

static __always_inline void set_peer(struct question *q, const __u8 address[16])
{
    q->peer.prefix_length = 128;
    __builtin_memcpy(q->peer.address, address, sizeof(q->peer.address));
}

static __always_inline int ask(struct inspection *in, __u8 kind, __u8 attacks)
{
    const struct flow_key *flow = &in->packet.flow;
    struct question *q = &in->question;

    __builtin_memset(q, 0, sizeof(*q));
    q->block.revision = in->revision;
    q->slot = in->slot;
    q->epoch = flow->epoch;
    q->port = bpf_ntohs(in->direction == EGRESS ? flow->remote_port_be : flow->local_port_be);
    q->ethertype = in->packet.ethertype;
    q->protocol = flow->protocol;
    q->direction = in->direction;
    q->kind = kind;
    q->reason = in->reason;
    q->attacks = attacks;
    q->is_live = in->is_named && in->flags & EVENT_LIVE_FLOW;
    set_peer(q, flow->remote);
    ask_block(in);
    policy_decide(in->desk);
    if (kind != QUESTION_FLOW || !q->wants_names)
        return in->verdict;
    /* Here and not where it is asked for: the depth of calls is limited. */
    names_look_up(in->desk);
    if (!(q->is_named | q->is_expired))
        return in->verdict; /* the answers would be the same */
    q->is_looked_up = 1;
    q->heard = 0;
    q->missed = 0;
    return policy_decide(in->desk);
}

/*
 * Judges an inspection: fills all that is named in struct inspection from verdict to learner; returns the verdict. Of a
 * flow that lives, is_named says before whether its ruling was RULING_NAMED.
 */
static __always_inline int policy_judge(struct inspection *in, __u8 kind)
{
    return ask(in, kind, 0);
}

/* attacks: enum attacks. FORWARDED where nobody wants them detected. */
static __always_inline int policy_judge_attack(struct inspection *in, __u8 attacks)
{
    return ask(in, QUESTION_ATTACK, attacks);
}

/* Fills block_flags, tracer and learner alone: for what follows its flow unjudged. */
SUBPROGRAM int policy_note_wishes(struct inspection *in)
{
    const struct block *block;

    __builtin_memset(&in->question, 0, sizeof(in->question));
    in->question.block.revision = in->revision;
    ask_block(in);
    block = find_block(&in->question);
    for (__u32 i = 0; block && i < NSP_PARTS_MAX && i < block->count; i++) {
        if (is_for_container(in, &block->parts[i]))
            note_wishes(in, &block->parts[i]);
    }
    return 0;
}

#endif
