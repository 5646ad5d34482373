/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One rule set: see compile_rules.h. What the kernel looks up is laid out so that it need not think: port ranges as
 * prefixes, addresses without duplicates, names by their kind.
 */
#include "policyd/compile_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sha256.h"

enum { MAPPED_BITS = 96 }; /* IPv4 lives in ::ffff:0:0/96 */
static const __u8 mapped[16] = {[10] = 0xff, [11] = 0xff};

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

/* --- what a flow carries -------------------------------------------------------------------------------------------
 */

/* Whether some flow that the other layers allow may still be refused for what it carries. */
static bool must_inspect(const struct rules_spec *spec)
{
    bool judges_servers = spec->l7 & RULES_L7_HTTPS && spec->fqdns.count > 0;

    if (!(spec->l7 & RULES_L7))
        return false;
    return !(spec->l7 & RULES_L7_ANY) || spec->l7 & (RULES_DNS_LIST | RULES_HTTP_LIST) || judges_servers;
}

/* --- digest ---------------------------------------------------------------------------------------------------------
 */

void compile_hash(struct sha256 *hash, const void *data, size_t size)
{
    uint64_t length = size;

    sha256_add(hash, &length, sizeof(length));
    if (size > 0)
        sha256_add(hash, data, size);
}

void compile_hash_text(struct sha256 *hash, const char *text)
{
    bool is_there = text != NULL;

    compile_hash(hash, &is_there, sizeof(is_there));
    compile_hash(hash, text, text ? strlen(text) : 0);
}

static void digest_rules(struct compiled_rules *rules)
{
    struct sha256 hash;

    sha256_start(&hash);
    compile_hash(&hash, &rules->value, sizeof(rules->value));
    compile_hash(&hash, rules->ports, rules->ports_count * sizeof(*rules->ports));
    compile_hash(&hash, rules->cidrs, rules->cidrs_count * sizeof(*rules->cidrs));
    for (size_t i = 0; i < rules->texts_count; i++) {
        const struct compiled_text *text = &rules->texts[i];

        compile_hash(&hash, &text->list, sizeof(text->list));
        compile_hash(&hash, &text->kind, sizeof(text->kind));
        compile_hash(&hash, &text->globs_count, sizeof(text->globs_count));
        compile_hash_text(&hash, text->method);
        compile_hash_text(&hash, text->text);
    }
    compile_hash(&hash, rules->globs, rules->globs_count * sizeof(*rules->globs));
    sha256_end(&hash, rules->digest);
}

/* --------------------------------------------------------------------------------------------------------------------
 */

void compile_rules_free(struct compiled_rules *rules)
{
    free(rules->ports);
    free(rules->cidrs);
    free(rules->texts);
    free(rules->globs);
    *rules = (struct compiled_rules){0};
}

int compile_rules(const struct rules_spec *spec, bool is_pod_scope, struct compiled_rules *rules)
{
    *rules = (struct compiled_rules){.value = {.flags = RULES_PRESENT | spec->l7, .l3 = spec->l3}};
    memcpy(rules->value.protocols, spec->protocols, sizeof(rules->value.protocols));
    if (must_inspect(spec))
        rules->value.flags |= RULES_INSPECT;
    if (is_pod_scope)
        rules->value.flags |= RULES_POD_NAMES;
    if (compile_ports(spec, rules) || compile_cidrs(spec, rules) || compile_texts(spec, rules)) {
        compile_rules_free(rules);
        return -ENOMEM;
    }
    digest_rules(rules);
    return 0;
}
