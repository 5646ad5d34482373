/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a folder and the names they claim: what stays, what goes and who is next when files change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "policyd/manifests.h"

struct folder {
    char path[32];
    struct store store;
    struct manifests manifests;
    int changes; /* of profiles */
};

static void count_change(void *context, const char *namespace_, const char *name)
{
    (void)namespace_;
    (void)name;
    (*(int *)context)++;
}

static int set_up(void **state)
{
    struct folder *folder = calloc(1, sizeof(*folder));

    log_set_level(LOG_LEVEL_ERROR);
    snprintf(folder->path, sizeof(folder->path), "/tmp/nsp-manifests-XXXXXX");
    if (!mkdtemp(folder->path))
        return -1;
    folder->manifests = (struct manifests){
        .folder = folder->path, .store = &folder->store, .profile_changed = count_change, .context = &folder->changes};
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    struct folder *folder = *state;
    char command[64];

    manifests_free(&folder->manifests);
    store_free(&folder->store);
    snprintf(command, sizeof(command), "rm -r %s", folder->path);
    int rc = system(command);
    free(folder);
    return rc;
}

static void put(struct folder *folder, const char *name, const char *text)
{
    cleanup_free char *path = NULL;
    FILE *file;

    assert_true(asprintf(&path, "%s/%s", folder->path, name) > 0);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    manifests_read(&folder->manifests, name);
}

#define HEAD "apiVersion: securityprobe.datadoghq.com/v1\nkind: SecurityProfile\n"
#define PROFILE(name, action)                                                                                          \
    HEAD "metadata: {name: " name "}\nspec: {labelSelector: {matchLabels: {app: a}}, actions: [" action "]}\n"
#define INVALID(name)                                                                                                  \
    HEAD "metadata: {name: " name "}\nspec: {labelSelector: {matchLabels: {app: a}}, actions: [shout]}\n"
#define POD(name) "apiVersion: v1\nkind: Pod\nmetadata: {name: " name ", labels: {app: a}}\n"

static const struct stored_profile *find(const struct folder *folder, const char *name)
{
    for (size_t i = 0; i < folder->store.profiles_count; i++) {
        if (strcmp(folder->store.profiles[i].name, name) == 0)
            return &folder->store.profiles[i];
    }
    return NULL;
}

static int action_of(const struct folder *folder, const char *name)
{
    const struct stored_profile *stored = find(folder, name);

    return stored && stored->profile ? stored->profile->action : -1;
}

struct problems {
    int count;
    char last[512];
};

static void note_problem(const char *origin, const char *text, void *context)
{
    struct problems *problems = context;

    problems->count++;
    snprintf(problems->last, sizeof(problems->last), "%s: %s", strrchr(origin, '/') + 1, text);
}

static struct problems list_problems(const struct folder *folder)
{
    struct problems problems = {0};

    manifests_each_problem(&folder->manifests, note_problem, &problems);
    return problems;
}

static void names_of_files(void **state)
{
    (void)state;
    assert_true(manifests_takes("a.yaml"));
    assert_true(manifests_takes("a.b.yml"));
    assert_true(manifests_takes("a.json"));
    assert_false(manifests_takes(".a.yaml"));
    assert_false(manifests_takes("a.yaml~"));
    assert_false(manifests_takes("yaml"));
    assert_false(manifests_takes("a.YAML"));
}

static void a_file_brings_all_its_documents(void **state)
{
    struct folder *folder = *state;

    put(folder, "a.yaml", PROFILE("one", "alert") "---\n---\n" PROFILE("two", "enforce") "---\n" POD("p"));
    assert_int_equal(action_of(folder, "one"), ACTION_ALERT);
    assert_int_equal(action_of(folder, "two"), ACTION_ENFORCE);
    assert_non_null(store_find_pod(&folder->store, "default", "p"));
    assert_int_equal(list_problems(folder).count, 0);
    assert_int_equal(folder->changes, 2);
}

