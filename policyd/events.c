/* SPDX-License-Identifier: Apache-2.0 */
/* From the ring to the history: see events.h. How an event looks is event_json.c. */
#include "policyd/events.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "policyd/event_json.h"

static const struct timeval look_again = {.tv_usec = 10000};
static const struct timeval at_once = {0};

/* Then the loop has its turn, so that who follows is written to before much more piles up for them. */
#define EVENTS_AT_ONCE 64

static __s64 clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* The text of a path as the socket hooks saw it; false when nothing is known of it. */
static bool find_binary(const struct events *events, const __u8 path[16], char text[NSP_PATH_MAX + 1])
{
    static const __u8 none[16];
    struct binary binary;

    if (memcmp(path, none, sizeof(none)) == 0 ||
        bpf_map_lookup_elem(events->datapath->maps[MAP_BINARIES], path, &binary) || binary.length == 0 ||
        binary.length > NSP_PATH_MAX)
        return false;
    memcpy(text, binary.path + NSP_PATH_MAX - binary.length, binary.length);
    text[binary.length] = '\0';
    return true;
}

static const char *find_profile(const struct events *events, const struct event *event)
{
    const struct synced *policy = sync_find_revision(events->pods->sync, event->revision);

    return policy && event->profile < policy->names_count ? policy->names[event->profile] : NULL;
}

static void keep(struct events *events, const struct event *event, const struct event_context *context)
{
    json_t *object = event_json(event, context);
    char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;
    const struct record *record = NULL;

    json_decref(object);
    if (line) {
        size_t length = strlen(line);

        line[length] = '\n'; /* in place of the final zero: the length says where it ends */
        record = history_add(&events->history, &(struct record){
                                                   .time_ns = (__s64)event->time_ns + context->clock_offset_ns,
                                                   .verdict = event->verdict,
                                                   .length = length + 1,
                                                   .namespace_ = context->namespace_ ? context->namespace_ : "",
                                                   .pod = context->pod_name ? context->pod_name : "",
                                                   .binary = context->binary ? context->binary : "",
                                                   .line = line,
                                               });
        free(line);
    }
    if (!record) {
        events->failed++;
        return;
    }
    events->rendered++;
    if (events->added)
        events->added(events->context, record);
}

static int take(void *context, void *data, size_t size)
{
    struct events *events = context;
    const struct event *event = data;
    char binary[NSP_PATH_MAX + 1];

    if (size < sizeof(*event))
        return 0;

    const struct pod_entry *pod = pods_find(events->pods, event->slot, event->epoch);
    const struct pod_object *object = pod ? pods_object(events->pods, pod) : NULL;
    struct event_context known = {
        .clock_offset_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC),
        .node_name = events->node_name,
        .namespace_ = pod && pod->name[0] ? pod->namespace_ : NULL,
        .pod_name = pod && pod->name[0] ? pod->name : NULL,
        .labels = object ? &object->labels : NULL,
        .binary = find_binary(events, event->path, binary) ? binary : NULL,
        .profile = find_profile(events, event),
    };

    keep(events, event, &known);
    return --events->budget > 0 ? 0 : -EAGAIN; /* libbpf counts this one as read and stops */
}

/* How many were read; -EAGAIN: there may be more. */
static int consume(struct events *events)
{
    events->budget = EVENTS_AT_ONCE;
    return ring_buffer__consume(events->ring);
}

static void set_idle(struct events *events, __u32 is_idle)
{
    __atomic_store_n(&events->datapath->control->reader_idle, is_idle, __ATOMIC_SEQ_CST);
}

/*
 * A program that read reader_idle = 0 just before it became 1 submits without a wake-up: the look after that finds its
 * record, 10 ms later.
 */
static void look(struct events *events)
{
    int found = consume(events);

    if (found == -EAGAIN) {
        events->empty_looks = 0;
        set_idle(events, 0);
        event_add(events->timer, &at_once);
        return;
    }
    if (found < 0 && found != -EINTR)
        log_warning("map=nsp_events not read: %s", strerror(-found));
    events->empty_looks = found > 0 ? 0 : events->empty_looks + 1;
    if (events->empty_looks >= 2) {
        malloc_trim(0); /* a flood's memory goes back before we sleep */
        event_add(events->readable, NULL);
        return;
    }
    set_idle(events, events->empty_looks == 1);
    event_add(events->timer, &look_again);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    look(context);
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    struct events *events = context;

    (void)fd;
    (void)what;
    events->empty_looks = 0;
    look(events);
}

void events_drain(struct events *events)
{
    if (events->ring)
        consume(events);
}

int events_start(struct events *events, struct event_base *base, struct error *err)
{
    events->ring = ring_buffer__new(events->datapath->maps[MAP_EVENTS], take, events, NULL);
    if (!events->ring)
        return error_set(err, errno, "map nsp_events: cannot be read: %s", strerror(errno));
    /* Not persistent: while events come the timer is enough, and each one would end the loop's wait. */
    events->readable = event_new(base, ring_buffer__epoll_fd(events->ring), EV_READ, on_wake, events);
    events->timer = evtimer_new(base, on_timer, events);
    if (!events->readable || !events->timer)
        return error_set(err, ENOMEM, "out of memory");
    events->empty_looks = 0;
    look(events);
    return 0;
}

void events_stop(struct events *events)
{
    /* Nobody is there to be woken. */
    if (events->ring)
        set_idle(events, 0);
    if (events->readable)
        event_free(events->readable);
    if (events->timer)
        event_free(events->timer);
    ring_buffer__free(events->ring);
    history_free(&events->history);
    events->ring = NULL;
    events->readable = events->timer = NULL;
}
