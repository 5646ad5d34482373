/* SPDX-License-Identifier: Apache-2.0 */
/* Common arguments: see arguments.h. */
#include "nspctl/arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "nspctl/commands.h"
#include "nspctl/table.h"

int arguments_fail(int option, char **argv, struct error *err)
{
    if (option == ':')
        return error_set(err, NSPCTL_USAGE, "%s: a value is missing", argv[optind - 1]);
    return error_set(err, NSPCTL_USAGE, "%s: not known here", argv[optind - 1]);
}

int arguments_read(struct arguments *arguments, const char *letters, int argc, char **argv, struct error *err)
{
    char options[16];
    int option;

    *arguments = (struct arguments){0};
    snprintf(options, sizeof(options), ":%s", letters);
    while ((option = getopt(argc, argv, options)) != -1) {
        if (option == 'n')
            arguments->namespace_ = optarg;
        else if (option != 'o')
            return arguments_fail(option, argv, err);
        else if (table_read_format(optarg, &arguments->is_json, err))
            return -err->code;
    }
    if (optind < argc)
        return error_set(err, NSPCTL_USAGE, "%s: no such argument", argv[optind]);
    return 0;
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
