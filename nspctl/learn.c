/* SPDX-License-Identifier: Apache-2.0 */
/* nspctl learn: what profiles with `learn` have recorded, as docs/learn.md has it. */
#include "nspctl/arguments.h"
#include "nspctl/commands.h"
#include "nspctl/yaml_text.h"

int command_learn(int argc, char **argv, const struct nspctl_options *options, struct error *err)
{
    struct arguments arguments;
    json_t *answer = NULL;
    int rc = arguments_read(&arguments, ARGUMENTS_NAMESPACE | ARGUMENTS_POD | ARGUMENTS_YAML, argc, argv, err);

    if (rc || (rc = arguments_get(&arguments, options->socket_path, "/v1/learn", &answer, err)))
        return rc;
    arguments_keep_namespace(json_object_get(answer, "pods"), arguments.namespace_);
    if (arguments.is_json)
        arguments_print_json(answer);
    else
        rc = yaml_text_print(answer, stdout, err);
    json_decref(answer);
    return rc;
}
