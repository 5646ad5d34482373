/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles for tests: see profile_text.h. */
#include "tests/unit/profile_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "policyd/yaml.h"

json_t *profile_text_tree(const char *yaml)
{
    json_auto_t *documents = NULL;
    struct error err = {0};

    if (yaml_parse(yaml, strlen(yaml), &documents, &err) < 0)
        fail_msg("%s\nsaid: %s", yaml, err.msg);
    assert_int_equal(json_array_size(documents), 1);
    return json_incref(json_array_get(documents, 0));
}

int profile_text_parse(const char *yaml, struct profile **profile, struct error *err)
{
    json_auto_t *tree = profile_text_tree(yaml);

    return objects_parse_profile(tree, profile, err);
}

struct profile *profile_text_make(const char *name, const char *spec)
{
    cleanup_free char *yaml = NULL;
    struct profile *profile = NULL;
    struct error err = {0};

    if (asprintf(&yaml, "{apiVersion: %s, kind: SecurityProfile, metadata: {name: %s}, spec: %s}", OBJECTS_API_VERSION,
                 name, spec) < 0)
        fail_msg("out of memory");
    if (profile_text_parse(yaml, &profile, &err) < 0)
        fail_msg("%s\nsaid: %s", spec, err.msg);
    return profile;
}

void profile_text_refused(const char *yaml, const char *message)
{
    struct profile *profile = (void *)1;
    struct error err = {0};

    if (profile_text_parse(yaml, &profile, &err) == 0)
        fail_msg("taken: %s", yaml);
    if (strcmp(err.msg, message) != 0)
        fail_msg("%s\nexpected: %s\nsaid:     %s", yaml, message, err.msg);
    assert_ptr_equal(profile, (void *)1);
}
