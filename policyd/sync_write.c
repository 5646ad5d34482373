/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing one revision beside what is in force: see sync.h. Order: rules, ports, texts, prefixes, blocks, the note in
 * nsp_policies, and at last the one store that publishes it. Whatever fails before that is deleted again.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath/path_hash.h"
#include "datapath/text_hash.h"
#include "lib/log.h"
#include "policyd/map_batch.h"
#include "policyd/shares.h"
#include "policyd/sync.h"
#include "policyd/sync_draft.h"

#define TRIES_AT_ONCE 256 /* open descriptors; each batch waits for RCU once, 10 ms */

int sync_fail(struct error *err, enum pins_map map, int rc)
{
    if (rc == -E2BIG || rc == -ENOSPC || rc == -ENOMEM)
        return error_set(err, -rc, "map %s is full (%s); what was in force stays. Use fewer or shorter profiles",
                         pins_map_name(map), strerror(-rc));
    return error_set(err, -rc, "map %s: %s; what was in force stays", pins_map_name(map), strerror(-rc));
}

static int write_rules(const struct sync_draft *draft, struct error *err)
{
    size_t count = draft->compiled->rules_count;
    struct map_batch map = {draft->sync->datapath->maps[MAP_RULES], sizeof(__u32), sizeof(struct rules)};
    __u32 *numbers = calloc(count + 1, sizeof(*numbers));
    struct rules *values = calloc(count + 1, sizeof(*values));
    int rc = numbers && values ? 0 : -ENOMEM;

    for (size_t i = 0; i < count && rc == 0; i++) {
        numbers[i] = draft->first + (__u32)i;
        values[i] = draft->compiled->rules[i].value;
        if (draft->compiled->rules[i].cidrs_count)
            values[i].flags |= RULES_CIDRS;
    }
    if (rc == 0)
        rc = map_batch_write(&map, numbers, values, count);
    free(numbers);
    free(values);
    return rc ? sync_fail(err, MAP_RULES, rc) : 0;
}

static int write_ports(const struct sync_draft *draft, struct error *err)
{
    struct map_batch map = {draft->sync->datapath->maps[MAP_PORTS], sizeof(struct port_key), sizeof(__u8)};

    for (size_t i = 0; i < draft->compiled->rules_count; i++) {
        const struct compiled_rules *rules = &draft->compiled->rules[i];
        struct port_key *keys = calloc(rules->ports_count + 1, sizeof(*keys));
        __u8 *values = malloc(rules->ports_count + 1);
        int rc = keys && values ? 0 : -ENOMEM;

        for (size_t j = 0; j < rules->ports_count && rc == 0; j++) {
            keys[j] = rules->ports[j];
            keys[j].rules = draft->first + (__u32)i;
            values[j] = 1;
        }
        if (rc == 0)
            rc = map_batch_write(&map, keys, values, rules->ports_count);
        free(keys);
        free(values);
        if (rc)
            return sync_fail(err, MAP_PORTS, rc);
    }
    return 0;
}

static int make_trie(const struct compiled_rules *rules)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
    int fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "nsp_cidr_trie", sizeof(struct cidr_key), sizeof(__u8),
                            (__u32)rules->cidrs_count, &options);

    return fd < 0 ? -errno : fd;
}

static int fill_trie(const struct compiled_rules *rules, int trie)
{
    struct map_batch map = {trie, sizeof(struct cidr_key), sizeof(__u8)};
    __u8 *values = malloc(rules->cidrs_count);
    int rc;

    if (!values)
        return -ENOMEM;
    memset(values, 1, rules->cidrs_count);
    rc = map_batch_write(&map, rules->cidrs, values, rules->cidrs_count);
    free(values);
    return rc;
}

/* Some tries, from their creation until they are in the outer map. */
struct tries {
    struct map_batch outer;
    size_t count;
    __u32 numbers[TRIES_AT_ONCE];
    __u32 fds[TRIES_AT_ONCE];
    const struct compiled_rules *rules[TRIES_AT_ONCE];
    int rc; /* of entering them */
};

static void *enter_tries(void *context)
{
    struct tries *tries = context;

    tries->rc = map_batch_write(&tries->outer, tries->numbers, tries->fds, tries->count);
    return NULL;
}

static int fill_tries(const struct tries *tries)
{
    int rc = 0;

    for (size_t i = 0; i < tries->count && rc == 0; i++)
        rc = fill_trie(tries->rules[i], (int)tries->fds[i]);
    return rc;
}

