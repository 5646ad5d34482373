/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In place of datapath/kernel.h, to compile packet.h on the host: a packet whose first bytes can be read where they lie
 * and all of which can be copied.
 */
#ifndef NSP_TESTS_FUZZ_SKB_H
#define NSP_TESTS_FUZZ_SKB_H

#define NSP_DATAPATH_KERNEL_H /* this is it */

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <linux/types.h>

#define SUBPROGRAM static __attribute__((unused))
#define bpf_ntohs ntohs
#define bpf_ntohl ntohl
#define bpf_htonl htonl

struct __sk_buff {
    __u64 data; /* the linear part */
    __u64 data_end;
    const uint8_t *bytes; /* all of it */
    __u32 len;
    __u32 gso_segs;
    __u32 vlan_present;
    __u32 protocol;
};

static inline long bpf_skb_load_bytes(const struct __sk_buff *skb, __u32 offset, void *to, __u32 size)
{
    if (size == 0 || offset > skb->len || size > skb->len - offset)
        return -14; /* EFAULT */
    memcpy(to, skb->bytes + offset, size);
    return 0;
}

/* `asm volatile(...)` tells the kernel's verifier what this compiler knows without: here it is nothing. */
#define asm
#define volatile(...)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpointer-arith"
#include "datapath/packet.h"
#pragma GCC diagnostic pop
#undef asm
#undef volatile

#endif
