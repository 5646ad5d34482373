/* SPDX-License-Identifier: Apache-2.0 */
/* One bit for each number: see ranges.h. */
#include "policyd/ranges.h"

#include <errno.h>

bool ranges_is_used(const struct ranges *ranges, __u32 number)
{
    if (number == 0 || number >= ranges->limit)
        return true;
    return ranges->used[number / 64] >> (number % 64) & 1;
}

int ranges_take(struct ranges *ranges, __u32 count, __u32 *first)
{
    __u32 row = 0;

    if (count == 0) {
        *first = 0;
        return 0;
    }
    for (__u32 number = 1; number < ranges->limit; number++) {
        row = ranges_is_used(ranges, number) ? 0 : row + 1;
        if (row == count) {
            *first = number + 1 - count;
            ranges_mark(ranges, *first, count);
            return 0;
        }
    }
    return -ENOSPC;
}

static void set(struct ranges *ranges, __u32 first, __u32 count, bool is_used)
{
    for (__u32 i = 0; i < count && i < ranges->limit && first < ranges->limit - i; i++) {
        __u64 bit = 1ULL << ((first + i) % 64);

        if (is_used)
            ranges->used[(first + i) / 64] |= bit;
        else
            ranges->used[(first + i) / 64] &= ~bit;
    }
}

void ranges_mark(struct ranges *ranges, __u32 first, __u32 count)
{
    set(ranges, first, count, true);
}

void ranges_release(struct ranges *ranges, __u32 first, __u32 count)
{
    set(ranges, first, count, false);
}

__u32 ranges_count_used(const struct ranges *ranges)
{
    __u32 used = 0;

    for (__u32 i = 0; i < RANGES_MAX / 64; i++)
        used += (__u32)__builtin_popcountll(ranges->used[i]);
    return used;
}
