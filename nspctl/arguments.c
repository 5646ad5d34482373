/* SPDX-License-Identifier: Apache-2.0 */
/* Common arguments: see arguments.h. */
#include "nspctl/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "nspctl/client.h"
#include "nspctl/commands.h"
#include "nspctl/table.h"

int arguments_fail(int option, char **argv, struct error *err)
{
    if (option == ':')
        return error_set(err, NSPCTL_USAGE, "%s: a value is missing", argv[optind - 1]);
    return error_set(err, NSPCTL_USAGE, "%s: not known here", argv[optind - 1]);
}

static const struct option longs[] = {
    {"namespace", required_argument, NULL, 'n'},
    {"output", required_argument, NULL, 'o'},
    {"pod", required_argument, NULL, 'p'},
    {NULL, 0, NULL, 0},
};

static int set_option(struct arguments *arguments, int option, unsigned int known, struct error *err)
{
    const char *other = known & ARGUMENTS_YAML ? "yaml" : "table";

    if (option == 'o')
        return table_read_format(optarg, other, &arguments->is_json, err);
    if (option == 'n' && known & ARGUMENTS_NAMESPACE) {
        arguments->namespace_ = optarg;
        return 0;
    }
    if (option == 'p' && known & ARGUMENTS_POD) {
        arguments->pod = optarg;
        return 0;
    }
    return error_set(err, NSPCTL_USAGE, "%s: not known here", option == 'n' ? "-n" : "--pod");
}

int arguments_read(struct arguments *arguments, unsigned int known, int argc, char **argv, struct error *err)
{
    int option;

    *arguments = (struct arguments){0};
    while ((option = getopt_long(argc, argv, ":n:o:", longs, NULL)) != -1) {
        if (option == ':' || option == '?')
            return arguments_fail(option, argv, err);
        if (set_option(arguments, option, known, err))
            return -err->code;
    }
    if (optind < argc)
        return error_set(err, NSPCTL_USAGE, "%s: no such argument", argv[optind]);
    return 0;
}

int arguments_get(const struct arguments *arguments, const char *socket_path, const char *path, json_t **json,
                  struct error *err)
{
    cleanup_free char *pod = arguments->pod ? client_escape(arguments->pod) : NULL;
    cleanup_free char *address = NULL;

    if ((arguments->pod && !pod) || asprintf(&address, "%s%s%s", path, pod ? "?pod=" : "", pod ? pod : "") < 0)
        return error_set(err, ENOMEM, "out of memory");
    return client_get(socket_path, address, json, err);
}

void arguments_print_json(const json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2));
    putchar('\n');
}

void arguments_keep_namespace(json_t *array, const char *namespace_)
{
    for (size_t i = json_array_size(array); namespace_ && i-- > 0;) {
        const char *has = json_string_value(json_object_get(json_array_get(array, i), "namespace"));

        if (!has || strcmp(has, namespace_) != 0)
            json_array_remove(array, i);
    }
}
