/* SPDX-License-Identifier: Apache-2.0 */
/* Event streams: see stream.h. One JSON object a line. */
#include "policyd/stream.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define BACKLOG_MAX (2u << 20) /* bytes that a follower may leave unread: the whole history, and as much again */
#define WRITE_MAX (256u << 10) /* bytes at once; libevent's own 16 kB would fall behind a flood */
#define FOLLOWERS_MAX 64

struct follower {
    struct stream *stream;
    struct follower *next;
    struct evhttp_request *http;
    struct filter filter;
};

static int set_last(struct stream_request *request, const char *value, struct error *err)
{
    char *end;
    unsigned long last = strtoul(value, &end, 10);

    if (value[0] < '0' || value[0] > '9' || *end)
        return error_set(err, EINVAL, "last: \"%.64s\" is not a number", value);
    request->last = last;
    return 0;
}

static int set_follow(struct stream_request *request, const char *value, struct error *err)
{
    if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
        return error_set(err, EINVAL, "follow: \"%.64s\" is neither 0 nor 1", value);
    request->is_following = value[0] == '1';
    return 0;
}

int stream_set(struct stream_request *request, const char *key, const char *value, struct error *err)
{
    int rc;

    if (strcmp(key, "follow") == 0)
        return set_follow(request, value, err);
    if (strcmp(key, "last") == 0)
        return set_last(request, value, err);
    rc = filter_set(&request->filter, key, value, err);
    if (rc != -ENOENT)
        return rc;
    return error_set(err, EINVAL, "\"%.64s\" is no parameter here; there are follow, last, " FILTER_KEYS, key);
}

/* The last ones that match, oldest first. */
static void add_history(struct evbuffer *body, const struct stream_request *request, const struct history *history)
{
    size_t place = history->count, wanted = request->last;

    while (place > 0 && wanted > 0) {
        place--;
        wanted -= filter_matches(&request->filter, history_get(history, place));
    }
    for (; place < history->count; place++) {
        const struct record *record = history_get(history, place);

        if (filter_matches(&request->filter, record))
            evbuffer_add(body, record->texts[RECORD_LINE], record->length);
    }
}

static void unlink_follower(struct follower *follower)
{
    struct follower **link = &follower->stream->followers;

    while (*link != follower)
        link = &(*link)->next;
    *link = follower->next;
    follower->stream->count--;
    filter_free(&follower->filter);
    free(follower);
}

static void on_close(struct evhttp_connection *connection, void *context)
{
    (void)connection;
    unlink_follower(context);
}

static int follow(struct stream *stream, struct evhttp_request *http, struct stream_request *request, struct error *err)
{
    struct follower *follower;

    if (stream->count >= FOLLOWERS_MAX)
        return error_set(err, EBUSY, "%d followers are served already", FOLLOWERS_MAX);
    follower = calloc(1, sizeof(*follower));
    if (!follower)
        return error_set(err, ENOMEM, "out of memory");
    *follower = (struct follower){.stream = stream, .next = stream->followers, .http = http, .filter = request->filter};
    request->filter = (struct filter){0};
    stream->followers = follower;
    stream->count++;
    bufferevent_set_max_single_write(evhttp_connection_get_bufferevent(evhttp_request_get_connection(http)), WRITE_MAX);
    /* Silence is no reason to end this connection. */
    evhttp_connection_set_timeout(evhttp_request_get_connection(http), 0);
    evhttp_connection_set_closecb(evhttp_request_get_connection(http), on_close, follower);
    return 0;
}

int stream_answer(struct stream *stream, struct evhttp_request *http, struct stream_request *request,
                  const struct history *history, struct error *err)
{
    struct evbuffer *body = evbuffer_new();

    if (!body)
        return error_set(err, ENOMEM, "out of memory");
    add_history(body, request, history);
    if (request->is_following && follow(stream, http, request, err)) {
        evbuffer_free(body);
        return -err->code;
    }
    evhttp_add_header(evhttp_request_get_output_headers(http), "Content-Type", "application/x-ndjson");
    if (stream->followers && stream->followers->http == http) {
        evhttp_send_reply_start(http, HTTP_OK, "OK");
        if (evbuffer_get_length(body))
            evhttp_send_reply_chunk(http, body);
    } else {
        evhttp_send_reply(http, HTTP_OK, "OK", body);
    }
    evbuffer_free(body);
    return 0;
}

/* Cuts the follower off where it has not read for too long. */
static bool is_slow(const struct follower *follower)
{
    struct bufferevent *connection = evhttp_connection_get_bufferevent(evhttp_request_get_connection(follower->http));

    return evbuffer_get_length(bufferevent_get_output(connection)) > BACKLOG_MAX;
}

static void cut(struct follower *follower)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(follower->http);

    log_warning("an event follower was cut off: it did not read");
    follower->stream->cut++;
    evhttp_connection_free(connection); /* calls on_close */
}

static void send_one(const struct follower *follower, const struct record *record)
{
    struct evbuffer *line = evbuffer_new();

    if (line && evbuffer_add(line, record->texts[RECORD_LINE], record->length) == 0)
        evhttp_send_reply_chunk(follower->http, line);
    if (line)
        evbuffer_free(line);
}

void stream_tell(struct stream *stream, const struct record *record)
{
    struct follower *next;

    for (struct follower *follower = stream->followers; follower; follower = next) {
        next = follower->next;
        if (!filter_matches(&follower->filter, record))
            continue;
        if (is_slow(follower))
            cut(follower);
        else
            send_one(follower, record);
    }
}

void stream_stop(struct stream *stream)
{
    while (stream->followers)
        evhttp_connection_free(evhttp_request_get_connection(stream->followers->http));
}
