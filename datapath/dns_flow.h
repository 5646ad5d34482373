/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A DNS message of a flow, whole in scratch->message, whichever way it came (UDP, or a TCP stream in order): queries
 * are judged and remembered, answers teach. Before the answer is delivered: what it allows is connectable at once.
 */
#ifndef NSP_DATAPATH_DNS_FLOW_H
#define NSP_DATAPATH_DNS_FLOW_H

#include "datapath/application.h"
#include "datapath/ask.h"
#include "datapath/learn.h"
#include "datapath/recognise.h"
#include "datapath/scratch.h"

/*
 * Judges the query in scratch->message; fills the inspection. What only looks like one, on another port than DNS's, is
 * something that nobody recognises.
 */
CHECKED_ALONE int dns_judge_query(__u32 desk, int port)
{
    struct inspection *in = bpf_map_lookup_elem(&nsp_desks, &desk);
    struct scratch *scratch = scratch_of(desk);
    struct asked asked = {.application = APPLICATION_DNS};
    const struct control *control = control_of_node();
    struct dns_query *query;

    if (!in || !scratch || !control)
        return VERDICT_DROPPED;
    query = &scratch->query;
    asked.reason = dns_read_query(&scratch->message, query, (const void *)control->text_key);
    if (!asked.reason) {
        asked.name = &query->name;
        asked.query_type = query->type;
    } else if (port != PORT_DNS) {
        asked.application = APPLICATION_UNKNOWN;
        asked.reason = 0;
    }
    if (policy_judge_application(in, &asked) != VERDICT_DROPPED && asked.name && in->direction == EGRESS) {
        struct ask ask = {
            .name = &query->name,
            .id = query->id,
            .type = query->type,
            .is_traced = in->block_flags & BLOCK_TRACES,
        };

        ask_remember(in, &ask);
    }
    return in->verdict;
}

/* --- whom an answer is for ---------------------------------------------------------------------------------------- */

/*
 * Whether some part of the block lists the name in its fqdns; and whether some shares what it learns (nameScope: pod).
 * Heard are those parts alone that allow the flow to this resolver: nobody learns from one that his rules do not have.
 */
struct listing {
    const struct block *block;
    const struct name *name;
    __u32 parts; /* bits */
    __u32 is_found;
    __u32 is_shared;
};

static long list_part(__u32 index, struct listing *listing)
{
    const struct block *block = listing->block;

    if (!block || index >= NSP_PARTS_MAX || index >= block->count)
        return 1;

    __u32 rules_id = block->parts[index & (NSP_PARTS_MAX - 1)].rules[EGRESS];
    const struct rules *rules = bpf_map_lookup_elem(&nsp_rules, &rules_id);

    if (!(listing->parts >> index & 1) || !rules)
        return 0;
    if (rules->flags & RULES_POD_NAMES)
        listing->is_shared = 1;
    if (!listing->is_found && name_matches(listing->name, rules_id, LIST_FQDNS))
        listing->is_found = 1;
    return 0;
}

/* path: a block's, or NULL for what nameScope: pod shares, which all of it lists. */
SUBPROGRAM int list_name(const struct inspection *in, const __u8 *path, struct listing *listing)
{
    struct block_key key = {.revision = in->revision};

    if (path)
        __builtin_memcpy(key.path, path, sizeof(key.path));
    else
        __builtin_memset(key.path, LEARNT_BY_POD, sizeof(key.path));
    listing->parts = path ? in->parts : ~0U;
    listing->is_found = in->desk >> 16; /* 0, unknown to the verifier: see name.h */
    listing->is_shared = in->desk >> 16;
    listing->block = bpf_map_lookup_elem(&nsp_blocks, &key);
    if (listing->block && listing->block->count == 1)
        list_part(0, listing);
    else if (listing->block)
        bpf_loop(NSP_PARTS_MAX, list_part, listing, 0);
    return listing->is_found;
}

/* --- learning ----------------------------------------------------------------------------------------------------- */

struct teaching {
    struct lesson lesson;
    struct scratch *scratch;
    const struct control *control;
    __u64 entered_ns; /* until when the name is entered already */
    __u32 has_failed;
};

static long teach_address(__u32 index, struct teaching *teaching)
{
    struct scratch *scratch = teaching->scratch;
    struct lesson *lesson = &teaching->lesson;
    const struct control *control = teaching->control;

    if (!scratch || !control || index >= scratch->answer.count || index >= DNS_ADDRESSES_MAX)
        return 1;

    const __u8 *address = scratch->answer.addresses[index & (DNS_ADDRESSES_MAX - 1)];
    __u64 life = scratch->answer.ttls[index & (DNS_ADDRESSES_MAX - 1)] * 1000000000ULL;

    if (!is_learnable(address))
        return 0;
    if (life < control->name_floor_ns)
        life = control->name_floor_ns;
    if (life > control->name_cap_ns)
        life = control->name_cap_ns;
    lesson->expires_ns = lesson->now + life;
    if (lesson->expires_ns > teaching->entered_ns) {
        if (enter_name(lesson, &scratch->known))
            teaching->has_failed = 1;
        teaching->entered_ns = lesson->expires_ns;
    }
    if (learn_address(lesson, address, &scratch->blank))
        teaching->has_failed = 1;
    return 0;
}

