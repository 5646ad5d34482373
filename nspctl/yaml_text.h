/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as YAML, by libyaml: which texts need quotes is not ours to know. */
#ifndef NSP_NSPCTL_YAML_TEXT_H
#define NSP_NSPCTL_YAML_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "lib/error.h"

/* One document. */
int yaml_text_print(const json_t *json, FILE *to, struct error *err);

#endif
