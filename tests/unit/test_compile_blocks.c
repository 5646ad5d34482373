/* SPDX-License-Identifier: Apache-2.0 */
/* Which part of which profile stands in which block, and what the block says of its parts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/compile_text.h"
#include "tests/unit/profile_text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void every_block_has_a_part_of_each_profile(void **state)
{
    struct profile *profiles[] = {
        profile_text_make(
            "a", "{actions: [enforce], default: {egress: {}}, processes: [{path: /x, actions: [alert], "
                 "network: {egress: {l3: {protocols: [ipv4]}}}}, {path: /y, container: c, actions: [ignore]}]}"),
        profile_text_make("b", "{actions: [alert], processes: [{path: /z, container: c}, {path: /y}, {path: /x, "
                               "network: {ingress: {l3: {protocols: [ipv4]}}}}]}"),
    };
    struct compiled compiled;

    (void)state;
    compile_text_all(profiles, 2, &compiled);
    assert_int_equal(compiled.blocks_count, 5); /* unlisted, default, /x, /y, /z */

    const struct part *x = compile_text_block(&compiled, "/x", 0)->value.parts;
    const struct part *unlisted = compile_text_block(&compiled, NULL, BLOCK_UNLISTED)->value.parts;
    const struct part *ownerless = compile_text_block(&compiled, NULL, BLOCK_DEFAULT)->value.parts;

    assert_int_equal(compile_text_block(&compiled, "/x", 0)->value.count, 2);
    assert_int_equal(x[0].action, ACTION_ALERT);
    assert_int_equal(x[0].process, 0);
    assert_int_equal(x[1].action, ACTION_ALERT);
    assert_int_equal(x[1].process, 2);
    assert_int_equal(x[1].profile, 1);
    assert_int_not_equal(x[0].rules[EGRESS], 0);
    assert_int_equal(x[0].rules[INGRESS], 0);
    assert_int_equal(x[1].rules[INGRESS], x[0].rules[EGRESS]); /* equal rule sets are one */

    assert_int_equal(unlisted[0].process, 0xffff);
    assert_int_equal(unlisted[0].action, ACTION_ENFORCE);
    assert_int_equal(unlisted[1].action, ACTION_ALERT);
    assert_int_equal(unlisted[0].rules[EGRESS] | unlisted[1].rules[INGRESS], 0);

    /* A default without ingress allows nothing there, which is not the same as no default. */
    assert_int_equal(ownerless[0].process, 0xffff);
    assert_int_not_equal(ownerless[0].rules[EGRESS], 0);
    assert_int_equal(ownerless[0].rules[EGRESS], ownerless[0].rules[INGRESS]);
    assert_int_equal(ownerless[1].rules[EGRESS] | ownerless[1].rules[INGRESS], 0);
    compiled_free(&compiled);
    profile_free(profiles[0]);
    profile_free(profiles[1]);
}

static void assert_part(const struct compiled_block *block, __u32 index, const struct part *expected,
                        const char *container)
{
    const struct part *part = &block->value.parts[index];

    assert_in_range(index, 0, block->value.count - 1);
    assert_int_equal(part->profile, expected->profile);
    assert_int_equal(part->process, expected->process);
    assert_int_equal(part->action, expected->action);
    assert_int_equal(part->flags, expected->flags);
    assert_int_equal(part->container, 0); /* the hash has a key, which is sync's */
    assert_int_equal(block->containers[index] == NULL, container == NULL);
    if (container)
        assert_string_equal(block->containers[index], container);
}

/* Those with a container come first; a profile that lists the path for some alone has no part for all. */
static void a_part_for_each_container_and_one_for_all(void **state)
{
    struct profile *profiles[] = {
        profile_text_make("a",
                          "{actions: [enforce], processes: [{path: /x, actions: [alert]}, {path: /x, container: c, "
                          "imageOnly: true}, {path: /x, container: d, actions: [trace-dns]}, {path: /y}]}"),
        profile_text_make("b", "{actions: [alert], processes: [{path: /x, container: c, actions: []}]}"),
    };
    static const struct part expected[] = {
        {.profile = 0, .process = 1, .action = ACTION_ENFORCE, .flags = PART_IMAGE_ONLY},
        {.profile = 0, .process = 2, .action = ACTION_IGNORE, .flags = PART_TRACE_DNS},
        {.profile = 0, .process = 0, .action = ACTION_ALERT},
        {.profile = 1, .process = 0, .action = ACTION_IGNORE},
    };
    static const char *const containers[] = {"c", "d", NULL, "c"};
    struct compiled compiled;

    (void)state;
    compile_text_all(profiles, 2, &compiled);

    const struct compiled_block *x = compile_text_block(&compiled, "/x", 0);
    const struct compiled_block *y = compile_text_block(&compiled, "/y", 0);

    assert_true(compiled.has_containers);
    assert_int_equal(x->value.count, COUNT(expected));
    for (__u32 i = 0; i < COUNT(expected); i++)
        assert_part(x, i, &expected[i], containers[i]);
    assert_int_equal(y->value.count, 2);
    compiled_free(&compiled);
    profile_free(profiles[0]);
    profile_free(profiles[1]);
}

