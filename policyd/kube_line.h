/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a stream that comes in pieces, and the JSON of what an API server sends. A line is kept until it is
 * whole; one that never ends is refused at a cap. Pure: knows no HTTP.
 */
#ifndef NSP_POLICYD_KUBE_LINE_H
#define NSP_POLICYD_KUBE_LINE_H

#include <jansson.h>
#include <stddef.h>

#include "lib/error.h"

#define KUBE_LINE_MAX (3u << 20) /* bytes; twice what etcd takes for an object */

struct kube_line {
    char *bytes; /* what has come of a line; owned */
    size_t size, room;
};

/*
 * Calls `take` for each line that `bytes` completes, without its newline and with a zero after it; empty lines are left
 * out. `take` may write into the line. -EFBIG: the line is longer than the cap; -ENOMEM; or what `take` returned that
 * was not 0. Nothing more is taken then.
 */
int kube_line_feed(struct kube_line *line, const char *bytes, size_t size,
                   int (*take)(void *context, char *text, size_t length), void *context);

/* Adds to a text that ends with the transfer. -EFBIG, -ENOMEM. */
int kube_line_append(struct kube_line *line, const char *bytes, size_t size);

void kube_line_clear(struct kube_line *line);

/*
 * Parses what an API server wrote. \u0000 is read as U+FFFD, which no name of ours has, and an integer beyond 64 bits
 * as a real number: one odd annotation of somebody's pod must not hide the object, nor what comes behind it. Writes
 * into `text`. NULL with a message.
 */
json_t *kube_line_parse(char *text, size_t length, struct error *err);

#endif
