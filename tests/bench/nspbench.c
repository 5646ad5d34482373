/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nspbench [--rounds N] [DOMAIN...]: the prototype's own bench. The mean became quartiles, the order interleaved, and
 * the resolver is on this machine, so that it is us who are measured: DNS round trip of each domain and an HTTP
 * request, in a pod without us, in one whose rules allow them, and in one where each query is an event.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench.h"
#include "tests/bench/town.h"
#include "tests/bpf/sandbox.h"

#define QUERIES 100 /* of a domain, a round */
#define REQUESTS 50
#define DOMAINS_MAX 64

/* The prototype's. */
static const char *const usual[] = {"pong.default.svc.cluster.local",
                                    "www.google.fr",
                                    "www.google.com",
                                    "www.facebook.com",
                                    "github.com",
                                    "www.cloudflare.com"};

static const struct {
    enum town_pod pod;
    const char *name;
    double goal; /* us, added */
} kinds[] = {
    {TOWN_PLAIN, "without NSP", 0},
    {TOWN_NAMES, "allowed", 2},
    {TOWN_TOLD, "an event for each query", 5},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

struct row {
    const char *domain; /* NULL: an HTTP request */
    struct samples times[KINDS];
};

static struct row rows[DOMAINS_MAX + 1];
static size_t rows_count;
static unsigned long told_queries;

/* In TOWN_TOLD an HTTP request is as it is in TOWN_NAMES. */
static bool is_measured(const struct row *row, int kind)
{
    return row->domain || kinds[kind].pod != TOWN_TOLD;
}

static void measure(struct row *row, int round)
{
    for (int i = 0; i < KINDS; i++) {
        int kind = (i + round) % KINDS;
        enum peer_work work = row->domain ? PEER_DNS_FRESH : PEER_HTTP_CONN;

        if (!is_measured(row, kind))
            continue;

        double us = town_ask(kinds[kind].pod, work, row->domain ? QUERIES : REQUESTS, row->domain ? row->domain : "-");

        if (kinds[kind].pod == TOWN_TOLD)
            told_queries += QUERIES;
        if (round)
            samples_add(&row->times[kind], us);
    }
}

static void report_row(const struct bench *bench, struct row *row)
{
    for (int kind = 0; kind < KINDS; kind++) {
        const struct figure figure = {.name = kinds[kind].name, .unit = "us"};

        if (is_measured(row, kind))
            bench_report(bench, &figure, &row->times[kind]);
        samples_free(&row->times[kind]);
    }
}

/* Before the samples are sorted by their report: what belongs together was measured in one round. */
static void report_added(const struct bench *bench, const struct row *row)
{
    for (int kind = 1; kind < KINDS; kind++) {
        char name[64];
        const struct figure figure = {.name = name, .unit = "us", .goal = row->domain ? kinds[kind].goal : 0};
        struct samples added = {0};

        if (!is_measured(row, kind))
            continue;
        snprintf(name, sizeof(name), "added, %s", kinds[kind].name);
        for (size_t i = 0; i < row->times[kind].count; i++)
            samples_add(&added, row->times[kind].values[i] - row->times[0].values[i]);
        bench_report(bench, &figure, &added);
        samples_free(&added);
    }
}

static void add_row(const char *domain)
{
    if (rows_count > DOMAINS_MAX)
        bench_fail("at most %d domains", DOMAINS_MAX);
    rows[rows_count++].domain = domain;
}

int main(int argc, char **argv)
{
    const char *names[DOMAINS_MAX + 1] = {0};
    struct bench bench;
    int first;

    peer_if_asked(argc, argv);
    first = bench_start_with_operands(&bench, "nspbench", 50, argc, argv);
    for (int i = first; i < argc; i++)
        add_row(argv[i]);
    for (size_t i = 0; first == argc && i < sizeof(usual) / sizeof(usual[0]); i++)
        add_row(usual[i]);
    for (size_t i = 0; i < rows_count; i++)
        names[i] = rows[i].domain;
    rows[rows_count++].domain = NULL;
    sandbox_enter();
    bench_clean_up_by(town_stop);
    town_start(names);
    for (int round = 0; round <= bench.rounds; round++) {
        for (size_t i = 0; i < rows_count; i++)
            measure(&rows[i], round);
    }
    town_check(told_queries);
    for (size_t i = 0; i < rows_count; i++) {
        bench_section("%s%s", rows[i].domain ? "DNS round trip, " : "HTTP request",
                      rows[i].domain ? rows[i].domain : "");
        report_added(&bench, &rows[i]);
        report_row(&bench, &rows[i]);
    }
    bench_finish(&bench);
    return 0;
}
