/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the profiles that select a pod to what the kernel reads, before it has a revision or rule set numbers. Pure: no
 * map, no clock, no log. Pods selected by the same profiles share one policy.
 */
#ifndef NSP_POLICYD_COMPILE_H
#define NSP_POLICYD_COMPILE_H

#include "policyd/objects.h"

/* One rule set; its number in nsp_rules will be first_rules + its index here. */
struct compiled_rules {
    struct rules value;
    size_t ports_count;
    struct port_key *ports; /* .rules is filled in by sync */
    size_t cidrs_count;
    struct cidr_key *cidrs; /* sorted, unique; without the /0 that RULES_ANY4 and _ANY6 stand for */
};

struct compiled_block {
    const char *path;   /* NULL: see special */
    int special;        /* BLOCK_UNLISTED or BLOCK_DEFAULT where path is NULL */
    struct block value; /* parts[].rules[]: 1 + index into rules; 0 = allows nothing. sync adds first_rules - 1 */
};

struct compiled {
    size_t rules_count;
    struct compiled_rules *rules;
    size_t blocks_count;
    struct compiled_block *blocks;
    __u8 name[32];    /* digest of the profiles' namespace/name, sorted */
    __u8 content[32]; /* digest of everything above: equal content, equal digest, on every run */
};

/*
 * profiles: sorted by namespace/name, 1..NSP_PARTS_MAX of them; they must outlive the result (paths are borrowed).
 * A block for each listed path (of blocks without `container`: those are left out, they allow nothing yet), one for
 * unlisted executables and one for packets without an owner; each with a part for every profile.
 * Errors: E2BIG more than NSP_PARTS_MAX profiles or too many rule sets, with the limit in the message.
 */
int compile_policy(const struct profile *const *profiles, size_t count, struct compiled *compiled, struct error *err);
void compiled_free(struct compiled *compiled);

/* A port range as the fewest prefixes (at most 30). Returns how many; out has room for 30; .rules is 0. */
size_t compile_port_prefixes(const struct port_range *range, struct port_key out[30]);

#endif
