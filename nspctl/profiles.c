/* SPDX-License-Identifier: Apache-2.0 */
/* nspctl profiles: the profiles policyd knows, refused ones too, and how many violations each has by itself. */
#include <errno.h>
#include <stdio.h>

#include "nspctl/arguments.h"
#include "nspctl/client.h"
#include "nspctl/commands.h"
#include "nspctl/table.h"

#define NUMBER_SIZE 48

static const char *text_of(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

static long long number_of(const json_t *json, const char *key)
{
    return (long long)json_integer_value(json_object_get(json, key));
}

static int add_profile(struct table *table, const json_t *profile)
{
    char ready[NUMBER_SIZE], pods[NUMBER_SIZE], denied[NUMBER_SIZE], audited[NUMBER_SIZE];
    const json_t *violations = json_object_get(profile, "violations");

    snprintf(ready, sizeof(ready), "%lld/%lld", number_of(profile, "ready"), number_of(profile, "pods"));
    snprintf(pods, sizeof(pods), "%lld", number_of(profile, "pods"));
    snprintf(denied, sizeof(denied), "%lld", number_of(violations, "denied"));
    snprintf(audited, sizeof(audited), "%lld", number_of(violations, "audited"));

    const char *const cells[] = {
        text_of(profile, "namespace"),
        text_of(profile, "name"),
        text_of(profile, "mode"),
        json_is_true(json_object_get(profile, "valid")) ? "True" : "False",
        ready,
        pods,
        denied,
        audited,
    };

    return table_add(table, cells);
}

static void print_refusals(const json_t *profiles)
{
    const json_t *profile;
    size_t i;

    json_array_foreach (profiles, i, profile) {
        if (text_of(profile, "refused"))
            printf("%s/%s: refused: %s%s\n", text_of(profile, "namespace"), text_of(profile, "name"),
                   text_of(profile, "refused"),
                   text_of(profile, "mode") ? " (what was valid before stays in force)" : "");
    }
}

static int print_table(const json_t *profiles, struct error *err)
{
    static const char *const heads[] = {"NAMESPACE", "NAME", "MODE", "VALID", "READY", "PODS", "DENIED", "AUDITED"};
    struct table table;
    const json_t *profile;
    size_t i;
    int rc = table_start(&table, heads, sizeof(heads) / sizeof(heads[0]));

    json_array_foreach (profiles, i, profile)
        rc = rc ? rc : add_profile(&table, profile);
    if (rc == 0) {
        table_print(&table, stdout);
        print_refusals(profiles);
    }
    table_free(&table);
    return rc ? error_set(err, ENOMEM, "out of memory") : 0;
}

int command_profiles(int argc, char **argv, const struct nspctl_options *options, struct error *err)
{
    struct arguments arguments;
    json_t *answer = NULL, *profiles;
    int rc = arguments_read(&arguments, ARGUMENTS_NAMESPACE, argc, argv, err);

    if (rc || (rc = client_get(options->socket_path, "/v1/profiles", &answer, err)))
        return rc;
    profiles = json_object_get(answer, "profiles");
    arguments_keep_namespace(profiles, arguments.namespace_);
    if (arguments.is_json)
        arguments_print_json(answer);
    else
        rc = print_table(profiles, err);
    json_decref(answer);
    return rc;
}
