/* SPDX-License-Identifier: Apache-2.0 */
/* What commands which list something have in common: [-n NAMESPACE] [--pod [NAMESPACE/]PREFIX] [-o json|FORMAT]. */
#ifndef NSP_NSPCTL_ARGUMENTS_H
#define NSP_NSPCTL_ARGUMENTS_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/error.h"

struct arguments {
    const char *namespace_; /* NULL: all */
    const char *pod;        /* NULL: all */
    bool is_json;
};

/* What a command knows beside -o json. */
enum arguments_known {
    ARGUMENTS_NAMESPACE = 1,
    ARGUMENTS_POD = 2,
    ARGUMENTS_YAML = 4, /* -o yaml, instead of -o table */
};

/* known: enum arguments_known. */
int arguments_read(struct arguments *arguments, unsigned int known, int argc, char **argv, struct error *err);

/* "argument: what is wrong with it" after getopt returned '?' or ':'. */
int arguments_fail(int option, char **argv, struct error *err);

/* Prints it indented, with a newline. */
void arguments_print_json(const json_t *json);

/* GET `path` of policyd, of the pods that are wanted; see client_get(). */
int arguments_get(const struct arguments *arguments, const char *socket_path, const char *path, json_t **json,
                  struct error *err);

/* Leaves in the array only what is of that namespace. */
void arguments_keep_namespace(json_t *array, const char *namespace_);

#endif
