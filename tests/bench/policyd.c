/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-policyd: what the daemon takes when nothing happens, and how long a changed manifest takes until the kernel
 * enforces it: from the rename into place to the first refusal that a process with a live TCP connection gets.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "datapath/record.h"
#include "lib/cleanup.h"
#include "tests/bench/bench.h"
#include "tests/bench/chain.h"
#include "tests/bench/node.h"
#include "tests/bench/probe.h"
#include "tests/bpf/sandbox.h"

#define IDLE_S 10
#define JUDGED_S 10
#define PAUSE_MS 200 /* between changes: the one before is tidied away by then */
#define CALM_S 3     /* after a change: retired revisions and tcx promotion are done then */

static struct node node;
static struct node_pod pod;

static void leave(void)
{
    node_stop(&node);
    sandbox_leave();
}

/* The head of a profile for our pod; the caller appends processes. */
static void begin_profile(FILE *out, int number)
{
    fprintf(out,
            "---\n"
            "apiVersion: securityprobe.datadoghq.com/v1\n"
            "kind: SecurityProfile\n"
            "metadata: {name: bench-%d}\n"
            "spec:\n"
            "  labelSelector: {matchLabels: {app: bench}}\n"
            "  actions: [enforce]\n"
            "  processes:\n",
            number);
}

static FILE *open_text(char **text, size_t *size)
{
    FILE *out = open_memstream(text, size);

    if (!out)
        bench_fail("out of memory");
    return out;
}

static void write_profile(FILE *out, char **text)
{
    fclose(out);
    node_write(&node, "profile", *text);
    free(*text);
}

/* As many as one pod can have: 8 profiles with 63 binaries, each with two ports of its own. */
static void write_rules(void)
{
    char *text;
    size_t size;
    FILE *out = open_text(&text, &size);

    for (int profile = 0; profile < NSP_PARTS_MAX; profile++) {
        begin_profile(out, profile);
        for (int i = 0; i < 63; i++)
            fprintf(out,
                    "  - path: /usr/bin/program-%d-%d\n"
                    "    network:\n"
                    "      egress:\n"
                    "        cidr4: [10.%d.%d.0/24]\n"
                    "        l3: {protocols: [ipv4]}\n"
                    "        l4: {protocolPorts: [{protocol: tcp, port: %d}, {protocol: udp, port: %d}]}\n",
                    profile, i, profile, i, 1024 + i, 1024 + i);
    }
    write_profile(out, &text);
}

/* The probe's own rules with `count` prefixes, the last of which is the server's address or another. */
static void write_prefixes(int count, const char *server)
{
    char *text, path[256] = "";
    size_t size;
    FILE *out = open_text(&text, &size);

    begin_profile(out, 0);
    if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
        bench_fail("/proc/self/exe: %s", strerror(errno));
    fprintf(out,
            "  - path: %s\n"
            "    network:\n"
            "      egress:\n"
            "        l3: {protocols: [ipv4]}\n"
            "        l4: {protocols: [tcp]}\n"
            "        cidr4:\n",
            path);
    for (int i = 0; i < count - 1; i++)
        fprintf(out, "        - 172.%d.%d.0/24\n", 16 + i / 256, i % 256);
    fprintf(out, "        - %s/32\n", server);
    write_profile(out, &text);
}

/* A line of /proc/PID/.../status, as a number. */
static long read_status(const char *path, const char *key)
{
    cleanup_fclose FILE *file = fopen(path, "re");
    char line[256];

    while (file && fgets(line, sizeof(line), file)) {
        if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
            return strtol(line + strlen(key) + 1, NULL, 10);
    }
    bench_fail("%s: no %s", path, key);
}

static void report_memory(const struct bench *bench, const char *when, double goal_anon, double goal_all)
{
    char path[64], name[96];
    struct figure figure = {.name = name, .unit = "MB"};

    snprintf(path, sizeof(path), "/proc/%d/status", node.policyd);
    snprintf(name, sizeof(name), "RssAnon, %s", when);
    figure.goal = goal_anon;
    bench_report_value(bench, &figure, (double)read_status(path, "RssAnon") / 1024);
    snprintf(name, sizeof(name), "RSS, %s", when);
    figure.goal = goal_all;
    bench_report_value(bench, &figure, (double)read_status(path, "VmRSS") / 1024);
}

static long count_wake_ups(void)
{
    char path[320];
    long sum = 0;

    snprintf(path, sizeof(path), "/proc/%d/task", node.policyd);

    DIR *tasks = opendir(path);

    for (struct dirent *task = tasks ? readdir(tasks) : NULL; task; task = readdir(tasks)) {
        if (task->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "/proc/%d/task/%.200s/status", node.policyd, task->d_name);
        sum += read_status(path, "voluntary_ctxt_switches");
    }
    if (tasks)
        closedir(tasks);
    return sum;
}

static void report_wake_ups(const struct bench *bench, const char *when)
{
    char name[96];
    const struct figure figure = {.name = name, .unit = "", .extra = "must be 0"};

    poll(NULL, 0, CALM_S * 1000);

    long before = count_wake_ups();

    poll(NULL, 0, IDLE_S * 1000);
    snprintf(name, sizeof(name), "wake-ups of all threads in %d s, %s", IDLE_S, when);
    bench_report_value(bench, &figure, (double)(count_wake_ups() - before));
}

