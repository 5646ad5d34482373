/* SPDX-License-Identifier: Apache-2.0 */
#include "policyd/objects_containers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/name.h"

enum { ID_MIN = 12, ID_MAX = 128 }; /* characters; shorter ones would be found in names that are not theirs */

/* The part of "containerd://0123..." that cgroups are named by; NULL: it is no id. */
static const char *id_of(const char *text)
{
    const char *scheme = text ? strstr(text, "://") : NULL, *id = scheme ? scheme + 3 : text;
    size_t length = id ? strlen(id) : 0;

    if (length < ID_MIN || length > ID_MAX)
        return NULL;
    for (const char *c = id; *c; c++) {
        if (!((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '-' ||
              *c == '_'))
            return NULL;
    }
    return id;
}

static int add_container(struct pod_object *pod, const char *name, const char *id)
{
    struct container_object *grown = reallocarray(pod->containers, pod->containers_count + 1, sizeof(*grown));
    struct container_object made = {.name = strdup(name), .id = strdup(id)};

    if (grown)
        pod->containers = grown;
    if (!grown || !made.name || !made.id) {
        free(made.name);
        free(made.id);
        return -ENOMEM;
    }
    grown[pod->containers_count++] = made;
    return 0;
}

static int read_statuses(const json_t *statuses, struct pod_object *pod)
{
    const json_t *status;
    size_t i;

    json_array_foreach (statuses, i, status) {
        const char *name = json_string_value(json_object_get(status, "name"));
        const char *id = id_of(json_string_value(json_object_get(status, "containerID")));

        if (name && id && name_check_label(name, NULL) == 0 && add_container(pod, name, id))
            return -ENOMEM;
    }
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(((const struct container_object *)a)->id, ((const struct container_object *)b)->id);
}

int containers_read(const json_t *manifest, struct pod_object *pod)
{
    static const char *const lists[] = {"containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"};
    const json_t *status = json_object_get(manifest, "status");

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (read_statuses(json_object_get(status, lists[i]), pod))
            return -ENOMEM;
    }
    if (pod->containers_count)
        qsort(pod->containers, pod->containers_count, sizeof(*pod->containers), compare_ids);
    return 0;
}

void containers_clear(struct pod_object *pod)
{
    for (size_t i = 0; i < pod->containers_count; i++) {
        free(pod->containers[i].name);
        free(pod->containers[i].id);
    }
    free(pod->containers);
    pod->containers = NULL;
    pod->containers_count = 0;
}
