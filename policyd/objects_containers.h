/* SPDX-License-Identifier: Apache-2.0 */
/* A Pod's status: which container has which id. */
#ifndef NSP_POLICYD_OBJECTS_CONTAINERS_H
#define NSP_POLICYD_OBJECTS_CONTAINERS_H

#include "policyd/objects.h"

/*
 * Reads the statuses of a Pod manifest's containers. A status is what the cluster wrote, not a person: what makes no
 * sense in it is left out, and no pod is refused for it. -ENOMEM.
 */
int containers_read(const json_t *manifest, struct pod_object *pod);
void containers_clear(struct pod_object *pod);

#endif
