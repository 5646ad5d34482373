/* SPDX-License-Identifier: Apache-2.0 */
/* Following one kind of object: see kube_watch.h. What the events say is kube_events.c. */
#include "policyd/kube_watch.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "policyd/kube_clock.h"
#include "policyd/kube_events.h"

#define LIST_MS 120000       /* until all there is has come */
#define LINE_MS 30000        /* until a line that has begun ends: else a server that trickles holds us */
#define STREAM_MIN_S 300u    /* we ask the server to end a watch after this ... */
#define STREAM_SPREAD_S 300u /* ... and up to this much more */
#define STREAM_GRACE_MS 30000
#define STEADY_MS 10000 /* what lived so long was no failure */

static void ask(struct kube_watch *watch);

static void tell_error(struct kube_watch *watch, const char *text)
{
    bool is_same = text ? watch->error && strcmp(watch->error, text) == 0 : !watch->error;

    if (is_same)
        return;
    if (text)
        log_warning("watch=%s server=%s %s; what is in force stays", watch->need.resource, watch->kube->access->server,
                    text);
    else
        log_info("watch=%s server=%s answers again", watch->need.resource, watch->kube->access->server);
    kube_events_keep(&watch->error, text);
    if (watch->troubled)
        watch->troubled(watch->context);
}

/* A server that answers again after a day must not be left waiting for its day; one that breaks each stream must. */
static void ask_after_failure(struct kube_watch *watch, long retry_after_s)
{
    struct kube_backoff *backoff = watch->has_begun ? &watch->broken : &watch->unreached;

    kube_timer_set(watch->again, kube_backoff_fail(backoff, kube_chance(), retry_after_s));
}

static void fail(struct kube_watch *watch, const char *text, long retry_after_s)
{
    watch->failures++;
    tell_error(watch, text);
    ask_after_failure(watch, retry_after_s);
}

/* --- what comes -----------------------------------------------------------------------------------------------------
 */

/* The nearest of the times by which something must have come. */
static void expect(struct kube_watch *watch)
{
    long long until_ms = watch->ends_ms, now = kube_now_ms();

    if (watch->phase == KUBE_PHASE_PAGES || !watch->is_synced)
        until_ms = watch->began_ms + LIST_MS;
    if (watch->phase != KUBE_PHASE_PAGES && watch->line.size && watch->line_began_ms + LINE_MS < until_ms)
        until_ms = watch->line_began_ms + LINE_MS;
    kube_expect(&watch->request, until_ms > now ? (int)(until_ms - now) : 1);
}

static void on_begun(void *context)
{
    struct kube_watch *watch = context;

    watch->has_begun = true;
    kube_backoff_reset(&watch->unreached);
    if (watch->phase == KUBE_PHASE_WATCH) {
        watch->is_following = true;
        tell_error(watch, NULL);
    }
    expect(watch);
}

static int on_data(void *context, const char *bytes, size_t size)
{
    struct kube_watch *watch = context;
    bool had_part = watch->line.size > 0, was_synced = watch->is_synced;
    int rc;

    if (watch->phase == KUBE_PHASE_PAGES)
        rc = kube_line_append(&watch->line, bytes, size);
    else
        rc = kube_line_feed(&watch->line, bytes, size, kube_events_take, watch);
    watch->is_too_large = rc == -EFBIG;
    if (rc == -EFBIG)
        snprintf(watch->fault, sizeof(watch->fault), "one object takes more than %u bytes", KUBE_LINE_MAX);
    else if (rc && !watch->fault[0])
        snprintf(watch->fault, sizeof(watch->fault), "%s", strerror(-rc));
    if (rc || watch->phase == KUBE_PHASE_PAGES)
        return rc;
    if (watch->line.size && (!had_part || memchr(bytes, '\n', size)))
        watch->line_began_ms = kube_now_ms();
    if (!was_synced && watch->is_synced) {
        watch->is_following = true;
        tell_error(watch, NULL);
    }
    expect(watch);
    return 0;
}

/* --- what ends ------------------------------------------------------------------------------------------------------
 */

static void forget_place(struct kube_watch *watch)
{
    kube_events_keep(&watch->version, NULL);
    kube_events_keep(&watch->next_page, NULL);
}

static void end_page(struct kube_watch *watch)
{
    bool is_last = false;
    int rc = kube_events_take_page(watch, &is_last);

    kube_line_clear(&watch->line);
    if (rc) {
        fail(watch, watch->fault, 0);
        return;
    }
    if (is_last) {
        watch->was_listed = watch->is_synced = true;
        watch->is_wary = false;
        watch->complete(watch->context);
        tell_error(watch, NULL);
    }
    ask(watch);
}

static void end_stream(struct kube_watch *watch)
{
    kube_line_clear(&watch->line); /* a part of a line: it will be sent again */
    if (!watch->is_synced)
        fail(watch, "the stream ended before all had come", 0);
    else if (kube_now_ms() - watch->began_ms < STEADY_MS)
        ask_after_failure(watch, 0);
    else
        kube_timer_set(watch->again, kube_backoff_again(kube_chance()));
}

/* What was unreadable, or too large. Pages become smaller then; a stream is begun anew where it broke. */
static void end_broken(struct kube_watch *watch)
{
    kube_line_clear(&watch->line);
    if (watch->is_too_large && watch->phase == KUBE_PHASE_PAGES && watch->page > 1) {
        watch->page = watch->page > 10 ? 10 : 1;
        ask(watch);
        return;
    }
    fail(watch, watch->fault, 0);
}

