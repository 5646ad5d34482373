/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling: see compile.h. A RULES object becomes at most one rule set, and equal ones share theirs; what is in one is
 * compile_rules.c. Here: which part of which block has which.
 */
#include "policyd/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sha256.h"
#include "policyd/compile_rules.h"

/* --- rule sets ---------------------------------------------------------------------------------------------------- */

/* What one part has of its profile in one direction. */
struct source {
    const struct rules_spec *spec; /* NULL: nothing */
    bool is_pod_scope;
};

/* *index: 1 + the place of the rule set among all, or 0 without one. */
static int add_rules(struct compiled *compiled, const struct source *source, __u32 *index)
{
    struct compiled_rules rules, *grown;

    *index = 0;
    if (!source->spec || !source->spec->present)
        return 0;
    if (compile_rules(source->spec, source->is_pod_scope, &rules) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < compiled->rules_count; i++) {
        if (memcmp(compiled->rules[i].digest, rules.digest, sizeof(rules.digest)) == 0) {
            compile_rules_free(&rules);
            *index = (__u32)i + 1;
            return 0;
        }
    }

    grown = reallocarray(compiled->rules, compiled->rules_count + 1, sizeof(*grown));
    if (!grown) {
        compile_rules_free(&rules);
        return -ENOMEM;
    }
    compiled->rules = grown;
    compiled->rules[compiled->rules_count++] = rules;
    compiled->globs_count += rules.globs_count;
    *index = (__u32)compiled->rules_count;
    return 0;
}

/* --- blocks ------------------------------------------------------------------------------------------------------- */

/* What is being made, and of what. */
struct making {
    struct compiled *compiled;
    const struct profile *const *profiles;
    size_t count;
    struct error *err;
};

static int out_of_memory(const struct making *making)
{
    return error_set(making->err, ENOMEM, "out of memory");
}

/* `default` without a direction is not the same as no `default`: it allows nothing at all, not even the ARP and ND of
 * the pod's own addresses; hence a rule set that is there and empty. */
static struct source source_of(const struct compiled_block *block, const struct profile *profile,
                               const struct process_spec *process, int direction)
{
    static const struct rules_spec empty = {.present = true};

    if (process)
        return (struct source){&process->rules[direction], direction == EGRESS && profile->is_pod_scope};
    if (block->path || block->special != BLOCK_DEFAULT || !profile->has_default)
        return (struct source){NULL, false};
    return (struct source){profile->default_[direction].present ? &profile->default_[direction] : &empty, false};
}

static __u32 flags_of(const struct compiled *compiled, const struct part *part)
{
    __u32 egress = part->rules[EGRESS] ? compiled->rules[part->rules[EGRESS] - 1].value.flags : 0;
    __u32 flags = 0;

    if (egress & (RULES_FQDNS | RULES_POD_NAMES) || part->flags & (PART_TRACE_DNS | PART_LEARN))
        flags |= BLOCK_READS_DNS;
    if (part->flags & PART_TRACE_DNS)
        flags |= BLOCK_TRACES;
    if (part->flags & PART_LEARN)
        flags |= BLOCK_LEARNS;
    if (part->attacks)
        flags |= BLOCK_ATTACKS;
    return flags;
}

/* process: NULL where the profile does not list the block's path. */
static int add_part(const struct making *making, struct compiled_block *block, size_t index,
                    const struct process_spec *process)
{
    const struct profile *profile = making->profiles[index];
    struct part part = {
        .profile = (__u8)index,
        .process = process ? (__u16)(process - profile->processes) : 0xffff,
        .action = (__u8)(process ? process->action : profile->action),
        .flags = process ? process->flags : profile->flags,
        .attacks = profile->attacks,
    };

    if (block->value.count == NSP_PARTS_MAX)
        return error_set(
            making->err, E2BIG,
            "\"%.120s\": the profiles that select one pod list it for more than %d combinations of profile "
            "and container; use fewer containers or profiles",
            block->path, NSP_PARTS_MAX);
    if (process && process->is_image_only)
        part.flags |= PART_IMAGE_ONLY;
    for (int d = 0; d < DIRECTIONS; d++) {
        struct source source = source_of(block, profile, process, d);

        if (add_rules(making->compiled, &source, &part.rules[d]) < 0)
            return out_of_memory(making);
    }
    block->value.flags |= flags_of(making->compiled, &part);
    block->containers[block->value.count] = process ? process->container : NULL;
    block->value.parts[block->value.count++] = part;
    making->compiled->has_containers |= process && process->container;
    return 0;
}

/* Parts with a container first, then the one for all; without that one the profile lists the path for those alone. */
static int add_parts(const struct making *making, struct compiled_block *block, size_t index)
{
    const struct profile *profile = making->profiles[index];
    const struct process_spec *for_all = NULL;
    bool is_listed = false;

    for (size_t i = 0; block->path && i < profile->processes_count; i++) {
        const struct process_spec *process = &profile->processes[i];

        if (strcmp(process->path, block->path) != 0)
            continue;
        is_listed = true;
        if (!process->container)
            for_all = process;
        else if (add_part(making, block, index, process) < 0)
            return -making->err->code;
    }
    return is_listed && !for_all ? 0 : add_part(making, block, index, for_all);
}

static int add_block(const struct making *making, const struct compiled_block *like)
{
    struct compiled_block *block = &making->compiled->blocks[making->compiled->blocks_count++];

    *block = *like;
    for (size_t i = 0; i < making->count; i++) {
        if (add_parts(making, block, i) < 0)
            return -making->err->code;
    }
    return 0;
}

