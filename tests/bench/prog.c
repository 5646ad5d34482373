/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-prog: what the shipped programs cost a packet, by BPF_PROG_TEST_RUN. Every figure is net of the same wrapper
 * before an empty program in the same round; one packet is repeated, so caches are hot: a floor. Growth: the same with
 * more blocks in the policy.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/prog_case.h"
#include "tests/bpf/sandbox.h"

#define RUNS 200000
#define BATCHED_RUNS 20000
#define BENCH_CPU 0

static const struct world_shape shapes[] = {
    {.name = "1 other block", .others = 1},
    {.name = "no rule for names or requests in the pod", .others = 1, .is_plain = true},
    {.name = "1,000 blocks and names, 250 profiles", .others = 1000},
    {.name = "10,000 blocks and names, 250 profiles", .others = 10000},
};
enum { WORLDS = sizeof(shapes) / sizeof(shapes[0]) };

struct measured {
    const struct prog_case *test;
    const struct world *world;
    struct samples raw;
};

static struct world worlds[WORLDS];
static struct measured *measured;
static size_t measured_count;

static void start_worlds(void)
{
    for (size_t i = 0; i < WORLDS; i++) {
        char directory[96];

        snprintf(directory, sizeof(directory), "%s/world-%zu", sandbox.bpffs, i);
        world_start(&worlds[i], directory, &shapes[i]);
    }
}

/* Whether it is about what has no name and no request. */
static bool is_in_plain(const struct prog_case *test)
{
    return test->packet.payload == PAYLOAD_ZEROS && !test->is_named;
}

/* Baselines are taken in each world too: where a program lies in memory has its price. */
static void list_measured(const struct bench *bench)
{
    measured = calloc(WORLDS * prog_cases_count, sizeof(*measured));
    if (!measured)
        bench_fail("out of memory");
    for (size_t i = 0; i < WORLDS; i++) {
        for (size_t j = 0; j < prog_cases_count; j++) {
            bool is_base = prog_cases[j].target == TARGET_EMPTY;
            bool is_there = !shapes[i].is_plain || is_in_plain(&prog_cases[j]);

            if (!is_base && bench->only && !strstr(prog_cases[j].name, bench->only))
                continue;
            if (i == 0 || (is_there && (prog_cases[j].grows || is_base)))
                measured[measured_count++] = (struct measured){.test = &prog_cases[j], .world = &worlds[i]};
        }
    }
}

static void measure(const struct bench *bench)
{
    /* Round 0 warms up and is not kept. */
    for (int round = 0; round <= bench->rounds; round++) {
        for (size_t i = 0; i < measured_count; i++) {
            struct measured *m = &measured[(i + (size_t)round * 5) % measured_count];
            double ns = prog_case_run(m->test, m->world, prog_case_is_batch(m->test) ? BATCHED_RUNS : RUNS);

            if (round)
                samples_add(&m->raw, ns);
        }
    }
}

static const struct measured *find(const struct prog_case *test, const struct world *world)
{
    for (size_t i = 0; i < measured_count; i++) {
        if (measured[i].test == test && measured[i].world == world)
            return &measured[i];
    }
    bench_fail("%s: was not measured", test->name);
}

/* Round by round. An empty program itself is reported as it is. */
static void subtract(const struct measured *m, struct samples *net)
{
    const struct measured *base = find(prog_case_baseline(m->test), m->world);

    for (size_t i = 0; i < m->raw.count; i++)
        samples_add(net, m->raw.values[i] - (base == m ? 0 : base->raw.values[i]));
}

static void report(const struct bench *bench)
{
    for (size_t i = 0; i < measured_count; i++) {
        const struct measured *m = &measured[i];
        const struct figure figure = {.name = m->test->name,
                                      .unit = "ns",
                                      .goal = m->test->goal,
                                      .aim = m->test->aim,
                                      .extra = m->test->target == TARGET_EMPTY ? "not net" : NULL};
        struct samples net = {0};

        if (m->world != &worlds[0])
            continue;
        if (i == 0)
            bench_section("Baselines");
        else if (measured[i - 1].test->target == TARGET_EMPTY && m->test->target != TARGET_EMPTY)
            bench_section("Net of the baseline");
        subtract(m, &net);
        bench_report(bench, &figure, &net);
        samples_free(&net);
    }
}

