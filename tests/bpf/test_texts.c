/* SPDX-License-Identifier: Apache-2.0 */
/* Names, requests and patterns in the maps: under the keys that programs look up, gone when replaced, found again by a
 * policyd that takes over, and nothing left of what had no room. */
#include "tests/bpf/groups.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath/text_hash.h"
#include "lib/cleanup.h"
#include "policyd/compile.h"
#include "policyd/sync.h"
#include "policyd/yaml.h"
#include "tests/bpf/records.h"

static struct sync all;
static __u8 policy_name = 1;

static struct profile *make_profile(const char *rules)
{
    cleanup_free char *text = NULL;
    json_t *documents = NULL;
    struct profile *profile = NULL;
    struct error err = {0};

    if (asprintf(&text,
                 "{apiVersion: %s, kind: SecurityProfile, metadata: {name: p}, spec: {processes: [{path: /a, network: "
                 "{egress: %s}}]}}",
                 OBJECTS_API_VERSION, rules) < 0 ||
        yaml_parse(text, strlen(text), &documents, &err) ||
        objects_parse_profile(json_array_get(documents, 0), &profile, &err))
        fail_msg("%s", err.msg);
    json_decref(documents);
    return profile;
}

/* Writes a revision of the policy; 0 or what sync_write() says. */
static int write_rules(struct synced *policy, const char *rules, struct error *err)
{
    struct profile *profile = make_profile(rules);
    const struct profile *profiles[] = {profile};
    struct compiled compiled;
    int rc;

    assert_int_equal(compile_policy(profiles, 1, &compiled, err), 0);
    rc = sync_write(&all, policy, &compiled, err);
    compiled_free(&compiled);
    profile_free(profile);
    return rc;
}

static void must_write(struct synced *policy, const char *rules)
{
    struct error err = {0};

    if (write_rules(policy, rules, &err))
        fail_msg("%s", err.msg);
}

static struct synced *new_policy(void)
{
    __u8 name[32] = {policy_name++};

    return sync_add(&all, name, NULL, 0);
}

/* What is retired goes at once: no program runs here. */
static void collect(void)
{
    for (size_t i = 0; i < all.retired_count; i++)
        all.retired[i].due_ms = 0;
    assert_int_equal(sync_collect(&all), -1);
}

static int start(void **state)
{
    struct error err = {0};

    return records_open(state) || sync_start(&all, &records, true, &err) ? -1 : 0;
}

static int stop(void **state)
{
    while (all.count)
        sync_drop(&all, all.items[0]);
    collect();
    sync_stop(&all);
    return records_close(state);
}

static int find_name(const struct synced *policy, __u8 list, __u8 kind, const char *end, struct text *text)
{
    struct text_key key = {.rules = policy->first_rules, .list = list, .kind = kind};

    text_hash_name(end, records.control->text_key, &key.length, key.hash);
    return bpf_map_lookup_elem(records.maps[MAP_TEXTS], &key, text);
}

static int find_request(const struct synced *policy, __u8 kind, const char *method, const char *uri)
{
    struct text_key key = {.rules = policy->first_rules, .list = LIST_HTTP, .kind = kind};
    struct text text;

    key.length = (__u16)(strlen(uri) | (method ? 0 : TEXT_ANY_METHOD));
    text_hash_request(method, uri, strlen(uri), records.control->text_key, key.hash);
    return bpf_map_lookup_elem(records.maps[MAP_TEXTS], &key, &text);
}

static void assert_glob(__u32 number, const char *wire)
{
    struct glob glob;

    assert_int_equal(bpf_map_lookup_elem(records.maps[MAP_GLOBS], &number, &glob), 0);
    assert_int_equal(glob.length, strlen(wire));
    assert_memory_equal(glob.text, wire, glob.length);
}

