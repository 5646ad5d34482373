/* SPDX-License-Identifier: Apache-2.0 */
/* The latest events as JSON lines, bounded in number and bytes, with what filter.h asks of them. */
#ifndef NSP_POLICYD_HISTORY_H
#define NSP_POLICYD_HISTORY_H

#include <stddef.h>

#include "datapath/abi.h"

#define HISTORY_EVENTS 1000
#define HISTORY_BYTES (1u << 20)

enum record_text {
    RECORD_NAMESPACE,
    RECORD_POD,
    RECORD_BINARY,
    RECORD_PROFILE, /* "namespace/name" */
    RECORD_NAMES,   /* what was asked for, and what the address was learnt from: without final dots, a blank between */
    RECORD_METHOD,
    RECORD_PATH, /* of an HTTP request */
    RECORD_LINE,
    RECORD_TEXTS,
};

struct record {
    __s64 time_ns; /* CLOCK_REALTIME */
    __u8 verdict, reason, kind, direction, application, protocol;
    __u16 local_port, remote_port; /* host byte order */
    __u8 local[16], remote[16];
    size_t bytes;                    /* of the whole record */
    size_t length;                   /* of the line, with its newline */
    const char *texts[RECORD_TEXTS]; /* "" where unknown; point into text */
    char text[];
};

struct history {
    struct record *records[HISTORY_EVENTS]; /* a ring */
    size_t first, count, bytes;
};

/* Copies everything; a text may be NULL. The new record, or NULL without memory. The oldest go where there is no room.
 */
const struct record *history_add(struct history *history, const struct record *record);
/* The record at `place`, 0 = oldest; NULL beyond the last. */
const struct record *history_get(const struct history *history, size_t place);
void history_free(struct history *history);

#endif