/* Entering waits for RCU; filling takes as long. Nobody looks into the tries yet, so that both go on at once. */
static int flush_tries(struct tries *tries)
{
    pthread_t thread;
    int rc;

    if (tries->count == 0)
        return 0;
    if (pthread_create(&thread, NULL, enter_tries, tries)) {
        rc = fill_tries(tries);
        enter_tries(tries);
    } else {
        rc = fill_tries(tries);
        pthread_join(thread, NULL);
    }
    while (tries->count)
        close((int)tries->fds[--tries->count]);
    return rc ? rc : tries->rc;
}

static int write_tries(const struct sync_draft *draft, struct error *err)
{
    struct tries tries = {.outer = {draft->sync->datapath->maps[MAP_CIDRS], sizeof(__u32), sizeof(__u32)}};
    int rc = 0, flushed;

    for (size_t i = 0; i < draft->compiled->rules_count && rc == 0; i++) {
        const struct compiled_rules *rules = &draft->compiled->rules[i];
        int fd = rules->cidrs_count ? make_trie(rules) : 0;

        if (rules->cidrs_count == 0)
            continue;
        if (fd < 0) {
            rc = fd;
            break;
        }
        tries.numbers[tries.count] = draft->first + (__u32)i;
        tries.rules[tries.count] = rules;
        tries.fds[tries.count++] = (__u32)fd;
        if (tries.count == TRIES_AT_ONCE)
            rc = flush_tries(&tries);
    }
    flushed = flush_tries(&tries);
    rc = rc ? rc : flushed;
    return rc ? sync_fail(err, MAP_CIDRS, rc) : 0;
}

static void make_block(const struct sync_draft *draft, const struct compiled_block *compiled, struct block_key *key,
                       struct block *block)
{
    key->revision = draft->revision;
    if (compiled->path)
        path_hash_text(compiled->path, draft->sync->datapath->control->path_key, key->path);
    else
        memset(key->path, compiled->special, sizeof(key->path));
    *block = compiled->value;
    for (__u32 i = 0; i < block->count; i++) {
        if (compiled->containers[i])
            block->parts[i].container =
                container_hash(compiled->containers[i], draft->sync->datapath->control->path_key);
    }
    for (__u32 i = 0; i < block->count; i++) {
        for (int direction = 0; direction < DIRECTIONS; direction++) {
            if (block->parts[i].rules[direction])
                block->parts[i].rules[direction] += draft->first - 1;
        }
    }
}

static int write_blocks(const struct sync_draft *draft, struct error *err)
{
    size_t count = draft->compiled->blocks_count;
    struct map_batch map = {draft->sync->datapath->maps[MAP_BLOCKS], sizeof(struct block_key), sizeof(struct block)};
    struct block_key *keys = calloc(count + 1, sizeof(*keys));
    struct block *blocks = calloc(count + 1, sizeof(*blocks));
    int rc = keys && blocks ? 0 : -ENOMEM;

    for (size_t i = 0; i < count && rc == 0; i++)
        make_block(draft, &draft->compiled->blocks[i], &keys[i], &blocks[i]);
    if (rc == 0)
        rc = map_batch_write(&map, keys, blocks, count);
    free(keys);
    free(blocks);
    return rc ? sync_fail(err, MAP_BLOCKS, rc) : 0;
}

static bool is_taken(const struct sync *sync, __u32 index)
{
    for (size_t i = 0; i < sync->retired_count; i++) {
        if (sync->retired[i].index == index)
            return true;
    }
    return sync_find_index(sync, index) != NULL;
}

static int find_index(const struct sync *sync, __u32 *index, struct error *err)
{
    for (__u32 i = 1; i < NSP_POLICIES_MAX; i++) {
        if (!is_taken(sync, i)) {
            *index = i;
            return 0;
        }
    }
    return error_set(err, ENOSPC, "all %d policies are in use; use fewer combinations of profiles",
                     NSP_POLICIES_MAX - 1);
}

static int write_note(const struct sync_draft *draft, __u32 index, const struct synced *policy, struct error *err)
{
    struct policy note = {
        .revision = draft->revision,
        .first_rules = draft->first,
        .rules_count = (__u32)draft->compiled->rules_count,
    };

    memcpy(note.name, policy->name, sizeof(note.name));
    memcpy(note.content, draft->compiled->content, sizeof(note.content));
    if (bpf_map_update_elem(draft->sync->datapath->maps[MAP_POLICIES], &index, &note, BPF_ANY))
        return sync_fail(err, MAP_POLICIES, -errno);
    return 0;
}

