/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking over the maps of an earlier policyd, whatever it was doing when it ended: see sync.h. What nsp_revisions
 * publishes is in force; a revision that nsp_policies notes but that was not published is thrown away.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "lib/log.h"
#include "policyd/map_batch.h"
#include "policyd/sync.h"

static int make_empty_trie(void)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);

    return bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "nsp_no_cidrs", sizeof(struct cidr_key), sizeof(__u8), 1, &options);
}

/* The numbers of rule sets that a block refers to: where its policy's own note speaks of another revision. */
static bool extend_range(const void *key, const void *value, void *context)
{
    const struct block_key *block_key = key;
    const struct block *block = value;
    struct sync *sync = context;
    struct synced *policy = (struct synced *)sync_find_revision(sync, block_key->revision);

    for (__u32 i = 0; policy && policy->is_stale && i < block->count && i < NSP_PARTS_MAX; i++) {
        for (int direction = 0; direction < DIRECTIONS; direction++) {
            __u32 number = block->parts[i].rules[direction], end = policy->first_rules + policy->rules_count;

            if (number == 0)
                continue;
            if (policy->rules_count == 0 || number < policy->first_rules)
                policy->first_rules = number;
            end = policy->rules_count == 0 || number >= end ? number + 1 : end;
            policy->rules_count = end - policy->first_rules;
        }
    }
    return false;
}

static struct synced *owner_of(const struct sync *sync, __u32 rules)
{
    for (size_t i = 0; i < sync->count; i++) {
        if (rules - sync->items[i]->first_rules < sync->items[i]->rules_count)
            return sync->items[i];
    }
    return NULL;
}

/* The patterns that the texts of a policy refer to: nothing else notes them. */
static bool extend_globs(const void *key, const void *value, void *context)
{
    const struct text_key *text_key = key;
    const struct text *text = value;
    struct synced *policy = text->count ? owner_of(context, text_key->rules) : NULL;
    __u32 end;

    if (!policy)
        return false;
    if (policy->globs_count == 0) {
        policy->first_glob = text->first;
        policy->globs_count = text->count;
        return false;
    }
    end = policy->first_glob + policy->globs_count;
    end = text->first + text->count > end ? text->first + text->count : end;
    policy->first_glob = text->first < policy->first_glob ? text->first : policy->first_glob;
    policy->globs_count = end - policy->first_glob;
    return false;
}

static int adopt_one(struct sync *sync, __u32 index, __u64 in_force)
{
    struct policy policy = {0};
    struct synced *adopted;

    if (bpf_map_lookup_elem(sync->datapath->maps[MAP_POLICIES], &index, &policy))
        return -errno;
    if (policy.revision > sync->last_revision)
        sync->last_revision = policy.revision;
    if (in_force > sync->last_revision)
        sync->last_revision = in_force;
    if (in_force == 0)
        return 0;
    adopted = sync_add(sync, policy.name, NULL, 0);
    if (!adopted)
        return -ENOMEM;
    adopted->index = index;
    adopted->revision = in_force;
    adopted->is_stale = policy.revision != in_force; /* its range is found from its blocks */
    if (adopted->is_stale)
        return 0;
    memcpy(adopted->content, policy.content, sizeof(adopted->content));
    adopted->first_rules = policy.first_rules;
    adopted->rules_count = policy.rules_count;
    return 0;
}

static int adopt(struct sync *sync)
{
    struct map_batch texts = {sync->datapath->maps[MAP_TEXTS], sizeof(struct text_key), sizeof(struct text)};
    struct map_batch blocks = {sync->datapath->maps[MAP_BLOCKS], sizeof(struct block_key), sizeof(struct block)};
    int rc = 0;

    for (__u32 i = 1; i < NSP_POLICIES_MAX && rc == 0; i++)
        rc = adopt_one(sync, i, __atomic_load_n(&sync->datapath->revisions[i], __ATOMIC_SEQ_CST));
    if (rc == 0)
        rc = map_batch_sweep(&blocks, extend_range, sync);
    if (rc == 0)
        rc = map_batch_sweep(&texts, extend_globs, sync);
    for (size_t i = 0; i < sync->count; i++) {
        ranges_mark(&sync->ranges, sync->items[i]->first_rules, sync->items[i]->rules_count);
        ranges_mark(&sync->globs, sync->items[i]->first_glob, sync->items[i]->globs_count);
        sync->items[i]->is_stale = true; /* until it was compared with the manifests */
    }
    return rc;
}

/* Rule sets that no policy in force owns. */
static int clear_leftovers(const struct sync *sync)
{
    __u32 first = 1;
    int rc = 0;

    while (first < NSP_RULES_MAX && rc == 0) {
        __u32 end = first;

        while (end < NSP_RULES_MAX && !ranges_is_used(&sync->ranges, end))
            end++;
        rc = sync_clear_rules(sync, first, end - first);
        first = end + 1;
    }
    return rc;
}

int sync_start(struct sync *sync, const struct datapath *datapath, bool is_adopted, struct error *err)
{
    int rc = 0;

    *sync = (struct sync){.datapath = datapath,
                          .ranges.limit = NSP_RULES_MAX,
                          .globs.limit = NSP_GLOBS_MAX,
                          .empty_trie = make_empty_trie()};
    if (sync->empty_trie < 0)
        return error_set(err, errno, "cannot create an LPM trie: %s", strerror(errno));
    if (is_adopted)
        rc = adopt(sync);
    if (rc == 0 && is_adopted)
        rc = sync_sweep(sync);
    if (rc == 0 && is_adopted)
        rc = clear_leftovers(sync);
    if (rc) {
        sync_stop(sync);
        return error_set(err, -rc, "cannot take over the pinned policies: %s", strerror(-rc));
    }
    if (is_adopted)
        log_info("policies=%zu last_revision=%llu taken over", sync->count, (unsigned long long)sync->last_revision);
    return 0;
}
