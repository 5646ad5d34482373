/* SPDX-License-Identifier: Apache-2.0 */
/* Requests over a real socket: what a peer that dawdles, breaks off or says nothing does to them. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "policyd/kube.h"

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

/* Takes connections, and sends the same text to each once it has read a request; then it closes, or waits. */
struct peer {
    const char *text;
    bool stays; /* keeps the connection open */
    int listener;
    int connections;
    char request[2048]; /* the last one */
    pthread_t thread;
};

static void *run_peer(void *context)
{
    struct peer *peer = context;
    int kept[16] = {0}, fd;

    while (peer->connections < 16 && (fd = accept(peer->listener, NULL, NULL)) >= 0) {
        ssize_t size = read(fd, peer->request, sizeof(peer->request) - 1);

        peer->request[size > 0 ? size : 0] = '\0';
        if (write(fd, peer->text, strlen(peer->text)) < 0 || !peer->stays)
            close(fd);
        else
            kept[peer->connections] = fd;
        peer->connections++;
    }
    for (int i = 0; i < 16; i++) {
        if (kept[i] > 0)
            close(kept[i]);
    }
    return NULL;
}

struct world {
    struct peer peer;
    struct event_base *base;
    struct kube_access access;
    struct kube kube;
    struct kube_request request;
    char server[64];
    char body[256];
    bool has_begun, is_done, is_given_up, is_again;
    long status, retry_after_s;
    char error[256], refusal[256];
};

static int start_peer(struct world *world)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    world->peer.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(world->peer.listener, (struct sockaddr *)&address, size) || listen(world->peer.listener, 8) ||
        getsockname(world->peer.listener, (struct sockaddr *)&address, &size))
        return -1;
    snprintf(world->server, sizeof(world->server), "http://127.0.0.1:%d", ntohs(address.sin_port));
    return pthread_create(&world->peer.thread, NULL, run_peer, &world->peer);
}

static void stop_peer(struct world *world)
{
    shutdown(world->peer.listener, SHUT_RDWR);
    close(world->peer.listener);
    pthread_join(world->peer.thread, NULL);
}

static void on_begun(void *context)
{
    ((struct world *)context)->has_begun = true;
}

static int on_data(void *context, const char *bytes, size_t size)
{
    struct world *world = context;
    size_t used = strlen(world->body);

    snprintf(world->body + used, sizeof(world->body) - used, "%.*s", (int)size, bytes);
    return strstr(world->body, "poison") ? -1 : 0;
}

static void on_done(void *context, const struct kube_answer *answer)
{
    struct world *world = context;

    world->is_done = true;
    world->is_given_up = answer->was_given_up;
    world->status = answer->status;
    world->retry_after_s = answer->retry_after_s;
    snprintf(world->error, sizeof(world->error), "%s", answer->error ? answer->error : "");
    snprintf(world->refusal, sizeof(world->refusal), "%s", answer->body);
    if (world->is_again) {
        world->is_again = false;
        world->is_done = false;
        assert_int_equal(kube_get(&world->kube, &world->request, "/again", NULL), 0);
        return;
    }
    event_base_loopbreak(world->base);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct error err;

    if (!world)
        return -1;
    world->request = (struct kube_request){.begun = on_begun, .data = on_data, .done = on_done, .context = world};
    world->access = (struct kube_access){.server = world->server, .token = (char *)"secret"};
    world->base = event_base_new();
    *state = world;
    return kube_start(&world->kube, &world->access, world->base, &err);
}

static int tear_down(void **state)
{
    struct world *world = *state;

    kube_stop(&world->kube);
    event_base_free(world->base);
    free(world);
    return 0;
}

static void ask(struct world *world, const char *text, bool stays, int within_ms)
{
    world->peer.text = text;
    world->peer.stays = stays;
    assert_int_equal(start_peer(world), 0);
    assert_int_equal(kube_get(&world->kube, &world->request, "/a?b=c", NULL), 0);
    assert_true(kube_is_under_way(&world->request));
    kube_expect(&world->request, within_ms);
    event_base_dispatch(world->base);
}

static void a_success_comes_piece_by_piece(void **state)
{
    struct world *world = *state;

    ask(world, HEAD "Content-Length: 5\r\n\r\nhello", false, 5000);
    stop_peer(world);
    assert_true(world->has_begun && world->is_done);
    assert_int_equal(world->status, 200);
    assert_string_equal(world->body, "hello");
    assert_string_equal(world->error, "");
    assert_false(kube_is_under_way(&world->request));
    assert_non_null(strstr(world->peer.request, "GET /a?b=c HTTP/1.1\r\n"));
    assert_non_null(strstr(world->peer.request, "\r\nAuthorization: Bearer secret\r\n"));
    assert_non_null(strstr(world->peer.request, "\r\nUser-Agent: nsp-policyd/"));
}

