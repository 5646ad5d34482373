/* SPDX-License-Identifier: Apache-2.0 */
/* What depends on more than one packet: replies, revisions, cached rulings, states of the pod, limits on events. */
#include "tests/bpf/groups.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "datapath/path_hash.h"
#include "tests/bpf/run.h"

#define PEER "10.1.2.3"
#define STRANGER "10.9.9.9"
#define MANIFEST(name, actions, egress, ingress)                                                                       \
    "apiVersion: securityprobe.datadoghq.com/v1\nkind: SecurityProfile\n"                                              \
    "metadata: {name: " name ", namespace: test}\n"                                                                    \
    "spec:\n  labelSelector: {}\n  actions: [" actions "]\n"                                                           \
    "  default: {egress: {cidr4: [0.0.0.0/0], l3: {protocols: [ipv4]}, l4: {protocols: [icmp]}}}\n"                    \
    "  processes:\n    - {path: /bin/curl, network: {egress: " egress ", ingress: " ingress "}}\n"
#define TCP(port)                                                                                                      \
    "{cidr4: [10.1.0.0/16], l3: {protocols: [ipv4]}, l4: {protocolPorts: [{protocol: tcp, port: " port "}]}}"

static struct world world;

static const struct packet_spec syn = {.source = POD4,
                                       .destination = PEER,
                                       .protocol = IPPROTO_TCP,
                                       .source_port = 40000,
                                       .destination_port = 443,
                                       .tcp_flags = 0x02};
static const struct packet_spec segment = {.source = POD4,
                                           .destination = PEER,
                                           .protocol = IPPROTO_TCP,
                                           .source_port = 40000,
                                           .destination_port = 443,
                                           .tcp_flags = 0x10,
                                           .payload = 30};
static const struct packet_spec ping = {
    .source = POD4, .destination = STRANGER, .protocol = IPPROTO_ICMP, .icmp_type = 8, .source_port = 7};
static const struct packet_spec pong = {
    .source = STRANGER, .destination = POD4, .protocol = IPPROTO_ICMP, .icmp_type = 0, .source_port = 7};

static struct owner curl(void)
{
    return world_owner(&world, "/bin/curl", IPPROTO_TCP);
}

/* Curl's socket after an earlier segment of `segment`'s flow was judged. */
static struct owner curl_with_ruling(__u64 revision, __u8 verdict, __u8 reason)
{
    struct owner owner = curl();

    owner.ruling = revision << RULING_REVISION_SHIFT | (__u64)reason << RULING_REASON_SHIFT | verdict;
    owner.peer[10] = owner.peer[11] = 0xff;
    inet_pton(AF_INET, PEER, owner.peer + 12);
    owner.peer_port_be = htons(443);
    return owner;
}

static __u64 revision_in_force(void)
{
    return world.datapath.revisions[pod_word_policy(world.datapath.states[world.slot])];
}

static void pending_pod_is_closed_and_tells_of_processes_only(void **state)
{
    struct owner owner = curl();
    struct outcome outcome;

    (void)state;
    world_set_pending(&world, 0);
    outcome = run_spec(&world, RUN_FROM_POD, &owner, &syn);
    assert_false(outcome.passes);
    assert_int_equal(outcome.change.reason, REASON_PENDING);
    assert_int_equal(outcome.events, 1);
    outcome = run_spec(&world, RUN_FROM_POD, NULL, &ping);
    assert_false(outcome.passes);
    assert_int_equal(outcome.change.reason, REASON_PENDING);
    assert_int_equal(outcome.events, 0);
    outcome = run_spec(&world, RUN_TO_POD, NULL, &pong);
    assert_false(outcome.passes);
    owner.type = 2;
    assert_false(run_spec(&world, RUN_INGRESS, &owner, &pong).passes);
}

static void open_pending_pod_passes_and_is_audited(void **state)
{
    struct owner owner = curl();
    struct outcome outcome;

    (void)state;
    world_set_pending(&world, POD_OPEN);
    outcome = run_spec(&world, RUN_FROM_POD, &owner, &syn);
    assert_true(outcome.passes);
    assert_int_equal(outcome.change.verdict, VERDICT_AUDIT);
    assert_int_equal(outcome.change.reason, REASON_PENDING);
    assert_true(run_spec(&world, RUN_TO_POD, NULL, &pong).passes);
    assert_true(run_spec(&world, RUN_INGRESS, &owner, &pong).passes);
}

