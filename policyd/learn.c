/* SPDX-License-Identifier: Apache-2.0 */
/* What was learnt, by pod and binary: see learn.h. Each binary's items are sorted: found by halving, shown in order. */
#include "policyd/learn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "policyd/filter.h"
#include "policyd/learn_item.h"

#define TOLD_MAX 32768 /* twice as many as the map holds */

/* A profile's view of a binary; of none, for what no process owns. */
struct subject {
    struct subject *next;
    char *profile; /* "namespace/name", "" where unknown */
    char *path;    /* "" where unknown */
    bool has_process;
    size_t count, room;
    struct learn_item **items;
};

struct learn_pod {
    struct learn_pod *next;
    char *namespace_, *name;
    __u32 slot, epoch; /* of the last one of this name */
    size_t items, bytes;
    __u64 lost;
    struct subject *subjects;
};

static void free_subject(struct subject *subject)
{
    for (size_t i = 0; i < subject->count; i++)
        learn_item_free(subject->items[i]);
    free(subject->items);
    free(subject->profile);
    free(subject->path);
    free(subject);
}

static void free_pod(struct learn_pod *pod)
{
    while (pod->subjects) {
        struct subject *subject = pod->subjects;

        pod->subjects = subject->next;
        free_subject(subject);
    }
    free(pod->namespace_);
    free(pod->name);
    free(pod);
}

/* Of the pods that are gone, the one that was heard of longest ago; never the first, which is being heard. */
static bool forget_one_gone(struct learn *learn)
{
    struct learn_pod **last = NULL, *gone;

    for (struct learn_pod **link = &learn->pods->next; *link; link = &(*link)->next) {
        if (!learn->is_live(learn->context, (*link)->slot, (*link)->epoch))
            last = link;
    }
    if (!last)
        return false;
    gone = *last;
    *last = gone->next;
    learn->items -= gone->items;
    learn->bytes -= gone->bytes;
    free_pod(gone);
    return true;
}

static bool has_room(struct learn *learn, const struct learn_pod *pod, size_t bytes)
{
    if (pod->items >= LEARN_POD_ITEMS_MAX || pod->bytes + bytes > LEARN_POD_BYTES_MAX)
        return false;
    while (learn->items >= LEARN_ITEMS_MAX || learn->bytes + bytes > LEARN_BYTES_MAX) {
        if (!forget_one_gone(learn))
            return false;
    }
    return true;
}

static struct subject *make_subject(const char *profile, const char *path, bool has_process)
{
    struct subject *subject = calloc(1, sizeof(*subject));

    if (!subject)
        return NULL;
    subject->profile = strdup(profile);
    subject->path = strdup(path);
    subject->has_process = has_process;
    if (!subject->profile || !subject->path) {
        free_subject(subject);
        return NULL;
    }
    return subject;
}

static struct subject *add_subject(struct learn *learn, struct learn_pod *pod, struct subject *subject)
{
    size_t bytes = subject ? sizeof(*subject) + strlen(subject->profile) + strlen(subject->path) + 2 : 0;

    if (!subject)
        return NULL;
    if (!has_room(learn, pod, bytes)) {
        free_subject(subject);
        return NULL;
    }
    pod->bytes += bytes;
    learn->bytes += bytes;
    subject->next = pod->subjects;
    pod->subjects = subject;
    return subject;
}

/* NULL: there is none, and no room for one. */
static struct subject *find_subject(struct learn *learn, struct learn_pod *pod, const struct event *event,
                                    const struct event_context *context)
{
    const char *profile = context->profile ? context->profile : "", *path = context->binary ? context->binary : "";
    bool has_process = event->flags & EVENT_HAS_PROCESS;

    for (struct subject *subject = pod->subjects; subject; subject = subject->next) {
        if (subject->has_process == has_process && strcmp(subject->path, path) == 0 &&
            strcmp(subject->profile, profile) == 0)
            return subject;
    }
    return add_subject(learn, pod, make_subject(profile, path, has_process));
}

static struct learn_pod *add_pod(struct learn *learn, const struct event_context *context)
{
    struct learn_pod *pod = calloc(1, sizeof(*pod));

    if (!pod)
        return NULL;
    pod->namespace_ = strdup(context->namespace_ ? context->namespace_ : "");
    pod->name = strdup(context->pod_name);
    if (!pod->namespace_ || !pod->name) {
        free_pod(pod);
        return NULL;
    }
    pod->bytes = sizeof(*pod) + strlen(pod->namespace_) + strlen(pod->name) + 2;
    learn->bytes += pod->bytes;
    pod->next = learn->pods;
    learn->pods = pod;
    return pod;
}

/* The pod of that name, brought to the head of the list. */
static struct learn_pod *find_pod(struct learn *learn, const struct event_context *context)
{
    const char *namespace_ = context->namespace_ ? context->namespace_ : "";

    for (struct learn_pod **link = &learn->pods; *link; link = &(*link)->next) {
        struct learn_pod *pod = *link;

        if (strcmp(pod->name, context->pod_name) == 0 && strcmp(pod->namespace_, namespace_) == 0) {
            *link = pod->next;
            pod->next = learn->pods;
            learn->pods = pod;
            return pod;
        }
    }
    return add_pod(learn, context);
}

