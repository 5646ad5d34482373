/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling: see compile.h. A RULES object becomes at most one rule set, and equal ones share theirs. What the kernel
 * looks up is laid out so that it need not think: port ranges as prefixes, addresses without duplicates.
 */
#include "policyd/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sha256.h"

enum { MAPPED_BITS = 96 }; /* IPv4 lives in ::ffff:0:0/96 */
static const __u8 mapped[16] = {[10] = 0xff, [11] = 0xff};

static int out_of_memory(struct error *err)
{
    return error_set(err, ENOMEM, "out of memory");
}

/* --- ports -------------------------------------------------------------------------------------------------------- */

size_t compile_port_prefixes(const struct port_range *range, struct port_key out[30])
{
    __u32 port = range->first, end = range->last + 1u;
    size_t count = 0;

    while (port < end) {
        __u8 length = 16;

        /* Double the prefix for as long as it starts on its boundary and ends within the range. */
        while (length > 0 && (port & ((2u << (16 - length)) - 1)) == 0 && port + (2u << (16 - length)) <= end)
            length--;
        out[count++] = (struct port_key){.port = (__u16)port, .length = length, .protocol = range->protocol};
        port += 1u << (16 - length);
    }
    return count;
}

static int compare_ports(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct port_key));
}

static int compile_ports(const struct rules_spec *spec, struct compiled_rules *rules)
{
    size_t kept = 0;

    if (spec->ports_count == 0)
        return 0;
    rules->ports = calloc(spec->ports_count * 30, sizeof(*rules->ports));
    if (!rules->ports)
        return -ENOMEM;
    for (size_t i = 0; i < spec->ports_count; i++) {
        rules->ports_count += compile_port_prefixes(&spec->ports[i], rules->ports + rules->ports_count);
        rules->value.ported[spec->ports[i].protocol / 64] |= 1ULL << (spec->ports[i].protocol % 64);
    }

    qsort(rules->ports, rules->ports_count, sizeof(*rules->ports), compare_ports);
    for (size_t i = 0; i < rules->ports_count; i++) {
        if (kept == 0 || compare_ports(&rules->ports[kept - 1], &rules->ports[i]) != 0)
            rules->ports[kept++] = rules->ports[i];
        rules->value.port_lengths |= 1u << rules->ports[i].length;
    }
    rules->ports_count = kept;
    return 0;
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

/* By address, then the wider one first: whoever covers a prefix stands before it. */
static int compare_cidrs(const void *a, const void *b)
{
    const struct cidr_key *left = a, *right = b;
    int order = memcmp(left->address, right->address, sizeof(left->address));

    return order ? order : (int)left->prefix_length - (int)right->prefix_length;
}

static bool covers(const struct cidr_key *wide, const struct cidr_key *narrow)
{
    struct cidr cidr = {.length = (__u8)wide->prefix_length};

    memcpy(cidr.address, wide->address, sizeof(cidr.address));
    cidr.is_ipv4 = memcmp(wide->address, mapped, MAPPED_BITS / 8) == 0 && wide->prefix_length >= MAPPED_BITS;
    return wide->prefix_length <= narrow->prefix_length && cidr_contains(&cidr, narrow->address);
}

/* Whether an IPv6 prefix has the addresses within it that stand for IPv4 in the kernel's maps. */
static bool straddles(const struct cidr *cidr)
{
    struct cidr anything = *cidr;

    anything.is_ipv4 = true; /* compare bits alone */
    return !cidr->is_ipv4 && cidr_contains(&anything, mapped);
}

/* What remains of a prefix of ::ffff:0:0/96 that is `length` bits long without that /96 itself: its siblings. */
static size_t add_remainder(struct cidr_key *out, __u32 length)
{
    size_t count = 0;

    for (__u32 bit = length; bit < MAPPED_BITS; bit++) {
        struct cidr_key *key = &out[count++];

        key->prefix_length = bit + 1;
        for (__u32 i = 0; i <= bit; i++) {
            __u8 mask = (__u8)(0x80 >> (i % 8));

            key->address[i / 8] |= (mapped[i / 8] & mask) ^ (i == bit ? mask : 0);
        }
    }
    return count;
}

/* Every prefix that does not stand for a flag, unsorted; those that straddle are joined and cut. */
static size_t collect_cidrs(const struct rules_spec *spec, __u32 flags, struct cidr_key *out)
{
    __u32 widest = MAPPED_BITS;
    size_t count = 0;

    for (size_t i = 0; i < spec->cidrs_count; i++) {
        const struct cidr *cidr = &spec->cidrs[i];

        if (flags & (cidr->is_ipv4 ? RULES_ANY4 : RULES_ANY6))
            continue;
        if (straddles(cidr)) {
            widest = cidr->length < widest ? cidr->length : widest;
            continue;
        }
        out[count].prefix_length = cidr->length;
        memcpy(out[count++].address, cidr->address, sizeof(cidr->address));
    }
    return count + add_remainder(out + count, widest);
}

static int compile_cidrs(const struct rules_spec *spec, struct compiled_rules *rules)
{
    size_t count, kept = 0;

    for (size_t i = 0; i < spec->cidrs_count; i++) {
        const struct cidr *cidr = &spec->cidrs[i];

        if (cidr->is_ipv4 ? cidr->length == MAPPED_BITS : cidr->length == 0)
            rules->value.flags |= cidr->is_ipv4 ? RULES_ANY4 : RULES_ANY6;
    }
    rules->cidrs = calloc(spec->cidrs_count + MAPPED_BITS, sizeof(*rules->cidrs));
    if (!rules->cidrs)
        return -ENOMEM;

    count = collect_cidrs(spec, rules->value.flags, rules->cidrs);
    qsort(rules->cidrs, count, sizeof(*rules->cidrs), compare_cidrs);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !covers(&rules->cidrs[kept - 1], &rules->cidrs[i]))
            rules->cidrs[kept++] = rules->cidrs[i];
    }
    rules->cidrs_count = kept;
    if (kept > 0)
        rules->value.flags |= RULES_CIDRS;
    return 0;
}