static void pod_that_no_profile_selects_is_not_touched(void **state)
{
    struct owner owner = curl();

    (void)state;
    world_apply(&world, MANIFEST("p", "enforce", "{}", "{}"));
    assert_false(run_spec(&world, RUN_FROM_POD, &owner, &syn).passes);
    world_remove_profile(&world, "p");

    struct outcome outcome = run_spec(&world, RUN_FROM_POD, &owner, &syn);

    assert_true(outcome.passes);
    assert_int_equal(outcome.change.seen, 0);
    assert_true(run_spec(&world, RUN_FROM_POD, NULL, &ping).passes);
    assert_true(run_spec(&world, RUN_TO_POD, NULL, &pong).passes);
}

/* T41 */
static void ping_is_answered_and_nobody_else_is_let_in(void **state)
{
    struct packet_spec other = pong;

    (void)state;
    world_apply(&world, MANIFEST("p", "enforce", TCP("443"), "{}"));
    assert_false(run_spec(&world, RUN_TO_POD, NULL, &pong).passes);
    assert_true(run_spec(&world, RUN_FROM_POD, NULL, &ping).passes);
    assert_true(run_spec(&world, RUN_TO_POD, NULL, &pong).passes);
    other.source_port = 8;
    assert_false(run_spec(&world, RUN_TO_POD, NULL, &other).passes);
    other = pong;
    other.source = PEER;
    assert_false(run_spec(&world, RUN_TO_POD, NULL, &other).passes);
    /* The identifier of our request opens no way for the other side's own request. */
    other = pong;
    other.icmp_type = 8;
    assert_false(run_spec(&world, RUN_TO_POD, NULL, &other).passes);
}

/* T41 */
static void echo_of_one_binary_opens_no_way_for_another(void **state)
{
    struct owner allowed = world_owner(&world, "/bin/ping", IPPROTO_ICMP), other = allowed;

    (void)state;
    path_hash_text("/bin/nc", world.datapath.control->path_key, other.path);
    world_apply(&world, MANIFEST("p", "enforce", TCP("443"),
                                 "{}") "    - {path: /bin/ping, network: {egress: {cidr4: "
                                       "[10.9.0.0/16], l3: {protocols: [ipv4]}, l4: {protocols: [icmp]}}}}\n");
    assert_false(run_spec(&world, RUN_FROM_POD, &other, &ping).passes);
    assert_true(run_spec(&world, RUN_FROM_POD, &allowed, &ping).passes);
    assert_false(run_spec(&world, RUN_FROM_POD, &other, &ping).passes);
}

/* T42 */
static void icmp_error_follows_a_live_flow_only(void **state)
{
    struct packet_spec unreachable = {
        .source = "10.7.7.7", .destination = POD4, .protocol = IPPROTO_ICMP, .icmp_type = 3, .quoted = &ping};
    struct packet_spec other = ping;

    (void)state;
    world_apply(&world, MANIFEST("p", "enforce", TCP("443"), "{}"));
    assert_true(run_spec(&world, RUN_FROM_POD, NULL, &ping).passes);
    assert_true(run_spec(&world, RUN_TO_POD, NULL, &unreachable).passes);
    other.source_port = 99;
    unreachable.quoted = &other;
    assert_false(run_spec(&world, RUN_TO_POD, NULL, &unreachable).passes);
    unreachable.quoted = NULL;
    assert_false(run_spec(&world, RUN_TO_POD, NULL, &unreachable).passes);
}

static void ruling_of_this_revision_is_believed(void **state)
{
    struct owner owner;
    struct outcome outcome;

    (void)state;
    world_apply(&world, MANIFEST("p", "enforce", TCP("80"), "{}"));
    owner = curl_with_ruling(revision_in_force(), VERDICT_FORWARDED, 0);
    outcome = run_spec(&world, RUN_FROM_POD, &owner, &segment);
    assert_true(outcome.passes);
    assert_int_equal(outcome.change.seen, 0);
    owner = curl_with_ruling(revision_in_force(), VERDICT_DROPPED, REASON_L4_PORT);
    outcome = run_spec(&world, RUN_FROM_POD, &owner, &segment);
    assert_false(outcome.passes);
    assert_true(outcome.is_reset);
    assert_int_equal(outcome.change.seen, 1);
    assert_int_equal(outcome.events, 0);
}

