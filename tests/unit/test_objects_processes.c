/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of a profile: their paths, how many, for which containers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/profile_text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define HEAD                                                                                                           \
    "apiVersion: securityprobe.datadoghq.com/v1, kind: SecurityProfile, metadata: {name: p, labels: {app: ping}}"
#define SPEC(text) "{" HEAD ", spec: " text "}"
#define P100 "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define D8 "/a/a/a/a/a/a/a/a"

static const struct warning *find_warning(const struct profile *profile, const char *field)
{
    for (size_t i = 0; i < profile->warnings_count; i++) {
        if (strcmp(profile->warnings[i].field, field) == 0)
            return &profile->warnings[i];
    }
    return NULL;
}

static void paths_are_absolute_resolved_bounded_and_unique(void **state)
{
    static const char *const cases[][2] = {
        {SPEC("{processes: [{}]}"),
         "spec.processes[0].path: missing; write the executable's path inside the container"},
        {SPEC("{processes: [{path: /a}, {path: curl}]}"),
         "spec.processes[1].path: \"curl\" is not absolute; write the path inside the container, such as "
         "/usr/bin/curl"},
        {SPEC("{processes: [{path: ''}]}"), "spec.processes[0].path: \"\" is not absolute; write the path inside the "
                                            "container, such as /usr/bin/curl"},
        {SPEC("{processes: [{path: /}]}"), "spec.processes[0].path: \"/\" has an empty component; write it without // "
                                           "and without a / at its end"},
        {SPEC("{processes: [{path: /bin//sh}]}"), "spec.processes[0].path: \"/bin//sh\" has an empty component; write "
                                                  "it without // and without a / at its end"},
        {SPEC("{processes: [{path: /bin/sh/}]}"), "spec.processes[0].path: \"/bin/sh/\" has an empty component; write "
                                                  "it without // and without a / at its end"},
        {SPEC("{processes: [{path: /bin/./sh}]}"),
         "spec.processes[0].path: \"/bin/./sh\" has a . or .. in it; write the resolved path"},
        {SPEC("{processes: [{path: /bin/..}]}"),
         "spec.processes[0].path: \"/bin/..\" has a . or .. in it; write the resolved path"},
        {SPEC("{processes: [{path: \"/bin/\\e[2Jsh\"}]}"),
         "spec.processes[0].path: \"/bin/?[2Jsh\" has a control character in it"},
        {SPEC("{processes: [{path: " P100 P100 P100 P100 P100 "/aaaaaaaaaaa}]}"),
         "spec.processes[0].path: \"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\" has 512 bytes; at most 511"},
        {SPEC("{processes: [{path: " D8 D8 D8 D8 "/a}]}"),
         "spec.processes[0].path: \"/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a...\" has 33 components; at most 32"},
        {SPEC("{processes: [{path: /a}, {path: /b}, {path: /a}]}"),
         "spec.processes[2].path: \"/a\" is also the path of spec.processes[0]; write one block for it"},
        {SPEC("{processes: [{path: /a, container: x}, {path: /a, container: x}]}"),
         "spec.processes[1].path: \"/a\" is also the path of spec.processes[0]; write one block for it"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        profile_text_refused(cases[i][0], cases[i][1]);
    profile_free(profile_text_make("p",
                                   "{processes: [{path: " P100 P100 P100 P100 P100 "/aaaaaaaaaa}, {path: " D8 D8 D8 D8
                                   "}, {path: /a..b/.c/...}, {path: /a, container: x}, {path: /a}]}"));
}

static void one_path_has_at_most_eight_blocks(void **state)
{
    static const char seven[] =
        "{path: /a, container: c1}, {path: /a, container: c2}, {path: /a, container: c3}, {path: "
        "/a, container: c4}, {path: /a, container: c5}, {path: /a, container: c6}, {path: /a, "
        "container: c7}";
    char spec[600], yaml[700];

    (void)state;
    snprintf(spec, sizeof(spec), "{processes: [%s, {path: /a}, {path: /b, container: c1}]}", seven);
    profile_free(profile_text_make("p", spec));
    snprintf(yaml, sizeof(yaml), "{" HEAD ", spec: {processes: [%s, {path: /a, container: c8}, {path: /a}]}}", seven);
    profile_text_refused(yaml, "spec.processes[8].path: \"/a\" has 9 blocks; at most 8, each for one container, or for "
                               "all");
}

/* T78 */
static void interpreters_and_shells_are_warned_of(void **state)
{
    static const struct {
        const char *path;
        bool is_warned;
    } cases[] = {
        {"/bin/sh", true},         {"/usr/bin/python3.11", true}, {"/usr/bin/python3", true},
        {"/bin/busybox", true},    {"/usr/bin/perl5.36.0", true}, {"/usr/lib/jvm/java-17/bin/java", true},
        {"/usr/bin/node", true},   {"/usr/bin/ruby3.1", true},    {"/usr/bin/bash", true},
        {"/usr/bin/curl", false},  {"/opt/python/server", false}, {"/usr/bin/shred", false},
        {"/usr/bin/javac", false}, {"/usr/bin/ssh", false},       {"/7", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char spec[100], text[200];

        snprintf(spec, sizeof(spec), "{actions: [alert], labelSelector: {}, processes: [{path: %s}]}", cases[i].path);
        snprintf(text, sizeof(text),
                 "\"%s\" runs programs that others write: every script, applet or class shares this "
                 "block",
                 cases[i].path);

        struct profile *profile = profile_text_make("p", spec);
        const struct warning *warning = find_warning(profile, "spec.processes[0].path");

        assert_int_equal(profile->warnings_count, cases[i].is_warned);
        if (cases[i].is_warned)
            assert_string_equal(warning->text, text);
        profile_free(profile);
    }
}

/* T88 */
static void at_most_64_processes_are_taken(void **state)
{
    char spec[4096] = "{processes: [";
    size_t used = strlen(spec);

    (void)state;
    for (int i = 0; i < 64; i++)
        used += (size_t)snprintf(spec + used, sizeof(spec) - used, "{path: /p%d}, ", i);
    snprintf(spec + used, sizeof(spec) - used, "]}");
    profile_free(profile_text_make("p", spec));

    char yaml[5000];

    snprintf(spec + used, sizeof(spec) - used, "{path: /q}]}");
    snprintf(yaml, sizeof(yaml), "{" HEAD ", spec: %s}", spec);
    profile_text_refused(yaml, "spec.processes: has 65 elements; at most 64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_absolute_resolved_bounded_and_unique),
        cmocka_unit_test(one_path_has_at_most_eight_blocks),
        cmocka_unit_test(interpreters_and_shells_are_warned_of),
        cmocka_unit_test(at_most_64_processes_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