/* 1: some of it found no room. path: for whom; NULL: for the whole pod. */
SUBPROGRAM int dns_teach(struct inspection *in, struct scratch *scratch, const __u8 *path)
{
    struct teaching teaching = {.scratch = scratch, .control = control_of_node()};
    struct lesson *lesson = &teaching.lesson;

    lesson->name = &scratch->answer.name;
    lesson->slot = in->slot;
    lesson->epoch = in->packet.flow.epoch;
    lesson->now = inspect_now(in);
    lesson->path = path;
    if (scratch->answer.count == 1) /* a loop costs more */
        teach_address(0, &teaching);
    else
        bpf_loop(DNS_ADDRESSES_MAX, teach_address, &teaching, 0);
    return teaching.has_failed;
}

/* Teaches everybody whom it concerns. 1: there was no room. */
static __always_inline int dns_teach_all(struct inspection *in, struct scratch *scratch, const __u8 asker[16])
{
    struct listing listing = {.name = &scratch->answer.name};
    int is_full = 0;

    if (list_name(in, asker, &listing))
        is_full = dns_teach(in, scratch, asker);
    if (listing.is_shared && list_name(in, NULL, &listing))
        is_full |= dns_teach(in, scratch, NULL);
    return is_full;
}

SUBPROGRAM int dns_trace_answer(struct inspection *in, const struct dns_answer *answer, __u64 asked_ns)
{
    struct asked asked = {.application = APPLICATION_DNS, .name = &answer->name, .query_type = answer->type};
    struct traced_answer traced = {
        .latency_ns = bpf_ktime_get_ns() - asked_ns,
        .ttl = answer->count ? answer->ttls[0] : 0,
        .rcode = answer->rcode,
        .addresses = answer->count,
    };

    for (__u32 i = 1; i < DNS_ADDRESSES_MAX && i < answer->count; i++)
        traced.ttl = answer->ttls[i] < traced.ttl ? answer->ttls[i] : traced.ttl;
    policy_note_wishes(in);
    return tell_answer(in, &asked, &traced);
}

/* The answer in scratch->message, to a query of this pod. Returns a reason to refuse it, or REASON_NONE. */
static __always_inline int dns_take_answer(struct inspection *in, struct scratch *scratch)
{
    struct dns_answer *answer = &scratch->answer;
    const struct control *control = control_of_node();
    struct asker asker = {};
    struct ask ask = {.name = &answer->name};
    int reason;

    if (!control)
        return REASON_DNS_MESSAGE;
    reason = dns_read_answer(&scratch->message, answer, control->text_key);
    if (reason)
        return reason;
    ask.id = answer->id;
    ask.type = answer->type;
    switch (ask_take(in, &ask, &asker)) {
    case ASK_NONE:
        return REASON_DNS_UNASKED;
    case ASK_REPEATED:
        return REASON_NONE;
    default:
        break;
    }
    if (asker.is_traced)
        dns_trace_answer(in, answer, asker.asked_ns);
    if (!answer->count || answer->rcode || !dns_teach_all(in, scratch, asker.path))
        return REASON_NONE;
    learn_reclaim(in->slot, inspect_now(in));
    return dns_teach_all(in, scratch, asker.path) ? REASON_NAMES_FULL : REASON_NONE;
}

/*
 * The same, with a verdict. An answer that could not be learnt for want of room is delivered all the same: the flow
 * that it should have allowed is refused, with a reason that leads here.
 */
CHECKED_ALONE int dns_judge_answer(__u32 desk, int is_strict)
{
    struct inspection *in = bpf_map_lookup_elem(&nsp_desks, &desk);
    struct scratch *scratch = scratch_of(desk);
    int reason;

    if (!in || !scratch)
        return VERDICT_DROPPED;
    reason = dns_take_answer(in, scratch);
    in->verdict = VERDICT_FORWARDED;
    if (!reason || (!is_strict && reason != REASON_NAMES_FULL))
        return VERDICT_FORWARDED;
    in->reason = reason;
    policy_judge(in, QUESTION_NONE);
    if (reason == REASON_NAMES_FULL && in->verdict == VERDICT_DROPPED)
        in->verdict = VERDICT_AUDIT;
    event_report(in);
    return in->verdict;
}

#endif
