/* SPDX-License-Identifier: Apache-2.0 */
/* The store: see store.h. Sorted arrays: a node has hundreds of objects, and whoever walks them wants their order. */
#include "policyd/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "policyd/selector.h"

static int compare_names(const char *namespace_a, const char *name_a, const char *namespace_b, const char *name_b)
{
    int order = strcmp(namespace_a, namespace_b);

    return order ? order : strcmp(name_a, name_b);
}

/* Where the profile of that name is, or where it would have to be put. */
static size_t find_profile(const struct store *store, const char *namespace_, const char *name, bool *is_there)
{
    size_t low = 0, high = store->profiles_count;

    *is_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct stored_profile *at = &store->profiles[middle];
        int order = compare_names(at->namespace_, at->name, namespace_, name);

        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t find_pod(const struct store *store, const char *namespace_, const char *name, bool *is_there)
{
    size_t low = 0, high = store->pods_count;

    *is_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_names(store->pods[middle]->namespace_, store->pods[middle]->name, namespace_, name);

        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void tell(const struct store *store)
{
    if (store->changed)
        store->changed(store->context);
}

static void free_stored(struct stored_profile *stored)
{
    profile_free(stored->profile);
    profile_free(stored->selection);
    free(stored->origin);
    free(stored->refused);
    free(stored->namespace_);
    free(stored->name);
    *stored = (struct stored_profile){0};
}

/* The entry of that name, made if need be; NULL: out of memory. */
static struct stored_profile *open_entry(struct store *store, const char *namespace_, const char *name)
{
    bool is_there;
    size_t at = find_profile(store, namespace_, name, &is_there);

    if (is_there)
        return &store->profiles[at];

    struct stored_profile made = {.namespace_ = strdup(namespace_), .name = strdup(name), .origin = strdup("")};
    struct stored_profile *grown = reallocarray(store->profiles, store->profiles_count + 1, sizeof(*grown));

    if (grown)
        store->profiles = grown;
    if (!grown || !made.namespace_ || !made.name || !made.origin) {
        free_stored(&made);
        return NULL;
    }
    memmove(grown + at + 1, grown + at, (store->profiles_count - at) * sizeof(*grown));
    grown[at] = made;
    store->profiles_count++;
    return &grown[at];
}

int store_put_profile(struct store *store, struct profile *profile, const char *origin)
{
    cleanup_free char *origin_copy = strdup(origin);
    struct stored_profile *stored = origin_copy ? open_entry(store, profile->namespace_, profile->name) : NULL;

    if (!stored) {
        profile_free(profile);
        return -ENOMEM;
    }
    profile_free(stored->profile);
    free(stored->origin);
    free(stored->refused);
    profile_free(stored->selection);
    stored->profile = profile;
    stored->origin = TAKE_PTR(origin_copy);
    stored->refused = NULL;
    stored->selection = NULL;
    tell(store);
    return 0;
}

int store_refuse_profile(struct store *store, const struct refusal *refusal)
{
    cleanup_free char *origin_copy = strdup(refusal->origin);
    cleanup_free char *why_copy = strdup(refusal->why);
    struct stored_profile *stored =
        origin_copy && why_copy ? open_entry(store, refusal->namespace_, refusal->name) : NULL;

    if (!stored) {
        profile_free(refusal->selection);
        return -ENOMEM;
    }
    free(stored->refused);
    profile_free(stored->selection);
    stored->selection = refusal->selection;
    stored->refused = TAKE_PTR(why_copy);
    if (!stored->profile) {
        free(stored->origin);
        stored->origin = TAKE_PTR(origin_copy);
    }
    tell(store);
    return 0;
}

void store_remove_profile(struct store *store, const char *namespace_, const char *name)
{
    bool is_there;
    size_t at = find_profile(store, namespace_, name, &is_there);

    if (!is_there)
        return;
    free_stored(&store->profiles[at]);
    store->profiles_count--;
    memmove(store->profiles + at, store->profiles + at + 1, (store->profiles_count - at) * sizeof(*store->profiles));
    tell(store);
}

int store_put_pod(struct store *store, struct pod_object *pod)
{
    bool is_there;
    size_t at = find_pod(store, pod->namespace_, pod->name, &is_there);

    if (is_there) {
        pod_object_free(store->pods[at]);
        store->pods[at] = pod;
        tell(store);
        return 0;
    }

    struct pod_object **grown = reallocarray(store->pods, store->pods_count + 1, sizeof(struct pod_object *));

    if (!grown) {
        pod_object_free(pod);
        return -ENOMEM;
    }
    store->pods = grown;
    memmove(grown + at + 1, grown + at, (store->pods_count - at) * sizeof(struct pod_object *));
    grown[at] = pod;
    store->pods_count++;
    tell(store);
    return 0;
}

void store_remove_pod(struct store *store, const char *namespace_, const char *name)
{
    bool is_there;
    size_t at = find_pod(store, namespace_, name, &is_there);

    if (!is_there)
        return;
    pod_object_free(store->pods[at]);
    store->pods_count--;
    memmove(store->pods + at, store->pods + at + 1, (store->pods_count - at) * sizeof(struct pod_object *));
    tell(store);
}

const struct pod_object *store_find_pod(const struct store *store, const char *namespace_, const char *name)
{
    bool is_there;
    size_t at = find_pod(store, namespace_, name, &is_there);

    return is_there ? store->pods[at] : NULL;
}

const struct stored_profile *store_find_profile(const struct store *store, const char *namespace_, const char *name)
{
    bool is_there;
    size_t at = find_profile(store, namespace_, name, &is_there);

    return is_there ? &store->profiles[at] : NULL;
}

void store_set_unread(struct store *store, const char *why)
{
    bool is_same = why ? store->unread && strcmp(store->unread, why) == 0 : !store->unread;

    if (is_same)
        return;
    free(store->unread);
    store->unread = why ? strdup(why) : NULL;
    tell(store);
}

static bool was_never_valid(const struct stored_profile *stored)
{
    return stored->refused && !stored->profile;
}

bool store_is_unclear(const struct store *store)
{
    bool is_unclear = store->unread != NULL;

    for (size_t i = 0; i < store->profiles_count && !is_unclear; i++)
        is_unclear = was_never_valid(&store->profiles[i]);
    return is_unclear;
}

const struct stored_profile *store_refused_for(const struct store *store, const char *namespace_,
                                               const struct labels *labels)
{
    for (size_t i = 0; i < store->profiles_count; i++) {
        const struct stored_profile *stored = &store->profiles[i];

        if (was_never_valid(stored) && stored->selection && selector_selects(stored->selection, namespace_, labels))
            return stored;
    }
    return NULL;
}

void store_free(struct store *store)
{
    for (size_t i = 0; i < store->profiles_count; i++)
        free_stored(&store->profiles[i]);
    for (size_t i = 0; i < store->pods_count; i++)
        pod_object_free(store->pods[i]);
    free(store->profiles);
    free(store->pods);
    free(store->unread);
    *store = (struct store){0};
}
