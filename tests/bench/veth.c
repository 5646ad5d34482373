/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-veth: what processes in pods see of us. Client and server in pods of their own, on one CPU, through veths and a
 * bridge, both pods judged, or neither; the kinds take turns in each round, and of each round the difference or the
 * ratio counts.
 */
#include <string.h>

#include "tests/bench/bench.h"
#include "tests/bench/town.h"
#include "tests/bpf/sandbox.h"

#define NAME "pong.default.svc.cluster.local"

struct figure_pair {
    enum peer_work work;
    enum town_pod client;
    unsigned int count; /* a round */
    const char *plain;  /* what the figure without us is called; NULL: an earlier row reports it */
    struct figure figure;
    bool is_ratio;
};

static const struct figure_pair pairs[] = {
    {PEER_RR, TOWN_RULES, 1000, "TCP_RR, no datapath", {"TCP_RR, both pods judged", "times", 1.03, 1.015, NULL}, true},
    {PEER_CRR, TOWN_RULES, 200, "TCP_CRR, no datapath", {"TCP_CRR, both pods judged", "times", 1.07, 1.05, NULL}, true},
    {PEER_CONNECT,
     TOWN_RULES,
     1000,
     "socket, connect (UDP), close, no datapath",
     {"socket, connect (UDP), close: added", "us", 1.2, 0.7, NULL},
     false},
    {PEER_DNS,
     TOWN_NAMES,
     500,
     "DNS round trip, no datapath",
     {"DNS round trip, names judged and learnt: added", "us", 2, 1.5, NULL},
     false},
    {PEER_DNS, TOWN_TOLD, 500, NULL, {"DNS round trip, an event for each query: added", "us", 5, 3, NULL}, false},
    {PEER_DNS_FRESH,
     TOWN_NAMES,
     300,
     "DNS round trip with a socket for each, no datapath",
     {"DNS round trip with a socket for each, names judged: added", "us", 2, 1.5, NULL},
     false},
    {PEER_HTTP,
     TOWN_NAMES,
     500,
     "HTTP request, connection kept, no datapath",
     {"HTTP request, connection kept, each judged: added", "us", 0, 0, NULL},
     false},
    {PEER_HTTP_CONN,
     TOWN_NAMES,
     200,
     "HTTP request and its connection, no datapath",
     {"HTTP request and its connection, judged: added", "us", 0, 0, NULL},
     false},
};
enum { PAIRS = sizeof(pairs) / sizeof(pairs[0]) };

static struct samples plain[PAIRS], judged[PAIRS];
static unsigned long told_queries;

static double ask(enum town_pod client, const struct figure_pair *pair)
{
    if (client == TOWN_TOLD)
        told_queries += pair->count;
    return town_ask(client, pair->work, pair->count, NAME);
}

static void measure_pair(int index, int round)
{
    const struct figure_pair *pair = &pairs[index];
    double times[2]; /* without us, with us: who comes first changes */

    for (int i = 0; i < 2; i++) {
        int which = (i + round) % 2;

        times[which] = ask(which ? pair->client : TOWN_PLAIN, pair);
    }
    if (!round)
        return; /* warms up */
    samples_add(&plain[index], times[0]);
    samples_add(&judged[index], pair->is_ratio ? times[1] / times[0] : times[1] - times[0]);
}

static bool is_wanted(const struct bench *bench, int index)
{
    return !bench->only || strstr(pairs[index].figure.name, bench->only);
}

int main(int argc, char **argv)
{
    static const char *const names[] = {NAME, NULL};
    struct bench bench;

    peer_if_asked(argc, argv);
    bench_start(&bench, "veth", 60, argc, argv);
    sandbox_enter();
    bench_clean_up_by(town_stop);
    town_start(names);
    for (int round = 0; round <= bench.rounds; round++) {
        for (int i = 0; i < PAIRS; i++) {
            if (is_wanted(&bench, i))
                measure_pair(i, round);
        }
    }

    double told = town_check(told_queries);

    for (int i = 0; i < PAIRS; i++) {
        const struct figure alone = {.name = pairs[i].plain, .unit = "us"};

        if (!plain[i].count)
            continue;
        if (pairs[i].plain)
            bench_report(&bench, &alone, &plain[i]);
        bench_report(&bench, &pairs[i].figure, &judged[i]);
        samples_free(&plain[i]);
        samples_free(&judged[i]);
    }
    if (told_queries) {
        const struct figure figure = {.name = "share of those queries whose event found room in the ring", .unit = "%"};

        bench_report_value(&bench, &figure, told * 100);
    }
    bench_finish(&bench);
    return 0;
}
