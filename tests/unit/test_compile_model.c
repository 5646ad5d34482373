/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random profiles and flows: what a profile says, read naively from its structure, against what the compiled maps say,
 * read as the kernel does (longest prefix on raw bytes, ports by prefix, layers in its order). Seeded, so that a
 * failure can be had again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policyd/compile.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum { POLICIES = 25000, FLOWS = 4, PROFILES_MAX = 3, PROCESSES_MAX = 3, LIST_MAX = 4 };

struct tuple {
    const char *path;      /* NULL: no process owns it */
    const char *container; /* NULL: it is not known */
    int direction;
    __u32 l3; /* one of enum l3_bits */
    __u8 remote[16];
    __u8 protocol;
    __u16 port;
};

/* A profile with room for its lists, so that nothing need be freed. */
struct draft {
    struct profile profile;
    struct process_spec processes[PROCESSES_MAX];
    struct cidr cidrs[PROCESSES_MAX + 1][DIRECTIONS][LIST_MAX];
    struct port_range ports[PROCESSES_MAX + 1][DIRECTIONS][LIST_MAX];
};

static char path_a[] = "/a", path_b[] = "/b", path_c[] = "/c", path_d[] = "/d", default_namespace[] = "d";
static char *const paths[] = {path_a, path_b, path_c, path_d};
static char container_c[] = "c", container_d[] = "d", container_e[] = "e";
static char *const containers[] = {NULL, container_c, container_d, container_e};
static char profile_names[PROFILES_MAX][2] = {"x", "y", "z"};
static const __u8 protocols[] = {1, 6, 17, 58, 132, 255};
static const __u16 ports[] = {1, 2, 52, 53, 54, 80, 8000, 8099, 8100, 32767, 32768, 65534, 65535};

static unsigned seed = 20240611;

static unsigned below(unsigned limit)
{
    return (unsigned)rand_r(&seed) % limit;
}

/* --- drafting ----------------------------------------------------------------------------------------------------- */

/* Few different bytes, so that prefixes and addresses meet, and both families often. */
static void draft_address(__u8 address[16])
{
    static const __u8 bytes[] = {0, 0, 0, 1, 0x80, 0xfd, 0xff};

    memset(address, 0, 16);
    if (below(2)) {
        address[10] = address[11] = 0xff;
        for (int i = 12; i < 16; i++)
            address[i] = bytes[below(sizeof(bytes))];
        return;
    }
    for (int i = 0; i < 16; i += 1 + (int)below(3))
        address[i] = bytes[below(sizeof(bytes))];
    if (address[10] == 0xff && address[11] == 0xff)
        address[0] = 0xfd; /* not IPv4 after all */
}

static void draft_cidr(struct cidr *cidr)
{
    __u8 address[16];
    char text[CIDR_TEXT_SIZE];
    struct cidr whole = {.length = 128};

    draft_address(address);
    memcpy(whole.address, address, 16);
    cidr_format(&whole, text);

    char *slash = strchr(text, '/');
    bool is_ipv4 = !strchr(text, ':');
    unsigned length = below(3) == 0 ? 0 : below(is_ipv4 ? 33 : 129);

    *slash = '\0';
    snprintf(slash, sizeof(text) - (size_t)(slash - text), "/%u", length);
    assert_int_equal(cidr_parse(text, is_ipv4, cidr, NULL, NULL), 0);
}

