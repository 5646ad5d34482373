/* SPDX-License-Identifier: Apache-2.0 */
/* Lines and JSON of a stream: see kube_line.h. */
#include "policyd/kube_line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/name.h"

#define ROOM_MIN 4096u

int kube_line_append(struct kube_line *line, const char *bytes, size_t size)
{
    size_t needed = line->size + size + 1;

    if (needed > KUBE_LINE_MAX + 1)
        return -EFBIG;
    if (needed > line->room) {
        size_t room = line->room ? line->room : ROOM_MIN;
        char *grown;

        while (room < needed)
            room *= 2;
        grown = realloc(line->bytes, room);
        if (!grown)
            return -ENOMEM;
        line->bytes = grown;
        line->room = room;
    }
    if (size)
        memcpy(line->bytes + line->size, bytes, size);
    line->size += size;
    line->bytes[line->size] = '\0';
    return 0;
}

void kube_line_clear(struct kube_line *line)
{
    free(line->bytes);
    *line = (struct kube_line){0};
}

/* One long line must not hold its memory for the life of a stream. */
static void empty(struct kube_line *line)
{
    line->size = 0;
    if (line->room > 16 * ROOM_MIN)
        kube_line_clear(line);
}

int kube_line_feed(struct kube_line *line, const char *bytes, size_t size,
                   int (*take)(void *context, char *text, size_t length), void *context)
{
    while (size > 0) {
        const char *end = memchr(bytes, '\n', size);
        size_t piece = end ? (size_t)(end - bytes) : size;
        int rc = kube_line_append(line, bytes, piece);

        if (rc || !end)
            return rc;
        rc = line->size ? take(context, line->bytes, line->size) : 0;
        empty(line);
        if (rc)
            return rc;
        bytes = end + 1;
        size -= piece + 1;
    }
    return 0;
}

/* An escape begins at each backslash that is not itself escaped. */
static void show_zeros(char *text, size_t length)
{
    char *end = text + length;

    for (char *at = text; (at = memchr(at, '\\', (size_t)(end - at))) != NULL; at += 2) {
        if (end - at >= 6 && memcmp(at, "\\u0000", 6) == 0)
            memcpy(at, "\\ufffd", 6);
        if (end - at < 2)
            break;
    }
}

json_t *kube_line_parse(char *text, size_t length, struct error *err)
{
    json_error_t cause;
    json_t *json;

    show_zeros(text, length);
    json = json_loadb(text, length, 0, &cause);
    if (!json)
        json = json_loadb(text, length, JSON_DECODE_INT_AS_REAL, &cause);
    if (!json) {
        name_make_printable(cause.text);
        error_set(err, EINVAL, "not JSON: %.120s", cause.text);
    }
    return json;
}