static void ruling_for_another_peer_is_not(void **state)
{
    struct owner owner;

    (void)state;
    world_apply(&world, MANIFEST("p", "enforce", TCP("80"), "{}"));
    owner = curl_with_ruling(revision_in_force(), VERDICT_FORWARDED, 0);
    owner.peer_port_be = htons(80);
    assert_false(run_spec(&world, RUN_FROM_POD, &owner, &segment).passes);
    owner = curl_with_ruling(revision_in_force(), VERDICT_FORWARDED, 0);
    owner.peer[15]++;
    assert_false(run_spec(&world, RUN_FROM_POD, &owner, &segment).passes);
}

/* T84 */
static void new_revision_ends_live_flows_that_it_refuses(void **state)
{
    struct outcome outcome;
    __u64 old;

    (void)state;
    world_apply(&world, MANIFEST("p", "enforce", TCP("443"), "{}"));
    old = revision_in_force();

    struct owner owner = curl_with_ruling(old, VERDICT_FORWARDED, 0);

    assert_true(run_spec(&world, RUN_FROM_POD, &owner, &segment).passes);
    world_apply(&world, MANIFEST("p", "enforce", TCP("80"), "{}"));
    assert_int_not_equal(revision_in_force(), old);
    outcome = run_spec(&world, RUN_FROM_POD, &owner, &segment);
    assert_false(outcome.passes);
    assert_true(outcome.is_reset);
    assert_int_equal(outcome.change.reason, REASON_L4_PORT);
    assert_int_equal(outcome.events, 1);
    assert_true(outcome.event.flags & EVENT_LIVE_FLOW);
}

static void new_revision_keeps_live_flows_that_it_allows(void **state)
{
    struct owner owner;

    (void)state;
    world_apply(&world, MANIFEST("p", "enforce", TCP("443"), "{}"));
    owner = curl_with_ruling(revision_in_force(), VERDICT_FORWARDED, 0);
    world_apply(&world, MANIFEST("p", "enforce", TCP("443"), TCP("1")));
    assert_true(run_spec(&world, RUN_FROM_POD, &owner, &segment).passes);
}

/* Refused at the pod's socket, where no answer can be given: the next segment on the veth becomes the RST. */
static void flow_refused_on_its_way_in_is_reset_at_the_next_segment(void **state)
{
    struct packet_spec in = {.source = PEER,
                             .destination = POD4,
                             .protocol = IPPROTO_TCP,
                             .source_port = 5000,
                             .destination_port = 80,
                             .tcp_flags = 0x10,
                             .payload = 20};
    struct owner owner = curl();
    struct outcome outcome;

    (void)state;
    owner.is_passive = 1;
    world_apply(&world, MANIFEST("p", "enforce", "{}", TCP("81")));
    assert_false(run_spec(&world, RUN_TO_POD, NULL, &in).is_reset);
    assert_false(run_spec(&world, RUN_INGRESS, &owner, &in).passes);
    outcome = run_spec(&world, RUN_TO_POD, NULL, &in);
    assert_true(outcome.passes);
    assert_true(outcome.is_reset);
    in.source_port++;
    assert_false(run_spec(&world, RUN_TO_POD, NULL, &in).is_reset);
}

static void stricter_successor_is_watched_in_shadow(void **state)
{
    struct owner owner = curl();
    struct packet_spec to_81 = syn;
    struct outcome outcome;

    (void)state;
    to_81.destination_port = 81;
    world_apply(&world, MANIFEST("a", "enforce", TCP("443"), "{}"));
    world_apply(&world, MANIFEST("b", "alert", TCP("81"), "{}"));
    outcome = run_spec(&world, RUN_FROM_POD, &owner, &syn);
    assert_true(outcome.passes);
    assert_int_equal(outcome.change.verdict, VERDICT_AUDIT);
    assert_int_equal(outcome.event.profile, 1);
    outcome = run_spec(&world, RUN_FROM_POD, &owner, &to_81);
    assert_false(outcome.passes);
    assert_int_equal(outcome.event.profile, 0);
}

