/* SPDX-License-Identifier: Apache-2.0 */
/* Pods of an API server: who reaches the store, what is no news, and who is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/log.h"
#include "policyd/kube_pods.h"

#define ID "containerd://0123456789abcdef"

static void count(void *context)
{
    (*(int *)context)++;
}

static void put(struct kube_pods *pods, const char *text)
{
    json_auto_t *object = json_loads(text, 0, NULL);

    assert_non_null(object);
    kube_pods_put(pods, object);
}

static void a_status_that_says_nothing_new_is_no_news(void **state)
{
    int told = 0;
    struct store store = {.changed = count, .context = &told};
    struct kube_pods pods = {.store = &store};

    (void)state;
    put(&pods,
        "{\"metadata\": {\"name\": \"a\", \"namespace\": \"web\", \"uid\": \"u1\", \"labels\": {\"x\": \"y\"}}}");
    assert_int_equal(told, 1);
    put(&pods, "{\"metadata\": {\"name\": \"a\", \"namespace\": \"web\", \"uid\": \"u1\", \"labels\": {\"x\": \"y\"}},"
               "\"status\": {\"phase\": \"Running\", \"podIP\": \"10.0.0.1\"}}");
    assert_int_equal(told, 1);
    put(&pods,
        "{\"metadata\": {\"name\": \"a\", \"namespace\": \"web\", \"uid\": \"u1\", \"labels\": {\"x\": \"z\"}}}");
    assert_int_equal(told, 2);
    put(&pods, "{\"metadata\": {\"name\": \"a\", \"namespace\": \"web\", \"uid\": \"u1\", \"labels\": {\"x\": \"z\"}},"
               "\"status\": {\"containerStatuses\": [{\"name\": \"c\", \"containerID\": \"" ID "\"}]}}");
    assert_int_equal(told, 3);
    put(&pods, "{\"metadata\": {\"name\": \"a\", \"namespace\": \"web\", \"uid\": \"u2\", \"labels\": {\"x\": \"z\"}},"
               "\"status\": {\"containerStatuses\": [{\"name\": \"c\", \"containerID\": \"" ID "\"}]}}");
    assert_int_equal(told, 4);
    assert_string_equal(store_find_pod(&store, "web", "a")->uid, "u2");
    store_free(&store);
}

static void a_mirror_pod_has_the_uid_that_the_kubelet_runs_it_under(void **state)
{
    struct store store = {0};
    struct kube_pods pods = {.store = &store};

    (void)state;
    put(&pods, "{\"metadata\": {\"name\": \"a\", \"uid\": \"u1\", \"annotations\": {\"kubernetes.io/config.hash\": "
               "\"h1\", \"kubernetes.io/config.mirror\": \"h1\"}}}");
    assert_string_equal(store_find_pod(&store, "default", "a")->uid, "h1");
    store_free(&store);
}

static void who_is_not_in_a_whole_list_is_gone(void **state)
{
    struct store store = {0};
    struct kube_pods pods = {.store = &store};

    (void)state;
    put(&pods, "{\"metadata\": {\"name\": \"a\"}}");
    put(&pods, "{\"metadata\": {\"name\": \"b\"}}");
    put(&pods, "{\"metadata\": {\"name\": \"c\"}}");
    kube_pods_begin(&pods);
    put(&pods, "{\"metadata\": {\"name\": \"c\"}}");
    assert_int_equal(store.pods_count, 3);
    kube_pods_begin(&pods); /* the list broke off, and begins anew */
    put(&pods, "{\"metadata\": {\"name\": \"b\"}}");
    put(&pods, "{\"metadata\": {\"name\": \"d\"}}");
    kube_pods_complete(&pods);
    assert_int_equal(store.pods_count, 2);
    assert_non_null(store_find_pod(&store, "default", "b"));
    assert_non_null(store_find_pod(&store, "default", "d"));
    kube_pods_begin(&pods);
    kube_pods_complete(&pods);
    assert_int_equal(store.pods_count, 0);
    kube_pods_free(&pods);
    store_free(&store);
}

static void what_is_not_understood_changes_nothing(void **state)
{
    static const char *const rows[] = {"{}", "{\"metadata\": {\"name\": 5}}",
                                       "{\"metadata\": {\"name\": \"a\", \"labels\": [1]}}"};
    struct store store = {0};
    struct kube_pods pods = {.store = &store};

    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    put(&pods, "{\"metadata\": {\"name\": \"a\", \"uid\": \"u1\"}}");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        put(&pods, rows[i]);
    assert_int_equal(store.pods_count, 1);
    assert_string_equal(store_find_pod(&store, "default", "a")->uid, "u1");

    json_auto_t *gone = json_pack("{s:{s:s}}", "metadata", "name", "a");

    kube_pods_gone(&pods, gone);
    assert_int_equal(store.pods_count, 0);
    store_free(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_that_says_nothing_new_is_no_news),
        cmocka_unit_test(a_mirror_pod_has_the_uid_that_the_kubelet_runs_it_under),
        cmocka_unit_test(who_is_not_in_a_whole_list_is_gone),
        cmocka_unit_test(what_is_not_understood_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
