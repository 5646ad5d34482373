/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a YAML and as a JSON file: no crash, no leak, and what is taken stays within the bounds. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "policyd/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT(readability-identifier-naming): libFuzzer's */

static void check_depth(const json_t *value, int depth)
{
    const json_t *child;
    const char *key;
    size_t index;

    if (depth > YAML_DEPTH_MAX)
        abort();
    json_object_foreach ((json_t *)value, key, child) {
        check_depth(child, depth + 1);
    }
    json_array_foreach (value, index, child) {
        check_depth(child, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *documents = NULL;
    struct error err;

    if (yaml_parse((const char *)data, size, &documents, &err) == 0) {
        if (size < 200) /* aliases make walking longer than reading */
            check_depth(documents, -1);
        json_decref(documents);
    } else if (err.code == 0 || err.msg[0] == '\0') {
        abort();
    }
    if (yaml_parse_json((const char *)data, size, &documents, &err) == 0)
        json_decref(documents);
    return 0;
}