/* T69 */
static void rules_of_two_profiles_join_without_mixing(void **state)
{
    struct owner owner = curl();
    struct packet_spec out = syn;

    (void)state;
    world_apply(&world, MANIFEST("a", "enforce", TCP("443"), "{}"));
    world_apply(&world, MANIFEST("b", "enforce",
                                 "{cidr4: [10.9.0.0/16], l3: {protocols: [ipv4]}, l4: {protocolPorts: "
                                 "[{protocol: tcp, port: 80}]}}",
                                 "{}"));
    assert_true(run_spec(&world, RUN_FROM_POD, &owner, &out).passes);
    out.destination_port = 80;
    assert_false(run_spec(&world, RUN_FROM_POD, &owner, &out).passes);
    out.destination = STRANGER;
    assert_true(run_spec(&world, RUN_FROM_POD, &owner, &out).passes);
    out.destination_port = 443;
    assert_false(run_spec(&world, RUN_FROM_POD, &owner, &out).passes);
}

static void node_may_probe_its_pods_if_so_configured(void **state)
{
    struct packet_spec probe = {.source = STRANGER,
                                .destination = POD4,
                                .protocol = IPPROTO_TCP,
                                .source_port = 5000,
                                .destination_port = 8080,
                                .tcp_flags = 0x02};

    (void)state;
    world_apply(&world, MANIFEST("p", "enforce", "{}", "{}"));
    world.datapath.control->exempt_node = 0;
    assert_false(run_spec(&world, RUN_TO_POD, NULL, &probe).passes);
    world.datapath.control->exempt_node = 1;
    assert_true(run_spec(&world, RUN_TO_POD, NULL, &probe).passes);
    world.datapath.control->host_netns_cookie++;
    probe.source_port++;
    assert_false(run_spec(&world, RUN_TO_POD, NULL, &probe).passes);
    world.datapath.control->host_netns_cookie--;
    world.datapath.control->exempt_node = 0;
}

/* T82 */
static void bucket_limits_events_and_not_counters(void **state)
{
    struct owner owner = curl();
    int events = 0, seen = 0;

    (void)state;
    world_apply(&world, MANIFEST("p", "enforce", "{}", "{}"));
    world.datapath.control->event_interval_ns = 3600000000000;
    world.datapath.control->event_burst_ns = 2 * 3600000000000;
    for (int i = 0; i < 10; i++) {
        struct outcome outcome = run_spec(&world, RUN_FROM_POD, &owner, &syn);

        assert_false(outcome.passes);
        events += outcome.events;
        seen += outcome.change.seen;
    }
    world.datapath.control->event_interval_ns = 0;
    assert_int_equal(seen, 10);
    assert_in_range(events, 2, 3);
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
    world_remove_profile(&world, "p");
    world_remove_profile(&world, "a");
    world_remove_profile(&world, "b");
    return 0;
}

int group_flows(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(pending_pod_is_closed_and_tells_of_processes_only, remove_profiles),
        cmocka_unit_test_teardown(open_pending_pod_passes_and_is_audited, remove_profiles),
        cmocka_unit_test_teardown(pod_that_no_profile_selects_is_not_touched, remove_profiles),
        cmocka_unit_test_teardown(ping_is_answered_and_nobody_else_is_let_in, remove_profiles),
        cmocka_unit_test_teardown(echo_of_one_binary_opens_no_way_for_another, remove_profiles),
        cmocka_unit_test_teardown(icmp_error_follows_a_live_flow_only, remove_profiles),
        cmocka_unit_test_teardown(ruling_of_this_revision_is_believed, remove_profiles),
        cmocka_unit_test_teardown(ruling_for_another_peer_is_not, remove_profiles),
        cmocka_unit_test_teardown(new_revision_ends_live_flows_that_it_refuses, remove_profiles),
        cmocka_unit_test_teardown(new_revision_keeps_live_flows_that_it_allows, remove_profiles),
        cmocka_unit_test_teardown(flow_refused_on_its_way_in_is_reset_at_the_next_segment, remove_profiles),
        cmocka_unit_test_teardown(stricter_successor_is_watched_in_shadow, remove_profiles),
        cmocka_unit_test_teardown(rules_of_two_profiles_join_without_mixing, remove_profiles),
        cmocka_unit_test_teardown(node_may_probe_its_pods_if_so_configured, remove_profiles),
        cmocka_unit_test_teardown(bucket_limits_events_and_not_counters, remove_profiles),
    };

    return cmocka_run_group_tests_name("flows", tests, start, stop);
}
