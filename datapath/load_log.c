/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/load_log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "lib/cleanup.h"
#include "lib/log.h"

#define KEPT_BYTES 8192
#define REPORTED_LINES 12

static char kept[KEPT_BYTES]; /* the end of what was said */
static size_t kept_length;

static void keep(const char *text, size_t length)
{
    size_t room = sizeof(kept) - 1;

    if (length > room) {
        text += length - room;
        length = room;
    }
    if (kept_length + length > room) {
        size_t excess = kept_length + length - room;

        memmove(kept, kept + excess, kept_length - excess);
        kept_length -= excess;
    }
    memcpy(kept + kept_length, text, length);
    kept_length += length;
    kept[kept_length] = '\0';
}

static __attribute__((format(printf, 2, 0))) int keep_message(enum libbpf_print_level level, const char *format,
                                                              va_list args)
{
    cleanup_free char *text = NULL;

    if (level == LIBBPF_DEBUG)
        return 0;
    if (vasprintf(&text, format, args) < 0) {
        text = NULL;
        return 0;
    }
    keep(text, strlen(text));
    return 0;
}

void load_log_start(void)
{
    kept_length = 0;
    libbpf_set_print(keep_message);
}

void load_log_report(void)
{
    char *start = kept + kept_length, *saved = NULL;

    for (int lines = 0; start > kept; start--) {
        lines += start[-1] == '\n';
        if (lines > REPORTED_LINES)
            break;
    }
    for (char *line = strtok_r(start, "\n", &saved); line; line = strtok_r(NULL, "\n", &saved))
        log_error("%s", line);
    kept_length = 0;
}

void load_log_stop(void)
{
    kept_length = 0;
    libbpf_set_print(NULL);
}