/* Another policy may have had this number: what it counted is not ours. */
static int clear_shares(const struct sync_draft *draft, __u32 index, struct error *err)
{
    struct map_batch map = {draft->sync->datapath->maps[MAP_SHARES], sizeof(__u32), sizeof(struct share)};
    struct share none[NSP_PARTS_MAX] = {0};
    __u32 numbers[NSP_PARTS_MAX];
    int rc;

    for (__u32 i = 0; i < NSP_PARTS_MAX; i++)
        numbers[i] = index * NSP_PARTS_MAX + i;
    rc = map_batch_write(&map, numbers, none, NSP_PARTS_MAX);
    return rc ? sync_fail(err, MAP_SHARES, rc) : 0;
}

static int write_draft(const struct sync_draft *draft, __u32 index, const struct synced *policy, struct error *err)
{
    if (write_rules(draft, err) || write_ports(draft, err) || sync_write_texts(draft, err) || write_tries(draft, err) ||
        write_blocks(draft, err))
        return -err->code;
    if (!policy->index && clear_shares(draft, index, err))
        return -err->code;
    return write_note(draft, index, policy, err);
}

static void publish(struct sync *sync, struct synced *policy, const struct sync_draft *draft, __u32 index)
{
    __atomic_store_n(&sync->datapath->revisions[index], draft->revision, __ATOMIC_SEQ_CST);
    policy->index = index;
    policy->previous = policy->revision;
    policy->revision = draft->revision;
    policy->first_rules = draft->first;
    policy->rules_count = (__u32)draft->compiled->rules_count;
    policy->first_glob = draft->first_glob;
    policy->globs_count = (__u32)draft->compiled->globs_count;
    memcpy(policy->content, draft->compiled->content, sizeof(policy->content));
    sync->revisions_written++;
}

static void undo(struct sync *sync, const struct sync_draft *draft)
{
    int rc = sync_clear_rules(sync, draft->first, (__u32)draft->compiled->rules_count);

    ranges_release(&sync->ranges, draft->first, (__u32)draft->compiled->rules_count);
    ranges_release(&sync->globs, draft->first_glob, (__u32)draft->compiled->globs_count);
    rc = rc ? rc : sync_sweep(sync);
    if (rc)
        log_warning("revision=%llu what was written of it was not deleted: %s", (unsigned long long)draft->revision,
                    strerror(-rc));
}

/* Numbers for what will be written. */
static int take_room(struct sync *sync, struct sync_draft *draft, struct error *err)
{
    __u32 rules = (__u32)draft->compiled->rules_count, globs = (__u32)draft->compiled->globs_count;

    if (ranges_take(&sync->ranges, rules, &draft->first))
        return error_set(err, ENOSPC, "no room for %u rule sets in nsp_rules (%d in all); what was in force stays",
                         rules, NSP_RULES_MAX - 1);
    if (ranges_take(&sync->globs, globs, &draft->first_glob) == 0)
        return 0;
    ranges_release(&sync->ranges, draft->first, rules);
    return error_set(err, ENOSPC,
                     "no room for %u patterns with a \"*\" inside a label in nsp_globs (%d in all); what was in force "
                     "stays. Use \"*.x\" or \"**.x\"",
                     globs, NSP_GLOBS_MAX - 1);
}

int sync_write(struct sync *sync, struct synced *policy, const struct compiled *compiled, struct error *err)
{
    struct sync_draft draft = {.sync = sync, .compiled = compiled, .revision = sync->last_revision + 1};
    struct retired old = {.revision = policy->revision,
                          .first_rules = policy->first_rules,
                          .rules_count = policy->rules_count,
                          .first_glob = policy->first_glob,
                          .globs_count = policy->globs_count};
    __u32 index = policy->index;

    if (index && memcmp(policy->content, compiled->content, sizeof(policy->content)) == 0)
        return 0;
    if (index == 0 && find_index(sync, &index, err))
        return -err->code;
    if (take_room(sync, &draft, err))
        return -err->code;
    /* The number is spent even if this fails: an old block under it must never meet a new policy. */
    sync->last_revision = draft.revision;
    if (write_draft(&draft, index, policy, err)) {
        undo(sync, &draft);
        return -err->code;
    }
    if (policy->index && sync_retire(sync, old))
        log_warning("revision=%llu stays in the maps: out of memory", (unsigned long long)old.revision);
    if (policy->index == 0 && shares_clear(sync->datapath, index))
        log_warning("policy=%u counts what somebody else did before: %s", index, strerror(errno));
    publish(sync, policy, &draft, index);
    return 0;
}
