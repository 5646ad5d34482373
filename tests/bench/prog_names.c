/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/prog_names.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include <bpf/bpf.h>

#include "datapath/text_hash.h"
#include "lib/cleanup.h"
#include "tests/bench/world_policy.h"

#define PORT_DNS 53
#define TYPE_A 1
#define ASK_IS_ASK 1 /* datapath/ask.h */
#define ASK_ANSWERED 2

static const __u8 resolver[16] = {[10] = 0xff, 0xff, 10, 20, 0, 9};

/* As set_ask_key() of datapath/ask.h makes it. */
static struct flow_key ask_key(const struct world *world, const char *name)
{
    struct flow_key key = {
        .remote_port_be = htons(PORT_DNS),
        .local_port_be = htons(PACKET_QUERY_ID),
        .epoch = world->epoch,
        .protocol = IPPROTO_UDP,
        .opened = FLOW_KEY_ASK,
    };
    const __u16 type = TYPE_A, port_be = htons(PACKET_POD_PORT);
    __u64 hash[4];
    __u16 length;

    text_hash_name(name, world->datapath.control->text_key, &length, hash);
    memcpy(key.remote, resolver, 16);
    memcpy(key.local, hash, 16);
    memcpy(key.reserved, &type, sizeof(type));
    memcpy(key.reserved + sizeof(type), &port_be, sizeof(port_be));
    return key;
}

/* Where a query is remembered. */
struct asked {
    struct asked_query query;
    __u32 set, place;
};

/* False: nobody remembers that it was asked. */
static bool find_asked(const struct world *world, const char *name, struct asked *asked)
{
    cleanup_close int table = world_open_table(world, MAP_ASKS);
    const struct flow_key key = ask_key(world, name);
    struct ask_set set;

    for (__u32 i = 0; i < NSP_ASK_SETS * NSP_ASKS_IN_SET; i++) {
        asked->set = i / NSP_ASKS_IN_SET;
        asked->place = i % NSP_ASKS_IN_SET;
        if (asked->place == 0 && bpf_map_lookup_elem(table, &asked->set, &set))
            return false;
        asked->query = set.queries[asked->place];
        if (asked->query.state & ASK_IS_ASK && memcmp(&asked->query.key, &key, sizeof(key)) == 0)
            return true;
    }
    return false;
}

void prog_names_ask(const struct prog_case *test, const struct world *world)
{
    struct prog_case query = {
        .name = "a query",
        .wrapper = WRAPPER_KEEP,
        .target = TARGET_FROM_POD,
        .binary = test->binary,
        .packet = {.kind = PACKET_DATAGRAM, .payload = PAYLOAD_QUERY, .name = WORLD_NAME},
        .verdict = VERDICT_FORWARDED,
    };

    prog_case_send(&query, world);
}

void prog_names_expect(const struct prog_case *test, const struct world *world)
{
    struct owner *owner = world->owner;
    struct asked asked;

    if (!find_asked(world, test->packet.name, &asked))
        bench_fail("%s: the query for %s is not remembered", test->name, test->packet.name);
    owner->ask_set = asked.set;
    owner->ask_place = asked.place;
    owner->ruling = world_ruling();
    owner->peer_port_be = htons(PORT_DNS);
    memcpy(owner->peer, resolver, 16);
}

void prog_names_teach(const struct prog_case *test, const struct world *world)
{
    struct prog_case answer = {
        .name = "an answer",
        .wrapper = WRAPPER_ANSWER,
        .target = TARGET_INGRESS,
        .binary = test->binary,
        .packet =
            {.kind = PACKET_DATAGRAM, .is_to_pod = true, .payload = PAYLOAD_ANSWER, .name = WORLD_NAME, .addresses = 1},
        .verdict = VERDICT_FORWARDED,
    };

    prog_names_ask(&answer, world);
    prog_case_send(&answer, world);
    prog_names_check_learnt(&answer, world);
}

void prog_names_check_asked(const struct prog_case *test, const struct world *world)
{
    struct asked asked;

    if (!find_asked(world, test->packet.name, &asked))
        bench_fail("%s: the query was not remembered", test->name);
}

void prog_names_check_learnt(const struct prog_case *test, const struct world *world)
{
    cleanup_close int table = world_open_table(world, MAP_LEARNT);
    struct learnt_key key = {.epoch = world->epoch, .address = {[10] = 0xff, 0xff, 192, 0, 2}};
    struct asked asked;
    struct learnt learnt;

    if (!find_asked(world, test->packet.name, &asked) || !(asked.query.state & ASK_ANSWERED))
        bench_fail("%s: the query was not answered", test->name);
    world_path(world, test->binary, key.path);
    for (int i = 0; i < test->packet.addresses; i++) {
        key.address[15] = (__u8)(1 + i);
        if (bpf_map_lookup_elem(table, &key, &learnt))
            bench_fail("%s: its address %d was not learnt", test->name, i + 1);
    }
}
