/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet is judged once, though two of our programs run on it while clsact gives way to tcx (attach.h), or where a
 * clsact filter stayed. tcx comes first, in the same pass on the same CPU, so it notes here which packet it let go on,
 * and that run by clsact lets be. A pod can forge the classid (IP options that its kernel leaves in skb->cb), but not
 * the note: that is the device which this CPU judged last, by tcx, and a number of 64 bits, new for each packet, of
 * which nobody knows where it began. Where anything does not agree the packet is judged again.
 */
#ifndef NSP_DATAPATH_ONCE_H
#define NSP_DATAPATH_ONCE_H

#include "datapath/inspect.h"

#define ONCE_CB 3 /* skb->cb[3..4]: scratch for whoever runs at tc, and those before us are none of ours */

/* Begins a run. True: this packet was judged in this pass, and may go on. */
static __always_inline bool once_is_judged(struct __sk_buff *skb, struct inspection *in)
{
    bool is_judged = false;

    in->is_clsact = skb->tc_classid == NSP_CLSACT_CLASSID;
    if (in->is_clsact) {
        skb->tc_classid = 0; /* the next device's run would take it for its own */
        is_judged = in->judged_ifindex == skb->ifindex && (__u32)in->judged == skb->cb[ONCE_CB] &&
                    in->judged >> 32 == skb->cb[ONCE_CB + 1];
    }
    in->judged_ifindex = 0;
    return is_judged;
}

/* Ends a run that lets the packet go on. */
static __always_inline void once_note(struct __sk_buff *skb, struct inspection *in)
{
    if (in->is_clsact)
        return;
    if (!in->judged)
        in->judged = (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
    in->judged++;
    in->judged_ifindex = skb->ifindex;
    skb->cb[ONCE_CB] = in->judged;
    skb->cb[ONCE_CB + 1] = in->judged >> 32;
}

#endif
