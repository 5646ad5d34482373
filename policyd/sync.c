/* SPDX-License-Identifier: Apache-2.0 */
/* The list of policies and its end: see sync.h. Writing is sync_write.c, taking over sync_start.c. */
#include "policyd/sync.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "policyd/map_batch.h"

#define CLEAR_ENTRIES 512

struct synced *sync_find_name(const struct sync *sync, const __u8 name[32])
{
    for (size_t i = 0; i < sync->count; i++) {
        if (memcmp(sync->items[i]->name, name, 32) == 0)
            return sync->items[i];
    }
    return NULL;
}

struct synced *sync_find_index(const struct sync *sync, __u32 index)
{
    for (size_t i = 0; i < sync->count && index; i++) {
        if (sync->items[i]->index == index)
            return sync->items[i];
    }
    return NULL;
}

const struct synced *sync_find_revision(const struct sync *sync, __u64 revision)
{
    for (size_t i = 0; i < sync->count && revision; i++) {
        if (sync->items[i]->revision == revision || sync->items[i]->previous == revision)
            return sync->items[i];
    }
    return NULL;
}

struct synced *sync_add(struct sync *sync, const __u8 name[32], char **names, size_t names_count)
{
    struct synced **items = realloc(sync->items, (sync->count + 1) * sizeof(struct synced *));
    struct synced *policy = items ? calloc(1, sizeof(*policy)) : NULL;

    if (items)
        sync->items = items;
    if (!policy)
        return NULL;
    memcpy(policy->name, name, sizeof(policy->name));
    policy->names = names;
    policy->names_count = names_count;
    policy->is_stale = true;
    items[sync->count++] = policy;
    return policy;
}

static void free_synced(struct synced *policy)
{
    for (size_t i = 0; i < policy->names_count; i++)
        free(policy->names[i]);
    free(policy->names);
    free(policy->error);
    free(policy);
}

void sync_forget(struct sync *sync, struct synced *policy)
{
    for (size_t i = 0; i < sync->count; i++) {
        if (sync->items[i] == policy) {
            sync->items[i] = sync->items[--sync->count];
            free_synced(policy);
            return;
        }
    }
}

static __u64 read_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (__u64)now.tv_sec * 1000 + (__u64)now.tv_nsec / 1000000;
}

int sync_retire(struct sync *sync, struct retired retired)
{
    struct retired *all = realloc(sync->retired, (sync->retired_count + 1) * sizeof(*all));

    if (!all)
        return -ENOMEM;
    sync->retired = all;
    retired.due_ms = read_clock_ms() + SYNC_GRACE_MS;
    all[sync->retired_count++] = retired;
    return 0;
}

void sync_drop(struct sync *sync, struct synced *policy)
{
    struct retired retired = {
        .revision = policy->revision,
        .first_rules = policy->first_rules,
        .rules_count = policy->rules_count,
        .first_glob = policy->first_glob,
        .globs_count = policy->globs_count,
        .index = policy->index,
    };

    if (policy->index && sync_retire(sync, retired))
        return; /* without memory it simply stays */
    sync_forget(sync, policy);
}

/* Frees the policy's number; its last revision stays noted, so that the number of a revision never comes again. */
static void free_index(const struct sync *sync, const struct retired *retired)
{
    struct policy policy = {.revision = retired->revision};

    __atomic_store_n(&sync->datapath->revisions[retired->index], 0, __ATOMIC_SEQ_CST);
    if (bpf_map_update_elem(sync->datapath->maps[MAP_POLICIES], &retired->index, &policy, BPF_ANY))
        log_warning("map=nsp_policies policy=%u not cleared: %s", retired->index, strerror(errno));
}

static bool is_live_revision(const struct sync *sync, __u64 revision)
{
    for (size_t i = 0; i < sync->count; i++) {
        if (sync->items[i]->revision == revision)
            return true;
    }
    for (size_t i = 0; i < sync->retired_count; i++) {
        if (sync->retired[i].revision == revision)
            return true;
    }
    return false;
}

static bool is_dead_block(const void *key, const void *value, void *context)
{
    const struct block_key *block = key;

    (void)value;
    return !is_live_revision(context, block->revision);
}

static bool is_dead_port(const void *key, const void *value, void *context)
{
    const struct port_key *port = key;
    const struct sync *sync = context;

    (void)value;
    return !ranges_is_used(&sync->ranges, port->rules);
}