static void a_refusal_brings_its_reason_and_no_data(void **state)
{
    struct world *world = *state;

    ask(world, "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy", false, 5000);
    stop_peer(world);
    assert_false(world->has_begun);
    assert_int_equal(world->status, 503);
    assert_int_equal(world->retry_after_s, 7);
    assert_string_equal(world->refusal, "busy");
    assert_string_equal(world->body, "");
}

static void a_redirection_is_not_followed(void **state)
{
    struct world *world = *state;

    ask(world, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", false, 5000);
    stop_peer(world);
    assert_int_equal(world->status, 302);
    assert_int_equal(world->peer.connections, 1);
}

static void a_transfer_that_breaks_off_is_an_error(void **state)
{
    struct world *world = *state;

    ask(world, HEAD "Content-Length: 50\r\n\r\nhello", false, 5000);
    stop_peer(world);
    assert_int_equal(world->status, 200);
    assert_string_equal(world->body, "hello");
    assert_string_not_equal(world->error, "");
}

static void what_is_no_http_is_an_error(void **state)
{
    struct world *world = *state;

    ask(world, "SSH-2.0-OpenSSH_9.2\r\n", false, 5000);
    stop_peer(world);
    assert_int_equal(world->status, 0);
    assert_string_not_equal(world->error, "");
}

static void an_owner_that_refuses_data_ends_the_transfer(void **state)
{
    struct world *world = *state;

    ask(world, HEAD "Content-Length: 600\r\n\r\npoison", true, 5000);
    stop_peer(world);
    assert_true(world->is_done);
    assert_string_not_equal(world->error, "");
}

static void a_peer_that_dawdles_is_given_up(void **state)
{
    static const char *const texts[] = {"", "HTTP/1.1 200 OK\r\nX", HEAD "Content-Length: 5\r\n\r\nhel"};
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ask(world, texts[i], true, 100);
        stop_peer(world);
        assert_false(world->is_given_up);
        assert_non_null(strstr(world->error, "what was due did not come in time; connection given up"));
    }
    assert_int_equal(world->kube.given_up, 3);
}

static void silence_ends_the_connection_without_a_fault(void **state)
{
    struct world *world = *state;

    world->kube.silence_ms = 100;
    ask(world, HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true, 0);
    stop_peer(world);
    assert_true(world->is_given_up);
    assert_string_equal(world->error, "");
    assert_string_equal(world->body, "hello");
}

static void a_request_may_be_made_anew_when_it_ends(void **state)
{
    struct world *world = *state;

    world->is_again = true;
    ask(world, HEAD "Content-Length: 2\r\n\r\nhi", false, 5000);
    stop_peer(world);
    assert_int_equal(world->peer.connections, 2);
    assert_string_equal(world->body, "hihi");
    assert_non_null(strstr(world->peer.request, "GET /again "));
}

static void what_is_cancelled_says_no_more(void **state)
{
    struct world *world = *state;

    world->peer.text = HEAD "Content-Length: 2\r\n\r\nhi";
    assert_int_equal(start_peer(world), 0);
    assert_int_equal(kube_get(&world->kube, &world->request, "/", NULL), 0);
    kube_cancel(&world->request);
    assert_false(kube_is_under_way(&world->request));
    event_base_loop(world->base, EVLOOP_NONBLOCK);
    stop_peer(world);
    assert_false(world->is_done);
}

static void a_token_is_read_from_its_file_for_each_request(void **state)
{
    struct world *world = *state;
    char path[] = "/tmp/nsp-token-XXXXXX";
    cleanup_close int fd = mkstemp(path);
    struct error err = {0};

    assert_true(fd >= 0);
    world->access.token_file = path;
    assert_true(kube_get(&world->kube, &world->request, "/", &err) < 0);
    assert_non_null(strstr(err.msg, ": it is empty"));
    assert_int_equal(write(fd, "first\n", 6), 6);
    ask(world, HEAD "Content-Length: 0\r\n\r\n", false, 5000);
    stop_peer(world);
    assert_non_null(strstr(world->peer.request, "Bearer first\r\n"));
    assert_int_equal(pwrite(fd, "other\n", 6, 0), 6);
    ask(world, HEAD "Content-Length: 0\r\n\r\n", false, 5000);
    stop_peer(world);
    assert_non_null(strstr(world->peer.request, "Bearer other\r\n"));
    unlink(path);
    assert_true(kube_get(&world->kube, &world->request, "/", &err) < 0);
    assert_non_null(strstr(err.msg, "No such file or directory"));
    assert_false(kube_is_under_way(&world->request));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_success_comes_piece_by_piece),
        TEST(a_refusal_brings_its_reason_and_no_data),
        TEST(a_redirection_is_not_followed),
        TEST(a_transfer_that_breaks_off_is_an_error),
        TEST(what_is_no_http_is_an_error),
        TEST(an_owner_that_refuses_data_ends_the_transfer),
        TEST(a_peer_that_dawdles_is_given_up),
        TEST(silence_ends_the_connection_without_a_fault),
        TEST(a_request_may_be_made_anew_when_it_ends),
        TEST(what_is_cancelled_says_no_more),
        TEST(a_token_is_read_from_its_file_for_each_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
