/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which numbers of a map (nsp_rules, nsp_globs) are taken. Pure. 0 is never given out: rule set 0 allows nothing, and
 * the first of no patterns is 0.
 */
#ifndef NSP_POLICYD_RANGES_H
#define NSP_POLICYD_RANGES_H

#include <stdbool.h>

#include "datapath/abi.h"

#define RANGES_MAX NSP_RULES_MAX

struct ranges {
    __u32 limit; /* numbers are below it; at most RANGES_MAX */
    __u64 used[RANGES_MAX / 64];
};

/* The first `count` free numbers in a row. -ENOSPC: there is no such row. count 0 gives first 0. */
int ranges_take(struct ranges *ranges, __u32 count, __u32 *first);
/* Out of bounds is left out. */
void ranges_mark(struct ranges *ranges, __u32 first, __u32 count);
void ranges_release(struct ranges *ranges, __u32 first, __u32 count);
bool ranges_is_used(const struct ranges *ranges, __u32 number);
__u32 ranges_count_used(const struct ranges *ranges);

#endif
