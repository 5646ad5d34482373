/* SPDX-License-Identifier: Apache-2.0 */
/* Routes and answers: see server.h. */
#include "policyd/server.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "policyd/daemon.h"
#include "policyd/unix_socket.h"
#include "policyd/view.h"

#define HEADERS_MAX 8192
#define BODY_MAX 4096
#define TIMEOUT_S 60 /* of a connection that says nothing */

static const struct route {
    const char *path;
    json_t *(*view)(struct daemon *daemon, const char *pod);
    bool is_by_pod; /* takes ?pod=[NAMESPACE/]PREFIX */
} routes[] = {
    {"/healthz", view_health, false}, {"/v1/learn", view_learn, true},        {"/v1/names", view_names, true},
    {"/v1/pods", view_pods, true},    {"/v1/profiles", view_profiles, false}, {"/v1/status", view_status, false},
};
#define ROUTES (sizeof(routes) / sizeof(routes[0]))
#define EVENTS_PATH "/v1/events"

static void free_text(const void *data, size_t size, void *context)
{
    (void)size;
    (void)context;
    free((void *)data);
}

static void send_json(struct evhttp_request *request, int code, const char *reason, const json_t *json)
{
    struct evbuffer *body = evbuffer_new();
    char *text = json_dumps(json, JSON_COMPACT);

    if (!body || !text || evbuffer_add_reference(body, text, strlen(text), free_text, NULL)) {
        free(text);
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
    } else {
        evbuffer_add(body, "\n", 1);
        evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "application/json");
        evhttp_send_reply(request, code, reason, body);
    }
    if (body)
        evbuffer_free(body);
}

static void send_failure(struct evhttp_request *request, int code, const char *reason, const char *text)
{
    json_t *json = json_pack("{s:s}", "error", text);

    send_json(request, code, reason, json);
    json_decref(json);
}

/* What the address asks for. */
struct query {
    struct stream_request stream;
    char *pod;
    bool is_stream, is_by_pod;
};

static int set_parameter(struct query *wanted, const char *key, const char *value, struct error *err)
{
    if (wanted->is_stream)
        return stream_set(&wanted->stream, key, value, err);
    if (!wanted->is_by_pod || strcmp(key, "pod") != 0)
        return error_set(err, EINVAL, "\"%.64s\" is no parameter here%s", key,
                         wanted->is_by_pod ? "; there is pod" : "");
    free(wanted->pod);
    wanted->pod = strdup(value);
    return wanted->pod ? 0 : error_set(err, ENOMEM, "out of memory");
}

static int read_query(const struct evhttp_uri *uri, struct query *wanted, struct error *err)
{
    const char *query = evhttp_uri_get_query(uri);
    struct evkeyvalq parameters;
    const struct evkeyval *parameter;
    int rc = 0;

    if (!query || !query[0])
        return 0;
    if (evhttp_parse_query_str(query, &parameters))
        return error_set(err, EINVAL, "the query cannot be parsed");
    for (parameter = parameters.tqh_first; parameter && rc == 0; parameter = parameter->next.tqe_next)
        rc = set_parameter(wanted, parameter->key, parameter->value, err);
    evhttp_clear_headers(&parameters);
    return rc;
}

static void answer_stream(struct server *server, struct evhttp_request *request, const struct evhttp_uri *uri)
{
    struct query wanted = {.stream.last = SIZE_MAX, .is_stream = true};
    struct error err = {0};

    if (read_query(uri, &wanted, &err))
        send_failure(request, HTTP_BADREQUEST, "Bad Request", err.msg);
    else if (stream_answer(&server->stream, request, &wanted.stream, &server->daemon->events.history, &err))
        send_failure(request, HTTP_INTERNAL, "Internal Server Error", err.msg);
    filter_free(&wanted.stream.filter);
}

static void answer_view(struct server *server, struct evhttp_request *request, const struct evhttp_uri *uri,
                        const struct route *route)
{
    struct query wanted = {.is_by_pod = route->is_by_pod};
    struct error err = {0};
    json_t *json;

    if (read_query(uri, &wanted, &err)) {
        send_failure(request, HTTP_BADREQUEST, "Bad Request", err.msg);
        free(wanted.pod);
        return;
    }
    json = route->view(server->daemon, wanted.pod);
    free(wanted.pod);
    if (json)
        send_json(request, HTTP_OK, "OK", json);
    else
        send_failure(request, HTTP_INTERNAL, "Internal Server Error", "out of memory");
    json_decref(json);
}

static void answer(struct evhttp_request *request, void *context)
{
    struct server *server = context;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri ? evhttp_uri_get_path(uri) : NULL;

    if (!path) {
        send_failure(request, HTTP_BADREQUEST, "Bad Request", "the address cannot be parsed");
        return;
    }
    if (evhttp_request_get_command(request) != EVHTTP_REQ_GET) {
        evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET");
        send_failure(request, HTTP_BADMETHOD, "Method Not Allowed", "only GET is understood");
        return;
    }
    if (strcmp(path, EVENTS_PATH) == 0) {
        answer_stream(server, request, uri);
        return;
    }
    for (size_t i = 0; i < ROUTES; i++) {
        if (strcmp(path, routes[i].path) == 0) {
            answer_view(server, request, uri, &routes[i]);
            return;
        }
    }
    send_failure(request, HTTP_NOTFOUND, "Not Found",
                 "no such path; there are /healthz /v1/status /v1/pods /v1/profiles /v1/events /v1/names /v1/learn");
}

void server_init(struct server *server, struct daemon *daemon)
{
    *server = (struct server){.daemon = daemon};
}

int server_start(struct server *server, struct event_base *base, const char *path, struct error *err)
{
    cleanup_close int fd = unix_socket_listen(path, SOCK_STREAM, err);

    if (fd < 0)
        return -err->code;
    server->http = evhttp_new(base);
    if (!server->http)
        return error_set(err, ENOMEM, "out of memory");
    evhttp_set_max_headers_size(server->http, HEADERS_MAX);
    evhttp_set_max_body_size(server->http, BODY_MAX);
    evhttp_set_timeout(server->http, TIMEOUT_S);
    evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
                                                 EVHTTP_REQ_DELETE | EVHTTP_REQ_PATCH);
    evhttp_set_gencb(server->http, answer, server);
    if (evhttp_accept_socket(server->http, fd))
        return error_set(err, EIO, "%s: cannot accept connections", path);
    (void)TAKE_FD(fd);
    return 0;
}

void server_stop(struct server *server)
{
    stream_stop(&server->stream);
    if (server->http)
        evhttp_free(server->http);
    server->http = NULL;
}
