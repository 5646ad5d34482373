/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bytes that a process may still change: MSG_ZEROCOPY, splice and sendfile put the sender's own pages into a packet.
 * What is judged is copied first; and what is sent again from such pages may have become something else.
 */
#ifndef NSP_DATAPATH_PAGES_H
#define NSP_DATAPATH_PAGES_H

#include "datapath/packet.h"

#define SHARED_FRAG_FLAG 2 /* SKBFL_SHARED_FRAG, include/linux/skbuff.h */

/* Whether some of it lies outside the linear part, which is the kernel's own. */
static __always_inline bool has_pages(const struct __sk_buff *skb)
{
    __u32 length = skb->len;

    return length > 0xffff || (void *)(long)skb->data + (length & 0xffff) > (void *)(long)skb->data_end;
}

/* NOLINTNEXTLINE(readability-function-size): BPF_CORE_READ nests */
static __always_inline bool pages_are_shared(struct __sk_buff *skb)
{
    const struct sk_buff *kernel = (const void *)kernel_address(skb);
    const struct skb_shared_info *shared = (const void *)(BPF_CORE_READ(kernel, head) + BPF_CORE_READ(kernel, end));

    return BPF_CORE_READ(shared, flags) & SHARED_FRAG_FLAG;
}

/* Makes the packet's bytes its own; p->is_fixed: they were. False: no memory. */
SUBPROGRAM int pages_copy(struct __sk_buff *skb, struct packet *p)
{
    p->is_fixed = !has_pages(skb) || !pages_are_shared(skb);
    return p->is_fixed || !bpf_skb_pull_data(skb, skb->len);
}

#endif