/* The server no longer has what came since. Nothing is wrong with that, unless it says so again and again. */
static void end_forgotten(struct kube_watch *watch)
{
    log_info("watch=%s the server has forgotten what came since; all is listed again", watch->need.resource);
    kube_line_clear(&watch->line);
    forget_place(watch);
    watch->has_begun = true; /* 410 is an answer */
    ask_after_failure(watch, 0);
}

static void end_refused(struct kube_watch *watch, const struct kube_answer *answer)
{
    char text[KUBE_TEXT_SIZE];

    if (watch->phase == KUBE_PHASE_WATCH_LIST && answer->status >= 400 && answer->status < 500 &&
        (answer->status == 400 || answer->status > 404) && answer->status != 429 && answer->status != 410) {
        log_info("watch=%s the server sends no lists by watch (%ld); pages then", watch->need.resource, answer->status);
        watch->lacks_watch_list = true;
        watch->lists--;
        ask(watch);
        return;
    }
    if (answer->status == 410) {
        end_forgotten(watch);
        return;
    }
    /* Gone, or back to an earlier state of itself (a restored etcd): where we were is nowhere now. */
    if (answer->status == 404 || strstr(answer->body, "ResourceVersionTooLarge"))
        forget_place(watch);
    kube_answer_text(answer, &watch->need, text);
    fail(watch, text, answer->retry_after_s);
}

static void on_done(void *context, const struct kube_answer *answer)
{
    struct kube_watch *watch = context;
    char text[KUBE_TEXT_SIZE];

    log_debug("watch=%s phase=%d status=%ld error=%s fault=%s", watch->need.resource, (int)watch->phase, answer->status,
              answer->error ? answer->error : "-", watch->fault);
    watch->is_following = false;
    if (watch->phase != KUBE_PHASE_PAGES && watch->is_synced && kube_now_ms() - watch->began_ms >= STEADY_MS)
        kube_backoff_reset(&watch->broken);
    if (watch->is_forgotten) {
        end_forgotten(watch);
    } else if (answer->was_given_up) {
        kube_line_clear(&watch->line);
        kube_timer_set(watch->again, kube_backoff_again(kube_chance()));
    } else if (watch->fault[0]) {
        end_broken(watch);
    } else if (answer->status && (answer->status < 200 || answer->status >= 300)) {
        end_refused(watch, answer);
    } else if (answer->error) {
        kube_line_clear(&watch->line);
        kube_answer_text(answer, &watch->need, text);
        fail(watch, text, 0);
    } else if (watch->phase == KUBE_PHASE_PAGES) {
        end_page(watch);
    } else {
        end_stream(watch);
    }
}

/* --- what is asked --------------------------------------------------------------------------------------------------
 */

static void begin_phase(struct kube_watch *watch)
{
    if (watch->version)
        watch->phase = KUBE_PHASE_WATCH;
    else
        watch->phase = watch->lacks_watch_list ? KUBE_PHASE_PAGES : KUBE_PHASE_WATCH_LIST;
    watch->is_synced = watch->phase == KUBE_PHASE_WATCH;
    watch->is_forgotten = watch->is_too_large = watch->has_begun = false;
    watch->fault[0] = '\0';
    watch->began_ms = kube_now_ms();
    if (watch->phase == KUBE_PHASE_WATCH) {
        watch->watches++;
    } else if (!watch->next_page) {
        watch->lists++;
        watch->begin(watch->context);
    }
}

static char *make_path(struct kube_watch *watch)
{
    const char *place = watch->phase == KUBE_PHASE_PAGES ? watch->next_page : watch->version;
    char *escaped = curl_easy_escape(NULL, place ? place : "", 0), *path = NULL;
    const char *and = watch->selector ? "&" : "", *selector = watch->selector ? watch->selector : "";
    unsigned int seconds = STREAM_MIN_S + kube_chance() % STREAM_SPREAD_S;
    int rc = -1;

    watch->ends_ms = watch->began_ms + seconds * 1000LL + STREAM_GRACE_MS;
    if (!escaped)
        return NULL;
    if (watch->phase == KUBE_PHASE_PAGES)
        rc = asprintf(&path, "%s?limit=%u%s%s%s%s", watch->path, watch->page, place ? "&continue=" : "", escaped, and,
                      selector);
    else if (watch->phase == KUBE_PHASE_WATCH)
        rc = asprintf(&path, "%s?watch=1&allowWatchBookmarks=true&resourceVersion=%s&timeoutSeconds=%u%s%s",
                      watch->path, escaped, seconds, and, selector);
    else
        rc = asprintf(&path,
                      "%s?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
                      "&timeoutSeconds=%u%s%s",
                      watch->path, seconds, and, selector);
    curl_free(escaped);
    return rc < 0 ? NULL : path;
}

static void ask(struct kube_watch *watch)
{
    struct error err = {.msg = "out of memory"};

    begin_phase(watch);

    cleanup_free char *path = make_path(watch);

    if (!path || kube_get(watch->kube, &watch->request, path, &err))
        fail(watch, err.msg, 0);
}

static void on_again(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    ask(context);
}

int kube_watch_start(struct kube_watch *watch)
{
    watch->page = KUBE_PAGE;
    watch->request = (struct kube_request){.begun = on_begun, .data = on_data, .done = on_done, .context = watch};
    watch->again = evtimer_new(watch->kube->base, on_again, watch);
    if (!watch->again)
        return -ENOMEM;
    kube_timer_set(watch->again, 0); /* not from within a callback of libcurl's */
    return 0;
}

void kube_watch_stop(struct kube_watch *watch)
{
    if (!watch->kube)
        return;
    kube_cancel(&watch->request);
    if (watch->again)
        event_free(watch->again);
    kube_line_clear(&watch->line);
    forget_place(watch);
    free(watch->error);
    watch->error = NULL;
    watch->again = NULL;
}
