/* SPDX-License-Identifier: Apache-2.0 */
/* The counters of one pod as the kernel keeps them: seen = reported + suppressed + lost. */
#ifndef NSP_POLICYD_TALLIES_H
#define NSP_POLICYD_TALLIES_H

#include <jansson.h>

#include "datapath/pins.h"

/* NULL without memory; to be freed. Zero where the map cannot be read. */
struct pod_tally *tallies_read(const struct datapath *datapath, __u32 slot);
void tallies_add(struct tally *sum, const struct tally *tally);
/* Over all reasons and both directions; verdict < 0: over all verdicts too. */
struct tally tallies_sum(const struct pod_tally *tallies, int verdict);
/* How many were seen for this reason, whatever the verdict. */
__u64 tallies_reason(const struct pod_tally *tallies, unsigned int reason);
/* {seen, reported, suppressed, lost} */
json_t *tallies_json(const struct tally *tally);
/* Summed over all CPUs. */
struct traffic tallies_traffic(const struct datapath *datapath, __u32 slot);

#endif
