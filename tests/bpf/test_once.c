/* SPDX-License-Identifier: Apache-2.0 */
/* While clsact gives way to tcx, or stays beside it, each packet is judged once: counted once, and never by nobody. */
#include "tests/bpf/groups.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/attach.h"
#include "datapath/attach_tc.h"
#include "datapath/attach_tcx.h"
#include "lib/cleanup.h"
#include "tests/bpf/run.h"
#include "tests/bpf/sandbox.h"

#define TCX_INGRESS 46 /* BPF_TCX_INGRESS */
#define BATCH 500
#define BATCHES 60
#define ETHERTYPE_LLDP 0x88cc

static struct world world;

/* Nobody remembers it: each is judged by itself. */
static const struct packet_spec odd = {.ethertype = ETHERTYPE_LLDP, .source = POD4, .destination = GATEWAY4};

static void apply(const char *action)
{
    char manifest[512];

    snprintf(manifest, sizeof(manifest),
             "apiVersion: securityprobe.datadoghq.com/v1\nkind: SecurityProfile\n"
             "metadata: {name: p, namespace: test}\n"
             "spec: {labelSelector: {}, actions: [%s], processes: []}\n",
             action);
    world_apply(&world, manifest);
}

static __u64 passed(int direction)
{
    int cpus = libbpf_num_possible_cpus();
    cleanup_free struct traffic *each = calloc((size_t)cpus, sizeof(*each));
    __u64 sum = 0;

    assert_non_null(each);
    assert_int_equal(bpf_map_lookup_elem(world.datapath.maps[MAP_TRAFFIC], &world.slot, each), 0);
    for (int i = 0; i < cpus; i++)
        sum += each[i].packets[direction];
    return sum;
}

static int flood(int direction, __u32 times)
{
    __u8 frame[PACKETS_MAX];
    size_t length = packets_build(&odd, frame);

    return run_flood(direction == EGRESS ? RUN_FROM_POD : RUN_TO_POD, frame, length, times);
}

/* Each was audited once, and counted once as one that passed. */
static void assert_judged_once(int direction, __u32 times)
{
    __u64 before = passed(direction);

    world_mark(&world);
    assert_int_equal(flood(direction, times), times);
    assert_int_equal(world_counted(&world, direction, VERDICT_AUDIT, REASON_ETHERTYPE), times);
    assert_int_equal(passed(direction) - before, times);
}

static int by_clsact(void **state)
{
    struct error err = {0};
    __u32 flags;

    (void)state;
    attach_tcx_remove(&world.datapath, sandbox.host_ifindex, world.slot, NULL);
    if (attach_tc_add(&world.datapath, sandbox.host_ifindex, false, &flags, &err))
        fail_msg("%s", err.msg);
    return 0;
}

static void by_clsact_each_packet_is_judged_once(void **state)
{
    (void)state;
    apply("alert");
    assert_judged_once(EGRESS, BATCH);
    assert_judged_once(INGRESS, BATCH);
}

static void by_both_each_packet_is_judged_once(void **state)
{
    struct error err = {0};

    (void)state;
    if (!attach_has_tcx())
        return;
    apply("alert");
    if (attach_tcx_add(&world.datapath, sandbox.host_ifindex, world.slot, &err))
        fail_msg("%s", err.msg);
    assert_judged_once(EGRESS, BATCH);
    assert_judged_once(INGRESS, BATCH);
}

/* What tcx let go on ended at a neighbour's program; then tcx goes, and the next packet is the first for clsact. */
static void note_of_a_packet_that_went_astray_is_no_pass_for_the_next(void **state)
{
    struct error err = {0};
    cpu_set_t before, one;
    int neighbour;

    (void)state;
    if (!attach_has_tcx())
        return;
    apply("alert");
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    if (attach_tcx_add(&world.datapath, sandbox.host_ifindex, world.slot, &err))
        fail_msg("%s", err.msg);
    neighbour = bpf_link_create(run_observer(), (int)sandbox.host_ifindex, TCX_INGRESS, NULL);
    assert_true(neighbour >= 0);
    assert_judged_once(EGRESS, 3);
    close(neighbour);
    attach_tcx_remove(&world.datapath, sandbox.host_ifindex, world.slot, NULL);
    assert_judged_once(EGRESS, 1);
    sched_setaffinity(0, sizeof(before), &before);
}

/* Such as a bridge in hairpin mode returns, where nothing at the host's end of the veth took it. */
static void copy_that_went_astray_ends_without_a_count(void **state)
{
    static const __u32 marks[] = {AFTERWARDS_ONCE, AFTERWARDS_TWICE};

    (void)state;
    apply("alert");
    assert_true(run_spec(&world, RUN_TO_POD, NULL, &odd).passes);
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
        struct outcome outcome;

        world_mark(&world);
        run_mark(marks[i]);
        outcome = run_spec(&world, RUN_TO_POD, NULL, &odd);
        run_mark(0);
        assert_false(outcome.passes);
        assert_int_equal(world_counted(&world, INGRESS, VERDICT_AUDIT, REASON_ETHERTYPE), 0);
    }
}

/* --- while it changes --------------------------------------------------------------------------------------------- */

static atomic_bool is_over;

/* At each moment at least one of the two is there. */
static void *change_over_and_over(void *context)
{
    (void)context;
    while (!is_over) {
        struct error err;
        __u32 flags;

        attach_promote(&world.datapath, sandbox.host_ifindex, world.slot, &flags, &err);
        attach_tc_add(&world.datapath, sandbox.host_ifindex, false, &flags, &err);
        attach_tcx_remove(&world.datapath, sandbox.host_ifindex, world.slot, NULL);
    }
    return NULL;
}

static void while_it_changes_each_packet_is_judged_once(void **state)
{
    pthread_t thread;

    (void)state;
    apply("alert");
    is_over = false;
    assert_int_equal(pthread_create(&thread, NULL, change_over_and_over, NULL), 0);
    for (int i = 0; i < BATCHES; i++)
        assert_judged_once(i % DIRECTIONS, BATCH);
    is_over = true;
    pthread_join(thread, NULL);
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

int group_once(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(by_clsact_each_packet_is_judged_once, by_clsact),
        cmocka_unit_test_setup(by_both_each_packet_is_judged_once, by_clsact),
        cmocka_unit_test_setup(note_of_a_packet_that_went_astray_is_no_pass_for_the_next, by_clsact),
        cmocka_unit_test(copy_that_went_astray_ends_without_a_count),
        cmocka_unit_test_setup(while_it_changes_each_packet_is_judged_once, by_clsact),
    };

    return cmocka_run_group_tests_name("once", tests, start, stop);
}