static void a_list_stands_for_its_items(void **state)
{
    struct folder *folder = *state;

    put(folder, "a.json",
        "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":["
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"}},"
        "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"s\"}}]}");
    assert_int_equal(folder->store.pods_count, 1);
    assert_int_equal(list_problems(folder).count, 0);
}

static void what_a_file_no_longer_says_goes(void **state)
{
    struct folder *folder = *state;

    put(folder, "a.yaml", PROFILE("one", "alert") "---\n" PROFILE("two", "alert") "---\n" POD("p"));
    put(folder, "a.yaml", PROFILE("two", "enforce"));
    manifests_settle(&folder->manifests);
    assert_null(find(folder, "one"));
    assert_null(store_find_pod(&folder->store, "default", "p"));
    assert_int_equal(action_of(folder, "two"), ACTION_ENFORCE);
    manifests_forget(&folder->manifests, "a.yaml");
    assert_int_equal(folder->store.profiles_count, 0);
}

static void a_file_that_does_not_parse_keeps_what_it_had_brought(void **state)
{
    struct folder *folder = *state;

    put(folder, "a.yaml", PROFILE("one", "alert"));
    put(folder, "a.yaml", "spec: [");
    assert_int_equal(action_of(folder, "one"), ACTION_ALERT);
    assert_int_equal(list_problems(folder).count, 1);
    assert_false(store_is_unclear(&folder->store));
    put(folder, "a.yaml", PROFILE("two", "alert"));
    manifests_settle(&folder->manifests);
    assert_null(find(folder, "one"));
    assert_int_equal(list_problems(folder).count, 0);
}

static void an_empty_file_keeps_what_it_had_brought(void **state)
{
    struct folder *folder = *state;

    for (int i = 0; i < 3; i++) {
        put(folder, "a.yaml", PROFILE("one", "alert"));
        put(folder, "a.yaml", (const char *const[]){"", "# nothing\n", "---\n---\n"}[i]);
        manifests_settle(&folder->manifests);
        assert_int_equal(action_of(folder, "one"), ACTION_ALERT);
        assert_string_equal(list_problems(folder).last,
                            "a.yaml: empty; what it had brought stays in force: to remove a profile delete the file");
    }
    put(folder, "b.yaml", "");
    assert_true(store_is_unclear(&folder->store));
}

/* Half of it was written when it was read: the other half came before anything was withdrawn. */
static void what_comes_back_was_never_gone(void **state)
{
    struct folder *folder = *state;
    cleanup_free char *path = NULL;
    FILE *file;

    put(folder, "a.yaml", PROFILE("one", "alert") "---\n" PROFILE("two", "alert"));
    put(folder, "a.yaml", PROFILE("one", "alert"));
    assert_true(manifests_are_missing(&folder->manifests));
    assert_int_equal(action_of(folder, "two"), ACTION_ALERT);
    assert_true(asprintf(&path, "%s/a.yaml", folder->path) > 0);
    file = fopen(path, "ae");
    assert_non_null(file);
    assert_true(fputs("---\n" PROFILE("two", "enforce"), file) >= 0);
    assert_int_equal(fclose(file), 0);
    manifests_settle(&folder->manifests);
    assert_int_equal(action_of(folder, "two"), ACTION_ENFORCE);
    assert_false(manifests_are_missing(&folder->manifests));
}

static void an_invalid_successor_leaves_what_was_in_force(void **state)
{
    struct folder *folder = *state;

    put(folder, "a.yaml", PROFILE("one", "alert"));
    put(folder, "a.yaml", INVALID("one"));
    assert_int_equal(action_of(folder, "one"), ACTION_ALERT);
    assert_non_null(find(folder, "one")->refused);
    put(folder, "a.yaml", PROFILE("one", "enforce"));
    assert_int_equal(action_of(folder, "one"), ACTION_ENFORCE);
    assert_null(find(folder, "one")->refused);
}

static void one_document_without_a_name_keeps_the_file_s_others(void **state)
{
    struct folder *folder = *state;

    put(folder, "a.yaml", PROFILE("one", "alert") "---\n" PROFILE("two", "alert"));
    put(folder, "a.yaml", PROFILE("two", "enforce") "---\n" HEAD "metadata: {}\nspec: {}\n");
    assert_int_equal(action_of(folder, "one"), ACTION_ALERT);
    assert_int_equal(action_of(folder, "two"), ACTION_ENFORCE);
    put(folder, "a.yaml", PROFILE("two", "enforce"));
    manifests_settle(&folder->manifests);
    assert_null(find(folder, "one"));
}

static void a_misspelt_kind_is_not_another_object(void **state)
{
    struct folder *folder = *state;

    put(folder, "a.yaml", PROFILE("one", "alert"));
    put(folder, "a.yaml", "apiVersion: securityprobe.datadoghq.com/v1\nkind: SecurtyProfile\nmetadata: {name: one}\n");
    assert_int_equal(action_of(folder, "one"), ACTION_ALERT);
    assert_string_equal(list_problems(folder).last, "a.yaml: document 1: kind: \"SecurtyProfile\" is not a kind of "
                                                    "securityprobe.datadoghq.com/v1; expected SecurityProfile");
    put(folder, "a.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: one}\n");
    manifests_settle(&folder->manifests);
    assert_null(find(folder, "one"));
}

static void of_two_with_one_name_the_first_file_wins(void **state)
{
    struct folder *folder = *state;

    put(folder, "b.yaml", PROFILE("one", "alert"));
    put(folder, "c.yaml", PROFILE("one", "enforce"));
    assert_int_equal(action_of(folder, "one"), ACTION_ALERT);
    assert_string_equal(list_problems(folder).last,
                        "c.yaml#1: metadata.name: SecurityProfile default/one is already defined by b.yaml#1; remove "
                        "one of the two or rename it");
    put(folder, "a.yaml", PROFILE("one", "ignore"));
    assert_int_equal(action_of(folder, "one"), ACTION_IGNORE);
    assert_int_equal(list_problems(folder).count, 2);
}

static void the_next_one_is_promoted(void **state)
{
    struct folder *folder = *state;

    put(folder, "a.yaml", PROFILE("one", "alert"));
    put(folder, "b.yaml", PROFILE("one", "enforce"));
    put(folder, "c.yaml", PROFILE("one", "ignore"));
    manifests_forget(&folder->manifests, "a.yaml");
    assert_int_equal(action_of(folder, "one"), ACTION_ENFORCE);
    put(folder, "b.yaml", PROFILE("other", "enforce"));
    manifests_settle(&folder->manifests);
    assert_int_equal(action_of(folder, "one"), ACTION_IGNORE);
    assert_int_equal(action_of(folder, "other"), ACTION_ENFORCE);
    assert_int_equal(list_problems(folder).count, 0);
}

static void twice_in_one_file_the_first_document_wins(void **state)
{
    struct folder *folder = *state;

    put(folder, "a.yaml", POD("p") "---\n" POD("p") "---\n" PROFILE("one", "alert") "---\n" PROFILE("one", "enforce"));
    assert_int_equal(folder->store.pods_count, 1);
    assert_int_equal(action_of(folder, "one"), ACTION_ALERT);
    assert_int_equal(list_problems(folder).count, 2);
}

static void only_listed_files_are_retained(void **state)
{
    struct folder *folder = *state;
    char *names[] = {(char *)"b.yaml"};

    put(folder, "a.yaml", PROFILE("one", "alert"));
    put(folder, "b.yaml", PROFILE("one", "enforce"));
    put(folder, "c.yaml", PROFILE("two", "ignore"));
    manifests_retain(&folder->manifests, names, 1);
    assert_int_equal(folder->manifests.count, 1);
    assert_int_equal(folder->store.profiles_count, 1);
    assert_int_equal(action_of(folder, "one"), ACTION_ENFORCE);
}

static void a_profile_that_was_never_valid_is_known_by_its_selector(void **state)
{
    struct folder *folder = *state;
    struct label label = {(char *)"app", (char *)"a"};
    struct labels labels = {1, &label};

    put(folder, "a.yaml", INVALID("one"));
    assert_non_null(store_refused_for(&folder->store, "default", &labels));
    assert_null(store_refused_for(&folder->store, "other", &labels));
    assert_true(store_is_unclear(&folder->store));
    put(folder, "a.yaml", PROFILE("one", "alert"));
    assert_null(store_refused_for(&folder->store, "default", &labels));
    assert_false(store_is_unclear(&folder->store));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_files),
        TEST(a_file_brings_all_its_documents),
        TEST(a_list_stands_for_its_items),
        TEST(what_a_file_no_longer_says_goes),
        TEST(a_file_that_does_not_parse_keeps_what_it_had_brought),
        TEST(an_empty_file_keeps_what_it_had_brought),
        TEST(what_comes_back_was_never_gone),
        TEST(an_invalid_successor_leaves_what_was_in_force),
        TEST(one_document_without_a_name_keeps_the_file_s_others),
        TEST(a_misspelt_kind_is_not_another_object),
        TEST(of_two_with_one_name_the_first_file_wins),
        TEST(the_next_one_is_promoted),
        TEST(twice_in_one_file_the_first_document_wins),
        TEST(only_listed_files_are_retained),
        TEST(a_profile_that_was_never_valid_is_known_by_its_selector),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
