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

static size_t text_length(const struct record *record, int text)
{
    if (text == RECORD_LINE)
        return record->length;
    return record->texts[text] ? strlen(record->texts[text]) : 0;
}

static struct record *copy_record(const struct record *record)
{
    size_t bytes = sizeof(*record);
    struct record *copy;
    char *end;

    for (int i = 0; i < RECORD_TEXTS; i++)
        bytes += text_length(record, i) + 1;
    copy = malloc(bytes);
    if (!copy)
        return NULL;
    *copy = *record;
    copy->bytes = bytes;
    end = copy->text;
    for (int i = 0; i < RECORD_TEXTS; i++) {
        size_t length = text_length(record, i);

        if (length)
            memcpy(end, record->texts[i], length);
        end[length] = '\0';
        copy->texts[i] = end;
        end += length + 1;
    }
    return copy;
}

const struct record *history_add(struct history *history, const struct record *record)
{
    struct record *copy = copy_record(record);

    if (!copy)
        return NULL;
    while (history->count && (history->count == HISTORY_EVENTS || history->bytes + copy->bytes > HISTORY_BYTES))
        drop_oldest(history);
    history->records[(history->first + history->count) % HISTORY_EVENTS] = copy;
    history->count++;
    history->bytes += copy->bytes;
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