static bool has_block(const struct compiled *compiled, const char *path)
{
    for (size_t i = 0; i < compiled->blocks_count; i++) {
        if (compiled->blocks[i].path && strcmp(compiled->blocks[i].path, path) == 0)
            return true;
    }
    return false;
}

static int add_listed(const struct making *making, const struct profile *profile)
{
    for (size_t i = 0; i < profile->processes_count; i++) {
        const char *path = profile->processes[i].path;

        if (!has_block(making->compiled, path) && add_block(making, &(struct compiled_block){.path = path}) < 0)
            return -making->err->code;
    }
    return 0;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All names that the processes of a profile may reach, once each; the texts are borrowed. NULL: out of memory. */
static char **collect_names(const struct profile *profile, size_t *count)
{
    size_t total = 0, kept = 0;
    char **names;

    for (size_t i = 0; i < profile->processes_count; i++)
        total += profile->processes[i].rules[EGRESS].fqdns.count;
    names = calloc(total + 1, sizeof(*names));
    if (!names)
        return NULL;
    *count = 0;
    for (size_t i = 0; i < profile->processes_count; i++) {
        const struct names_spec *fqdns = &profile->processes[i].rules[EGRESS].fqdns;

        if (fqdns->count > 0)
            memcpy(names + *count, fqdns->items, fqdns->count * sizeof(*names));
        *count += fqdns->count;
    }
    qsort(names, *count, sizeof(*names), compare_texts);
    for (size_t i = 0; i < *count; i++) {
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
            names[kept++] = names[i];
    }
    *count = kept;
    return names;
}

static int add_shared_part(const struct making *making, struct compiled_block *block, size_t index)
{
    const struct profile *profile = making->profiles[index];
    struct part part = {.profile = (__u8)index, .process = 0xffff, .action = (__u8)profile->action};
    struct rules_spec spec = {.present = true};
    struct source source = {&spec, true};
    int rc;

    spec.fqdns.items = collect_names(profile, &spec.fqdns.count);
    if (!spec.fqdns.items)
        return out_of_memory(making);
    rc = add_rules(making->compiled, &source, &part.rules[EGRESS]);
    free(spec.fqdns.items);
    if (rc < 0)
        return out_of_memory(making);
    block->value.parts[block->value.count++] = part;
    return 0;
}

/* What nameScope: pod shares: which names are learnt for all, whoever of the pod asks. It judges nothing. */
static int add_shared(const struct making *making)
{
    struct compiled_block *block = &making->compiled->blocks[making->compiled->blocks_count];

    *block = (struct compiled_block){.special = LEARNT_BY_POD};
    for (size_t i = 0; i < making->count; i++) {
        if (making->profiles[i]->is_pod_scope && add_shared_part(making, block, i) < 0)
            return -making->err->code;
    }
    making->compiled->blocks_count += block->value.count > 0;
    return 0;
}

static int add_blocks(const struct making *making)
{
    size_t most = 3;

    for (size_t i = 0; i < making->count; i++)
        most += making->profiles[i]->processes_count;
    making->compiled->blocks = calloc(most, sizeof(*making->compiled->blocks));
    if (!making->compiled->blocks)
        return out_of_memory(making);
    if (add_block(making, &(struct compiled_block){.special = BLOCK_UNLISTED}) < 0 ||
        add_block(making, &(struct compiled_block){.special = BLOCK_DEFAULT}) < 0)
        return -making->err->code;
    for (size_t i = 0; i < making->count; i++) {
        if (add_listed(making, making->profiles[i]) < 0)
            return -making->err->code;
    }
    return add_shared(making);
}

/* --- digests ------------------------------------------------------------------------------------------------------ */

static void digest_names(struct compiled *compiled, const struct profile *const *profiles, size_t count)
{
    struct sha256 hash;

    sha256_start(&hash);
    for (size_t i = 0; i < count; i++) {
        compile_hash_text(&hash, profiles[i]->namespace_);
        compile_hash_text(&hash, profiles[i]->name);
    }
    sha256_end(&hash, compiled->name);
}

static void digest_content(struct compiled *compiled)
{
    struct sha256 hash;

    sha256_start(&hash);
    compile_hash(&hash, compiled->name, sizeof(compiled->name));
    for (size_t i = 0; i < compiled->rules_count; i++)
        compile_hash(&hash, compiled->rules[i].digest, sizeof(compiled->rules[i].digest));
    for (size_t i = 0; i < compiled->blocks_count; i++) {
        const struct compiled_block *block = &compiled->blocks[i];

        compile_hash_text(&hash, block->path);
        compile_hash(&hash, &block->special, sizeof(block->special));
        compile_hash(&hash, &block->value, sizeof(block->value));
        for (__u32 j = 0; j < block->value.count; j++)
            compile_hash_text(&hash, block->containers[j]);
    }
    sha256_end(&hash, compiled->content);
}

int compile_policy(const struct profile *const *profiles, size_t count, struct compiled *compiled, struct error *err)
{
    struct error unread = {0};
    struct compiled made = {0};
    struct making making = {&made, profiles, count, err ? err : &unread};

    if (count < 1 || count > NSP_PARTS_MAX)
        return error_set(err, E2BIG, "%zu profiles select one pod; at most %d can: join some of them", count,
                         NSP_PARTS_MAX);
    if (add_blocks(&making) < 0) {
        compiled_free(&made);
        return -making.err->code;
    }
    digest_names(&made, profiles, count);
    digest_content(&made);
    *compiled = made;
    return 0;
}

void compiled_free(struct compiled *compiled)
{
    for (size_t i = 0; i < compiled->rules_count; i++)
        compile_rules_free(&compiled->rules[i]);
    free(compiled->rules);
    free(compiled->blocks);
    *compiled = (struct compiled){0};
}