static void default_knows_no_container(void **state)
{
    struct compiled compiled;
    struct profile *profile;

    (void)state;
    compile_text_one("{default: {egress: {}}, processes: [{path: /x, container: c}]}", &compiled, &profile);
    for (size_t i = 0; i < compiled.blocks_count; i++) {
        const struct compiled_block *block = &compiled.blocks[i];

        assert_int_equal(block->value.count, 1);
        assert_int_equal(block->containers[0] != NULL, block->path != NULL);
    }
    compiled_free(&compiled);
    profile_free(profile);
}

static void more_than_eight_parts_of_a_path_are_refused(void **state)
{
    static const char four[] = "{processes: [{path: /y, container: a}, {path: /x, container: a}, {path: /x, container: "
                               "b}, {path: /x, container: c}, {path: /x}]}";
    struct profile *profiles[] = {profile_text_make("a", four), profile_text_make("b", four),
                                  profile_text_make("c", "{}")};
    struct compiled compiled;
    struct error err = {0};

    (void)state;
    compile_text_all(profiles, 2, &compiled);
    assert_int_equal(compile_text_block(&compiled, "/x", 0)->value.count, NSP_PARTS_MAX);
    compiled_free(&compiled);
    assert_int_equal(compile_policy((const struct profile *const *)profiles, 3, &compiled, &err), -E2BIG);
    assert_string_equal(err.msg, "\"/x\": the profiles that select one pod list it for more than 8 combinations of "
                                 "profile and container; use fewer containers or profiles");
    for (size_t i = 0; i < COUNT(profiles); i++)
        profile_free(profiles[i]);
}

static void blocks_say_what_their_parts_want(void **state)
{
    static const struct {
        const char *spec;
        __u32 flags, unlisted; /* of /x, and of what nobody lists */
    } cases[] = {
        {"{processes: [{path: /x, network: {egress: {l7: {protocols: [dns]}}}}]}", 0, 0},
        {"{processes: [{path: /x, network: {egress: {fqdns: []}}}]}", 0, 0},
        {"{processes: [{path: /x, network: {egress: {fqdns: [a]}}}]}", BLOCK_READS_DNS, 0},
        {"{processes: [{path: /x, network: {ingress: {fqdns: [a]}}}]}", 0, 0},
        {"{nameScope: pod, processes: [{path: /x, network: {ingress: {}}}]}", 0, 0},
        {"{nameScope: pod, processes: [{path: /x, network: {egress: {}}}]}", BLOCK_READS_DNS, 0},
        {"{actions: [trace-dns], processes: [{path: /x}]}", BLOCK_READS_DNS | BLOCK_TRACES,
         BLOCK_READS_DNS | BLOCK_TRACES},
        {"{actions: [learn], processes: [{path: /x, actions: [alert]}]}", 0, BLOCK_READS_DNS | BLOCK_LEARNS},
        {"{processes: [{path: /x, actions: [learn, trace-dns]}]}", BLOCK_READS_DNS | BLOCK_LEARNS | BLOCK_TRACES, 0},
        {"{attacks: [ip-spoofing], processes: [{path: /x}]}", BLOCK_ATTACKS, BLOCK_ATTACKS},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct compiled compiled;
        struct profile *profile;

        compile_text_one(cases[i].spec, &compiled, &profile);
        if (compile_text_block(&compiled, "/x", 0)->value.flags != cases[i].flags ||
            compile_text_block(&compiled, NULL, BLOCK_UNLISTED)->value.flags != cases[i].unlisted ||
            compile_text_block(&compiled, NULL, BLOCK_DEFAULT)->value.flags != cases[i].unlisted)
            fail_msg("%s: %#x %#x", cases[i].spec, compile_text_block(&compiled, "/x", 0)->value.flags,
                     compile_text_block(&compiled, NULL, BLOCK_UNLISTED)->value.flags);
        compiled_free(&compiled);
        profile_free(profile);
    }
}

static void attacks_and_what_is_told_are_in_every_block(void **state)
{
    struct compiled compiled;
    struct profile *profile;

    (void)state;
    compile_text_one("{actions: [alert, trace-dns], attacks: [nd-spoofing, raw-socket], processes: [{path: /x}]}",
                     &compiled, &profile);
    assert_int_equal(compiled.blocks_count, 3);
    for (size_t i = 0; i < compiled.blocks_count; i++) {
        const struct part *part = &compiled.blocks[i].value.parts[0];

        assert_int_equal(part->attacks, ATTACK_ND_SPOOFING | ATTACK_RAW_SOCKET);
        assert_int_equal(part->flags, PART_TRACE_DNS);
        assert_int_equal(part->action, ACTION_ALERT);
    }
    compiled_free(&compiled);
    profile_free(profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_block_has_a_part_of_each_profile),
        cmocka_unit_test(a_part_for_each_container_and_one_for_all),
        cmocka_unit_test(default_knows_no_container),
        cmocka_unit_test(more_than_eight_parts_of_a_path_are_refused),
        cmocka_unit_test(blocks_say_what_their_parts_want),
        cmocka_unit_test(attacks_and_what_is_told_are_in_every_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
