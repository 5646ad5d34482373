/* SPDX-License-Identifier: Apache-2.0 */
/* What a YAML scalar means as JSON, by the rules of kubectl: YAML 1.1 booleans and octals, dates stay text. */
#ifndef NSP_LIB_YAML_SCALAR_H
#define NSP_LIB_YAML_SCALAR_H

#include <jansson.h>
#include <stddef.h>

/* A plain scalar without a tag. NULL: a number that JSON cannot hold (.inf, .nan, 1e999). */
json_t *yaml_scalar_resolve(const char *text, size_t length);

/* A scalar with a tag, such as "tag:yaml.org,2002:str". NULL also where the tag is unknown or contradicts the text. */
json_t *yaml_scalar_tagged(const char *text, size_t length, const char *tag);

#endif
