/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects a source has brought, by name: profiles (valid or refused) and pods' labels. A source replaces objects;
 * whoever wants to know sets `changed`. What was in force stays when its successor is refused.
 */
#ifndef NSP_POLICYD_STORE_H
#define NSP_POLICYD_STORE_H

#include "policyd/objects.h"

struct stored_profile {
    struct profile *profile;   /* NULL: never valid */
    char *origin;              /* such as /etc/nsp/manifests/ping.yaml#2; of `profile` where there is one */
    char *refused;             /* why the newest manifest of this name was refused, or NULL */
    struct profile *selection; /* of what was refused: its selector alone, where that can be read; else NULL */
    char *namespace_, *name;
};

struct store {
    size_t profiles_count;
    struct stored_profile *profiles; /* sorted by namespace, name */
    size_t pods_count;
    struct pod_object **pods; /* sorted by namespace, name */
    char *unread;             /* why there may be profiles that nobody has read since the start; NULL: there are none */
    const char *missing_pod;  /* what is said of a pod whose object is not here */
    void (*changed)(void *context);
    void *context;
};

/* All that can fail do so with -ENOMEM alone. Objects handed over are the store's, or freed, in any case. */

/* Replaces the profile of the same name, clears `refused`. */
int store_put_profile(struct store *store, struct profile *profile, const char *origin);
/* What a refused profile is called, why it is refused, and its `selection`, which is handed over. */
struct refusal {
    const char *namespace_, *name; /* name may be "" when it could not be read */
    const char *origin;
    const char *why;
    struct profile *selection;
};

/* The profile of that name that is in force stays, with its origin. */
int store_refuse_profile(struct store *store, const struct refusal *refusal);
void store_remove_profile(struct store *store, const char *namespace_, const char *name);
int store_put_pod(struct store *store, struct pod_object *pod);
void store_remove_pod(struct store *store, const char *namespace_, const char *name);
const struct stored_profile *store_find_profile(const struct store *store, const char *namespace_, const char *name);
const struct pod_object *store_find_pod(const struct store *store, const char *namespace_, const char *name);

/* why: copied; NULL: all that there is has been read. Tells `changed` where it differs. */
void store_set_unread(struct store *store, const char *why);
/* Whether some profile may exist that could not be read since the start, so that nobody knows what it selects. */
bool store_is_unclear(const struct store *store);
/* A profile that would select these labels but was never valid; NULL. */
const struct stored_profile *store_refused_for(const struct store *store, const char *namespace_,
                                               const struct labels *labels);
void store_free(struct store *store);

#endif
