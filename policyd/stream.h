/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events over HTTP: those that are kept, and then each new one for whoever follows. Nobody is waited for: a follower
 * that does not read is cut off.
 */
#ifndef NSP_POLICYD_STREAM_H
#define NSP_POLICYD_STREAM_H

#include "lib/error.h"
#include "policyd/filter.h"

struct evhttp_request;
struct follower;

struct stream {
    struct follower *followers;
    size_t count;
    __u64 cut; /* followers that did not read, since start */
};

struct stream_request {
    struct filter filter;
    size_t last; /* at most so many of those that are kept */
    bool is_following;
};

/* One parameter of the address: follow=0|1, last=N, or one of filter.h. The message names it and what was expected. */
int stream_set(struct stream_request *request, const char *key, const char *value, struct error *err);

/* Answers; takes the filter over where the request follows. */
int stream_answer(struct stream *stream, struct evhttp_request *http, struct stream_request *request,
                  const struct history *history, struct error *err);
void stream_tell(struct stream *stream, const struct record *record);
void stream_stop(struct stream *stream);

#endif
