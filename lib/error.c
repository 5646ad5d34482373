/* SPDX-License-Identifier: Apache-2.0 */
/* Error objects: see error.h. A message that does not fit is cut, never refused. */
#include "lib/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int code, const char *format, ...)
{
    if (code == 0)
        code = EINVAL;
    if (err) {
        va_list args;

        err->code = code;
        va_start(args, format);
        vsnprintf(err->msg, sizeof(err->msg), format, args);
        va_end(args);
    }
    return -code;
}

int error_wrap(struct error *err, const char *format, ...)
{
    if (!err)
        return -EINVAL;

    char inner[sizeof(err->msg)];
    va_list args;

    memcpy(inner, err->msg, sizeof(inner));
    va_start(args, format);
    vsnprintf(err->msg, sizeof(err->msg), format, args);
    va_end(args);

    size_t used = strlen(err->msg);

    snprintf(err->msg + used, sizeof(err->msg) - used, ": %s", inner);
    return -err->code;
}
