/* SPDX-License-Identifier: Apache-2.0 */
/* Any YAML as a profile and as a pod; what is taken compiles, and selects or not, without a crash. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "policyd/compile.h"
#include "policyd/selector.h"
#include "policyd/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT(readability-identifier-naming): libFuzzer's */

static void try_profile(const json_t *document)
{
    struct profile *profile;
    struct compiled compiled;
    struct error err = {0};

    if (objects_parse_profile(document, &profile, &err) < 0) {
        if (err.code == 0 || err.msg[0] == '\0')
            abort();
        return;
    }
    selector_selects(profile, "default", &profile->labels);
    if (compile_policy((const struct profile *const *)&profile, 1, &compiled, &err) < 0)
        abort();
    compiled_free(&compiled);
    profile_free(profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *documents, *document;
    struct pod_object *pod;
    size_t index;

    if (yaml_parse((const char *)data, size, &documents, NULL) < 0)
        return 0;
    json_array_foreach (documents, index, document) {
        const char *namespace_, *name;

        objects_kind(document);
        objects_name(document, &namespace_, &name);
        try_profile(document);
        if (objects_parse_pod(document, &pod, NULL) == 0)
            pod_object_free(pod);
    }
    json_decref(documents);
    return 0;
}
