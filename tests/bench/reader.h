/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of events that looks and sleeps as policyd's does (policyd/events.c): every 10 ms while there are events,
 * asleep until woken when two looks in a row found none. It only counts what it reads.
 */
#ifndef NSP_TESTS_BENCH_READER_H
#define NSP_TESTS_BENCH_READER_H

#include <pthread.h>

#include "datapath/pins.h"

struct reader {
    const struct datapath *datapath;
    struct ring_buffer *ring;
    pthread_t thread;
    int stop_fd;
    unsigned long count; /* events read; atomic */
    int is_asleep;       /* atomic */
};

/* Each ends the bench on failure. */
void reader_start(struct reader *reader, const struct datapath *datapath, int cpu);
void reader_stop(struct reader *reader);
/* Until `count` events are read and the reader sleeps. */
void reader_settle(struct reader *reader, unsigned long count);

/* Reads what is there without a thread; returns how many. */
unsigned long reader_drain(const struct datapath *datapath);

#endif
