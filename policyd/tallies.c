/* SPDX-License-Identifier: Apache-2.0 */
/* Counters: see tallies.h. */
#include "policyd/tallies.h"

#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lib/cleanup.h"

struct pod_tally *tallies_read(const struct datapath *datapath, __u32 slot)
{
    struct pod_tally *tallies = calloc(1, sizeof(*tallies));

    if (tallies && bpf_map_lookup_elem(datapath->maps[MAP_TALLIES], &slot, tallies))
        *tallies = (struct pod_tally){0};
    return tallies;
}

void tallies_add(struct tally *sum, const struct tally *tally)
{
    sum->seen += tally->seen;
    sum->reported += tally->reported;
    sum->suppressed += tally->suppressed;
    sum->lost += tally->lost;
}

struct tally tallies_sum(const struct pod_tally *tallies, int verdict)
{
    struct tally sum = {0};

    for (int direction = 0; direction < DIRECTIONS; direction++) {
        for (int i = 0; i < VERDICTS; i++) {
            for (int reason = 0; reason < REASONS && (verdict < 0 || verdict == i); reason++)
                tallies_add(&sum, &tallies->tallies[direction][i][reason]);
        }
    }
    return sum;
}

__u64 tallies_reason(const struct pod_tally *tallies, unsigned int reason)
{
    __u64 seen = 0;

    for (int direction = 0; direction < DIRECTIONS; direction++) {
        for (int verdict = 0; verdict < VERDICTS; verdict++)
            seen += tallies->tallies[direction][verdict][reason].seen;
    }
    return seen;
}

json_t *tallies_json(const struct tally *tally)
{
    return json_pack("{s:I,s:I,s:I,s:I}", "seen", (json_int_t)tally->seen, "reported", (json_int_t)tally->reported,
                     "suppressed", (json_int_t)tally->suppressed, "lost", (json_int_t)tally->lost);
}

struct traffic tallies_traffic(const struct datapath *datapath, __u32 slot)
{
    int cpus = libbpf_num_possible_cpus();
    cleanup_free struct traffic *each = cpus > 0 ? calloc((size_t)cpus, sizeof(*each)) : NULL;
    struct traffic sum = {0};

    if (!each || bpf_map_lookup_elem(datapath->maps[MAP_TRAFFIC], &slot, each))
        return sum;
    for (int i = 0; i < cpus; i++) {
        for (int direction = 0; direction < DIRECTIONS; direction++) {
            sum.packets[direction] += each[i].packets[direction];
            sum.bytes[direction] += each[i].bytes[direction];
        }
    }
    return sum;
}