/* --- rule sets ---------------------------------------------------------------------------------------------------- */

static void free_rules(struct compiled_rules *rules)
{
    free(rules->ports);
    free(rules->cidrs);
    *rules = (struct compiled_rules){0};
}

static int compile_rules(const struct rules_spec *spec, struct compiled_rules *rules)
{
    *rules = (struct compiled_rules){.value = {.flags = RULES_PRESENT, .l3 = spec->l3}};
    memcpy(rules->value.protocols, spec->protocols, sizeof(rules->value.protocols));
    if (spec->has_l7 && !spec->l7_any)
        rules->value.flags |= RULES_L7 | RULES_INSPECT;
    if (compile_ports(spec, rules) == 0 && compile_cidrs(spec, rules) == 0)
        return 0;
    free_rules(rules);
    return -ENOMEM;
}

static bool is_equal(const struct compiled_rules *a, const struct compiled_rules *b)
{
    return a->ports_count == b->ports_count && a->cidrs_count == b->cidrs_count &&
           memcmp(&a->value, &b->value, sizeof(a->value)) == 0 &&
           (a->ports_count == 0 || memcmp(a->ports, b->ports, a->ports_count * sizeof(*a->ports)) == 0) &&
           (a->cidrs_count == 0 || memcmp(a->cidrs, b->cidrs, a->cidrs_count * sizeof(*a->cidrs)) == 0);
}

/* *index: 1 + the place of the rule set among all, or 0 without one. */
static int add_rules(struct compiled *compiled, const struct rules_spec *spec, __u32 *index)
{
    struct compiled_rules rules, *grown;

    *index = 0;
    if (!spec->present)
        return 0;
    if (compile_rules(spec, &rules) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < compiled->rules_count; i++) {
        if (is_equal(&compiled->rules[i], &rules)) {
            free_rules(&rules);
            *index = (__u32)i + 1;
            return 0;
        }
    }

    grown = reallocarray(compiled->rules, compiled->rules_count + 1, sizeof(*grown));
    if (!grown) {
        free_rules(&rules);
        return -ENOMEM;
    }
    compiled->rules = grown;
    compiled->rules[compiled->rules_count++] = rules;
    *index = (__u32)compiled->rules_count;
    return 0;
}

/* --- blocks ------------------------------------------------------------------------------------------------------- */

static const struct process_spec *find_process(const struct profile *profile, const char *path)
{
    for (size_t i = 0; path && i < profile->processes_count; i++) {
        if (!profile->processes[i].container && strcmp(profile->processes[i].path, path) == 0)
            return &profile->processes[i];
    }
    return NULL;
}

/* The share of one profile in a block. `default` without a direction is not the same as no `default`: it allows nothing
 * at all, not even the ARP and ND of the pod's own addresses; hence a rule set that is there and empty. */
static int fill_part(struct compiled *compiled, const struct compiled_block *block, const struct profile *profile,
                     struct part *part)
{
    static const struct rules_spec empty = {.present = true};
    const struct process_spec *process = find_process(profile, block->path);
    bool is_default = !block->path && block->special == BLOCK_DEFAULT && profile->has_default;

