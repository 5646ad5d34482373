/* SPDX-License-Identifier: Apache-2.0 */
/* As much of an HTTP/1.1 client as the demo's programs need: requests without a body, answers with a Content-Length. */
#ifndef NSP_DEMO_HTTP_H
#define NSP_DEMO_HTTP_H

#include <stdbool.h>

/* A TCP connection to a numeric address. Returns the socket, which the caller closes, or -errno; -ETIMEDOUT when the
 * peer is silent for timeout_ms, which also bounds each later read and write. */
int http_connect(const char *address, const char *port, int timeout_ms);

/* Sends one request and reads its whole answer. keep: the connection is for more requests. Returns the status, such as
 * 200, or -errno; -ENODATA when the peer closed before the answer was complete, -EPROTO when that was not HTTP. */
int http_request(int fd, const char *method, const char *path, bool keep);

#endif
