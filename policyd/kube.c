/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to an API server: see kube.h. libcurl's multi interface on libevent; what a request is made of: kube_easy.c.
 */
#include "policyd/kube.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/kube_clock.h"
#include "policyd/kube_easy.h"

/* A descriptor that libcurl wants to be told about. */
struct kube_socket {
    struct kube_socket *next;
    struct event *event;
    curl_socket_t fd;
};

/* --- a request -----------------------------------------------------------------------------------------------------
 */

static void unlink_request(struct kube_request *request)
{
    struct kube_request **link = &request->kube->requests;

    while (*link && *link != request)
        link = &(*link)->next;
    if (*link)
        *link = request->next;
}

static void release(struct kube_request *request)
{
    if (request->easy) {
        if (request->kube->multi)
            curl_multi_remove_handle(request->kube->multi, request->easy);
        curl_easy_cleanup(request->easy);
    }
    curl_slist_free_all(request->headers);
    if (request->patience)
        event_free(request->patience);
    request->easy = request->headers = NULL;
    request->patience = NULL;
}

/* The last that is done with a request: its owner may start it anew from here. */
static void finish(struct kube_request *request, const struct kube_answer *told)
{
    struct kube_line refusal = request->refusal;
    char fault[sizeof(request->fault)];
    struct kube_answer answer = *told;

    memcpy(fault, request->fault, sizeof(fault));
    if (answer.error == request->fault)
        answer.error = fault;
    answer.body = refusal.size ? refusal.bytes : "";
    request->refusal = (struct kube_line){0};
    request->done(request->context, &answer);
    kube_line_clear(&refusal);
}

static void complete(struct kube_request *request, CURLcode code)
{
    struct kube_answer answer = {0};
    curl_off_t retry_after = 0;

    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_easy_getinfo(request->easy, CURLINFO_RETRY_AFTER, &retry_after);
    answer.retry_after_s = (long)retry_after;
    if (code != CURLE_OK) {
        if (!request->fault[0])
            snprintf(request->fault, sizeof(request->fault), "%s", curl_easy_strerror(code));
        answer.error = request->fault;
    }
    unlink_request(request);
    release(request);
    finish(request, &answer);
}

static void read_results(struct kube *kube)
{
    const CURLMsg *message;
    int left;

    while (kube->multi && (message = curl_multi_info_read(kube->multi, &left))) {
        struct kube_request *request = NULL;
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
        complete(request, code);
    }
}

/* --- libcurl's sockets and timer ------------------------------------------------------------------------------------
 */

