/* SPDX-License-Identifier: Apache-2.0 */
/* Asks policyd over its status socket. */
#ifndef NSP_NSPCTL_CLIENT_H
#define NSP_NSPCTL_CLIENT_H

#include <jansson.h>
#include <stddef.h>

#include "lib/error.h"

/* The answer to GET `path` as JSON, to be released by the caller. The message says what to do when nobody answers. */
int client_get(const char *socket_path, const char *path, json_t **json, struct error *err);

/*
 * Calls `take` for each line of the answer, without its newline, as it comes. Ends when policyd ends the answer, or
 * when `take` returns non-zero, which is returned.
 */
int client_stream(const char *socket_path, const char *path,
                  int (*take)(const char *line, size_t length, void *context), void *context, struct error *err);

/* `text` as part of an address; to be freed, NULL without memory. */
char *client_escape(const char *text);

#endif
