/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of HTTP requests, read in every cut, and by a second, plain reading (tests/fuzz/plain_http.h). */
#ifndef NSP_TESTS_UNIT_REQUESTS_H
#define NSP_TESTS_UNIT_REQUESTS_H

#include <stddef.h>

/*
 * Reads the stream whole, byte by byte, cut in two at each byte (if it is shorter than 2,000), and plainly; fails
 * unless all come to the same. Returns what: the text of tests/fuzz/http_told.h, until the next call.
 */
const char *requests_read(const char *name, const void *bytes, size_t length);
/* The same, the letters alone, with a dot at the end where the stream may go on. */
const char *requests_letters(const char *name, const void *bytes, size_t length);

#endif
