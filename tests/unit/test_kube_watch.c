/* SPDX-License-Identifier: Apache-2.0 */
/* Following one kind of object, with the transport played by the test: what is asked when, and what any answer does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "policyd/kube_watch.h"

#define END                                                                                                            \
    "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"%s\",\"annotations\":{"                    \
    "\"k8s.io/initial-events-end\":\"true\"}}}}\n"

struct world {
    struct event_base *base;
    struct kube_access access;
    struct kube kube;
    struct kube_watch watch;
    char told[512]; /* what the owner was told since somebody looked: begin, +name, -name, complete */
};

/* --- the transport --------------------------------------------------------------------------------------------------
 */

static char path_asked[512];
static int expected_ms;

int kube_get(struct kube *kube, struct kube_request *request, const char *path, struct error *err)
{
    (void)kube;
    (void)err;
    request->easy = path_asked;
    snprintf(path_asked, sizeof(path_asked), "%s", path);
    return 0;
}

void kube_expect(struct kube_request *request, int within_ms)
{
    (void)request;
    expected_ms = within_ms;
}

void kube_cancel(struct kube_request *request)
{
    request->easy = NULL;
}

static void answer(struct world *world, const struct kube_answer *told)
{
    struct kube_answer whole = *told;

    if (!whole.body)
        whole.body = "";
    world->watch.request.easy = NULL;
    path_asked[0] = '\0';
    world->watch.request.done(&world->watch, &whole);
}

static void end(struct world *world, long status)
{
    answer(world, &(struct kube_answer){.status = status});
}

static void begin(struct world *world)
{
    world->watch.request.begun(&world->watch);
}

/* As kube.c does: what `data` refuses ends the transfer. */
static void send_text(struct world *world, const char *text)
{
    if (world->watch.request.data(&world->watch, text, strlen(text)))
        answer(world,
               &(struct kube_answer){.status = 200, .error = "Failed writing received data to disk/application"});
}

static void __attribute__((format(printf, 2, 3))) say(struct world *world, const char *format, ...)
{
    cleanup_free char *text = NULL;
    va_list args;

    va_start(args, format);
    assert_true(vasprintf(&text, format, args) >= 0);
    va_end(args);
    send_text(world, text);
}

static void event(struct world *world, const char *type, const char *name, const char *version)
{
    say(world, "{\"type\":\"%s\",\"object\":{\"metadata\":{\"name\":\"%s\",\"resourceVersion\":\"%s\"}}}\n", type, name,
        version);
}

/* --- the owner ------------------------------------------------------------------------------------------------------
 */

static void note(struct world *world, const char *what, const json_t *object)
{
    const char *name = json_string_value(json_object_get(json_object_get(object, "metadata"), "name"));
    size_t used = strlen(world->told);

    snprintf(world->told + used, sizeof(world->told) - used, "%s%s%s", used ? " " : "", what, name ? name : "");
}

static void on_begin(void *context)
{
    note(context, "begin", NULL);
}

static void on_complete(void *context)
{
    note(context, "complete", NULL);
}

static void on_put(void *context, const json_t *object)
{
    note(context, "+", object);
}

static void on_gone(void *context, const json_t *object)
{
    note(context, "-", object);
}

static void assert_told(struct world *world, const char *expected)
{
    assert_string_equal(world->told, expected);
    world->told[0] = '\0';
}

/* It waits, at least so long, and asks then. */
static void assert_asks_in(struct world *world, long low_ms, long high_ms)
{
    struct timeval at, now;
    long left_ms;

    assert_true(evtimer_pending(world->watch.again, &at));
    event_base_gettimeofday_cached(world->base, &now);
    left_ms = (at.tv_sec - now.tv_sec) * 1000 + (at.tv_usec - now.tv_usec) / 1000;
    assert_true(left_ms >= low_ms - 50 && left_ms <= high_ms);
    event_active(world->watch.again, EV_TIMEOUT, 0);
    event_del(world->watch.again);
    event_active(world->watch.again, EV_TIMEOUT, 0);
    event_base_loop(world->base, EVLOOP_NONBLOCK);
    assert_string_not_equal(path_asked, "");
}