static void draft_rules(struct rules_spec *rules, struct cidr *cidrs, struct port_range *ranges)
{
    *rules = (struct rules_spec){.present = below(8) != 0, .cidrs = cidrs, .ports = ranges};
    if (!rules->present)
        return;
    rules->l3 = below(2) ? below(8) : L3_IPV4 | L3_IPV6;
    for (unsigned i = below(3); i > 0; i--) {
        __u8 protocol = protocols[below(sizeof(protocols))];

        rules->protocols[protocol / 64] |= 1ULL << (protocol % 64);
    }
    for (size_t i = below(LIST_MAX + 1); i > 0; i--)
        draft_cidr(&cidrs[rules->cidrs_count++]);
    for (size_t i = below(LIST_MAX + 1); i > 0; i--) {
        __u16 a = ports[below(COUNT(ports))], b = ports[below(COUNT(ports))];

        ranges[rules->ports_count++] = (struct port_range){protocols[1 + below(2)], a < b ? a : b, a < b ? b : a};
    }
    rules->l7 = below(2) ? RULES_L7 | (below(2) ? RULES_L7_ANY : 0) : 0;
}

/* Often the same path as another, but then for another container. */
static void draft_identity(struct process_spec *processes, size_t index)
{
    bool is_taken = true;

    while (is_taken) {
        processes[index] =
            (struct process_spec){.path = paths[below(3)], .container = containers[below(3)], .action = (int)below(3)};
        is_taken = false;
        for (size_t i = 0; i < index; i++)
            is_taken |=
                processes[i].path == processes[index].path && processes[i].container == processes[index].container;
    }
}

static void draft_profile(struct draft *draft, size_t number)
{
    struct profile *profile = &draft->profile;

    *profile = (struct profile){.namespace_ = default_namespace,
                                .name = profile_names[number],
                                .action = (int)below(3),
                                .has_default = below(2),
                                .processes = draft->processes,
                                .processes_count = below(PROCESSES_MAX + 1)};
    for (size_t i = 0; i < profile->processes_count; i++) {
        draft_identity(draft->processes, i);
        for (int d = 0; d < DIRECTIONS; d++)
            draft_rules(&draft->processes[i].rules[d], draft->cidrs[i][d], draft->ports[i][d]);
    }
    for (int d = 0; profile->has_default && d < DIRECTIONS; d++)
        draft_rules(&profile->default_[d], draft->cidrs[PROCESSES_MAX][d], draft->ports[PROCESSES_MAX][d]);
}

static void draft_tuple(struct tuple *tuple)
{
    static const __u8 mapped[12] = {[10] = 0xff, [11] = 0xff};
    unsigned owner = below(5);

    tuple->path = owner < 4 ? paths[owner] : NULL;
    tuple->container = containers[below(4)];
    tuple->direction = (int)below(2);
    draft_address(tuple->remote);
    tuple->l3 = memcmp(tuple->remote, mapped, 12) == 0 ? L3_IPV4 : L3_IPV6;
    if (below(8) == 0)
        tuple->l3 = L3_ARP;
    tuple->protocol = protocols[below(sizeof(protocols))];
    tuple->port = ports[below(COUNT(ports))];
}

/* --- what the profile says ---------------------------------------------------------------------------------------- */

static int said_of_l4(const struct rules_spec *rules, const struct tuple *tuple)
{
    int reason = REASON_L4_PROTOCOL;

    if (rules->protocols[tuple->protocol / 64] >> (tuple->protocol % 64) & 1)
        return REASON_NONE;
    for (size_t i = 0; i < rules->ports_count; i++) {
        if (rules->ports[i].protocol != tuple->protocol)
            continue;
        if (tuple->port >= rules->ports[i].first && tuple->port <= rules->ports[i].last)
            return REASON_NONE;
        reason = REASON_L4_PORT;
    }
    return reason;
}

static int said_of_rules(const struct rules_spec *rules, const struct tuple *tuple)
{
    bool has_address = false;

    if (!(rules->l3 & tuple->l3))
        return REASON_L3_PROTOCOL;
    if (tuple->l3 == L3_ARP)
        return REASON_NONE;
    for (size_t i = 0; i < rules->cidrs_count; i++)
        has_address |= cidr_contains(&rules->cidrs[i], tuple->remote);
    if (!has_address)
        return REASON_ADDRESS;

    int reason = said_of_l4(rules, tuple);

    return reason == REASON_NONE && rules->l7 == RULES_L7 ? REASON_L7_PROTOCOL : reason;
}

