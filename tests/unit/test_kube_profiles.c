/* SPDX-License-Identifier: Apache-2.0 */
/* SecurityProfiles of an API server: what reaches the store, and what is held when it vanishes. */
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
#include "policyd/kube_profiles.h"

#define DEFINITION "{\"metadata\": {\"creationTimestamp\": \"2026-01-01T00:00:00Z\"}}"
#define NEWER "{\"metadata\": {\"creationTimestamp\": \"2026-03-01T00:00:00Z\"}}"
#define ENDING "{\"metadata\": {\"creationTimestamp\": \"2026-01-01T00:00:00Z\", \"deletionTimestamp\": \"2026\"}}"

struct world {
    struct store store;
    struct kube_profiles profiles;
    int changes; /* of profiles */
    int told;    /* of the store */
};

static void count_change(void *context, const char *namespace_, const char *name)
{
    (void)namespace_;
    (void)name;
    (*(int *)context)++;
}

static void count_told(void *context)
{
    (*(int *)context)++;
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    if (!world)
        return -1;
    log_set_level(LOG_LEVEL_ERROR);
    world->store.changed = count_told;
    world->store.context = &world->told;
    world->profiles =
        (struct kube_profiles){.store = &world->store, .profile_changed = count_change, .context = &world->changes};
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    kube_profiles_free(&world->profiles);
    store_free(&world->store);
    free(world);
    return 0;
}

/* A profile as a server has it, created 2026-02-01. */
static json_t *make(const char *name, int generation, const char *action)
{
    json_t *object = json_pack("{s:s,s:s,s:{s:s,s:s,s:s,s:s,s:i,s:s,s:[{s:s}]},s:{s:{s:{s:s}},s:[s]}}", "apiVersion",
                               "securityprobe.datadoghq.com/v1", "kind", "SecurityProfile", "metadata", "name", name,
                               "namespace", "web", "uid", "u1", "creationTimestamp", "2026-02-01T00:00:00Z",
                               "generation", generation, "resourceVersion", "7", "managedFields", "manager", "kubectl",
                               "spec", "labelSelector", "matchLabels", "app", "a", "actions", action);

    assert_non_null(object);
    return object;
}

static void put(struct world *world, const char *name, int generation, const char *action)
{
    json_auto_t *object = make(name, generation, action);

    kube_profiles_put(&world->profiles, object);
}

static void lose(struct world *world, const char *name)
{
    json_auto_t *object = make(name, 1, "alert");

    kube_profiles_gone(&world->profiles, object);
}

static void settle(struct world *world, const char *definition)
{
    json_auto_t *json = definition ? json_loads(definition, 0, NULL) : NULL;

    assert_int_equal(definition != NULL, json != NULL);
    kube_profiles_settle(&world->profiles, json);
}

static const struct stored_profile *find(const struct world *world, const char *name)
{
    return store_find_profile(&world->store, "web", name);
}

static void a_profile_is_brought_once_and_again_when_it_says_something_else(void **state)
{
    struct world *world = *state;
    const struct profile *first;

    put(world, "one", 1, "alert");
    first = find(world, "one")->profile;
    assert_int_equal(first->action, ACTION_ALERT);
    assert_string_equal(find(world, "one")->origin, "SecurityProfile web/one");
    /* Its status was written: same generation. */
    put(world, "one", 1, "alert");
    assert_ptr_equal(find(world, "one")->profile, first);
    assert_int_equal(world->changes, 1);
    put(world, "one", 2, "enforce");
    assert_int_equal(find(world, "one")->profile->action, ACTION_ENFORCE);
    assert_int_equal(world->changes, 2);
}

static void labels_count_though_they_raise_no_generation(void **state)
{
    struct world *world = *state;
    json_auto_t *object = make("one", 1, "alert");

    kube_profiles_put(&world->profiles, object);
    json_object_set_new(json_object_get(object, "metadata"), "labels", json_pack("{s:s}", "app", "b"));
    kube_profiles_put(&world->profiles, object);
    assert_int_equal(world->changes, 2);
    assert_string_equal(find(world, "one")->profile->labels.items[0].value, "b");
}

static void a_namesake_made_anew_is_another_one(void **state)
{
    struct world *world = *state;
    json_auto_t *object = make("one", 1, "enforce");

    put(world, "one", 1, "alert");
    json_object_set_new(json_object_get(object, "metadata"), "uid", json_string("u2"));
    kube_profiles_put(&world->profiles, object);
    assert_int_equal(find(world, "one")->profile->action, ACTION_ENFORCE);
}

static void what_is_not_valid_is_refused_and_leaves_what_was(void **state)
{
    static const struct {
        const char *key, *value, *why;
    } rows[] = {
        {"apiVersion", "\"securityprobe.datadoghq.com/v9\"", "\"securityprobe.datadoghq.com/v9\" is not supported"},
        {"kind", "\"Pod\"", "kind: expected SecurityProfile"},
        {"spec", "[]", "spec: "},
        {"spec", "{\"actions\": [\"shout\"]}", "spec.actions[0]: "},
        {"spec", "{\"processes\": [{\"path\": 7}]}", "spec.processes[0].path: "},
    };
    struct world *world = *state;

    put(world, "one", 1, "enforce");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_auto_t *object = make("one", (int)i + 2, "alert");

        json_object_set_new(object, rows[i].key, json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
        kube_profiles_put(&world->profiles, object);
        assert_non_null(find(world, "one")->refused);
        if (!strstr(find(world, "one")->refused, rows[i].why))
            fail_msg("%s: expected %s", find(world, "one")->refused, rows[i].why);
        assert_int_equal(find(world, "one")->profile->action, ACTION_ENFORCE);
    }
    assert_false(store_is_unclear(&world->store));
    put(world, "one", 9, "alert");
    assert_null(find(world, "one")->refused);
}

