/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests in YAML or JSON as jansson trees, read the way kubectl reads them, so that a file means the same here and
 * there. Knows no Kubernetes. What is ambiguous, oversized or not expressible in JSON is refused with its line.
 */
#ifndef NSP_POLICYD_YAML_H
#define NSP_POLICYD_YAML_H

#include <jansson.h>
#include <stddef.h>

#include "lib/error.h"

#define YAML_BYTES_MAX (4u << 20)
#define YAML_NODES_MAX 500000 /* of one text, an alias counting as all that it stands for */
#define YAML_DEPTH_MAX 64

/*
 * *documents: an array with one element per document (null for an empty one), to be released by the caller. Nodes may
 * be shared between places that alias each other: read only. The message begins with "line N: ".
 */
int yaml_parse(const char *text, size_t size, json_t **documents, struct error *err);
int yaml_parse_json(const char *text, size_t size, json_t **documents, struct error *err);

enum yaml_source {
    YAML_REGULAR, /* nothing but a file, without waiting: what else stands there is an error */
    YAML_ANY,     /* or all that a pipe delivers */
};

/* A whole file: JSON where the name ends in .json, YAML otherwise. */
int yaml_load_file(const char *path, enum yaml_source source, json_t **documents, struct error *err);

#endif
