/* SPDX-License-Identifier: Apache-2.0 */
/* See since.h. */
#include "nspctl/since.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AMOUNT_MAX 1000000L

static long seconds_of(char unit)
{
    switch (unit) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

/* The length in seconds, or -1. */
static long parse_duration(const char *text)
{
    long sum = 0;

    do {
        char *end;
        long amount = strtol(text, &end, 10);
        long unit = seconds_of(*end);

        if (text[0] < '0' || text[0] > '9' || unit == 0 || amount > AMOUNT_MAX)
            return -1;
        sum += amount * unit;
        text = end + 1;
    } while (*text);
    return sum;
}

int since_parse(const char *text, time_t now, time_t *since, struct error *err)
{
    struct tm parts = {0};
    long seconds = parse_duration(text);
    const char *rest;

    if (seconds >= 0) {
        *since = now > seconds ? now - seconds : 0;
        return 0;
    }
    rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (!rest || strcmp(rest, "Z") != 0)
        return error_set(err, EINVAL,
                         "\"%.64s\" is no time; write a length such as 90s, 5m or 1h30m, or 2026-11-24T11:12:13Z",
                         text);
    *since = timegm(&parts);
    return 0;
}
