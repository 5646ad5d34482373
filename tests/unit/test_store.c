/* SPDX-License-Identifier: Apache-2.0 */
/* The store: what replaces what, what a refusal leaves in force, and who is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policyd/store.h"
#include "tests/unit/profile_text.h"

static void count_changes(void *context)
{
    (*(int *)context)++;
}

static struct pod_object *make_pod(const char *namespace_, const char *name)
{
    struct pod_object *pod = calloc(1, sizeof(*pod));

    assert_non_null(pod);
    pod->namespace_ = strdup(namespace_);
    pod->name = strdup(name);
    return pod;
}

static int refuse(struct store *store, const char *namespace_, const char *name, const char *origin, const char *why)
{
    struct refusal refusal = {.namespace_ = namespace_, .name = name, .origin = origin, .why = why};

    return store_refuse_profile(store, &refusal);
}

static void profiles_are_sorted_and_replaced_by_name(void **state)
{
    int changes = 0;
    struct store store = {.changed = count_changes, .context = &changes};
    struct profile *newer = profile_text_make("b", "{actions: [alert]}");

    (void)state;
    assert_int_equal(store_put_profile(&store, profile_text_make("c", "{}"), "f#1"), 0);
    assert_int_equal(store_put_profile(&store, profile_text_make("b", "{}"), "f#2"), 0);
    assert_int_equal(store_put_profile(&store, profile_text_make("a", "{}"), "f#3"), 0);
    assert_int_equal(store_put_profile(&store, newer, "g#1"), 0);
    assert_int_equal(changes, 4);
    assert_int_equal(store.profiles_count, 3);
    assert_string_equal(store.profiles[0].name, "a");
    assert_string_equal(store.profiles[1].name, "b");
    assert_string_equal(store.profiles[2].name, "c");
    assert_ptr_equal(store.profiles[1].profile, newer);
    assert_string_equal(store.profiles[1].origin, "g#1");
    store_free(&store);
    assert_int_equal(store.profiles_count, 0);
}

static void a_refusal_leaves_in_force_what_was(void **state)
{
    int changes = 0;
    struct store store = {.changed = count_changes, .context = &changes};
    struct profile *valid = profile_text_make("a", "{}");

    (void)state;
    assert_int_equal(store_put_profile(&store, valid, "f#1"), 0);
    assert_int_equal(refuse(&store, "default", "a", "f#2", "spec: bad"), 0);
    assert_int_equal(changes, 2);
    assert_int_equal(store.profiles_count, 1);
    assert_ptr_equal(store.profiles[0].profile, valid);
    assert_string_equal(store.profiles[0].origin, "f#1");
    assert_string_equal(store.profiles[0].refused, "spec: bad");

    assert_int_equal(store_put_profile(&store, profile_text_make("a", "{}"), "f#3"), 0);
    assert_null(store.profiles[0].refused);
    store_free(&store);
}

static void what_was_never_valid_is_known_by_its_refusal(void **state)
{
    struct store store = {0};

    (void)state;
    assert_int_equal(refuse(&store, "web", "a", "f#1", "first"), 0);
    assert_int_equal(refuse(&store, "web", "a", "f#2", "second"), 0);
    assert_int_equal(refuse(&store, "default", "", "g", "no name"), 0);
    assert_int_equal(store.profiles_count, 2);
    assert_string_equal(store.profiles[0].name, "");
    assert_null(store.profiles[1].profile);
    assert_string_equal(store.profiles[1].refused, "second");
    assert_string_equal(store.profiles[1].origin, "f#2");
    store_free(&store);
}

static void removing_tells_only_when_there_was_something(void **state)
{
    int changes = 0;
    struct store store = {.changed = count_changes, .context = &changes};

    (void)state;
    store_put_profile(&store, profile_text_make("a", "{}"), "f");
    store_put_profile(&store, profile_text_make("b", "{}"), "f");
    store_put_pod(&store, make_pod("default", "a"));
    changes = 0;
    store_remove_profile(&store, "web", "a");
    store_remove_profile(&store, "default", "c");
    store_remove_pod(&store, "default", "b");
    assert_int_equal(changes, 0);
    store_remove_profile(&store, "default", "a");
    store_remove_pod(&store, "default", "a");
    assert_int_equal(changes, 2);
    assert_int_equal(store.profiles_count, 1);
    assert_string_equal(store.profiles[0].name, "b");
    assert_int_equal(store.pods_count, 0);
    store_free(&store);
}

static void pods_are_found_by_namespace_and_name(void **state)
{
    struct store store = {0};
    struct pod_object *newer = make_pod("b", "x");

    (void)state;
    for (int i = 0; i < 100; i++) {
        char name[8];

        snprintf(name, sizeof(name), "p%d", i * 37 % 100);
        assert_int_equal(store_put_pod(&store, make_pod(i % 2 ? "a" : "b", name)), 0);
    }
    store_put_pod(&store, make_pod("b", "x"));
    store_put_pod(&store, newer);
    assert_int_equal(store.pods_count, 101);
    assert_ptr_equal(store_find_pod(&store, "b", "x"), newer);
    assert_null(store_find_pod(&store, "a", "x"));
    for (size_t i = 0; i < store.pods_count; i++)
        assert_ptr_equal(store_find_pod(&store, store.pods[i]->namespace_, store.pods[i]->name), store.pods[i]);
    for (size_t i = 1; i < store.pods_count; i++)
        assert_true(strcmp(store.pods[i - 1]->namespace_, store.pods[i]->namespace_) <= 0);
    store_free(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiles_are_sorted_and_replaced_by_name),
        cmocka_unit_test(a_refusal_leaves_in_force_what_was),
        cmocka_unit_test(what_was_never_valid_is_known_by_its_refusal),
        cmocka_unit_test(removing_tells_only_when_there_was_something),
        cmocka_unit_test(pods_are_found_by_namespace_and_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
