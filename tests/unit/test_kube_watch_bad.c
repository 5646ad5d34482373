/* SPDX-License-Identifier: Apache-2.0 */
/* Following one kind of object in a server that refuses, lies or sends too much. */
#include "tests/unit/kube_watch_world.h"

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
        assert_asks_in(world, 500, 60000);
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
    assert_asks_in(world, 500, 1000);
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
        assert_asks_in(world, 500, 60000);
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
        assert_asks_in(world, 500, 60000);
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
    assert_asks_in(world, 500, 1000);
    assert_asked("resourceVersion=10&");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_list_is_one_only_if_it_says_so),
        TEST(large_pages_become_small_ones),
        TEST(refusals_say_what_to_do_and_are_retried),
        TEST(a_server_that_asks_for_time_gets_it),
        TEST(what_cannot_be_read_is_asked_for_once_more_and_then_left_out),
        TEST(a_line_without_end_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