/* The same thing, or NULL and where it would be. */
static struct learn_item *find_item(const struct subject *subject, const struct learn_item *item, size_t *place)
{
    size_t low = 0, high = subject->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = learn_item_compare(subject->items[middle], item);

        if (order == 0)
            return subject->items[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *place = low;
    return NULL;
}

static bool insert(struct subject *subject, size_t place, struct learn_item *item)
{
    if (subject->count == subject->room) {
        size_t room = subject->room ? subject->room * 2 : 8;
        struct learn_item **items = realloc(subject->items, room * sizeof(struct learn_item *));

        if (!items)
            return false;
        subject->items = items;
        subject->room = room;
    }
    memmove(subject->items + place + 1, subject->items + place, (subject->count - place) * sizeof(struct learn_item *));
    subject->items[place] = item;
    subject->count++;
    return true;
}

/* False: lost. The item is the subject's, or freed. */
static bool enter(struct learn *learn, struct learn_pod *pod, struct subject *subject, struct learn_item *item)
{
    size_t place = 0;
    struct learn_item *known = find_item(subject, item, &place);

    if (known) {
        learn_item_merge(known, item);
        learn_item_free(item);
        return true;
    }
    if (!has_room(learn, pod, item->bytes) || !insert(subject, place, item)) {
        learn_item_free(item);
        return false;
    }
    pod->items++;
    pod->bytes += item->bytes;
    learn->items++;
    learn->bytes += item->bytes;
    return true;
}

void learn_add(struct learn *learn, const struct event *event, const struct event_context *context)
{
    struct learn_pod *pod = context->pod_name ? find_pod(learn, context) : NULL;
    struct learn_item *item = pod ? learn_item_make(event, context) : NULL;
    struct subject *subject;

    if (!item) {
        learn->lost++;
        return;
    }
    pod->slot = event->slot;
    pod->epoch = event->epoch;
    subject = find_subject(learn, pod, event, context);
    if (subject && enter(learn, pod, subject, item))
        return;
    if (!subject)
        learn_item_free(item);
    pod->lost++;
    learn->lost++;
}

void learn_start(struct learn *learn, const struct datapath *datapath, __s64 now_ns)
{
    __u8 key[32];
    int fd = datapath->maps[MAP_TOLD];

    learn->since_ns = now_ns;
    /* Bounded: the kernel goes on writing. */
    for (int i = 0; i < TOLD_MAX && bpf_map_get_next_key(fd, NULL, key) == 0; i++) {
        if (bpf_map_delete_elem(fd, key) && errno != ENOENT) {
            log_warning("map=nsp_told not emptied: %s; what was told before is not told again", strerror(errno));
            return;
        }
    }
}

static json_t *show_subject(const struct subject *subject)
{
    json_t *json = json_object();

    json_object_set_new(json, "profile", subject->profile[0] ? json_string(subject->profile) : json_null());
    json_object_set_new(json, "path", subject->path[0] ? json_string(subject->path) : json_null());
    json_object_set_new(json, "is_default", json_boolean(!subject->has_process));
    for (int kind = 0; kind < LEARN_KINDS; kind++)
        json_object_set_new(json, learn_item_list(kind), json_array());
    for (size_t i = 0; i < subject->count; i++)
        json_array_append_new(json_object_get(json, learn_item_list(subject->items[i]->key.kind)),
                              learn_item_json(subject->items[i]));
    return json;
}

static json_t *show_pod(const struct learn *learn, const struct learn_pod *pod)
{
    json_t *json = json_pack("{s:s,s:s,s:b,s:I,s:I}", "namespace", pod->namespace_, "name", pod->name, "is_gone",
                             !learn->is_live(learn->context, pod->slot, pod->epoch), "items", (json_int_t)pod->items,
                             "lost", (json_int_t)pod->lost);
    json_t *binaries = json_array();

    for (const struct subject *subject = pod->subjects; subject; subject = subject->next) {
        if (subject->count)
            json_array_append_new(binaries, show_subject(subject));
    }
    json_object_set_new(json, "binaries", binaries);
    return json;
}

json_t *learn_json(const struct learn *learn, const char *pod)
{
    char since[EVENT_JSON_TIME_SIZE];
    json_t *pods = json_array();

    event_json_time(learn->since_ns, since);
    for (const struct learn_pod *one = learn->pods; one; one = one->next) {
        if (!pod || filter_matches_pod(pod, one->namespace_, one->name))
            json_array_append_new(pods, show_pod(learn, one));
    }
    return json_pack("{s:s,s:I,s:I,s:I,s:o}", "since", since, "items", (json_int_t)learn->items, "items_max",
                     (json_int_t)LEARN_ITEMS_MAX, "lost", (json_int_t)learn->lost, "pods", pods);
}

void learn_free(struct learn *learn)
{
    while (learn->pods) {
        struct learn_pod *pod = learn->pods;

        learn->pods = pod->next;
        free_pod(pod);
    }
    learn->items = learn->bytes = 0;
}