static void the_same_refusal_again_is_no_news(void **state)
{
    struct world *world = *state;

    put(world, "one", 1, "shout");
    int told = world->told;
    struct labels labels = {1, &(struct label){(char *)"app", (char *)"a"}};

    put(world, "one", 1, "shout");
    assert_int_equal(world->told, told);
    assert_true(store_is_unclear(&world->store));
    assert_string_equal(store_refused_for(&world->store, "web", &labels)->name, "one");
}

static void an_object_without_a_name_is_left_out(void **state)
{
    static const char *const rows[] = {"{}", "[]", "{\"metadata\": 5}", "{\"metadata\": {\"name\": \"A b\"}}"};
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_auto_t *object = json_loads(rows[i], 0, NULL);

        kube_profiles_put(&world->profiles, object);
        kube_profiles_gone(&world->profiles, object);
    }
    assert_int_equal(world->store.profiles_count, 0);
    assert_int_equal(world->profiles.count, 0);
}

static void what_was_deleted_goes_when_its_definition_is_there(void **state)
{
    struct world *world = *state;

    put(world, "one", 1, "alert");
    put(world, "two", 1, "alert");
    lose(world, "one");
    lose(world, "nobody");
    assert_int_equal(world->profiles.going, 1);
    assert_non_null(find(world, "one"));
    settle(world, DEFINITION);
    assert_null(find(world, "one"));
    assert_non_null(find(world, "two"));
    assert_int_equal(world->profiles.going, 0);
    assert_int_equal(world->profiles.count, 1);
    assert_null(kube_profiles_problem(&world->profiles));
}

static void what_comes_back_before_it_is_decided_about_stays(void **state)
{
    struct world *world = *state;

    put(world, "one", 1, "alert");
    lose(world, "one");
    lose(world, "one");
    put(world, "one", 1, "alert");
    assert_int_equal(world->profiles.going, 0);
    settle(world, DEFINITION);
    assert_non_null(find(world, "one"));
}

static void what_goes_with_its_definition_is_held_until_it_is_there_again(void **state)
{
    static const char *const definitions[] = {NULL, ENDING, NEWER, "{}", "{\"metadata\": {}}"};
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(definitions) / sizeof(definitions[0]); i++) {
        put(world, "one", 1, "alert");
        put(world, "two", 1, "alert");
        lose(world, "one");
        lose(world, "two");
        settle(world, definitions[i]);
        assert_non_null(find(world, "one"));
        assert_non_null(find(world, "two"));

        cleanup_free char *problem = kube_profiles_problem(&world->profiles);

        assert_non_null(strstr(problem, "2 vanished with their CustomResourceDefinition"));
        assert_non_null(strstr(problem, ": web/one, web/two"));
        /* A list of the new definition, empty at first, releases none. */
        kube_profiles_begin(&world->profiles);
        kube_profiles_complete(&world->profiles);
        settle(world, DEFINITION);
        assert_non_null(find(world, "one"));
        /* One that was applied again and deleted goes as any other. */
        put(world, "one", 1, "alert");
        lose(world, "one");
        settle(world, DEFINITION);
        assert_null(find(world, "one"));
        assert_non_null(find(world, "two"));
    }
}

static void a_list_says_what_has_gone_when_it_is_complete(void **state)
{
    struct world *world = *state;

    put(world, "one", 1, "alert");
    put(world, "two", 1, "alert");
    put(world, "three", 1, "alert");
    kube_profiles_begin(&world->profiles);
    put(world, "two", 1, "alert");
    assert_int_equal(world->profiles.going, 0); /* it may break off here */
    kube_profiles_begin(&world->profiles);
    put(world, "three", 1, "alert");
    put(world, "two", 1, "alert");
    kube_profiles_complete(&world->profiles);
    assert_int_equal(world->profiles.going, 1);
    settle(world, DEFINITION);
    assert_null(find(world, "one"));
    assert_int_equal(world->store.profiles_count, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_profile_is_brought_once_and_again_when_it_says_something_else),
        TEST(labels_count_though_they_raise_no_generation),
        TEST(a_namesake_made_anew_is_another_one),
        TEST(what_is_not_valid_is_refused_and_leaves_what_was),
        TEST(the_same_refusal_again_is_no_news),
        TEST(an_object_without_a_name_is_left_out),
        TEST(what_was_deleted_goes_when_its_definition_is_there),
        TEST(what_comes_back_before_it_is_decided_about_stays),
        TEST(what_goes_with_its_definition_is_held_until_it_is_there_again),
        TEST(a_list_says_what_has_gone_when_it_is_complete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