static void assert_asked(const char *part)
{
    if (!strstr(path_asked, part))
        fail_msg("%s: expected %s", path_asked, part);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    if (!world)
        return -1;
    log_set_level(LOG_LEVEL_ERROR);
    world->base = event_base_new();
    world->access.server = (char *)"https://server";
    world->kube = (struct kube){.base = world->base, .access = &world->access};
    world->watch = (struct kube_watch){
        .kube = &world->kube,
        .path = "/things",
        .selector = "fieldSelector=a%3Db",
        .need = {.verbs = "list, watch", .resource = "things", .group = "g", .absent = "make them known"},
        .begin = on_begin,
        .complete = on_complete,
        .put = on_put,
        .gone = on_gone,
        .context = world,
    };
    *state = world;
    if (!world->base || kube_watch_start(&world->watch))
        return -1;
    event_base_loop(world->base, EVLOOP_ONCE);
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    kube_watch_stop(&world->watch);
    event_base_free(world->base);
    free(world);
    return 0;
}

/* Through the first list by watch, and into what follows it. */
static void list_all(struct world *world)
{
    begin(world);
    event(world, "ADDED", "one", "5");
    say(world, END, "10");
    assert_told(world, "begin +one complete");
}

/* --- what it does ---------------------------------------------------------------------------------------------------
 */

