/* SPDX-License-Identifier: Apache-2.0 */
/* Events and pages: see kube_events.h. */
#include "policyd/kube_events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define STATUS_GONE 410

static int __attribute__((format(printf, 2, 3))) fail(struct kube_watch *watch, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(watch->fault, sizeof(watch->fault), format, args);
    va_end(args);
    return -EINVAL;
}

int kube_events_keep(char **text, const char *value)
{
    char *copy = value ? strdup(value) : NULL;

    if (value && !copy)
        return -ENOMEM;
    free(*text);
    *text = copy;
    return 0;
}

static const char *version_of(const json_t *object)
{
    const char *version = json_string_value(json_object_get(json_object_get(object, "metadata"), "resourceVersion"));

    return version && version[0] ? version : NULL;
}

/* What cannot be read once may have been cut or changed on its way. Twice, and it stands before all that follows: then
 * it is left out, and what it was about stays as it is. */
static int take_odd(struct kube_watch *watch, size_t length, const char *why)
{
    if (!watch->is_wary) {
        watch->is_wary = true;
        return fail(watch, "an event of %zu bytes cannot be read: %.160s", length, why);
    }
    log_warning("watch=%s an event of %zu bytes is left out, what it is about stays as it is: %s", watch->need.resource,
                length, why);
    return 0;
}

/* Not JSON's, nor HTTP's: what the server says of the stream itself. */
static int take_error(struct kube_watch *watch, const json_t *status)
{
    const char *message = json_string_value(json_object_get(status, "message"));
    json_int_t code = json_integer_value(json_object_get(status, "code"));

    watch->is_forgotten = code == STATUS_GONE;
    return fail(watch, "%lld: %.200s", (long long)code, message ? message : "the server ended the stream");
}

static int take_bookmark(struct kube_watch *watch, const json_t *object)
{
    const json_t *notes = json_object_get(json_object_get(object, "metadata"), "annotations");
    const char *end = json_string_value(json_object_get(notes, "k8s.io/initial-events-end"));

    if (watch->is_synced)
        return kube_events_keep(&watch->version, version_of(object));
    if (!end || strcmp(end, "true") != 0)
        return 0;
    watch->is_synced = true;
    watch->is_wary = false;
    watch->was_listed = true;
    if (kube_events_keep(&watch->version, version_of(object)))
        return fail(watch, "out of memory");
    watch->complete(watch->context);
    return 0;
}

/* The state that an object was in is of no use before all there is has come: nothing could go on from it. */
static int take_object(struct kube_watch *watch, const char *type, const json_t *object)
{
    bool is_gone = strcmp(type, "DELETED") == 0;

    if (!is_gone && strcmp(type, "ADDED") != 0 && strcmp(type, "MODIFIED") != 0)
        return 0; /* a kind of event that is not known yet */
    if (is_gone)
        watch->gone(watch->context, object);
    else
        watch->put(watch->context, object);
    return watch->is_synced && kube_events_keep(&watch->version, version_of(object)) ? fail(watch, "out of memory") : 0;
}

int kube_events_take(void *context, char *text, size_t length)
{
    struct kube_watch *watch = context;
    struct error err = {0};
    json_auto_t *event = kube_line_parse(text, length, &err);
    const char *type = json_string_value(json_object_get(event, "type"));
    const json_t *object = json_object_get(event, "object");

    if (!event)
        return take_odd(watch, length, err.msg);
    if (!type || !json_is_object(object))
        return take_odd(watch, length, "no event: it has no type or no object");
    if (strcmp(type, "ERROR") == 0)
        return take_error(watch, object);
    if (!version_of(object))
        return take_odd(watch, length, "its object has no resourceVersion");
    if (strcmp(type, "BOOKMARK") == 0)
        return take_bookmark(watch, object);
    return take_object(watch, type, object);
}

int kube_events_take_page(struct kube_watch *watch, bool *is_last)
{
    struct error err = {0};
    json_auto_t *list = watch->line.size ? kube_line_parse(watch->line.bytes, watch->line.size, &err) : NULL;
    const json_t *items = json_object_get(list, "items"), *item;
    const char *next = json_string_value(json_object_get(json_object_get(list, "metadata"), "continue"));
    size_t i;

    if (!list)
        return fail(watch, "a list cannot be read: %.160s", watch->line.size ? err.msg : "it is empty");
    /* Go writes null for a list without elements. */
    if (!version_of(list) || (!json_is_array(items) && !json_is_null(items)))
        return fail(watch, "a list cannot be read: it has no items or no resourceVersion");
    json_array_foreach (items, i, item)
        watch->put(watch->context, item);
    *is_last = !next || !next[0];
    if (kube_events_keep(&watch->next_page, *is_last ? NULL : next) ||
        (*is_last && kube_events_keep(&watch->version, version_of(list))))
        return fail(watch, "out of memory");
    return 0;
}
