/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as people write them. Pure. */
#ifndef NSP_NSPCTL_SINCE_H
#define NSP_NSPCTL_SINCE_H

#include <time.h>

#include "lib/error.h"

/*
 * "90s", "5m", "1h30m", "2d": that long before `now`; "2026-11-24T11:12:13Z": that time. Seconds since 1970. The
 * message quotes the text and says what was expected.
 */
int since_parse(const char *text, time_t now, time_t *since, struct error *err);

#endif