static void texts_stand_under_their_hashes(void **state)
{
    struct synced *policy = new_policy();
    struct text text;

    (void)state;
    must_write(policy,
               "{fqdns: [A.b, '*.c', '**.d', 'x*.e', 'y*.e', 'z*'], l7: {protocols: [dns, http], dns: [q, 'w*.e'], "
               "http: [{method: GET, uri: /task}, {method: '*', uri: '/s/*'}]}}");
    assert_int_equal(records_count(MAP_TEXTS), 9);
    assert_int_equal(find_name(policy, LIST_FQDNS, TEXT_WHOLE, "a.b", &text), 0);
    assert_int_equal(text.first | text.count, 0);
    assert_int_equal(find_name(policy, LIST_FQDNS, TEXT_ONE_LABEL, "c", &text), 0);
    assert_int_equal(find_name(policy, LIST_FQDNS, TEXT_LABELS, "d", &text), 0);
    assert_int_equal(find_name(policy, LIST_DNS, TEXT_WHOLE, "q", &text), 0);
    assert_int_equal(find_name(policy, LIST_FQDNS, TEXT_WHOLE, "q", &text), -ENOENT);
    assert_int_equal(find_name(policy, LIST_FQDNS, TEXT_GLOB, "e", &text), 0);
    assert_int_equal(text.count, 2);
    assert_glob(text.first, "\2x*\1e");
    assert_glob(text.first + 1, "\2y*\1e");
    assert_int_equal(find_name(policy, LIST_DNS, TEXT_GLOB, "e", &text), 0);
    assert_int_equal(text.count, 1);
    assert_glob(text.first, "\2w*\1e");
    assert_int_equal(find_name(policy, LIST_FQDNS, TEXT_GLOB, "", &text), 0);
    assert_glob(text.first, "\2z*");
    assert_int_equal(find_request(policy, TEXT_WHOLE, "GET", "/task"), 0);
    assert_int_equal(find_request(policy, TEXT_WHOLE, NULL, "/task"), -ENOENT);
    assert_int_equal(find_request(policy, TEXT_PREFIX, NULL, "/s/"), 0);
}

static void replaced_texts_and_patterns_make_room(void **state)
{
    struct synced *policy = new_policy();
    struct text text;

    (void)state;
    must_write(policy, "{fqdns: [a, 'x*.e']}");
    must_write(policy, "{fqdns: [b, 'x*.e', 'y*.e']}");
    assert_int_equal(records_count(MAP_TEXTS), 4);
    assert_int_equal(ranges_count_used(&all.globs), 3);
    collect();
    assert_int_equal(records_count(MAP_TEXTS), 2);
    assert_int_equal(ranges_count_used(&all.globs), 2);
    assert_int_equal(find_name(policy, LIST_FQDNS, TEXT_WHOLE, "b", &text), 0);
    sync_drop(&all, policy);
    collect();
    assert_int_equal(records_count(MAP_TEXTS), 0);
    assert_int_equal(ranges_count_used(&all.globs), 0);
}

static void who_takes_over_knows_which_patterns_are_in_use(void **state)
{
    struct synced *first = new_policy(), *second = new_policy();
    struct ranges before;
    struct error err = {0};

    (void)state;
    must_write(first, "{fqdns: ['x*.e', 'y*.f', a]}");
    must_write(second, "{fqdns: ['z*.e', '*q*', 'w*.e']}");
    sync_drop(&all, first);
    collect();
    before = all.globs;
    sync_stop(&all);
    assert_int_equal(sync_start(&all, &records, true, &err), 0);
    assert_memory_equal(&before, &all.globs, sizeof(before));
    assert_int_equal(ranges_count_used(&all.globs), 3);
    assert_int_equal(all.count, 1);
    assert_int_equal(all.items[0]->globs_count, 3);
}

/* A policyd that was killed while it wrote leaves texts of a revision that nobody published. */
static void what_belongs_to_no_revision_is_deleted_by_who_takes_over(void **state)
{
    struct text_key key = {.rules = NSP_RULES_MAX - 1};
    struct text text = {.first = 5, .count = 7};
    struct error err = {0};

    (void)state;
    must_write(new_policy(), "{fqdns: [a]}");
    assert_int_equal(bpf_map_update_elem(records.maps[MAP_TEXTS], &key, &text, BPF_ANY), 0);
    sync_stop(&all);
    assert_int_equal(sync_start(&all, &records, true, &err), 0);
    assert_int_equal(records_count(MAP_TEXTS), 1);
    assert_int_equal(ranges_count_used(&all.globs), 0);
}

/* Ends other than those of any list: `count` patterns for one list of names. */
static char *write_patterns(unsigned count)
{
    char *rules = malloc(20 * count + 40), *end = rules;

    assert_non_null(rules);
    end = stpcpy(end, "{fqdns: [");
    for (unsigned i = 0; i < count; i++)
        end += sprintf(end, "'x*.e%u', ", i);
    stpcpy(end, "]}");
    return rules;
}

