/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody did to the datapath while policyd ran, for its status: written by upkeep's thread, read by the loop.
 * Also that thread's look at the pins.
 */
#ifndef NSP_POLICYD_TAMPER_H
#define NSP_POLICYD_TAMPER_H

#include <pthread.h>
#include <stdbool.h>

#include "datapath/pins.h"

#define TAMPER_TEXT_SIZE 448
#define TAMPER_SHOWN_S 3600 /* how long the last of it is a problem of the node's */

struct tamper {
    pthread_mutex_t mutex;
    unsigned long count;
    __s64 last_ns; /* CLOCK_REALTIME */
    char last[TAMPER_TEXT_SIZE];
};

struct tampering {
    unsigned long count;
    __s64 last_ns;
    bool is_recent;
    char last[TAMPER_TEXT_SIZE]; /* empty: never */
};

void tamper_init(struct tamper *tamper);

/* Logs it, once for as long as it is the same, and remembers it as the last. */
void tamper_note(struct tamper *tamper, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A copy of what there is. */
void tamper_read(struct tamper *tamper, struct tampering *tampering);

/*
 * Pins what was unlinked or replaced again and notes it. *lock is that of the instance: where the directory is another
 * one than when it was taken, it is taken anew, and another policyd's directory is left alone.
 */
void tamper_keep_pins(struct tamper *tamper, const struct datapath *datapath, int *lock);

#endif
