/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/world_policy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <bpf/bpf.h>

#include "datapath/path_hash.h"
#include "datapath/text_hash.h"
#include "lib/cleanup.h"
#include "tests/bench/bench.h"
#include "tests/bench/packets.h"

#define REVISION 7
#define OTHERS_FIRST 100   /* rule sets of the other blocks */
#define OTHER_POLICIES 250 /* that those blocks are of */
#define PORT_DNS 53
#define NO_PROCESS 0xffff

/* A binary of the policy, by its place: rule set = place + 1. */
static const struct {
    const char *path;
    __u32 cidrs; /* IPv4 prefixes; one of them holds the server */
    __u8 action;
    __u32 flags; /* of its rules, beside RULES_CIDRS */
} binaries[WORLD_BINARIES] = {
    [BINARY_CLIENT] = {"/usr/local/bin/client", 1, ACTION_ENFORCE, 0},
    [BINARY_IGNORED] = {"/usr/local/bin/ignored", 1, ACTION_IGNORE, 0},
    [BINARY_CIDRS_1000] = {"/usr/local/bin/client-1000", 1000, ACTION_ENFORCE, 0},
    [BINARY_CIDRS_10000] = {"/usr/local/bin/client-10000", 10000, ACTION_ENFORCE, 0},
    [BINARY_CIDRS_100000] = {"/usr/local/bin/client-100000", 100000, ACTION_ENFORCE, 0},
    [BINARY_RESOLVER] = {"/usr/local/bin/resolver", 1, ACTION_ENFORCE,
                         RULES_FQDNS | RULES_L7 | RULES_L7_DNS | RULES_DNS_LIST | RULES_INSPECT},
    [BINARY_NAMED] = {"/usr/local/bin/named", 1, ACTION_ENFORCE, RULES_FQDNS},
    [BINARY_HTTP] = {"/usr/local/bin/http", 1, ACTION_ENFORCE,
                     RULES_L7 | RULES_L7_HTTP | RULES_HTTP_LIST | RULES_INSPECT},
    [BINARY_UNLISTED] = {"/usr/local/bin/unlisted", 0, ACTION_ENFORCE, 0},
};

enum { RULES_OF_DEFAULT = WORLD_BINARIES + 1 };

void world_path(const struct world *world, enum world_binary binary, __u8 path[16])
{
    path_hash_text(binaries[binary].path, world->datapath.control->path_key, path);
}

static void update(const struct world *world, enum pins_map map, const void *key, const void *value)
{
    if (bpf_map_update_elem(world->datapath.maps[map], key, value, BPF_ANY))
        bench_fail("%s: %s", pins_map_name(map), strerror(errno));
}

static void write_rules(const struct world *world, __u32 id, __u32 flags)
{
    struct rules rules = {
        .flags = flags | RULES_PRESENT,
        .l3 = L3_IPV4 | L3_IPV6,
        .ported[0] = 1ULL << IPPROTO_TCP | 1ULL << IPPROTO_UDP,
        .port_lengths = 1 << 16,
    };
    struct port_key port = {.rules = id, .port = WORLD_PORT, .length = 16, .protocol = IPPROTO_TCP};
    __u8 one = 1;

    if (flags & RULES_DNS_LIST) {
        rules.names[LIST_DNS].one_label = 1 << 4; /* apps.svc.cluster.local */
        rules.names[LIST_DNS].labels = 1 << 2;    /* example.internal */
    }
    if (flags & RULES_HTTP_LIST) {
        rules.prefix_count = 1;
        rules.prefix_lengths[0] = sizeof("/static/") - 1;
    }
    update(world, MAP_RULES, &id, &rules);
    update(world, MAP_PORTS, &port, &one);
    port.protocol = IPPROTO_UDP;
    update(world, MAP_PORTS, &port, &one);
    port.port = PORT_DNS;
    update(world, MAP_PORTS, &port, &one);
}

static void write_name(const struct world *world, __u32 id, __u8 list, __u8 kind, const char *name)
{
    struct text_key key = {.rules = id, .list = list, .kind = kind};
    const struct text text = {0};

    text_hash_name(name, world->datapath.control->text_key, &key.length, key.hash);
    update(world, MAP_TEXTS, &key, &text);
}

static void write_request(const struct world *world, __u32 id, __u8 kind, const char *uri)
{
    struct text_key key = {.rules = id, .list = LIST_HTTP, .kind = kind, .length = (__u16)strlen(uri)};
    const struct text text = {0};

    text_hash_request("GET", uri, strlen(uri), world->datapath.control->text_key, key.hash);
    update(world, MAP_TEXTS, &key, &text);
}

static void write_texts(const struct world *world, __u32 id, __u32 flags)
{
    if (flags & RULES_FQDNS)
        write_name(world, id, LIST_FQDNS, TEXT_WHOLE, WORLD_NAME);
    if (flags & RULES_DNS_LIST) {
        write_name(world, id, LIST_DNS, TEXT_WHOLE, WORLD_NAME);
        write_name(world, id, LIST_DNS, TEXT_ONE_LABEL, strchr(WORLD_STARRED, '.') + 1);
        write_name(world, id, LIST_DNS, TEXT_LABELS, "example.internal");
    }
    if (flags & RULES_HTTP_LIST) {
        write_request(world, id, TEXT_WHOLE, PACKET_TARGET);
        write_request(world, id, TEXT_PREFIX, "/static/");
    }
}

