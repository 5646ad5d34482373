/* SPDX-License-Identifier: Apache-2.0 */
/* The pods that an API server tells of, brought to the store. Pure: what comes is given. */
#ifndef NSP_POLICYD_KUBE_PODS_H
#define NSP_POLICYD_KUBE_PODS_H

#include <jansson.h>

#include "policyd/store.h"

struct kube_pods {
    struct store *store;
    size_t listed_count;
    char **listed; /* NAMESPACE/NAME of this list, as they come */
    bool is_listing;
};

void kube_pods_begin(struct kube_pods *pods);
/* A pod whose uid, labels and containers are as they were changes nothing: its status is written all the time. */
void kube_pods_put(struct kube_pods *pods, const json_t *object);
void kube_pods_gone(struct kube_pods *pods, const json_t *object);
/* What was not listed is gone. */
void kube_pods_complete(struct kube_pods *pods);
void kube_pods_free(struct kube_pods *pods);

#endif