/* Milliseconds from the rename to what the probe first saw of it. */
static double change(const struct probe *probe, bool is_allowed)
{
    struct timespec now;

    poll(NULL, 0, PAUSE_MS);
    clock_gettime(CLOCK_MONOTONIC, &now);

    long long start_ns = now.tv_sec * 1000000000LL + now.tv_nsec;

    node_publish(&node, "profile");
    if (!probe_wait(probe, is_allowed))
        bench_fail("the probe was not %s", is_allowed ? "let through" : "refused");
    return (double)(probe->changed_ns - start_ns) / 1e6;
}

static void report_changes(const struct bench *bench, struct samples *samples, const char *what, int prefixes,
                           double goal)
{
    char name[96];
    const struct figure median = {.name = name, .unit = "ms"};
    const struct figure tail = {.name = name, .unit = "ms", .goal = goal};
    const char *plural = prefixes == 1 ? "prefix" : "prefixes";

    snprintf(name, sizeof(name), "file to %s, %d %s", what, prefixes, plural);
    bench_report(bench, &median, samples);
    snprintf(name, sizeof(name), "file to %s, %d %s, p99", what, prefixes, plural);
    bench_report_value(bench, &tail, samples_quantile(samples, 0.99));
    samples_free(samples);
}

static double policyd_cpu_seconds(void)
{
    struct timespec used = {0};
    clockid_t clock;

    if (clock_getcpuclockid(node.policyd, &clock) || clock_gettime(clock, &used))
        bench_fail("policyd has no clock");
    return (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
}

/* Unlike the time until it is enforced, this hardly depends on what else the machine does. */
static void report_cpu(const struct bench *bench, int prefixes, double seconds)
{
    char name[96];
    const struct figure figure = {.name = name, .unit = "ms"};

    snprintf(name, sizeof(name), "CPU time of policyd per change, %d %s", prefixes,
             prefixes == 1 ? "prefix" : "prefixes");
    bench_report_value(bench, &figure, seconds * 1e3);
}

static void measure_changes(const struct bench *bench, const char *server, int prefixes, double goal)
{
    struct samples cut = {0}, allowed = {0};

    write_prefixes(prefixes, server);
    node_publish(&node, "profile");

    struct probe *probe = probe_start(&pod, server);

    if (!probe_wait(probe, true))
        bench_fail("the probe does not get through to %s", server);

    double before = policyd_cpu_seconds();

    for (int i = 0; i < bench->rounds; i++) {
        write_prefixes(prefixes, "192.0.2.1");
        samples_add(&cut, change(probe, false));
        write_prefixes(prefixes, server);
        samples_add(&allowed, change(probe, true));
    }
    probe_stop(probe);
    report_cpu(bench, prefixes, (policyd_cpu_seconds() - before) / (2 * bench->rounds));
    report_changes(bench, &cut, "live flow cut", prefixes, goal);
    report_changes(bench, &allowed, "new flow allowed", prefixes, goal);
}

/* Whether a policy is in force for the pod. */
static bool is_judged(const void *context)
{
    struct attachment_key key = {.container_id = "bench", .ifname = "eth0"};
    struct attachment attachment;
    struct datapath datapath;
    __u64 word = 0;

    (void)context;
    node_open_pins(&datapath);
    if (record_find(&datapath, &key, &attachment) == 0)
        word = datapath.states[attachment.slot];
    pins_close(&datapath);
    return (word & POD_STATE_MASK) == POD_READY && pod_word_policy(word);
}

static void measure_idle(const struct bench *bench)
{
    report_memory(bench, "one pod, no profile", 4, 12);
    report_wake_ups(bench, "one pod, no profile");
    write_rules();
    node_publish(&node, "profile");
    if (!node_wait(is_judged, NULL, JUDGED_S))
        bench_fail("the pod is not judged by its profiles");
    report_wake_ups(bench, "1,008 rules");
    report_memory(bench, "1,008 rules", 4, 12);
}

int main(int argc, char **argv)
{
    static const char manifest[] = "apiVersion: v1\nkind: Pod\nmetadata: {name: bench, labels: {app: bench}}\n";
    struct chain chain = {.node = &node, .pod = &pod, .has_nsp = true};
    char address[16], gateway[16];
    struct bench bench;

    probe_if_asked(argc, argv);
    bench_start(&bench, "policyd", 30, argc, argv);
    sandbox_enter();
    bench_clean_up_by(leave);
    node_start(&node);
    node_write(&node, "pod", manifest);
    node_publish(&node, "pod");
    node_start_policyd(&node);
    node_pod_make(&node, "bench", &pod);
    chain_add(&chain);
    chain_addresses(&chain, address, gateway);
    measure_idle(&bench);
    measure_changes(&bench, gateway, 1, 0);
    measure_changes(&bench, gateway, 10000, 50);
    report_wake_ups(&bench, "10,000 prefixes");
    report_memory(&bench, "10,000 prefixes, after all those changes", 0, 0);
    chain_delete(&chain);
    node_pod_remove(&pod);
    node_stop_policyd(&node);
    bench_finish(&bench);
    return 0;
}