/* The ratio of medians would mix rounds: of each round the ratio, and of those the median. */
static void report_growth(const struct bench *bench)
{
    bench_section("Growth: times the figure with %s", shapes[0].name);
    for (size_t i = 0; i < measured_count; i++) {
        const struct measured *m = &measured[i];
        struct samples first = {0}, net = {0}, ratio = {0};
        char name[160];

        if (m->world == &worlds[0] || m->test->target == TARGET_EMPTY)
            continue;
        subtract(find(m->test, &worlds[0]), &first);
        subtract(m, &net);
        for (size_t j = 0; j < net.count && j < first.count && first.values; j++)
            samples_add(&ratio, net.values[j] / first.values[j]);
        snprintf(name, sizeof(name), "%s: %s", m->test->name, m->world->shape.name);

        const struct figure figure = {.name = name, .unit = "times", .goal = m->test->packet.payload ? 1.1 : 1.05};

        bench_report(bench, &figure, &ratio);
        samples_free(&first);
        samples_free(&net);
        samples_free(&ratio);
    }
}

/* Of each round the difference, for each of `count` things that the second case has more. */
static void report_difference(const struct bench *bench, const struct figure *figure, const char *names[2], int count)
{
    const struct measured *each[2] = {NULL, NULL};
    struct samples net[2] = {{0}}, difference = {0};

    for (size_t i = 0; i < measured_count; i++) {
        for (int j = 0; j < 2; j++) {
            if (measured[i].world == &worlds[0] && strcmp(measured[i].test->name, names[j]) == 0)
                each[j] = &measured[i];
        }
    }
    if (!each[0] || !each[1])
        return; /* --only */
    subtract(each[0], &net[0]);
    subtract(each[1], &net[1]);
    for (size_t i = 0; i < net[0].count; i++)
        samples_add(&difference, (net[1].values[i] - net[0].values[i]) / count);
    bench_report(bench, figure, &difference);
    samples_free(&net[0]);
    samples_free(&net[1]);
    samples_free(&difference);
}

static void report_differences(const struct bench *bench)
{
    static const struct {
        struct figure figure;
        const char *names[2];
        int count;
    } differences[] = {
        {{"DNS answer, each address more", "ns", 120, 80, NULL},
         {"DNS answer, CNAME and 1 address", "DNS answer, CNAME and 16 addresses"},
         15},
        {{"DNS answer, a CNAME more", "ns", 0, 0, NULL},
         {"DNS answer, 1 address", "DNS answer, CNAME and 1 address"},
         1},
        {{"new flow, 100,000 prefixes against 1", "ns", 120, 0, NULL},
         {"new TCP flow, 1 prefix and 1 port, IPv4", "new TCP flow, 100,000 prefixes"},
         1},
        {{"established, 100,000 prefixes against 1", "ns", 3, 0, NULL},
         {"established TCP from the pod, IPv4", "established TCP, 100,000 prefixes"},
         1},
        {{"established, to a learnt address against a prefix", "ns", 0, 0, NULL},
         {"established TCP from the pod, IPv4", "established TCP, to a learnt address"},
         1},
        {{"new flow, to a learnt address against a prefix", "ns", 0, 0, NULL},
         {"new TCP flow, 1 prefix and 1 port, IPv4", "new TCP flow, to a learnt address"},
         1},
    };

    bench_section("Differences");
    for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++) {
        const char *names[2] = {differences[i].names[0], differences[i].names[1]};

        report_difference(bench, &differences[i].figure, names, differences[i].count);
    }
}

int main(int argc, char **argv)
{
    struct bench bench;

    bench_start(&bench, "prog", 21, argc, argv);
    sandbox_enter();
    bench_clean_up_by(sandbox_leave);
    bench_pin(BENCH_CPU);
    start_worlds();
    list_measured(&bench);
    measure(&bench);
    report(&bench);
    report_differences(&bench);
    report_growth(&bench);
    for (size_t i = 0; i < measured_count; i++)
        samples_free(&measured[i].raw);
    free(measured);
    for (size_t i = 0; i < WORLDS; i++)
        world_stop(&worlds[i]);
    bench_finish(&bench);
    return 0;
}
