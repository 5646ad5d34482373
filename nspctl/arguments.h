/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments that commands which list something have in common: [-n NAMESPACE] [-o json|table]. */
#ifndef NSP_NSPCTL_ARGUMENTS_H
#define NSP_NSPCTL_ARGUMENTS_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/error.h"

struct arguments {
    const char *namespace_; /* NULL: all */
    bool is_json;
};

/* `letters`: which of "n:" and "o:" the command knows. */
int arguments_read(struct arguments *arguments, const char *letters, int argc, char **argv, struct error *err);

/* "argument: what is wrong with it" after getopt returned '?' or ':'. */
int arguments_fail(int option, char **argv, struct error *err);

/* Prints it indented, with a newline. */
void arguments_print_json(const json_t *json);

/* Leaves in the array only what is of that namespace. */
void arguments_keep_namespace(json_t *array, const char *namespace_);

#endif
