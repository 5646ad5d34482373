/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Do the rules allow what a flow carries: a DNS query, an HTTP request, a TLS server name, or something that nobody
 * recognises? Asked of the parts that allow the flow as far as its headers go, joined as policy.h does. A part without
 * an l7 key allows all; with one, the protocol must be in l7.protocols, and must match a list where one is given.
 */
#ifndef NSP_DATAPATH_APPLICATION_H
#define NSP_DATAPATH_APPLICATION_H

#include "datapath/http_match.h"
#include "datapath/name_match.h"
#include "datapath/policy.h"
#include "datapath/tell.h"

/* Beside enum reason: a list decides. */
#define MATCHES_DNS 0x100
#define MATCHES_HTTP 0x200
#define MATCHES_FQDNS 0x400

static __always_inline int either(__u8 reason, int other)
{
    return reason ? reason : other;
}

/* An absent list is an empty one, unless `any` stands beside it. */
static __always_inline int refuse_dns(__u32 flags, const struct asked *asked)
{
    if (!(flags & (RULES_L7_DNS | RULES_L7_ANY)))
        return REASON_L7_PROTOCOL;
    if (!(flags & RULES_DNS_LIST))
        return flags & RULES_L7_ANY ? REASON_NONE : either(asked->reason, REASON_DNS_NAME);
    return asked->name && !asked->reason ? MATCHES_DNS : either(asked->reason, REASON_DNS_MESSAGE);
}

/* What port 80 carries is HTTP by its port, but no request that a list could have. */
static __always_inline int refuse_http(__u32 flags, const struct asked *asked)
{
    if (!(flags & (RULES_L7_HTTP | RULES_L7_ANY)))
        return REASON_L7_PROTOCOL;
    if (flags & RULES_HTTP_LIST)
        return !asked->reason && asked->request && asked->request->is_canonical
                   ? MATCHES_HTTP
                   : either(asked->reason, REASON_HTTP_AMBIGUOUS);
    return flags & RULES_L7_ANY || asked->is_by_port ? REASON_NONE : asked->reason;
}

/* The server's name counts where the address itself is not listed, but was learnt for a name. */
static __always_inline int refuse_https(const struct inspection *in, __u32 id, const struct rules *rules,
                                        const struct asked *asked)
{
    if (!(rules->flags & (RULES_L7_HTTPS | RULES_L7_ANY)))
        return REASON_L7_PROTOCOL;
    if (!(rules->flags & RULES_L7_HTTPS) || !(rules->flags & RULES_FQDNS) || in->direction != EGRESS ||
        rules_list_address(id, rules, &in->question.peer))
        return REASON_NONE;
    return asked->name && !asked->reason ? MATCHES_FQDNS : either(asked->reason, REASON_TLS_NAME);
}

/* Bytes of no known protocol, or that could not be read at all: whoever need not know lets them pass. */
static __always_inline int refuse_unknown(__u32 flags, const struct asked *asked)
{
    if (asked->reason && asked->reason != REASON_HTTP_AMBIGUOUS)
        return flags & RULES_INSPECT ? asked->reason : REASON_NONE;
    if (asked->reason && flags & RULES_HTTP_LIST)
        return asked->reason;
    return flags & RULES_L7_ANY ? REASON_NONE : REASON_L7_PROTOCOL;
}

static __always_inline int refuse_application(const struct inspection *in, __u32 id, const struct asked *asked)
{
    const struct rules *rules = bpf_map_lookup_elem(&nsp_rules, &id);

    if (!rules)
        return REASON_L7_PROTOCOL;
    if (!(rules->flags & RULES_L7))
        return REASON_NONE;
    switch (asked->application) {
    case APPLICATION_DNS:
        return refuse_dns(rules->flags, asked);
    case APPLICATION_HTTP:
        return refuse_http(rules->flags, asked);
    case APPLICATION_HTTPS:
        return refuse_https(in, id, rules, asked);
    default:
        return refuse_unknown(rules->flags, asked);
    }
}

