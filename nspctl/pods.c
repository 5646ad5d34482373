/* SPDX-License-Identifier: Apache-2.0 */
/* nspctl pods: which profiles judge each pod of this node, in which mode, and what was counted. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nspctl/arguments.h"
#include "nspctl/commands.h"
#include "nspctl/table.h"

#define NUMBER_SIZE 24
#define PROFILES_SIZE 512

static const char *text_of(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

static const char *number_of(const json_t *json, const char *key, char text[NUMBER_SIZE])
{
    snprintf(text, NUMBER_SIZE, "%lld", (long long)json_integer_value(json_object_get(json, key)));
    return text;
}

/* The namespace of a profile is that of the pod: its name says enough. */
static void join_profiles(const json_t *pod, char text[PROFILES_SIZE])
{
    const json_t *profiles = json_object_get(pod, "profiles"), *profile;
    size_t i, used = 0;

    text[0] = '\0';
    json_array_foreach (profiles, i, profile) {
        const char *slash = strchr(json_string_value(profile) ? json_string_value(profile) : "", '/');

        if (slash && used < PROFILES_SIZE)
            used += (size_t)snprintf(text + used, PROFILES_SIZE - used, "%s%s", i ? "," : "", slash + 1);
    }
}

static int add_pod(struct table *table, const json_t *pod)
{
    char revision[NUMBER_SIZE], denied[NUMBER_SIZE], audited[NUMBER_SIZE], profiles[PROFILES_SIZE];

    join_profiles(pod, profiles);

    const char *const cells[] = {
        text_of(pod, "namespace"),
        text_of(pod, "name"),
        text_of(pod, "state"),
        profiles,
        text_of(pod, "mode"),
        number_of(pod, "revision", revision),
        number_of(pod, "denied", denied),
        number_of(pod, "audited", audited),
    };

    return table_add(table, cells);
}

/* What a table has no room for, below it. */
static void print_reasons(const json_t *pods)
{
    const json_t *pod;
    size_t i;

    json_array_foreach (pods, i, pod) {
        if (text_of(pod, "why"))
            printf("%s/%s: %s\n", text_of(pod, "namespace"), text_of(pod, "name"), text_of(pod, "why"));
        if (text_of(pod, "problem"))
            printf("%s/%s: %s\n", text_of(pod, "namespace"), text_of(pod, "name"), text_of(pod, "problem"));
    }
}

static int print_table(const json_t *pods, struct error *err)
{
    static const char *const heads[] = {"NAMESPACE", "NAME",     "STATE",  "PROFILES",
                                        "MODE",      "REVISION", "DENIED", "AUDITED"};
    struct table table;
    const json_t *pod;
    size_t i;
    int rc = table_start(&table, heads, sizeof(heads) / sizeof(heads[0]));

    json_array_foreach (pods, i, pod)
        rc = rc ? rc : add_pod(&table, pod);
    if (rc == 0) {
        table_print(&table, stdout);
        print_reasons(pods);
    }
    table_free(&table);
    return rc ? error_set(err, ENOMEM, "out of memory") : 0;
}

int command_pods(int argc, char **argv, const struct nspctl_options *options, struct error *err)
{
    struct arguments arguments;
    json_t *answer = NULL, *pods;
    int rc = arguments_read(&arguments, ARGUMENTS_NAMESPACE | ARGUMENTS_POD, argc, argv, err);

    if (rc || (rc = arguments_get(&arguments, options->socket_path, "/v1/pods", &answer, err)))
        return rc;
    pods = json_object_get(answer, "pods");
    arguments_keep_namespace(pods, arguments.namespace_);
    if (arguments.is_json)
        arguments_print_json(answer);
    else
        rc = print_table(pods, err);
    json_decref(answer);
    return rc;
}
