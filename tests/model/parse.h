/* SPDX-License-Identifier: Apache-2.0 */
/* The parsers of the datapath, compiled for the host, on bytes cut into pieces. */
#ifndef NSP_TESTS_MODEL_PARSE_H
#define NSP_TESTS_MODEL_PARSE_H

#include <jansson.h>

/*
 * [kind, bytes, [size of a piece...]]; what is left after the last piece is one more.
 * "http": [result, [[method, uri, length of the uri, is canonical]...]]; of the uri at most NSP_URI_MAX bytes.
 * "tls": [result, host, has ECH].
 * "query": [result, id, type, name]; "reply": [result, id, type, name, rcode, is truncated, [[address, TTL]...]].
 */
json_t *parse_run(const json_t *wanted);

#endif
