/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Violations as fast as the programs can run, more than a million a second on any machine that is not emulated: each is
 * reported, suppressed or lost, whoever reads. tests/e2e/truth.bats does it slower, with real packets and policyd.
 */
#include "tests/bpf/groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/bpf.h>

#include "tests/bpf/run.h"

#define STORM 200000
#define BATCH 1000 /* fewer events than the ring holds */
#define ETHERTYPE_LLDP 0x88cc
#define INTERVAL_NS 100000000ULL /* of the limited: 10 a second */

static struct world world;
static __u64 usual_interval_ns, usual_burst_ns;

static const struct packet_spec odd = {.ethertype = ETHERTYPE_LLDP, .source = POD4, .destination = GATEWAY4};

static struct tally counted(void)
{
    struct pod_tally now;

    assert_int_equal(bpf_map_lookup_elem(world.datapath.maps[MAP_TALLIES], &world.slot, &now), 0);
    return now.tallies[EGRESS][VERDICT_DROPPED][REASON_ETHERTYPE];
}

/* Returns how many events were read; *change: what was counted. */
static int storm(int batch, struct tally *change)
{
    struct tally before = counted(), after;
    __u8 frame[PACKETS_MAX];
    size_t length = packets_build(&odd, frame);
    int events = 0;
    __u32 ns = 0;

    run_read_events();
    for (int i = 0; i < STORM / batch; i++) {
        ns = run_storm(&world, frame, length, (__u32)batch);
        events += run_read_events();
    }
    after = counted();
    *change = (struct tally){
        .seen = after.seen - before.seen,
        .reported = after.reported - before.reported,
        .suppressed = after.suppressed - before.suppressed,
        .lost = after.lost - before.lost,
    };
    print_message("%u ns each: %llu seen = %llu reported + %llu suppressed + %llu lost\n", ns, change->seen,
                  change->reported, change->suppressed, change->lost);
    assert_int_equal(change->seen, STORM);
    assert_int_equal(change->seen, change->reported + change->suppressed + change->lost);
    assert_int_equal(events, change->reported);
    assert_true(world_adds_up(&world));
    return events;
}

static void with_a_reader_each_violation_of_a_storm_is_an_event(void **state)
{
    struct tally change;

    (void)state;
    world.datapath.control->event_interval_ns = 0;
    assert_int_equal(storm(BATCH, &change), STORM);
}

static void without_a_reader_what_the_ring_cannot_hold_is_lost_and_counted(void **state)
{
    struct tally change;

    (void)state;
    world.datapath.control->event_interval_ns = 0;
    assert_in_range(storm(STORM, &change), 1, STORM - 1);
    assert_int_equal(change.suppressed, 0);
}

static void beyond_the_limit_a_storm_is_suppressed_and_counted(void **state)
{
    struct tally change;

    (void)state;
    world.datapath.control->event_interval_ns = INTERVAL_NS;
    world.datapath.control->event_burst_ns = 100 * INTERVAL_NS;
    /* A hundred at once, and ten for each second of the storm. */
    assert_in_range(storm(BATCH, &change), 1, STORM / 2);
    assert_int_equal(change.lost, 0);
}

static int start(void **state)
{
    (void)state;
    world_start(&world);
    run_start(&world);
    usual_interval_ns = world.datapath.control->event_interval_ns;
    usual_burst_ns = world.datapath.control->event_burst_ns;
    world_apply(&world, "apiVersion: securityprobe.datadoghq.com/v1\nkind: SecurityProfile\n"
                        "metadata: {name: p, namespace: test}\n"
                        "spec: {labelSelector: {}, actions: [enforce], processes: []}\n");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    world.datapath.control->event_interval_ns = usual_interval_ns;
    world.datapath.control->event_burst_ns = usual_burst_ns;
    run_stop();
    world_stop(&world);
    return 0;
}

int group_truth(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_a_reader_each_violation_of_a_storm_is_an_event),
        cmocka_unit_test(without_a_reader_what_the_ring_cannot_hold_is_lost_and_counted),
        cmocka_unit_test(beyond_the_limit_a_storm_is_suppressed_and_counted),
    };

    return cmocka_run_group_tests_name("truth", tests, start, stop);
}
