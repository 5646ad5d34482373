/* SPDX-License-Identifier: Apache-2.0 */
/* The status socket: HTTP/1.1 and JSON on a unix socket. What is answered is in view_*.c, the event stream in stream.c.
 */
#ifndef NSP_POLICYD_SERVER_H
#define NSP_POLICYD_SERVER_H

#include <event2/event.h>

#include "lib/error.h"
#include "policyd/stream.h"

struct daemon;
struct evhttp;

struct server {
    struct daemon *daemon;
    struct evhttp *http;
    struct stream stream;
};

void server_init(struct server *server, struct daemon *daemon);
int server_start(struct server *server, struct event_base *base, const char *path, struct error *err);
void server_stop(struct server *server);

#endif