static bool is_dead_text(const void *key, const void *value, void *context)
{
    const struct text_key *text = key;
    const struct sync *sync = context;

    (void)value;
    return !ranges_is_used(&sync->ranges, text->rules);
}

int sync_sweep(const struct sync *sync)
{
    struct map_batch texts = {sync->datapath->maps[MAP_TEXTS], sizeof(struct text_key), sizeof(struct text)};
    struct map_batch blocks = {sync->datapath->maps[MAP_BLOCKS], sizeof(struct block_key), sizeof(struct block)};
    struct map_batch ports = {sync->datapath->maps[MAP_PORTS], sizeof(struct port_key), sizeof(__u8)};
    int rc = map_batch_sweep(&blocks, is_dead_block, (void *)sync);

    rc = rc ? rc : map_batch_sweep(&ports, is_dead_port, (void *)sync);
    return rc ? rc : map_batch_sweep(&texts, is_dead_text, (void *)sync);
}

/* One piece of at most CLEAR_ENTRIES. */
static int clear_piece(const struct sync *sync, __u32 first, __u32 count, struct rules *values)
{
    struct map_batch rules = {sync->datapath->maps[MAP_RULES], sizeof(__u32), sizeof(struct rules)};
    struct map_batch cidrs = {sync->datapath->maps[MAP_CIDRS], sizeof(__u32), sizeof(__u32)};
    __u32 numbers[CLEAR_ENTRIES], tries[CLEAR_ENTRIES];
    int with_cidrs = 0, rc;

    for (__u32 i = 0; i < count; i++) {
        __u32 number = first + i;

        if (bpf_map_lookup_elem(rules.fd, &number, &values[i]) == 0 && (values[i].flags & RULES_CIDRS)) {
            tries[with_cidrs] = (__u32)sync->empty_trie;
            numbers[with_cidrs++] = number;
        }
    }
    rc = map_batch_write(&cidrs, numbers, tries, (size_t)with_cidrs);
    if (rc)
        return rc;
    memset(values, 0, count * sizeof(*values));
    for (__u32 i = 0; i < count; i++)
        numbers[i] = first + i;
    return map_batch_write(&rules, numbers, values, count);
}

int sync_clear_rules(const struct sync *sync, __u32 first, __u32 count)
{
    cleanup_free struct rules *values = count ? calloc(CLEAR_ENTRIES, sizeof(*values)) : NULL;
    int rc = count && !values ? -ENOMEM : 0;

    for (__u32 done = 0; rc == 0 && done < count; done += CLEAR_ENTRIES)
        rc = clear_piece(sync, first + done, count - done < CLEAR_ENTRIES ? count - done : CLEAR_ENTRIES, values);
    return rc;
}

int sync_collect(struct sync *sync)
{
    __u64 now_ms = read_clock_ms();
    size_t kept = 0, all = sync->retired_count;
    __u64 next_ms = 0;
    int rc;

    for (size_t i = 0; i < all; i++) {
        struct retired *retired = &sync->retired[i];

        if (retired->due_ms > now_ms) {
            next_ms = !next_ms || retired->due_ms < next_ms ? retired->due_ms : next_ms;
            sync->retired[kept++] = *retired;
            continue;
        }
        if (retired->index)
            free_index(sync, retired);
        rc = sync_clear_rules(sync, retired->first_rules, retired->rules_count);
        if (rc)
            log_warning("map=nsp_rules first=%u count=%u not cleared: %s", retired->first_rules, retired->rules_count,
                        strerror(-rc));
        ranges_release(&sync->ranges, retired->first_rules, retired->rules_count);
        ranges_release(&sync->globs, retired->first_glob, retired->globs_count);
    }
    sync->retired_count = kept;
    if (kept < all) {
        rc = sync_sweep(sync);
        if (rc)
            log_warning("maps=nsp_blocks,nsp_ports,nsp_texts old entries not deleted: %s", strerror(-rc));
    }
    return kept ? (int)(next_ms - now_ms) : -1;
}

void sync_stop(struct sync *sync)
{
    while (sync->count)
        sync_forget(sync, sync->items[0]);
    free(sync->items);
    free(sync->retired);
    if (sync->empty_trie >= 0)
        close(sync->empty_trie);
    *sync = (struct sync){.empty_trie = -1};
}
