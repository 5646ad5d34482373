/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What no rule is asked about. */
#ifndef NSP_DATAPATH_REFUSE_H
#define NSP_DATAPATH_REFUSE_H

#include "datapath/event.h"
#include "datapath/policy.h"

/* The packet cannot be judged by its fields: `reason` says why, the block that would judge says what to do. */
static __always_inline void refuse_as(struct inspection *in, __u8 reason)
{
    in->reason = reason;
    policy_judge(in, QUESTION_NONE);
    event_report(in);
}

/* A segment out of order, or sent again: it will come once more. Not a violation, but a drop, and counted as one. */
static __always_inline void let_wait(struct inspection *in)
{
    in->verdict = VERDICT_DROPPED;
    in->reason = REASON_STREAM;
    in->flags &= ~EVENT_RESET;
    event_suppress(in);
}

#endif
