/* SPDX-License-Identifier: Apache-2.0 */
/* What profiles are to each other: parts and sides of a block, shadows, shares, containers, images, and what learns. */
#include "tests/bpf/groups.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath/text_hash.h"
#include "tests/bpf/run.h"

#define PEER "10.1.2.3"
#define RULES(port, l7)                                                                                                \
    "{cidr4: [10.1.0.0/16], l3: {protocols: [ipv4]}, l4: {protocolPorts: [{protocol: udp, port: " port "}]}" l7 "}"
#define HEAD(name, actions)                                                                                            \
    "apiVersion: securityprobe.datadoghq.com/v1\nkind: SecurityProfile\nmetadata: {name: " name ", namespace: test}\n" \
    "spec:\n  labelSelector: {}\n  actions: [" actions "]\n"
#define DEFAULT(name, actions, rules) HEAD(name, actions) "  default: {egress: " rules "}\n"
#define CURL(name, actions, extra, rules)                                                                              \
    HEAD(name, actions) "  processes:\n    - {path: /bin/curl, " extra "network: {egress: " rules "}}\n"
#define ONLY_DNS ", l7: {protocols: [dns], dns: [a.example]}"
#define ANYTHING ", l7: {protocols: [any]}"
#define CGROUP 4711

static struct world world;

static const struct packet_spec datagram = {.source = POD4,
                                            .destination = PEER,
                                            .protocol = IPPROTO_UDP,
                                            .source_port = 40000,
                                            .destination_port = 5000,
                                            .payload = 30};

static struct owner curl(void)
{
    return world_owner(&world, "/bin/curl", IPPROTO_UDP);
}

/* The ruling that the pod's table keeps of `datagram`, sent by nobody. */
static __u64 ruling_in_table(void)
{
    struct flow_key key = {.epoch = world.epoch,
                           .protocol = IPPROTO_UDP,
                           .remote_port_be = htons(datagram.destination_port),
                           .local_port_be = htons(datagram.source_port)};
    struct flow flow = {0};
    __u32 id;
    int table;

    memset(key.remote + 10, 0xff, 2);
    memset(key.local + 10, 0xff, 2);
    inet_pton(AF_INET, datagram.destination, key.remote + 12);
    inet_pton(AF_INET, datagram.source, key.local + 12);
    assert_int_equal(bpf_map_lookup_elem(world.datapath.maps[MAP_FLOWS], &world.slot, &id), 0);
    table = bpf_map_get_fd_by_id(id);
    assert_true(table >= 0);
    assert_int_equal(bpf_map_lookup_elem(table, &key, &flow), 0);
    close(table);
    return flow.ruling;
}

#define RULING_PARTS(ruling) ((ruling) >> RULING_PARTS_SHIFT & 0xff)

static void ruling_tells_which_parts_allow_and_whether_content_decides(void **state)
{
    static const struct {
        const char *a, *b;
        __u64 parts, is_inspected;
    } cases[] = {
        {RULES("5000", ""), RULES("5000", ""), 3, 0},
        {RULES("5000", ""), RULES("5001", ""), 1, 0},
        {RULES("5001", ""), RULES("5000", ""), 2, 0},
        {RULES("5000", ANYTHING), RULES("5001", ""), 1, 0},
        {RULES("5000", ONLY_DNS), RULES("5001", ""), 1, RULING_INSPECT},
        {RULES("5000", ONLY_DNS), RULES("5000", ""), 3, 0},
        {RULES("5000", ONLY_DNS), RULES("5000", ONLY_DNS), 3, RULING_INSPECT},
    };
    char a[2048], b[2048];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        snprintf(a, sizeof(a), DEFAULT("a", "enforce", "%s"), cases[i].a);
        snprintf(b, sizeof(b), DEFAULT("b", "enforce", "%s"), cases[i].b);
        world_apply(&world, a);
        world_apply(&world, b);
        run_spec(&world, RUN_FROM_POD, NULL, &datagram);
        assert_int_equal(RULING_PARTS(ruling_in_table()), cases[i].parts);
        assert_int_equal(ruling_in_table() & RULING_INSPECT, cases[i].is_inspected);
    }
}

/* A protocol that nobody reads needs `any`. */
static void protocol_without_a_reader_is_refused_under_an_l7_key(void **state)
{
    struct packet_spec echo = {
        .source = POD4, .destination = PEER, .protocol = IPPROTO_ICMP, .icmp_type = 8, .source_port = 9};

    (void)state;
    world_apply(&world, DEFAULT("a", "enforce",
                                "{cidr4: [0.0.0.0/0], l3: {protocols: [ipv4]}, l4: {protocols: [icmp]}, l7: "
                                "{protocols: [dns]}}"));
    assert_int_equal(run_spec(&world, RUN_FROM_POD, NULL, &echo).change.reason, REASON_L7_PROTOCOL);
    world_apply(&world, DEFAULT("a", "enforce",
                                "{cidr4: [0.0.0.0/0], l3: {protocols: [ipv4]}, l4: {protocols: [icmp]}, l7: "
                                "{protocols: [any]}}"));
    assert_true(run_spec(&world, RUN_FROM_POD, NULL, &echo).passes);
}

