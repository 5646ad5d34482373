/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/bench.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"

static void read_cpu(char *cpu, size_t size)
{
    cleanup_fclose FILE *file = fopen("/proc/cpuinfo", "re");
    char line[256];

    snprintf(cpu, size, "unknown");
    while (file && fgets(line, sizeof(line), file)) {
        char *colon = strchr(line, ':');

        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(cpu, size, "%s", colon + 2);
        return;
    }
}

static void read_machine(struct bench *bench)
{
    const char *revision = getenv("NSP_BENCH_REVISION");
    time_t now = time(NULL);
    struct utsname system;
    struct tm day;

    strftime(bench->date, sizeof(bench->date), "%Y-%m-%d", gmtime_r(&now, &day));
    uname(&system);
    read_cpu(bench->cpu, sizeof(bench->cpu));
    snprintf(bench->kernel, sizeof(bench->kernel), "%.40s %.40s", system.release, system.machine);
    snprintf(bench->revision, sizeof(bench->revision), "%s", revision ? revision : "unknown");
    if (getloadavg(&bench->load_at_start, 1) != 1)
        bench->load_at_start = -1;
}

static _Noreturn void usage(const char *name)
{
    fprintf(stderr, "usage: %s [--rounds N] [--only TEXT] [--results FILE]\n", name);
    exit(2);
}

int bench_start_with_operands(struct bench *bench, const char *name, int rounds, int argc, char **argv)
{
    static const struct option options[] = {
        {"rounds", required_argument, NULL, 'r'},
        {"only", required_argument, NULL, 't'},
        {"results", required_argument, NULL, 'o'},
        {0},
    };
    const char *results = NULL;

    *bench = (struct bench){.name = name, .rounds = rounds};
    for (int option = 0; option != -1; option = getopt_long(argc, argv, "", options, NULL)) {
        if (option == 'r')
            bench->rounds = atoi(optarg);
        else if (option == 't')
            bench->only = optarg;
        else if (option == 'o')
            results = optarg;
        else if (option)
            usage(argv[0]);
    }
    if (bench->rounds < 1)
        usage(argv[0]);
    bench->results = results ? fopen(results, "ae") : NULL;
    if (results && !bench->results)
        bench_fail("%s: %s", results, strerror(errno));
    read_machine(bench);
    printf("\nbench-%s: %d rounds; Linux %s, %s, revision %s, load %.1f\n", name, bench->rounds, bench->kernel,
           bench->cpu, bench->revision, bench->load_at_start);
    printf("%-62s %9s %9s %9s %9s  %s\n", "", "median", "quartile", "quartile", "min", "goal (aim)");
    fflush(stdout);
    return optind;
}

void bench_start(struct bench *bench, const char *name, int rounds, int argc, char **argv)
{
    if (bench_start_with_operands(bench, name, rounds, argc, argv) != argc)
        usage(argv[0]);
}

static char section[96];
static void (*clean_up)(void);

static void clean_up_once(void)
{
    void (*todo)(void) = __atomic_exchange_n(&clean_up, NULL, __ATOMIC_SEQ_CST);

    if (todo)
        todo();
}

static void on_signal(int signal)
{
    clean_up_once();
    _exit(128 + signal);
}

void bench_clean_up_by(void (*function)(void))
{
    const struct sigaction action = {.sa_handler = on_signal};

    clean_up = function;
    atexit(clean_up_once);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

void bench_finish(struct bench *bench)
{
    double load = -1;

    if (getloadavg(&load, 1) == 1)
        printf("load at the end: %.1f\n", load);
    if (bench->results)
        fclose(bench->results);
}

void bench_section(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(section, sizeof(section), format, arguments);
    va_end(arguments);
    printf("  %s\n", section);
}

void bench_fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fflush(stdout);
    fprintf(stderr, "bench: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    exit(1);
}

void samples_add(struct samples *samples, double value)
{
    double *grown = realloc(samples->values, (samples->count + 1) * sizeof(*grown));

    if (!grown)
        bench_fail("out of memory");
    samples->values = grown;
    samples->values[samples->count++] = value;
}

void samples_free(struct samples *samples)
{
    free(samples->values);
    *samples = (struct samples){0};
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double samples_quantile(struct samples *samples, double share)
{
    if (!samples->count)
        return NAN;
    qsort(samples->values, samples->count, sizeof(*samples->values), compare);

    double place = share * (double)(samples->count - 1);
    size_t below = (size_t)place;
    size_t above = below + 1 < samples->count ? below + 1 : below;

    return samples->values[below] + (place - (double)below) * (samples->values[above] - samples->values[below]);
}

static void print_goal(const struct figure *figure)
{
    printf(" %s", figure->unit);
    if (figure->goal != 0)
        printf("  <= %g", figure->goal);
    if (figure->aim != 0)
        printf(" (%g)", figure->aim);
    if (figure->extra)
        printf("  %s", figure->extra);
    printf("\n");
    fflush(stdout);
}

static void write_line(const struct bench *bench, const struct figure *figure, json_t *values)
{
    json_t *line = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:f}", "bench", bench->name, "section",
                             section, "figure", figure->name, "unit", figure->unit, "kernel", bench->kernel, "cpu",
                             bench->cpu, "revision", bench->revision, "date", bench->date, "cpus",
                             (int)sysconf(_SC_NPROCESSORS_ONLN), "load", bench->load_at_start);

    if (!line || !values || json_object_update(line, values))
        bench_fail("out of memory");
    if (figure->goal != 0)
        json_object_set_new(line, "goal", json_real(figure->goal));
    if (figure->aim != 0)
        json_object_set_new(line, "aim", json_real(figure->aim));
    if (figure->extra)
        json_object_set_new(line, "remark", json_string(figure->extra));
    if (bench->results) {
        json_dumpf(line, bench->results, JSON_COMPACT | JSON_REAL_PRECISION(6));
        fputc('\n', bench->results);
        fflush(bench->results);
    }
    json_decref(line);
    json_decref(values);
}

void bench_report(const struct bench *bench, const struct figure *figure, struct samples *samples)
{
    double q[] = {samples_quantile(samples, 0.5), samples_quantile(samples, 0.25), samples_quantile(samples, 0.75),
                  samples_quantile(samples, 0), samples_quantile(samples, 0.99)};

    printf("%-62s %9.2f %9.2f %9.2f %9.2f ", figure->name, q[0], q[1], q[2], q[3]);
    print_goal(figure);
    write_line(bench, figure,
               json_pack("{s:I, s:f, s:f, s:f, s:f, s:f}", "rounds", (json_int_t)samples->count, "median", q[0], "q1",
                         q[1], "q3", q[2], "min", q[3], "p99", q[4]));
}

void bench_report_value(const struct bench *bench, const struct figure *figure, double value)
{
    printf("%-62s %9.2f %9s %9s %9s ", figure->name, value, "", "", "");
    print_goal(figure);
    write_line(bench, figure, json_pack("{s:f}", "value", value));
}

static double seconds(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double bench_seconds(void)
{
    return seconds(CLOCK_MONOTONIC);
}

double bench_thread_seconds(void)
{
    return seconds(CLOCK_THREAD_CPUTIME_ID);
}

int bench_pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof(set), &set) == 0;
}
