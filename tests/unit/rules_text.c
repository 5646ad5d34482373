/* SPDX-License-Identifier: Apache-2.0 */
/* RULES for tests: see rules_text.h. */
#include "tests/unit/rules_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "tests/unit/profile_text.h"

/* A manifest whose only RULES are the egress of /a. */
static char *manifest_of(const char *rules)
{
    char *yaml = NULL;

    if (asprintf(&yaml,
                 "{apiVersion: %s, kind: SecurityProfile, metadata: {name: p}, spec: {labelSelector: {}, actions: "
                 "[alert], processes: [{path: /a, network: {egress: %s}}]}}",
                 OBJECTS_API_VERSION, rules) < 0)
        fail_msg("out of memory");
    return yaml;
}

struct profile *rules_text_make(const char *rules)
{
    cleanup_free char *yaml = manifest_of(rules);
    struct profile *profile = NULL;
    struct error err = {0};

    if (profile_text_parse(yaml, &profile, &err) < 0)
        fail_msg("%s\nsaid: %s", rules, err.msg);
    return profile;
}

void rules_text_refused(const char *rules, const char *says)
{
    cleanup_free char *yaml = manifest_of(rules);
    struct profile *profile = NULL;
    struct error err = {0};
    char expected[sizeof(err.msg)];

    if (profile_text_parse(yaml, &profile, &err) == 0)
        fail_msg("taken: %.200s", rules);
    snprintf(expected, sizeof(expected), RULES_FIELD "%s", says);
    if (strcmp(err.msg, expected) != 0)
        fail_msg("%.200s\nexpected: %s\nsaid:     %s", rules, expected, err.msg);
}

void rules_text_all_refused(const char *const cases[][2], size_t count)
{
    for (size_t i = 0; i < count; i++)
        rules_text_refused(cases[i][0], cases[i][1]);
}

void rules_text_warnings(const char *rules, const char *const expected[], size_t count)
{
    struct profile *profile = rules_text_make(rules);

    if (profile->warnings_count != count)
        fail_msg("%s: %zu warnings", rules, profile->warnings_count);
    for (size_t i = 0; i < count; i++) {
        char line[400];

        snprintf(line, sizeof(line), "%s: %s", profile->warnings[i].field, profile->warnings[i].text);
        assert_string_equal(line, expected[i]);
    }
    profile_free(profile);
}

char *rules_text_repeat(const char *before, const char *element, size_t count, const char *after)
{
    size_t length = strlen(element);
    char *text = malloc(strlen(before) + count * (length + 1) + strlen(after) + 1), *end = text;

    assert_non_null(text);
    end = stpcpy(end, before);
    for (size_t i = 0; i < count; i++) {
        end = stpcpy(end, element);
        *end++ = ',';
    }
    stpcpy(end, after);
    return text;
}
