/* SPDX-License-Identifier: Apache-2.0 */
/* Pods of an API server: see kube_pods.h. */
#include "policyd/kube_pods.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/log.h"

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void forget_list(struct kube_pods *pods)
{
    for (size_t i = 0; i < pods->listed_count; i++)
        free(pods->listed[i]);
    free(pods->listed);
    pods->listed = NULL;
    pods->listed_count = 0;
    pods->is_listing = false;
}

void kube_pods_begin(struct kube_pods *pods)
{
    forget_list(pods);
    pods->is_listing = true;
}

/* Without memory for the name nothing must be taken for gone. */
static void note_listed(struct kube_pods *pods, const char *namespace_, const char *name)
{
    char **grown = reallocarray(pods->listed, pods->listed_count + 1, sizeof(*grown));

    if (grown)
        pods->listed = grown;
    if (!grown || asprintf(&grown[pods->listed_count], "%s/%s", namespace_, name) < 0) {
        forget_list(pods);
        return;
    }
    pods->listed_count++;
}

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same(const struct pod_object *a, const struct pod_object *b)
{
    bool is_same = is_same_text(a->uid, b->uid) && labels_are_same(&a->labels, &b->labels) &&
                   a->containers_count == b->containers_count;

    for (size_t i = 0; i < a->containers_count && is_same; i++)
        is_same = strcmp(a->containers[i].id, b->containers[i].id) == 0 &&
                  strcmp(a->containers[i].name, b->containers[i].name) == 0;
    return is_same;
}

void kube_pods_put(struct kube_pods *pods, const json_t *object)
{
    const char *namespace_, *name;
    const struct pod_object *stored;
    struct pod_object *pod = NULL;
    struct error err = {0};

    objects_name(object, &namespace_, &name);
    if (pods->is_listing)
        note_listed(pods, namespace_, name);
    if (objects_parse_pod(object, &pod, &err)) {
        log_warning("pod=%s/%s not understood, what was known of it stays: %s", namespace_, name, err.msg);
        return;
    }
    stored = store_find_pod(pods->store, pod->namespace_, pod->name);
    if (stored && is_same(stored, pod))
        pod_object_free(pod);
    else if (store_put_pod(pods->store, pod))
        log_error("pod=%s/%s out of memory", namespace_, name);
}

void kube_pods_gone(struct kube_pods *pods, const json_t *object)
{
    const char *namespace_, *name;

    objects_name(object, &namespace_, &name);
    store_remove_pod(pods->store, namespace_, name);
}

void kube_pods_complete(struct kube_pods *pods)
{
    if (pods->is_listing && pods->listed_count)
        qsort(pods->listed, pods->listed_count, sizeof(*pods->listed), compare_texts);
    for (size_t i = pods->is_listing ? pods->store->pods_count : 0; i-- > 0;) {
        const struct pod_object *pod = pods->store->pods[i];
        cleanup_free char *key = NULL;

        if (asprintf(&key, "%s/%s", pod->namespace_, pod->name) < 0) {
            key = NULL;
            continue;
        }
        if (!pods->listed_count ||
            !bsearch(&key, pods->listed, pods->listed_count, sizeof(*pods->listed), compare_texts))
            store_remove_pod(pods->store, pod->namespace_, pod->name);
    }
    forget_list(pods);
}

void kube_pods_free(struct kube_pods *pods)
{
    forget_list(pods);
}
