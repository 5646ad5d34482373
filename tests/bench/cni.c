/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-cni: what our plugin adds to ADD and DEL of the bridge and portmap plugins, with policyd running and not. Pairs
 * with and without it take turns; after each ADD the pod's record, attachments and state are checked.
 */
#include <stdio.h>
#include <string.h>

#include "datapath/record.h"
#include "tests/bench/bench.h"
#include "tests/bench/chain.h"
#include "tests/bench/node.h"
#include "tests/bpf/sandbox.h"

#define PAIRS_PER_BLOCK 10 /* policyd is started and stopped once a block */

enum kind {
    PLAIN,
    POLICYD_UP,
    POLICYD_DOWN,
    KINDS,
};

struct times {
    struct samples add, delete, nsp_add, nsp_delete;
};

static struct node node;
static struct times times[KINDS];

static const char manifests[] = "apiVersion: v1\n"
                                "kind: Pod\n"
                                "metadata: {name: bench, labels: {app: bench}}\n"
                                "---\n"
                                "apiVersion: securityprobe.datadoghq.com/v1\n"
                                "kind: SecurityProfile\n"
                                "metadata: {name: bench}\n"
                                "spec:\n"
                                "  labelSelector: {matchLabels: {app: bench}}\n"
                                "  actions: [enforce]\n"
                                "  processes:\n"
                                "  - path: /usr/bin/true\n";

static void leave(void)
{
    node_stop(&node);
    sandbox_leave();
}

static void check_added(const struct datapath *datapath, const char *container, enum kind kind)
{
    struct attachment_key key = {.ifname = "eth0"};
    struct attachment attachment = {0};

    memcpy(key.container_id, container, strlen(container));

    bool is_there = record_find(datapath, &key, &attachment) == 0;

    if (is_there != (kind != PLAIN))
        bench_fail("after ADD the pod is %srecorded", is_there ? "" : "not ");
    if (!is_there)
        return;

    __u64 state = datapath->states[attachment.slot] & POD_STATE_MASK;

    if (!attachment.flags)
        bench_fail("after ADD nothing is attached to the veth");
    if (state != (kind == POLICYD_UP ? POD_READY : POD_PENDING))
        bench_fail("after ADD the pod's state is %llu", state);
}

static void check_deleted(const struct datapath *datapath, const char *container)
{
    struct attachment_key key = {.ifname = "eth0"};
    struct attachment attachment;

    memcpy(key.container_id, container, strlen(container));
    if (record_find(datapath, &key, &attachment) == 0)
        bench_fail("after DEL the pod is still recorded");
}

static void measure_pair(const struct datapath *datapath, enum kind kind)
{
    struct node_pod pod;
    struct chain chain = {.node = &node, .pod = &pod, .has_nsp = kind != PLAIN};

    node_pod_make(&node, "bench", &pod);

    struct chain_times added = chain_add(&chain);

    check_added(datapath, pod.name, kind);

    struct chain_times deleted = chain_delete(&chain);

    check_deleted(datapath, pod.name);
    node_pod_remove(&pod);
    samples_add(&times[kind].add, added.all * 1e3);
    samples_add(&times[kind].delete, deleted.all * 1e3);
    samples_add(&times[kind].nsp_add, added.nsp * 1e3);
    samples_add(&times[kind].nsp_delete, deleted.nsp * 1e3);
}

static void measure_block(int pairs)
{
    struct datapath datapath;

    node_start_policyd(&node);
    node_open_pins(&datapath);
    for (int i = 0; i < pairs; i++) {
        measure_pair(&datapath, PLAIN);
        measure_pair(&datapath, POLICYD_UP);
    }
    node_stop_policyd(&node);
    for (int i = 0; i < pairs; i++)
        measure_pair(&datapath, POLICYD_DOWN);
    pins_close(&datapath);
}

static void report_added(const struct bench *bench, const char *what, struct samples *with, double goal50,
                         double goal99)
{
    char name[96];
    struct figure p50 = {.name = name, .unit = "ms", .goal = goal50};

    snprintf(name, sizeof(name), "%s", what);
    bench_report(bench, &p50, with);
    snprintf(name, sizeof(name), "%s, p99", what);

    const struct figure p99 = {.name = name, .unit = "ms", .goal = goal99};

    bench_report_value(bench, &p99, samples_quantile(with, 0.99));
}

static void report_difference(const struct bench *bench, const char *name, struct samples *with,
                              struct samples *without)
{
    const struct figure figure = {.name = name, .unit = "ms"};

    bench_report_value(bench, &figure, samples_quantile(with, 0.5) - samples_quantile(without, 0.5));
}

static void report(const struct bench *bench)
{
    const struct figure alone_add = {.name = "ADD, bridge and portmap alone", .unit = "ms"};
    const struct figure alone_delete = {.name = "DEL, bridge and portmap alone", .unit = "ms"};

    bench_report(bench, &alone_add, &times[PLAIN].add);
    bench_report(bench, &alone_delete, &times[PLAIN].delete);
    report_added(bench, "ADD, added by nsp, policyd up", &times[POLICYD_UP].nsp_add, 3, 10);
    report_added(bench, "ADD, added by nsp, policyd down", &times[POLICYD_DOWN].nsp_add, 3, 10);
    report_added(bench, "DEL, added by nsp, policyd up", &times[POLICYD_UP].nsp_delete, 0, 0);
    report_added(bench, "DEL, added by nsp, policyd down", &times[POLICYD_DOWN].nsp_delete, 0, 0);
    report_difference(bench, "ADD, whole chain against the two alone, policyd up, medians", &times[POLICYD_UP].add,
                      &times[PLAIN].add);
    report_difference(bench, "DEL, whole chain against the two alone, policyd up, medians", &times[POLICYD_UP].delete,
                      &times[PLAIN].delete);
}

int main(int argc, char **argv)
{
    struct bench bench;

    bench_start(&bench, "cni", 100, argc, argv);
    sandbox_enter();
    bench_clean_up_by(leave);
    node_start(&node);
    node_write(&node, "bench", manifests);
    node_publish(&node, "bench");
    for (int left = bench.rounds; left > 0; left -= PAIRS_PER_BLOCK)
        measure_block(left < PAIRS_PER_BLOCK ? left : PAIRS_PER_BLOCK);
    report(&bench);
    for (int i = 0; i < KINDS; i++) {
        samples_free(&times[i].add);
        samples_free(&times[i].delete);
        samples_free(&times[i].nsp_add);
        samples_free(&times[i].nsp_delete);
    }
    bench_finish(&bench);
    return 0;
}