static __always_inline int consult_lists(__u32 id, const struct asked *asked, int answer)
{
    if (answer & (MATCHES_DNS | MATCHES_FQDNS)) {
        bool is_dns = answer & MATCHES_DNS;

        if (asked->name && name_matches(asked->name, id, is_dns ? LIST_DNS : LIST_FQDNS))
            return REASON_NONE;
        return is_dns ? REASON_DNS_NAME : REASON_TLS_NAME;
    }
    if (answer & MATCHES_HTTP)
        return asked->request && http_matches(asked->request, id) ? REASON_NONE : REASON_HTTP_REQUEST;
    return answer;
}

struct hearing {
    struct inspection *in;
    const struct block *block;
    const struct asked *asked;
};

static long hear_application(__u32 index, struct hearing *hearing)
{
    const struct block *block = hearing->block;
    struct inspection *in = hearing->in;

    if (!block || index >= NSP_PARTS_MAX || index >= block->count)
        return 1;

    const struct part *part = &block->parts[index];
    __u32 rules = part->rules[in->direction & 1];

    if (!is_for_container(in, part))
        return 0;
    note_wishes(in, part);
    if (in->parts >> index & 1)
        side_hear(in, part, consult_lists(rules, hearing->asked, refuse_application(in, rules, hearing->asked)));
    return 0;
}

static __always_inline void tell_asked(const struct inspection *in, const struct asked *asked)
{
    if (in->block_flags & BLOCK_TRACES && asked->application == APPLICATION_DNS && asked->name)
        tell_query(in, asked);
    if (in->block_flags & BLOCK_LEARNS && (asked->name || asked->request))
        tell_learnt(in, asked);
}

/* What was asked for as plain numbers: no pointer passes to a function that is checked alone but as its own argument.
 */
static __always_inline __u32 asked_pack(const struct asked *asked)
{
    return asked->application | (asked->is_by_port ? 1U << 4 : 0) | (__u32)asked->reason << 8 |
           (__u32)asked->query_type << 16;
}

/* In a function that is checked alone, since many ways lead to it. name, request: as in struct asked, or NULL. */
CHECKED_ALONE int application_decide(__u32 desk, __u32 packed, const struct name *name,
                                     const struct http_request *request)
{
    struct inspection *in = bpf_map_lookup_elem(&nsp_desks, &desk);
    struct asked asked = {
        .application = packed & 0xf,
        .is_by_port = packed >> 4 & 1,
        .reason = packed >> 8,
        .query_type = packed >> 16,
        .name = name,
        .request = request,
    };
    struct hearing hearing = {.in = in, .asked = &asked};

    if (!in)
        return VERDICT_DROPPED;
    __builtin_memset(&in->question, 0, sizeof(in->question));
    in->question.block.revision = in->revision;
    set_peer(&in->question, in->packet.flow.remote);
    ask_block(in);
    hearing.block = find_block(&in->question);
    __builtin_memset(in->sides, 0, sizeof(in->sides));
    in->block_flags = hearing.block ? hearing.block->flags & BLOCK_READS_DNS : 0;
    if (hearing.block)
        bpf_loop(NSP_PARTS_MAX, hear_application, &hearing, 0);
    else
        in->sides[ACTION_ENFORCE].parts = 1; /* cannot be: see policy_decide() */
    join_sides(in);
    if (in->verdict != VERDICT_FORWARDED)
        event_report_asked(in, &asked);
    tell_asked(in, &asked);
    return in->verdict;
}

/*
 * Judges, with in->parts, what was asked for, and tells of it: fills verdict, reason, profile, process and block_flags;
 * returns the verdict. Whoever calls must not report again.
 */
static __always_inline int policy_judge_application(struct inspection *in, const struct asked *asked)
{
    return application_decide(in->desk, asked_pack(asked), asked->name, asked->request);
}

#endif