    part->action = (__u8)(process ? process->action : profile->action);
    part->process = process ? (__u16)(process - profile->processes) : 0xffff;
    for (int d = 0; d < DIRECTIONS; d++) {
        const struct rules_spec *spec = NULL;

        if (process)
            spec = &process->rules[d];
        else if (is_default)
            spec = profile->default_[d].present ? &profile->default_[d] : &empty;
        if (spec && add_rules(compiled, spec, &part->rules[d]) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int add_block(struct compiled *compiled, const struct profile *const *profiles, size_t count,
                     const struct compiled_block *like)
{
    struct compiled_block *block = &compiled->blocks[compiled->blocks_count++];

    *block = *like;
    block->value.count = (__u32)count;
    for (size_t i = 0; i < count; i++) {
        block->value.parts[i].profile = (__u8)i;
        if (fill_part(compiled, block, profiles[i], &block->value.parts[i]) < 0)
            return -ENOMEM;
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

static int add_blocks(struct compiled *compiled, const struct profile *const *profiles, size_t count)
{
    size_t most = 2;

    for (size_t i = 0; i < count; i++)
        most += profiles[i]->processes_count;
    compiled->blocks = calloc(most, sizeof(*compiled->blocks));
    if (!compiled->blocks)
        return -ENOMEM;
    if (add_block(compiled, profiles, count, &(struct compiled_block){.special = BLOCK_UNLISTED}) < 0 ||
        add_block(compiled, profiles, count, &(struct compiled_block){.special = BLOCK_DEFAULT}) < 0)
        return -ENOMEM;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < profiles[i]->processes_count; j++) {
            const struct process_spec *process = &profiles[i]->processes[j];

            if (process->container || has_block(compiled, process->path))
                continue;
            if (add_block(compiled, profiles, count, &(struct compiled_block){.path = process->path}) < 0)
                return -ENOMEM;
        }
    }
    return 0;
}

/* --- digests ------------------------------------------------------------------------------------------------------ */

/* With its length before it, so that two texts cannot be read as two others. */
static void hash_bytes(struct sha256 *hash, const void *data, size_t size)
{
    uint64_t length = size;

    sha256_add(hash, &length, sizeof(length));
    if (size > 0)
        sha256_add(hash, data, size);
}

static void digest_names(struct compiled *compiled, const struct profile *const *profiles, size_t count)
{
    struct sha256 hash;

    sha256_start(&hash);
    for (size_t i = 0; i < count; i++) {
        hash_bytes(&hash, profiles[i]->namespace_, strlen(profiles[i]->namespace_));
        hash_bytes(&hash, profiles[i]->name, strlen(profiles[i]->name));
    }
    sha256_end(&hash, compiled->name);
}

static void digest_content(struct compiled *compiled)
{
    struct sha256 hash;

    sha256_start(&hash);
    hash_bytes(&hash, compiled->name, sizeof(compiled->name));
    for (size_t i = 0; i < compiled->rules_count; i++) {
        const struct compiled_rules *rules = &compiled->rules[i];

        hash_bytes(&hash, &rules->value, sizeof(rules->value));
        hash_bytes(&hash, rules->ports, rules->ports_count * sizeof(*rules->ports));
        hash_bytes(&hash, rules->cidrs, rules->cidrs_count * sizeof(*rules->cidrs));
    }
    for (size_t i = 0; i < compiled->blocks_count; i++) {
        const struct compiled_block *block = &compiled->blocks[i];

        hash_bytes(&hash, block->path, block->path ? strlen(block->path) : 0);
        hash_bytes(&hash, &block->special, sizeof(block->special));
        hash_bytes(&hash, &block->value, sizeof(block->value));
    }
    sha256_end(&hash, compiled->content);
}

int compile_policy(const struct profile *const *profiles, size_t count, struct compiled *compiled, struct error *err)
{
    struct compiled made = {0};

    if (count < 1 || count > NSP_PARTS_MAX)
        return error_set(err, E2BIG, "%zu profiles select one pod; at most %d can: join some of them", count,
                         NSP_PARTS_MAX);
    if (add_blocks(&made, profiles, count) < 0) {
        compiled_free(&made);
        return out_of_memory(err);
    }
    digest_names(&made, profiles, count);
    digest_content(&made);
    *compiled = made;
    return 0;
}

void compiled_free(struct compiled *compiled)
{
    for (size_t i = 0; i < compiled->rules_count; i++)
        free_rules(&compiled->rules[i]);
    free(compiled->rules);
    free(compiled->blocks);
    *compiled = (struct compiled){0};
}
