/* SPDX-License-Identifier: Apache-2.0 */
/* nspctl fqdn list: the names that pods have learnt, with their addresses and until when they may be used. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nspctl/arguments.h"
#include "nspctl/commands.h"
#include "nspctl/table.h"

#define TIME_SIZE 32

static const char *text_of(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

/* "59m58s"; "in use" while connections keep a name alive that would have expired. */
static const char *format_expiry(const json_t *entry, char text[TIME_SIZE])
{
    long long seconds = (long long)json_integer_value(json_object_get(entry, "expires_in_s"));

    if (seconds <= 0)
        return json_integer_value(json_object_get(entry, "connections")) ? "in use" : "expired";
    if (seconds >= 3600)
        snprintf(text, TIME_SIZE, "%lldh%lldm", seconds / 3600, seconds / 60 % 60);
    else if (seconds >= 60)
        snprintf(text, TIME_SIZE, "%lldm%llds", seconds / 60, seconds % 60);
    else
        snprintf(text, TIME_SIZE, "%llds", seconds);
    return text;
}

static int add_entry(struct table *table, const json_t *pod, const json_t *entry)
{
    const char *scope = text_of(entry, "scope");
    bool is_of_pod = scope && strcmp(scope, "pod") == 0;
    char expiry[TIME_SIZE];
    const char *const cells[] = {
        text_of(pod, "namespace"), text_of(pod, "name"),      is_of_pod ? "(all)" : text_of(entry, "binary"),
        text_of(entry, "name"),    text_of(entry, "address"), format_expiry(entry, expiry),
    };

    return table_add(table, cells);
}

static int print_table(const json_t *pods, struct error *err)
{
    static const char *const heads[] = {"NAMESPACE", "POD", "BINARY", "NAME", "ADDRESS", "EXPIRES"};
    struct table table;
    const json_t *pod, *entry;
    size_t i, j;
    int rc = table_start(&table, heads, sizeof(heads) / sizeof(heads[0]));

    json_array_foreach (pods, i, pod) {
        json_array_foreach (json_object_get(pod, "learnt"), j, entry)
            rc = rc ? rc : add_entry(&table, pod, entry);
    }
    if (rc == 0)
        table_print(&table, stdout);
    table_free(&table);
    return rc ? error_set(err, ENOMEM, "out of memory") : 0;
}

int command_fqdn(int argc, char **argv, const struct nspctl_options *options, struct error *err)
{
    struct arguments arguments;
    json_t *answer = NULL, *pods;
    int rc;

    if (argc < 2 || strcmp(argv[1], "list") != 0)
        return error_set(err, NSPCTL_USAGE, "%s: not known here; there is list", argc < 2 ? "nothing" : argv[1]);
    rc = arguments_read(&arguments, ARGUMENTS_NAMESPACE | ARGUMENTS_POD, argc - 1, argv + 1, err);
    if (rc || (rc = arguments_get(&arguments, options->socket_path, "/v1/names", &answer, err)))
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