/* Nobody reads in order what no process owns. */
static void connection_of_nobody_is_refused_where_its_content_decides(void **state)
{
    struct packet_spec syn = datagram;

    (void)state;
    syn.protocol = IPPROTO_TCP;
    syn.tcp_flags = 2;
    syn.payload = 0;
    world_apply(&world, DEFAULT("a", "enforce",
                                "{cidr4: [0.0.0.0/0], l3: {protocols: [ipv4]}, l4: {protocols: [tcp]}, l7: "
                                "{protocols: [any, http], http: [{method: GET, uri: /}]}}"));
    assert_int_equal(run_spec(&world, RUN_FROM_POD, NULL, &syn).change.reason, REASON_L7_PROTOCOL);
    world_apply(&world, DEFAULT("a", "enforce",
                                "{cidr4: [0.0.0.0/0], l3: {protocols: [ipv4]}, l4: {protocols: [tcp]}, l7: "
                                "{protocols: [any]}}"));
    assert_true(run_spec(&world, RUN_FROM_POD, NULL, &syn).passes);
}

static void drop_and_what_the_shadow_says_are_both_told(void **state)
{
    struct owner owner = curl();
    struct outcome outcome;
    int dropped, audited;

    (void)state;
    world_apply(&world, CURL("a", "enforce", "", RULES("53", "")));
    world_apply(&world, CURL("b", "alert", "", "{cidr4: [10.9.0.0/16], l3: {protocols: [ipv4]}}"));
    dropped = world_share(&world, 0, VERDICT_DROPPED);
    audited = world_share(&world, 1, VERDICT_AUDIT);
    outcome = run_spec(&world, RUN_FROM_POD, &owner, &datagram);
    assert_false(outcome.passes);
    assert_int_equal(outcome.events, 2);
    assert_int_equal(outcome.all[0].verdict, VERDICT_DROPPED);
    assert_int_equal(outcome.all[0].reason, REASON_L4_PORT);
    assert_int_equal(outcome.all[0].profile, 0);
    assert_int_equal(outcome.all[1].verdict, VERDICT_AUDIT);
    assert_int_equal(outcome.all[1].reason, REASON_ADDRESS);
    assert_int_equal(outcome.all[1].profile, 1);
    assert_int_equal(world_counted(&world, EGRESS, VERDICT_DROPPED, REASON_L4_PORT), 1);
    assert_int_equal(world_counted(&world, EGRESS, VERDICT_AUDIT, REASON_ADDRESS), 1);
    assert_int_equal(outcome.change.seen, 2);
    assert_int_equal(world_share(&world, 0, VERDICT_DROPPED), dropped + 1);
    assert_int_equal(world_share(&world, 1, VERDICT_AUDIT), audited + 1);
    assert_true(world_adds_up(&world));
}

static void ignoring_profile_is_counted_beside_a_stricter_one(void **state)
{
    struct owner owner = curl();
    struct outcome outcome;
    int ignored;

    (void)state;
    world_apply(&world, CURL("a", "enforce", "", RULES("53", "")));
    world_apply(&world, CURL("b", "ignore", "", RULES("54", "")));
    ignored = world_share(&world, 1, VERDICT_IGNORED);
    outcome = run_spec(&world, RUN_FROM_POD, &owner, &datagram);
    assert_int_equal(outcome.events, 1);
    assert_int_equal(world_counted(&world, EGRESS, VERDICT_DROPPED, REASON_L4_PORT), 1);
    assert_int_equal(world_counted(&world, EGRESS, VERDICT_IGNORED, REASON_L4_PORT), 1);
    assert_int_equal(world_share(&world, 1, VERDICT_IGNORED), ignored + 1);
}

static void shadow_that_agrees_is_silent(void **state)
{
    struct owner owner = curl();
    struct outcome outcome;

    (void)state;
    world_apply(&world, CURL("a", "enforce", "", RULES("53", "")));
    world_apply(&world, CURL("b", "alert", "", RULES("5000", "")));
    outcome = run_spec(&world, RUN_FROM_POD, &owner, &datagram);
    assert_int_equal(outcome.events, 1);
    assert_int_equal(outcome.event.verdict, VERDICT_DROPPED);
    assert_int_equal(outcome.event.profile, 0);
    assert_int_equal(outcome.change.seen, 1);
}

static void put_in_container(__u64 cgroup_id, const char *name)
{
    __u64 hash = container_hash(name, world.datapath.control->path_key);

    assert_int_equal(bpf_map_update_elem(world.datapath.maps[MAP_CONTAINERS], &cgroup_id, &hash, BPF_ANY), 0);
}

