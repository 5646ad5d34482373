/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the profiles that select a pod to what the kernel reads, before it has a revision, rule set numbers and keyed
 * hashes. Pure: no map, no key, no clock, no log. Pods selected by the same profiles share one policy.
 *
 * What a program that judges does with a block's parts: it hears each whose `container` is 0 or that of the process. Of
 * a profile (struct part.profile) those with a container stand before the one with 0, of which there is at most one.
 * Where none of a profile's parts is for the process's container, the profile lists the executable for others only: its
 * part in the block of the unlisted is heard. A process whose cgroup is not in nsp_containers is in no container that a
 * part could name. Special blocks have one part for each profile, with container 0.
 */
#ifndef NSP_POLICYD_COMPILE_H
#define NSP_POLICYD_COMPILE_H

#include "policyd/objects.h"

/* What will be an entry of nsp_texts: its key's hash and length are made of the text when it is written. */
struct compiled_text {
    __u8 list;          /* enum text_list */
    __u8 kind;          /* enum text_kind */
    __u32 first_glob;   /* TEXT_GLOB: index into globs; else 0 */
    __u32 globs_count;  /* TEXT_GLOB: how many end in `text`; else 0 */
    const char *method; /* LIST_HTTP; NULL: any */
    const char *text;   /* the name, or a pattern's literal end; the uri, or what stands before its `*` */
};

/* One rule set; its number in nsp_rules will be first_rules + its index here. */
struct compiled_rules {
    struct rules value;
    size_t ports_count;
    struct port_key *ports; /* .rules is filled in by sync */
    size_t cidrs_count;
    struct cidr_key *cidrs; /* sorted, unique; without the /0 that RULES_ANY4 and _ANY6 stand for */
    size_t texts_count;
    struct compiled_text *texts; /* unique; without the `*` that RULES_FQDNS_ALL and _DNS_ALL stand for */
    size_t globs_count;
    struct glob *globs;
    __u8 digest[32]; /* of everything above */
};

struct compiled_block {
    const char *path;                      /* NULL: see special */
    int special;                           /* BLOCK_UNLISTED, BLOCK_DEFAULT or LEARNT_BY_POD where path is NULL */
    struct block value;                    /* parts[].rules[]: 1 + index into rules; 0 = allows nothing. sync adds
                                              first_rules - 1, and fills in parts[].container */
    const char *containers[NSP_PARTS_MAX]; /* of each part; NULL: all */
};

struct compiled {
    size_t rules_count;
    struct compiled_rules *rules;
    size_t blocks_count;
    struct compiled_block *blocks;
    size_t globs_count;  /* of all rule sets */
    bool has_containers; /* some part is for one container only */
    __u8 name[32];       /* digest of the profiles' namespace/name, sorted */
    __u8 content[32];    /* digest of everything above: equal content, equal digest, on every run */
};

/*
 * profiles: sorted by namespace/name, 1..NSP_PARTS_MAX of them; they must outlive the result (paths, names and uris are
 * borrowed). A block for each listed path, one for unlisted executables and one for packets without an owner.
 * Errors: E2BIG more than NSP_PARTS_MAX profiles, or that many parts of one path, with the limit in the message.
 */
int compile_policy(const struct profile *const *profiles, size_t count, struct compiled *compiled, struct error *err);
void compiled_free(struct compiled *compiled);

/* A port range as the fewest prefixes (at most 30). Returns how many; out has room for 30; .rules is 0. */
size_t compile_port_prefixes(const struct port_range *range, struct port_key out[30]);

#endif
