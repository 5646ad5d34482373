/* SPDX-License-Identifier: Apache-2.0 */
/* Following one kind of object: what is asked when, and what is gone on with after a cut. */
#include "tests/unit/kube_watch_world.h"

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
    assert_asks_in(world, 500, 1000);
    assert_asked("resourceVersion=12&timeoutSeconds=");
    begin(world);
    assert_null(world->watch.error);
    say(world, "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"20\"}}}\n");
    world->told[0] = '\0';
    end(world, 200);
    assert_null(world->watch.error); /* ended as it should, if soon */
    assert_asks_in(world, 500, 2000);
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
    assert_asks_in(world, 500, 1000);
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

static void what_was_forgotten_is_listed_again(void **state)
{
    struct world *world = *state;

    list_all(world);
    say(world, "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"message\":\"too old\"}}\n");
    assert_null(world->watch.error); /* a day without the server is none of its faults */
    assert_asks_in(world, 500, 1000);
    assert_asked("sendInitialEvents=true");
    list_all(world);
    end(world, 200);
    assert_asks_in(world, 500, 60000);
    assert_asked("&resourceVersion=10&");
    /* An etcd that was restored is behind what we know. */
    answer(world, &(struct kube_answer){
                      .status = 504, .body = "{\"details\":{\"causes\":[{\"reason\":\"ResourceVersionTooLarge\"}]}}"});
    assert_asks_in(world, 500, 60000);
    assert_asked("sendInitialEvents=true");
    world->told[0] = '\0';
    begin(world);
    say(world, END, "10");
    world->told[0] = '\0';
    end(world, 200);
    assert_asks_in(world, 500, 60000);
    end(world, 410);
    assert_asks_in(world, 500, 60000);
    assert_asked("sendInitialEvents=true");
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

/* After an outage the waits are long; what the server then says for the first time is acted on at once. */
static void a_server_that_is_back_is_not_left_waiting(void **state)
{
    struct world *world = *state;

    list_all(world);
    end(world, 200);
    for (int i = 0; i < 10; i++) {
        assert_asks_in(world, 500, 32000);
        answer(world, &(struct kube_answer){.error = "Failed to connect"});
    }
    assert_asks_in(world, 16000, 32000);
    answer(world, &(struct kube_answer){.status = 429, .retry_after_s = 1});
    assert_asks_in(world, 1000, 2000);
    end(world, 410);
    assert_asks_in(world, 500, 4000);
    assert_asked("sendInitialEvents=true");
    list_all(world);
    end(world, 200);
    assert_asks_in(world, 500, 8000);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_watch_sends_all_there_is_and_then_what_changes),
        TEST(a_cut_stream_is_gone_on_with_where_it_was),
        TEST(a_stream_that_ends_before_all_has_come_is_no_list),
        TEST(a_server_without_watch_lists_is_asked_for_pages),
        TEST(what_was_forgotten_is_listed_again),
        TEST(patience_is_for_what_is_due),
        TEST(a_server_that_is_back_is_not_left_waiting),
        TEST(a_connection_that_was_given_up_is_nobodys_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