static void on_socket(evutil_socket_t fd, short what, void *context)
{
    struct kube *kube = context;
    int running, action = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

    curl_multi_socket_action(kube->multi, fd, action, &running);
    read_results(kube);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct kube *kube = context;
    int running;

    (void)fd;
    (void)what;
    curl_multi_socket_action(kube->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    read_results(kube);
}

static int want_timer(CURLM *multi, long timeout_ms, void *context)
{
    const struct kube *kube = context;

    (void)multi;
    if (timeout_ms < 0)
        event_del(kube->timer);
    else
        kube_timer_set(kube->timer, timeout_ms);
    return 0;
}

static void forget_socket(struct kube *kube, struct kube_socket *socket)
{
    struct kube_socket **link = &kube->sockets;

    while (*link && *link != socket)
        link = &(*link)->next;
    if (*link)
        *link = socket->next;
    if (socket->event)
        event_free(socket->event);
    free(socket);
}

static struct kube_socket *note_socket(struct kube *kube, curl_socket_t fd)
{
    struct kube_socket *socket = calloc(1, sizeof(*socket));

    if (!socket)
        return NULL;
    socket->fd = fd;
    socket->next = kube->sockets;
    kube->sockets = socket;
    curl_multi_assign(kube->multi, fd, socket);
    return socket;
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *own)
{
    struct kube *kube = context;
    struct kube_socket *socket = own;
    short events = (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (socket)
            forget_socket(kube, socket);
        return 0;
    }
    if (!socket)
        socket = note_socket(kube, fd);
    if (!socket)
        return -1;
    if (socket->event)
        event_free(socket->event);
    socket->event = event_new(kube->base, fd, events, on_socket, kube);
    return socket->event && event_add(socket->event, NULL) == 0 ? 0 : -1;
}

static int make_multi(struct kube *kube)
{
    kube->multi = curl_multi_init();
    if (!kube->multi)
        return -ENOMEM;
    curl_multi_setopt(kube->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(kube->multi, CURLMOPT_SOCKETDATA, kube);
    curl_multi_setopt(kube->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    curl_multi_setopt(kube->multi, CURLMOPT_TIMERDATA, kube);
    curl_multi_setopt(kube->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    return 0;
}

static void drop_multi(struct kube *kube)
{
    if (kube->multi)
        curl_multi_cleanup(kube->multi);
    kube->multi = NULL;
    while (kube->sockets)
        forget_socket(kube, kube->sockets);
    if (kube->timer)
        event_del(kube->timer);
}

/* --- a connection that says nothing ---------------------------------------------------------------------------------
 */

/* All connections are closed. `culprit` fails with its fault, the others just end; NULL: nobody is to blame. */
static void give_up(struct kube *kube, const struct kube_request *culprit)
{
    struct kube_request *requests = kube->requests, *next;

    kube->requests = NULL;
    kube->given_up++;
    for (struct kube_request *request = requests; request; request = request->next)
        release(request);
    drop_multi(kube);
    make_multi(kube); /* without memory kube_get() fails, and is tried again */
    for (struct kube_request *request = requests; request; request = next) {
        struct kube_answer answer = {.was_given_up = request != culprit};

        next = request->next;
        if (request == culprit)
            answer.error = request->fault;
        finish(request, &answer);
    }
}

static void on_patience(evutil_socket_t fd, short what, void *context)
{
    struct kube_request *request = context;

    (void)fd;
    (void)what;
    snprintf(request->fault, sizeof(request->fault), "what was due did not come in time; connection given up");
    give_up(request->kube, request);
}

/* Any answer will do, a refusal too: that bytes came was noted. */
static int take_probe(void *context, const char *bytes, size_t size)
{
    (void)context;
    (void)bytes;
    (void)size;
    return 0;
}

static void end_probe(void *context, const struct kube_answer *answer)
{
    (void)context;
    (void)answer;
}

static void on_silence(evutil_socket_t fd, short what, void *context)
{
    struct kube *kube = context;
    long long left_ms = kube->heard_ms + kube->silence_ms - kube_now_ms();

    (void)fd;
    (void)what;
    if (left_ms > 0 || !kube->requests) {
        if (kube->requests)
            kube_timer_set(kube->silence, left_ms);
        return;
    }
    /* Without HTTP/2 a probe would take another connection, and say nothing of this one. */
    if (!kube->is_shared) {
        give_up(kube, NULL);
        return;
    }
    if (!kube_is_under_way(&kube->probe) && kube_get(kube, &kube->probe, "/livez", NULL) == 0)
        kube_expect(&kube->probe, KUBE_PROBE_MS);
    kube_timer_set(kube->silence, kube->silence_ms);
}

/* --- what others call -----------------------------------------------------------------------------------------------
 */

void kube_note_bytes(struct kube_request *request)
{
    long version = 0;

    curl_easy_getinfo(request->easy, CURLINFO_HTTP_VERSION, &version);
    request->kube->is_shared = version == CURL_HTTP_VERSION_2_0;
    request->kube->heard_ms = kube_now_ms();
}

bool kube_is_under_way(const struct kube_request *request)
{
    return request->easy != NULL;
}

void kube_expect(struct kube_request *request, int within_ms)
{
    if (within_ms)
        kube_timer_set(request->patience, within_ms);
    else
        event_del(request->patience);
}

int kube_get(struct kube *kube, struct kube_request *request, const char *path, struct error *err)
{
    request->kube = kube;
    request->fault[0] = '\0';
    request->patience = evtimer_new(kube->base, on_patience, request);
    if (!request->patience || (!kube->multi && make_multi(kube))) {
        release(request);
        return error_set(err, ENOMEM, "out of memory");
    }
    if (kube_easy_make(request, path, err)) {
        release(request);
        return err ? -err->code : -EIO;
    }
    if (curl_multi_add_handle(kube->multi, request->easy) != CURLM_OK) {
        release(request);
        return error_set(err, ENOMEM, "out of memory");
    }
    request->next = kube->requests;
    kube->requests = request;
    kube->sent++;
    kube->heard_ms = kube_now_ms();
    kube_expect(request, KUBE_HEADERS_MS);
    if (!evtimer_pending(kube->silence, NULL))
        kube_timer_set(kube->silence, kube->silence_ms);
    return 0;
}

void kube_cancel(struct kube_request *request)
{
    if (!kube_is_under_way(request))
        return;
    unlink_request(request);
    release(request);
    kube_line_clear(&request->refusal);
}

int kube_start(struct kube *kube, const struct kube_access *access, struct event_base *base, struct error *err)
{
    *kube = (struct kube){.access = access, .base = base, .silence_ms = KUBE_SILENCE_MS};
    kube->probe = (struct kube_request){.data = take_probe, .done = end_probe};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_set(err, EIO, "libcurl cannot start");
    kube->timer = evtimer_new(base, on_timer, kube);
    kube->silence = evtimer_new(base, on_silence, kube);
    if (!kube->timer || !kube->silence || make_multi(kube)) {
        kube_stop(kube);
        return error_set(err, ENOMEM, "out of memory");
    }
    return 0;
}

void kube_stop(struct kube *kube)
{
    if (!kube->base)
        return;
    while (kube->requests)
        kube_cancel(kube->requests);
    drop_multi(kube);
    if (kube->timer)
        event_free(kube->timer);
    if (kube->silence)
        event_free(kube->silence);
    curl_global_cleanup();
    *kube = (struct kube){0};
}
