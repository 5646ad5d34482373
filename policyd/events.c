/* SPDX-License-Identifier: Apache-2.0 */
/* From the ring to the history, and to what is learnt: see events.h. How an event looks is event_json.c. */
#include "policyd/events.h"

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "policyd/event_json.h"
#include "policyd/names.h"

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

bool events_find_binary(const struct events *events, const __u8 path[16], char text[NSP_PATH_MAX + 1])
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

/* What was asked for, and what the address was learnt from: names without final dots. NULL without any or memory. */
static char *join_names(const struct event *event, const struct event_context *context)
{
    bool has_name = context->asked->has_text && event->application != APPLICATION_HTTP;
    char *joined = has_name ? strdup(context->asked->text) : NULL;
    const json_t *name;
    size_t i;

    json_array_foreach (context->destination_names, i, name) {
        char *longer;

        if (asprintf(&longer, "%s%s%s", joined ? joined : "", joined ? " " : "", json_string_value(name)) < 0)
            break;
        free(joined);
        joined = longer;
    }
    return joined;
}

static const struct record *remember(struct events *events, const struct event *event,
                                     const struct event_context *context, const char *line)
{
    cleanup_free char *names = join_names(event, context);
    bool is_http = event->application == APPLICATION_HTTP;
    struct record record = {
        .time_ns = (__s64)event->time_ns + context->clock_offset_ns,
        .verdict = event->verdict,
        .reason = event->reason,
        .kind = event->kind,
        .direction = event->direction,
        .application = event->application,
        .protocol = event->protocol,
        .local_port = ntohs(event->local_port_be),
        .remote_port = ntohs(event->remote_port_be),
        .length = strlen(line),
        .texts = {[RECORD_NAMESPACE] = context->namespace_,
                  [RECORD_POD] = context->pod_name,
                  [RECORD_BINARY] = context->binary,
                  [RECORD_PROFILE] = context->profile,
                  [RECORD_NAMES] = names,
                  [RECORD_METHOD] = is_http ? context->asked->method : NULL,
                  [RECORD_PATH] = is_http ? context->asked->text : NULL,
                  [RECORD_LINE] = line},
    };

    memcpy(record.local, event->local, sizeof(record.local));
    memcpy(record.remote, event->remote, sizeof(record.remote));
    return history_add(&events->history, &record);
}

static void keep(struct events *events, const struct event *event, const struct event_context *context)
{
    json_t *object = event_json(event, context);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL, *line = NULL;
    const struct record *record = NULL;

    json_decref(object);
    if (text && asprintf(&line, "%s\n", text) >= 0) {
        record = remember(events, event, context, line);
        free(line);
    }
    free(text);
    if (!record) {
        events->failed++;
        return;
    }
    events->rendered++;
    if (events->added)
        events->added(events->context, record);
}

/* Only the pod itself asks for names, so that only what it opens goes to a name. */
static json_t *find_names(const struct events *events, const struct event *event)
{
    struct learnt_key key = {.epoch = event->epoch};

    if (event->direction != EGRESS || event->kind == EVENT_DNS_QUERY || event->kind == EVENT_DNS_ANSWER)
        return NULL;
    memcpy(key.path, event->path, sizeof(key.path));
    memcpy(key.address, event->remote, sizeof(key.address));
    return names_of_address(events->datapath, event->slot, &key);
}

static int take(void *context, void *data, size_t size)
{
    struct events *events = context;
    const struct event *event = data;
    char binary[NSP_PATH_MAX + 1];
    struct asked_text asked;

    if (size < sizeof(*event))
        return 0;
    asked_text_read(event, size, &asked);

    const struct pod_entry *pod = pods_find(events->pods, event->slot, event->epoch);
    const struct pod_object *object = pod ? pods_object(events->pods, pod) : NULL;
    json_auto_t *names = find_names(events, event);
    struct event_context known = {
        .clock_offset_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC),
        .node_name = events->node_name,
        .namespace_ = pod && pod->name[0] ? pod->namespace_ : NULL,
        .pod_name = pod && pod->name[0] ? pod->name : NULL,
        .labels = object ? &object->labels : NULL,
        .binary = events_find_binary(events, event->path, binary) ? binary : NULL,
        .profile = find_profile(events, event),
        .asked = &asked,
        .destination_names = names,
    };

    if (event->kind == EVENT_LEARN)
        learn_add(&events->learn, event, &known);
    else
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

static bool is_live(void *context, __u32 slot, __u32 epoch)
{
    struct events *events = context;

    return pods_find(events->pods, slot, epoch) != NULL;
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
    events->learn.is_live = is_live;
    events->learn.context = events;
    learn_start(&events->learn, events->datapath, clock_ns(CLOCK_REALTIME));
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
    learn_free(&events->learn);
    events->ring = NULL;
    events->readable = events->timer = NULL;
}
