/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of events: see history.h. */
#include "policyd/history.h"

#include <stdlib.h>
#include <string.h>

static void drop_oldest(struct history *history)
{
    struct record *record = history->records[history->first];

    history->records[history->first] = NULL;
    history->first = (history->first + 1) % HISTORY_EVENTS;
    history->count--;
    history->bytes -= record->bytes;
    free(record);
}

/* Returns where the next text goes. */
static char *copy_text(char *to, const char *from, size_t length, const char **copy)
{
    memcpy(to, from, length);
    to[length] = '\0';
    *copy = to;
    return to + length + 1;
}

const struct record *history_add(struct history *history, const struct record *record)
{
    size_t names = strlen(record->namespace_) + strlen(record->pod) + strlen(record->binary) + 3;
    size_t bytes = sizeof(*record) + names + record->length + 1;
    struct record *copy = malloc(bytes);
    char *end;

    if (!copy)
        return NULL;
    *copy = *record;
    copy->bytes = bytes;
    end = copy_text(copy->text, record->namespace_, strlen(record->namespace_), &copy->namespace_);
    end = copy_text(end, record->pod, strlen(record->pod), &copy->pod);
    end = copy_text(end, record->binary, strlen(record->binary), &copy->binary);
    copy_text(end, record->line, record->length, &copy->line);
    while (history->count && (history->count == HISTORY_EVENTS || history->bytes + bytes > HISTORY_BYTES))
        drop_oldest(history);
    history->records[(history->first + history->count) % HISTORY_EVENTS] = copy;
    history->count++;
    history->bytes += bytes;
    return copy;
}

const struct record *history_get(const struct history *history, size_t place)
{
    return place < history->count ? history->records[(history->first + place) % HISTORY_EVENTS] : NULL;
}

void history_free(struct history *history)
{
    while (history->count)
        drop_oldest(history);
}

static bool matches_pod(const char *wanted, const struct record *record)
{
    const char *slash = strchr(wanted, '/');

    if (slash) {
        if (strncmp(record->namespace_, wanted, (size_t)(slash - wanted)) != 0 ||
            record->namespace_[slash - wanted] != '\0')
            return false;
        wanted = slash + 1;
    }
    return record->pod[0] && strncmp(record->pod, wanted, strlen(wanted)) == 0;
}

bool filter_matches(const struct filter *filter, const struct record *record)
{
    if (filter->namespace_ && strcmp(filter->namespace_, record->namespace_) != 0)
        return false;
    if (filter->pod && !matches_pod(filter->pod, record))
        return false;
    if (filter->binary && strcmp(filter->binary, record->binary) != 0)
        return false;
    if (filter->verdict >= 0 && filter->verdict != record->verdict)
        return false;
    return record->time_ns >= filter->since_ns;
}

void filter_free(struct filter *filter)
{
    free(filter->namespace_);
    free(filter->pod);
    free(filter->binary);
    *filter = (struct filter){.verdict = -1};
}
