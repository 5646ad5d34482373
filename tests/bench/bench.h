/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every bench shares: options, the machine, samples and their report, one line in a table for people and one JSON
 * object a line for programs. Times are reported, never judged; a wrong verdict ends the bench.
 */
#ifndef NSP_TESTS_BENCH_BENCH_H
#define NSP_TESTS_BENCH_BENCH_H

#include <stddef.h>
#include <stdio.h>

struct bench {
    const char *name;
    int rounds;
    const char *only; /* measure what carries this text in its name; NULL: everything */
    FILE *results;    /* JSON lines, or NULL */
    char kernel[96], cpu[96], revision[64], date[16];
    double load_at_start;
};

struct samples {
    double *values;
    size_t count;
};

/* What is reported of one figure. Goals of 0 are none; `extra` is left out where it is NULL. */
struct figure {
    const char *name;
    const char *unit;
    double goal, aim;
    const char *extra; /* a remark in the table, and "remark" in the JSON */
};

/* Reads [--rounds N] [--only TEXT] [--results FILE]; prints the head of the table. Ends the program on wrong usage. */
void bench_start(struct bench *bench, const char *name, int rounds, int argc, char **argv);
/* The same; other arguments may follow: returns the index of the first. */
int bench_start_with_operands(struct bench *bench, const char *name, int rounds, int argc, char **argv);
void bench_finish(struct bench *bench);

/* Calls it once, at the end or when a signal ends the program. */
void bench_clean_up_by(void (*function)(void));

/* A heading inside the table. */
void bench_section(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the bench: a verdict or a count was not what it must be. */
void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

void samples_add(struct samples *samples, double value);
void samples_free(struct samples *samples);
/* `share` from 0 (least) to 1 (most); sorts the samples. */
double samples_quantile(struct samples *samples, double share);

void bench_report(const struct bench *bench, const struct figure *figure, struct samples *samples);

/* One value that was not sampled: a size, a count. */
void bench_report_value(const struct bench *bench, const struct figure *figure, double value);

double bench_seconds(void);        /* CLOCK_MONOTONIC */
double bench_thread_seconds(void); /* CPU time of this thread */
/* The calling thread runs on one CPU from now on; false where there is no such CPU. */
int bench_pin(int cpu);

#endif