static void add_prefix(int trie, __u32 length, const __u8 address[16])
{
    struct cidr_key key = {.prefix_length = length};
    __u8 one = 1;

    memcpy(key.address, address, 16);
    if (bpf_map_update_elem(trie, &key, &one, BPF_ANY))
        bench_fail("a prefix: %s", strerror(errno));
}

/* 10.20.0.0/24, which is the server's, and what follows it; and fd00:20::/32. */
static void write_cidrs(const struct world *world, __u32 id, __u32 count)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
    const __u8 address6[16] = {0xfd, 0, 0x20};
    cleanup_close int trie = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "nsp_cidr_trie", sizeof(struct cidr_key),
                                            sizeof(__u8), count + 1, &options);

    if (trie < 0)
        bench_fail("a trie: %s", strerror(errno));
    for (__u32 i = 0; i < count; i++) {
        const __u32 first = (10U << 24 | 20U << 16) + (i << 8);
        const __u8 address[16] = {[10] = 0xff, 0xff, (__u8)(first >> 24), (__u8)(first >> 16), (__u8)(first >> 8), 0};

        add_prefix(trie, 96 + 24, address);
    }
    add_prefix(trie, 32, address6);
    update(world, MAP_CIDRS, &id, &trie);
}

static void write_block(const struct world *world, __u64 revision, const __u8 path[16], __u32 rules, __u8 action)
{
    struct block_key key = {.revision = revision};
    struct rules value = {0};
    struct block block = {
        .count = 1,
        .parts[0] = {.rules = {rules, rules}, .action = action, .process = rules ? (__u16)rules : NO_PROCESS},
    };

    if (rules)
        bpf_map_lookup_elem(world->datapath.maps[MAP_RULES], &rules, &value);
    if (value.flags & RULES_FQDNS)
        block.flags |= BLOCK_READS_DNS;
    memcpy(key.path, path, 16);
    update(world, MAP_BLOCKS, &key, &block);
}

/* Packets without an owner: ICMP both ways, from and to anywhere. */
static void write_default(const struct world *world)
{
    const struct rules rules = {
        .flags = RULES_PRESENT | RULES_ANY4 | RULES_ANY6,
        .l3 = L3_IPV4 | L3_IPV6,
        .protocols[0] = 1ULL << IPPROTO_ICMP | 1ULL << IPPROTO_ICMPV6,
    };
    const __u32 id = RULES_OF_DEFAULT;
    __u8 path[16];

    memset(path, BLOCK_DEFAULT, sizeof(path));
    update(world, MAP_RULES, &id, &rules);
    write_block(world, REVISION, path, id, ACTION_ENFORCE);
    memset(path, BLOCK_UNLISTED, sizeof(path));
    write_block(world, REVISION, path, 0, ACTION_ENFORCE);
}

static void write_others(const struct world *world)
{
    for (__u32 i = 0; i < world->shape.others; i++) {
        __u32 policy = WORLD_POLICY + i % OTHER_POLICIES;
        __u64 revision = REVISION + i % OTHER_POLICIES;
        char text[64];
        __u8 path[16];

        snprintf(text, sizeof(text), "/usr/local/bin/other-%u", i);
        path_hash_text(text, world->datapath.control->path_key, path);
        write_rules(world, OTHERS_FIRST + i, RULES_ANY4);
        write_block(world, revision, path, OTHERS_FIRST + i, ACTION_ENFORCE);
        world->datapath.revisions[policy] = revision;
        snprintf(text, sizeof(text), "service-%u.shop.svc.cluster.local", i);
        write_name(world, OTHERS_FIRST + i, LIST_FQDNS, TEXT_WHOLE, text);
        write_name(world, OTHERS_FIRST + i, LIST_DNS, TEXT_WHOLE, text);
    }
}

__u64 world_ruling(void)
{
    return (__u64)REVISION << RULING_REVISION_SHIFT | 1ULL << RULING_PARTS_SHIFT | RULING_INSPECT | VERDICT_FORWARDED;
}

void world_write_policy(const struct world *world)
{
    for (int i = 0; i < WORLD_BINARIES; i++) {
        __u32 id = (__u32)i + 1;
        __u8 path[16];

        if (!binaries[i].cidrs || (world->shape.is_plain && binaries[i].flags))
            continue;
        world_path(world, i, path);
        write_rules(world, id, RULES_CIDRS | binaries[i].flags);
        write_texts(world, id, binaries[i].flags);
        write_cidrs(world, id, binaries[i].cidrs);
        write_block(world, REVISION, path, id, binaries[i].action);
    }
    write_default(world);
    write_others(world);
    world->datapath.revisions[WORLD_POLICY] = REVISION;
}
