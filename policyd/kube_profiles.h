/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SecurityProfiles that an API server tells of, brought to the store. One that vanishes stays in force until it is
 * known why: deleting or replacing the CustomResourceDefinition deletes all profiles too, and nobody meant to open the
 * pods by that. Those are held until they are there again. Pure: what comes is given, the definition included.
 */
#ifndef NSP_POLICYD_KUBE_PROFILES_H
#define NSP_POLICYD_KUBE_PROFILES_H

#include <jansson.h>

#include "policyd/store.h"

#define KUBE_TIME_SIZE 24 /* of 2026-11-24T18:05:00Z */

/* What is kept of each beside the store. */
struct known_profile {
    char *namespace_, *name;
    char uid[40];
    char created[KUBE_TIME_SIZE];
    json_int_t generation; /* of its spec */
    bool is_listed;        /* came in this list */
    bool is_going;         /* vanished; it is not known yet why */
    bool is_held;          /* vanished with its definition */
};

struct kube_profiles {
    struct store *store;
    void (*profile_changed)(void *context, const char *namespace_, const char *name);
    void *context;
    size_t count;
    struct known_profile *items; /* sorted by namespace, name */
    size_t going;
};

void kube_profiles_begin(struct kube_profiles *profiles);
void kube_profiles_put(struct kube_profiles *profiles, const json_t *object);
void kube_profiles_gone(struct kube_profiles *profiles, const json_t *object);
/* What was not listed has vanished. */
void kube_profiles_complete(struct kube_profiles *profiles);

/*
 * Decides about what has vanished. definition: the CustomResourceDefinition, asked for after it vanished; NULL: the
 * server has none. A profile goes if its definition is there, not about to go, and not newer than the profile.
 */
void kube_profiles_settle(struct kube_profiles *profiles, const json_t *definition);

/* What is held, for people; to be freed. NULL: nothing. */
char *kube_profiles_problem(const struct kube_profiles *profiles);

void kube_profiles_free(struct kube_profiles *profiles);

#endif