static void part_for_a_container_is_for_that_one_alone(void **state)
{
    struct owner owner = curl();
    struct outcome outcome;

    (void)state;
    world_apply(&world, CURL("a", "enforce", "container: ping, ", RULES("5000", "")));
    put_in_container(CGROUP, "ping");
    put_in_container(CGROUP + 1, "pong");
    owner.cgroup_id = CGROUP;
    assert_true(run_spec(&world, RUN_FROM_POD, &owner, &datagram).passes);
    owner.cgroup_id = CGROUP + 1;
    outcome = run_spec(&world, RUN_FROM_POD, &owner, &datagram);
    assert_int_equal(outcome.change.verdict, VERDICT_DROPPED);
    assert_int_equal(outcome.change.reason, REASON_UNKNOWN_BINARY);
    assert_int_equal(outcome.event.process, 0xffff);
    owner.cgroup_id = CGROUP + 2; /* of which policyd has said nothing */
    assert_int_equal(run_spec(&world, RUN_FROM_POD, &owner, &datagram).change.reason, REASON_UNKNOWN_BINARY);
}

/* T73 */
static void image_only_refuses_what_is_not_from_the_image(void **state)
{
    struct owner owner = curl();

    (void)state;
    world_apply(&world, CURL("a", "enforce", "imageOnly: true, ", RULES("5000", "")));
    assert_int_equal(run_spec(&world, RUN_FROM_POD, &owner, &datagram).change.reason, REASON_NOT_IMAGE);
    owner.is_image = 1;
    assert_true(run_spec(&world, RUN_FROM_POD, &owner, &datagram).passes);
}

static void what_learns_records_each_flow_once_and_drops_nothing(void **state)
{
    struct owner owner = curl();
    struct packet_spec other = datagram;
    struct outcome outcome;

    (void)state;
    world_apply(&world, HEAD("a", "learn") "  processes: []\n");
    outcome = run_spec(&world, RUN_FROM_POD, &owner, &datagram);
    assert_true(outcome.passes);
    assert_int_equal(outcome.event.kind, EVENT_LEARN);
    assert_int_equal(outcome.event.remote_port_be, htons(5000));
    assert_memory_equal(outcome.event.path, owner.path, sizeof(owner.path));
    assert_int_equal(world_told(&world), 1);
    outcome = run_spec(&world, RUN_FROM_POD, &owner, &datagram);
    assert_true(outcome.passes);
    assert_int_equal(world_told(&world), 0);
    other.destination_port++;
    run_spec(&world, RUN_FROM_POD, &owner, &other);
    assert_int_equal(world_told(&world), 1);
}

/* A record that found no token is made the next time. */
static void what_could_not_be_told_is_learnt_later(void **state)
{
    struct owner owner = curl();
    struct packet_spec first = datagram, second = datagram, drained = datagram;

    (void)state;
    first.destination_port = 6000;
    drained.destination_port = 6002;
    second.destination_port = 6001;
    world_apply(&world, HEAD("a", "learn") "  processes: []\n");
    world.datapath.control->event_interval_ns = 3600000000000;
    world.datapath.control->event_burst_ns = 0;
    run_spec(&world, RUN_FROM_POD, &owner, &drained); /* takes the only token, or finds none */
    run_spec(&world, RUN_FROM_POD, &owner, &first);
    assert_int_equal(world_told(&world), 0);
    world.datapath.control->event_interval_ns = 0;
    run_spec(&world, RUN_FROM_POD, &owner, &second);
    assert_int_equal(world_told(&world), 1);
    run_spec(&world, RUN_FROM_POD, &owner, &first);
    assert_int_equal(world_told(&world), 1);
    assert_true(world_adds_up(&world));
}

static int start(void **state)
{
    (void)state;
    world_start(&world);
    run_start(&world);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    run_stop();
    world_stop(&world);
    return 0;
}

static int remove_profiles(void **state)
{
    (void)state;
    world.datapath.control->event_interval_ns = 0;
    world_remove_profile(&world, "a");
    world_remove_profile(&world, "b");
    return 0;
}

int group_policy(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(ruling_tells_which_parts_allow_and_whether_content_decides, remove_profiles),
        cmocka_unit_test_teardown(protocol_without_a_reader_is_refused_under_an_l7_key, remove_profiles),
        cmocka_unit_test_teardown(connection_of_nobody_is_refused_where_its_content_decides, remove_profiles),
        cmocka_unit_test_teardown(drop_and_what_the_shadow_says_are_both_told, remove_profiles),
        cmocka_unit_test_teardown(ignoring_profile_is_counted_beside_a_stricter_one, remove_profiles),
        cmocka_unit_test_teardown(shadow_that_agrees_is_silent, remove_profiles),
        cmocka_unit_test_teardown(part_for_a_container_is_for_that_one_alone, remove_profiles),
        cmocka_unit_test_teardown(image_only_refuses_what_is_not_from_the_image, remove_profiles),
        cmocka_unit_test_teardown(what_learns_records_each_flow_once_and_drops_nothing, remove_profiles),
        cmocka_unit_test_teardown(what_could_not_be_told_is_learnt_later, remove_profiles),
    };

    return cmocka_run_group_tests_name("policy", tests, start, stop);
}
