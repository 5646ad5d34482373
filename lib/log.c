/* SPDX-License-Identifier: Apache-2.0 */
/* Logging: see log.h. A line goes out in one write, so that lines of several processes do not mix. */
#include "lib/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum log_level highest = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    highest = level;
}

void log_write(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    char line[1024];
    va_list args;

    if (level > highest)
        return;

    int used = snprintf(line, sizeof(line), "%s ", names[level]);

    va_start(args, format);
    vsnprintf(line + used, sizeof(line) - 1 - (size_t)used, format, args);
    va_end(args);
    for (char *c = line; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    }

    size_t length = strlen(line);

    line[length] = '\n';
    if (write(STDERR_FILENO, line, length + 1) < 0)
        return; /* nowhere left to say so */
}