static void a_watch_sends_all_there_is_and_then_what_changes(void **state)
{
    struct world *world = *state;

    assert_asked("/things?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
    assert_asked("&timeoutSeconds=");
    assert_asked("&fieldSelector=a%3Db");
    list_all(world);
    assert_true(world->watch.was_listed);
    event(world, "ADDED", "two", "11");
    event(world, "MODIFIED", "one", "12");
    event(world, "DELETED", "two", "13");
    event(world, "LATER", "two", "14");
    assert_told(world, "+two +one -two");
    assert_null(world->watch.error);
}

static void a_cut_stream_is_gone_on_with_where_it_was(void **state)
{
    struct world *world = *state;

    list_all(world);
    event(world, "MODIFIED", "one", "12");
    send_text(world, "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"tw");
    answer(world, &(struct kube_answer){.status = 200, .error = "transfer closed"});
    assert_string_equal(world->watch.error, "transfer closed");
    assert_asks_in(world, 1000, 2000);
    assert_asked("resourceVersion=12&timeoutSeconds=");
    begin(world);
    assert_null(world->watch.error);
    say(world, "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"20\"}}}\n");
    world->told[0] = '\0';
    end(world, 200);
    assert_null(world->watch.error); /* ended as it should, if soon */
    assert_asks_in(world, 1000, 4000);
    assert_asked("resourceVersion=20&");
    assert_int_equal(world->watch.lists, 1);
}

static void a_stream_that_ends_before_all_has_come_is_no_list(void **state)
{
    struct world *world = *state;

    begin(world);
    event(world, "ADDED", "one", "5");
    end(world, 200);
    assert_told(world, "begin +one");
    assert_string_equal(world->watch.error, "the stream ended before all had come");
    assert_asks_in(world, 1000, 2000);
    assert_asked("sendInitialEvents=true");
    assert_told(world, "begin");
    assert_false(world->watch.was_listed);
}

static void a_server_without_watch_lists_is_asked_for_pages(void **state)
{
    static const long statuses[] = {400, 415, 422};
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        world->watch.lacks_watch_list = false;
        end(world, statuses[i]);
        assert_asked("/things?limit=100&fieldSelector=a%3Db");
        world->watch.phase = KUBE_PHASE_WATCH_LIST;
    }
    world->watch.phase = KUBE_PHASE_PAGES;
    world->told[0] = '\0';
    begin(world);
    say(world, "{\"metadata\":{\"resourceVersion\":\"9\",\"continue\":\"a+b=\"},\"items\":[{\"metadata\":{\"name\":");
    say(world, "\"one\"}},{\"metadata\":{\"name\":\"two\"}}]}");
    end(world, 200);
    assert_told(world, "+one +two");
    assert_asked("limit=100&continue=a%2Bb%3D&");
    say(world, "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":[{\"metadata\":{\"name\":\"three\"}}]}");
    end(world, 200);
    assert_told(world, "+three complete");
    assert_asked("watch=1&allowWatchBookmarks=true&resourceVersion=9&");
}

static void an_empty_list_is_one_only_if_it_says_so(void **state)
{
    static const char *const broken[] = {"",
                                         "{}",
                                         "null",
                                         "{\"items\":[]}",
                                         "{\"metadata\":{\"resourceVersion\":\"9\"}}",
                                         "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":7}",
                                         "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":[{\"metadata\"",
                                         "<html>busy</html>"};
    struct world *world = *state;

    end(world, 422);
    world->told[0] = '\0';
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        send_text(world, broken[i]);
        end(world, 200);
        assert_non_null(strstr(world->watch.error, "a list cannot be read: "));
        assert_asks_in(world, 1000, 60000);
        assert_told(world, "begin");
    }
    send_text(world, "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":null}");
    end(world, 200);
    assert_told(world, "complete");
    assert_null(world->watch.error);
}

static void large_pages_become_small_ones(void **state)
{
    static char block[1 << 20];
    struct world *world = *state;

    memset(block, ' ', sizeof(block) - 1);
    end(world, 422);
    for (int i = 0; i < 4; i++)
        send_text(world, block);
    assert_asked("limit=10&");
    for (int i = 0; i < 4; i++)
        send_text(world, block);
    assert_asked("limit=1&");
    for (int i = 0; i < 4; i++)
        send_text(world, block);
    assert_non_null(strstr(world->watch.error, "one object takes more than 3145728 bytes"));
    assert_asks_in(world, 1000, 2000);
}

static void what_was_forgotten_is_listed_again(void **state)
{
    struct world *world = *state;

    list_all(world);
    say(world, "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"message\":\"too old\"}}\n");
    assert_null(world->watch.error); /* a day without the server is none of its faults */
    assert_asks_in(world, 1000, 2000);
    assert_asked("sendInitialEvents=true");
    list_all(world);
    end(world, 200);
    assert_asks_in(world, 1000, 60000);
    assert_asked("&resourceVersion=10&");
    end(world, 410);
    assert_asks_in(world, 1000, 60000);
    assert_asked("sendInitialEvents=true");
}

static void refusals_say_what_to_do_and_are_retried(void **state)
{
    static const struct {
        struct kube_answer answer;
        const char *text;
    } rows[] = {
        {{.status = 401, .body = "{\"message\":\"Unauthorized\"}"}, "401, the server does not know our token"},
        {{.status = 403, .body = "{\"message\":\"things is forbidden\"}"},
         "403, the ClusterRole lacks a rule; add: apiGroups: [\"g\"], resources: [things], verbs: [list, watch]: "
         "things "
         "is forbidden"},
        {{.status = 404}, "404, the server knows no things; make them known"},
        {{.status = 429, .retry_after_s = 1}, "429, the server is asked too much"},
        {{.status = 500, .body = "etcd is away\nfor long"}, "500: etcd is away"},
        {{.status = 503}, "503"},
        {{.status = 302}, "302"},
        {{.error = "SSL certificate problem: unable to get local issuer certificate"}, "SSL certificate problem"},
    };
    struct world *world = *state;

    list_all(world);
    end(world, 200);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_asks_in(world, 1000, 60000);
        answer(world, &rows[i].answer);
        if (strncmp(world->watch.error, rows[i].text, strlen(rows[i].text)) != 0)
            fail_msg("%s: expected %s", world->watch.error, rows[i].text);
    }
    assert_int_equal(world->watch.failures, sizeof(rows) / sizeof(rows[0]));
    /* Of all these only 404 made it forget where it was. */
    assert_told(world, "begin begin begin begin begin");
}

static void a_server_that_asks_for_time_gets_it(void **state)
{
    struct world *world = *state;

    answer(world, &(struct kube_answer){.status = 429, .retry_after_s = 20});
    assert_asks_in(world, 20000, 40000);
    answer(world, &(struct kube_answer){.status = 503, .retry_after_s = 100000});
    assert_asks_in(world, 300000, 600000);
}

static void what_cannot_be_read_is_asked_for_once_more_and_then_left_out(void **state)
{
    static const char *const odd[] = {"nonsense\n",
                                      "[]\n",
                                      "{}\n",
                                      "7\n",
                                      "{\"type\":\"ADDED\"}\n",
                                      "{\"type\":7,\"object\":{}}\n",
                                      "{\"type\":\"ADDED\",\"object\":[]}\n",
                                      "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\"}}}\n"};
    struct world *world = *state;

    list_all(world);
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        world->watch.is_wary = false;
        send_text(world, odd[i]);
        assert_non_null(strstr(world->watch.error, "cannot be read: "));
        assert_asks_in(world, 1000, 60000);
        assert_asked("resourceVersion=1");
        begin(world);
        send_text(world, odd[i]);
        event(world, "MODIFIED", "one", "12");
        assert_told(world, "+one");
        assert_null(world->watch.error);
    }
}

static void a_line_without_end_is_cut(void **state)
{
    static char block[1 << 20];
    struct world *world = *state;

    memset(block, 'x', sizeof(block) - 1);
    list_all(world);
    for (int i = 0; i < 4; i++)
        send_text(world, block);
    assert_non_null(strstr(world->watch.error, "one object takes more than 3145728 bytes"));
    assert_int_equal(world->watch.line.room, 0);
    assert_asks_in(world, 1000, 2000);
    assert_asked("resourceVersion=10&");
}

static void patience_is_for_what_is_due(void **state)
{
    struct world *world = *state;

    begin(world);
    assert_in_range(expected_ms, 110000, 120000); /* for all there is */
    say(world, END, "10");
    assert_in_range(expected_ms, 300000, 630000); /* a quiet watch is no fault */
    send_text(world, "{\"type\":");
    assert_in_range(expected_ms, 25000, 30000); /* a line that has begun should end */
    event(world, "ADDED", "x", "11");           /* it does, as nonsense */
    assert_non_null(world->watch.error);
}

static void a_connection_that_was_given_up_is_nobodys_fault(void **state)
{
    struct world *world = *state;

    list_all(world);
    answer(world, &(struct kube_answer){.was_given_up = true});
    assert_null(world->watch.error);
    assert_asks_in(world, 0, 1000);
    assert_asked("resourceVersion=10&");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_watch_sends_all_there_is_and_then_what_changes),
        TEST(a_cut_stream_is_gone_on_with_where_it_was),
        TEST(a_stream_that_ends_before_all_has_come_is_no_list),
        TEST(a_server_without_watch_lists_is_asked_for_pages),
        TEST(an_empty_list_is_one_only_if_it_says_so),
        TEST(large_pages_become_small_ones),
        TEST(what_was_forgotten_is_listed_again),
        TEST(refusals_say_what_to_do_and_are_retried),
        TEST(a_server_that_asks_for_time_gets_it),
        TEST(what_cannot_be_read_is_asked_for_once_more_and_then_left_out),
        TEST(a_line_without_end_is_cut),
        TEST(patience_is_for_what_is_due),
        TEST(a_connection_that_was_given_up_is_nobodys_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