static bool is_container(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The profile's blocks for this process: of its container, then of all; returns how many. */
static size_t said_of_process(const struct profile *profile, const struct tuple *tuple,
                              const struct process_spec *found[PROCESSES_MAX])
{
    size_t count = 0;

    for (int for_all = 0; tuple->path && for_all < 2; for_all++) {
        for (size_t i = 0; i < profile->processes_count; i++) {
            const struct process_spec *process = &profile->processes[i];
            bool is_for_it = for_all ? !process->container
                                     : process->container && is_container(process->container, tuple->container);

            if (is_for_it && strcmp(process->path, tuple->path) == 0)
                found[count++] = process;
        }
    }
    return count;
}

/* The first layer that refuses, by one block of the profile, or NULL where none is for this process. */
static int said_of_block(const struct profile *profile, const struct process_spec *process, const struct tuple *tuple)
{
    const struct rules_spec *rules = process ? &process->rules[tuple->direction] : &profile->default_[tuple->direction];

    if (tuple->path)
        return process && rules && rules->present ? said_of_rules(rules, tuple) : REASON_UNKNOWN_BINARY;
    if (!profile->has_default)
        return REASON_NO_DEFAULT;
    return rules->present ? said_of_rules(rules, tuple) : REASON_L3_PROTOCOL;
}

/* --- what the compiled policy says -------------------------------------------------------------------------------- */

static bool trie_has(const struct compiled_rules *rules, const __u8 address[16])
{
    for (size_t i = 0; i < rules->cidrs_count; i++) {
        __u32 bit = 0, length = rules->cidrs[i].prefix_length;

        while (bit < length && !((rules->cidrs[i].address[bit / 8] ^ address[bit / 8]) & (0x80 >> (bit % 8))))
            bit++;
        if (bit == length)
            return true;
    }
    return false;
}

static bool ports_have(const struct compiled_rules *rules, const struct tuple *tuple)
{
    for (int length = 16; length >= 0; length--) {
        struct port_key key = {
            .port = (__u16)(tuple->port & (0xffff0000 >> length)), .length = (__u8)length, .protocol = tuple->protocol};

        for (size_t i = 0; rules->value.port_lengths >> length & 1 && i < rules->ports_count; i++) {
            if (memcmp(&rules->ports[i], &key, sizeof(key)) == 0)
                return true;
        }
    }
    return false;
}

static int compiled_refuses(const struct compiled_rules *rules, const struct tuple *tuple)
{
    static const __u8 mapped[12] = {[10] = 0xff, [11] = 0xff};
    __u32 any = memcmp(tuple->remote, mapped, 12) == 0 ? RULES_ANY4 : RULES_ANY6;
    int word = tuple->protocol / 64, bit = tuple->protocol % 64;

    if (!(rules->value.l3 & tuple->l3))
        return REASON_L3_PROTOCOL;
    if (tuple->l3 == L3_ARP)
        return REASON_NONE;
    if (!(rules->value.flags & any) && !(rules->value.flags & RULES_CIDRS && trie_has(rules, tuple->remote)))
        return REASON_ADDRESS;
    if (!(rules->value.protocols[word] >> bit & 1)) {
        if (!(rules->value.ported[word] >> bit & 1))
            return REASON_L4_PROTOCOL;
        if (!ports_have(rules, tuple))
            return REASON_L4_PORT;
    }
    return rules->value.flags & RULES_INSPECT ? REASON_L7_PROTOCOL : REASON_NONE;
}

/* The block that names the process, else the one of the unlisted or the ownerless. */
static const struct compiled_block *block_of(const struct compiled *compiled, const struct tuple *tuple)
{
    const struct compiled_block *unlisted = NULL;

    for (size_t i = 0; i < compiled->blocks_count; i++) {
        const struct compiled_block *block = &compiled->blocks[i];

        if (tuple->path && block->path && strcmp(block->path, tuple->path) == 0)
            return block;
        if (!block->path && block->special == (tuple->path ? BLOCK_UNLISTED : BLOCK_DEFAULT))
            unlisted = block;
    }
    return unlisted;
}

static size_t find_parts(const struct compiled_block *block, size_t profile, const struct tuple *tuple,
                         const struct part *found[NSP_PARTS_MAX])
{
    size_t count = 0;

    for (__u32 i = 0; i < block->value.count; i++) {
        const struct part *part = &block->value.parts[i];

        if (part->profile == profile && (!block->containers[i] || is_container(block->containers[i], tuple->container)))
            found[count++] = part;
    }
    return count;
}

/* The parts of a profile that a program hears, as compile.h asks it to; returns how many. */
static size_t parts_of(const struct compiled *compiled, size_t profile, const struct tuple *tuple,
                       const struct part *found[NSP_PARTS_MAX])
{
    size_t count = find_parts(block_of(compiled, tuple), profile, tuple, found);
    struct tuple unlisted = *tuple;

    unlisted.path = ""; /* nobody lists that */
    return count ? count : find_parts(block_of(compiled, &unlisted), profile, tuple, found);
}

static int said_of_part(const struct compiled *compiled, const struct part *part, const struct tuple *tuple)
{
    __u32 index = part->rules[tuple->direction];

    if (index == 0)
        return tuple->path ? REASON_UNKNOWN_BINARY : REASON_NO_DEFAULT;
    return compiled_refuses(&compiled->rules[index - 1], tuple);
}

/* How often each reason was the answer; REASON_NONE: allowed. */
static size_t answers[REASONS];

static void compare_profile(const struct compiled *compiled, const struct profile *profile, size_t index,
                            const struct tuple *tuple)
{
    const struct process_spec *processes[PROCESSES_MAX + 1] = {NULL};
    const struct part *parts[NSP_PARTS_MAX] = {NULL};
    size_t count = said_of_process(profile, tuple, processes);

    count = count ? count : 1; /* NULL stands for the unlisted */
    assert_int_equal(parts_of(compiled, index, tuple, parts), count);
    for (size_t i = 0; i < count; i++) {
        int expected = said_of_block(profile, processes[i], tuple);

        assert_int_equal(said_of_part(compiled, parts[i], tuple), expected);
        assert_int_equal(parts[i]->action, processes[i] ? processes[i]->action : profile->action);
        answers[expected]++;
    }
}

/* T69 */
static void both_say_the_same_of_random_flows(void **state)
{
    static const int wanted[] = {REASON_NONE,    REASON_UNKNOWN_BINARY, REASON_NO_DEFAULT, REASON_L3_PROTOCOL,
                                 REASON_ADDRESS, REASON_L4_PROTOCOL,    REASON_L4_PORT,    REASON_L7_PROTOCOL};
    static struct draft drafts[PROFILES_MAX];

    (void)state;
    for (int policy = 0; policy < POLICIES; policy++) {
        const struct profile *profiles[PROFILES_MAX];
        size_t count = 1 + below(PROFILES_MAX);
        struct compiled compiled;
        struct tuple tuple;

        for (size_t i = 0; i < count; i++) {
            draft_profile(&drafts[i], i);
            profiles[i] = &drafts[i].profile;
        }
        assert_int_equal(compile_policy(profiles, count, &compiled, NULL), 0);
        for (int flow = 0; flow < FLOWS * (int)count; flow++) {
            size_t index = (size_t)flow % count;

            draft_tuple(&tuple);
            compare_profile(&compiled, profiles[index], index, &tuple);
        }
        compiled_free(&compiled);
    }

    /* The drafts are worth something only if every answer was frequent. */
    for (size_t i = 0; i < COUNT(wanted); i++)
        assert_true(answers[wanted[i]] > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_say_the_same_of_random_flows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
