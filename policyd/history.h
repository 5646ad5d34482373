/* SPDX-License-Identifier: Apache-2.0 */
/* The latest events as JSON lines, bounded in number and bytes, and the filter that readers put on them. */
#ifndef NSP_POLICYD_HISTORY_H
#define NSP_POLICYD_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "datapath/abi.h"

#define HISTORY_EVENTS 1000
#define HISTORY_BYTES (1u << 20)

struct record {
    __s64 time_ns; /* CLOCK_REALTIME */
    __u8 verdict;
    size_t bytes;                          /* of the whole record */
    size_t length;                         /* of the line, with its newline */
    const char *namespace_, *pod, *binary; /* "" where unknown; point into text */
    const char *line;
    char text[];
};

struct history {
    struct record *records[HISTORY_EVENTS]; /* a ring */
    size_t first, count, bytes;
};

/* What a reader wants; NULL, -1 and 0 want all. */
struct filter {
    char *namespace_;
    char *pod;    /* beginning of the pod's name, with "namespace/" before it if that matters */
    char *binary; /* whole path */
    int verdict;  /* enum verdict */
    __s64 since_ns;
};

/* Copies everything. The new record, or NULL without memory. The oldest ones go where there is no room. */
const struct record *history_add(struct history *history, const struct record *record);
/* The record at `place`, 0 = oldest; NULL beyond the last. */
const struct record *history_get(const struct history *history, size_t place);
void history_free(struct history *history);

bool filter_matches(const struct filter *filter, const struct record *record);
void filter_free(struct filter *filter);

#endif
