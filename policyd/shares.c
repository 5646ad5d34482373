/* SPDX-License-Identifier: Apache-2.0 */
/* Counts by profile: see shares.h. */
#include "policyd/shares.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

static void add_share(const struct datapath *datapath, __u32 key, struct share *sum)
{
    struct share share;

    if (bpf_map_lookup_elem(datapath->maps[MAP_SHARES], &key, &share))
        return;
    for (int i = 0; i < VERDICTS; i++)
        sum->violations[i] += share.violations[i];
}

struct share shares_of_profile(const struct datapath *datapath, const struct sync *sync, const char *name)
{
    struct share sum = {0};

    for (size_t i = 0; i < sync->count; i++) {
        const struct synced *policy = sync->items[i];

        for (size_t j = 0; policy->index && j < policy->names_count && j < NSP_PARTS_MAX; j++) {
            if (strcmp(policy->names[j], name) == 0)
                add_share(datapath, policy->index * NSP_PARTS_MAX + (__u32)j, &sum);
        }
    }
    return sum;
}

int shares_clear(const struct datapath *datapath, __u32 policy)
{
    static const struct share none;

    for (__u32 i = 0; i < NSP_PARTS_MAX; i++) {
        __u32 key = policy * NSP_PARTS_MAX + i;

        if (bpf_map_update_elem(datapath->maps[MAP_SHARES], &key, &none, BPF_ANY))
            return -errno;
    }
    return 0;
}