static void patterns_without_room_are_refused_and_nothing_of_them_is_left(void **state)
{
    cleanup_free char *thousand = write_patterns(1000), *more = write_patterns(96);
    struct synced *policies[5];
    struct error err = {0};
    struct text text;
    __u64 revision;

    (void)state;
    for (int i = 0; i < 4; i++)
        must_write(policies[i] = new_policy(), thousand);
    must_write(policies[4] = new_policy(), "{fqdns: ['y*.z']}");
    revision = policies[4]->revision;
    assert_int_equal(write_rules(policies[4], more, &err), -ENOSPC);
    assert_string_equal(err.msg, "no room for 96 patterns with a \"*\" inside a label in nsp_globs (4095 in all); what "
                                 "was in force stays. Use \"*.x\" or \"**.x\"");
    assert_int_equal(policies[4]->revision, revision);
    assert_int_equal(records.revisions[policies[4]->index], revision);
    assert_int_equal(find_name(policies[4], LIST_FQDNS, TEXT_GLOB, "z", &text), 0);
    assert_int_equal(records_count(MAP_TEXTS), 4001);
    assert_int_equal(ranges_count_used(&all.globs), 4001);
    sync_drop(&all, policies[0]);
    collect();
    must_write(policies[4], more);
}

static void a_full_map_is_said_and_what_was_in_force_stays(void **state)
{
    struct synced *policy = new_policy();
    struct error err = {0};
    struct text text = {0};
    __u64 revision;
    __u32 filler = 0;

    (void)state;
    must_write(policy, "{fqdns: [a]}");
    revision = policy->revision;
    /* under numbers that are taken, so that no sweep deletes them */
    for (; filler < 262143; filler++) {
        struct text_key key = {.rules = policy->first_rules, .kind = 0xff, .hash = {filler}};

        if (bpf_map_update_elem(records.maps[MAP_TEXTS], &key, &text, BPF_ANY))
            break;
    }
    assert_int_equal(filler, 262143);
    assert_int_equal(write_rules(policy, "{fqdns: [b, 'x*.c']}", &err), -E2BIG);
    assert_non_null(strstr(err.msg, "map nsp_texts is full"));
    assert_int_equal(records.revisions[policy->index], revision);
    assert_int_equal(find_name(policy, LIST_FQDNS, TEXT_WHOLE, "a", &text), 0);
    assert_int_equal(records_count(MAP_TEXTS), 262144);
    assert_int_equal(ranges_count_used(&all.globs), 0);
    sync_drop(&all, policy);
    collect();
    assert_int_equal(records_count(MAP_TEXTS), 0);
}

/* Another policy may have had the number. */
static void a_new_policy_starts_with_no_violations(void **state)
{
    struct synced *policy = new_policy();
    struct share share = {.violations = {1, 2, 3, 4, 5}}, none = {0};
    __u32 place;

    (void)state;
    must_write(policy, "{}");
    place = policy->index * NSP_PARTS_MAX + 3;
    assert_int_equal(bpf_map_update_elem(records.maps[MAP_SHARES], &place, &share, BPF_ANY), 0);
    must_write(policy, "{fqdns: [a]}");
    assert_int_equal(bpf_map_lookup_elem(records.maps[MAP_SHARES], &place, &share), 0);
    assert_int_equal(share.violations[1], 2);
    sync_drop(&all, policy);
    collect();
    policy = new_policy();
    must_write(policy, "{}");
    assert_int_equal(policy->index * NSP_PARTS_MAX + 3, place);
    assert_int_equal(bpf_map_lookup_elem(records.maps[MAP_SHARES], &place, &share), 0);
    assert_memory_equal(&share, &none, sizeof(share));
}

int group_texts(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(texts_stand_under_their_hashes, start, stop),
        cmocka_unit_test_setup_teardown(replaced_texts_and_patterns_make_room, start, stop),
        cmocka_unit_test_setup_teardown(who_takes_over_knows_which_patterns_are_in_use, start, stop),
        cmocka_unit_test_setup_teardown(what_belongs_to_no_revision_is_deleted_by_who_takes_over, start, stop),
        cmocka_unit_test_setup_teardown(patterns_without_room_are_refused_and_nothing_of_them_is_left, start, stop),
        cmocka_unit_test_setup_teardown(a_full_map_is_said_and_what_was_in_force_stays, start, stop),
        cmocka_unit_test_setup_teardown(a_new_policy_starts_with_no_violations, start, stop),
    };

    return cmocka_run_group_tests_name("texts", tests, NULL, NULL);
}
