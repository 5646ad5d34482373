/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles of an API server: see kube_profiles.h. */
#include "policyd/kube_profiles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "policyd/claims.h"

#define NAMES_SHOWN 5

static const json_t *metadata_of(const json_t *object)
{
    return json_object_get(object, "metadata");
}

static const char *text_of(const json_t *metadata, const char *key)
{
    const char *text = json_string_value(json_object_get(metadata, key));

    return text ? text : "";
}

static struct known_profile *find(const struct kube_profiles *profiles, const char *namespace_, const char *name,
                                  size_t *place)
{
    size_t low = 0, high = profiles->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct known_profile *at = &profiles->items[middle];
        int order = strcmp(at->namespace_, namespace_);

        if (order == 0)
            order = strcmp(at->name, name);
        if (order == 0)
            return at;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *place = low;
    return NULL;
}

static struct known_profile *add(struct kube_profiles *profiles, size_t place, const char *namespace_, const char *name)
{
    struct known_profile made = {.namespace_ = strdup(namespace_), .name = strdup(name), .generation = -1};
    struct known_profile *grown = reallocarray(profiles->items, profiles->count + 1, sizeof(*grown));

    if (grown)
        profiles->items = grown;
    if (!grown || !made.namespace_ || !made.name) {
        free(made.namespace_);
        free(made.name);
        return NULL;
    }
    memmove(grown + place + 1, grown + place, (profiles->count - place) * sizeof(*grown));
    grown[place] = made;
    profiles->count++;
    return &grown[place];
}

static void drop(struct kube_profiles *profiles, size_t place)
{
    free(profiles->items[place].namespace_);
    free(profiles->items[place].name);
    profiles->count--;
    memmove(profiles->items + place, profiles->items + place + 1, (profiles->count - place) * sizeof(*profiles->items));
}

static void set_going(struct kube_profiles *profiles, struct known_profile *known, bool is_going)
{
    if (known->is_going != is_going)
        profiles->going += is_going ? 1 : (size_t)-1;
    known->is_going = is_going;
}

/* --- what is there --------------------------------------------------------------------------------------------------
 */

void kube_profiles_begin(struct kube_profiles *profiles)
{
    for (size_t i = 0; i < profiles->count; i++)
        profiles->items[i].is_listed = false;
}

static void refuse(struct kube_profiles *profiles, const struct known_profile *known, const json_t *object,
                   const char *why)
{
    const struct stored_profile *stored = store_find_profile(profiles->store, known->namespace_, known->name);
    cleanup_free char *origin = NULL;

    if (stored && stored->refused && strcmp(stored->refused, why) == 0)
        return;
    if (asprintf(&origin, "SecurityProfile %s/%s", known->namespace_, known->name) < 0) {
        origin = NULL;
        return;
    }
    log_warning("profile=%s/%s refused: %s", known->namespace_, known->name, why);
    store_refuse_profile(profiles->store, &(struct refusal){.namespace_ = known->namespace_,
                                                            .name = known->name,
                                                            .origin = origin,
                                                            .why = why,
                                                            .selection = claims_read_selection(object)});
}

/* Its status is written by others, which says nothing to us. */
static bool is_as_before(const struct kube_profiles *profiles, const struct known_profile *known, const json_t *object,
                         const struct profile *profile)
{
    const struct stored_profile *stored = store_find_profile(profiles->store, known->namespace_, known->name);
    const json_t *generation = json_object_get(metadata_of(object), "generation");

    return stored && stored->profile && !stored->refused && json_is_integer(generation) &&
           json_integer_value(generation) == known->generation &&
           strcmp(known->uid, text_of(metadata_of(object), "uid")) == 0 &&
           labels_are_same(&stored->profile->labels, &profile->labels);
}

static void accept(struct kube_profiles *profiles, struct known_profile *known, const json_t *object,
                   struct profile *profile)
{
    const json_t *generation = json_object_get(metadata_of(object), "generation");
    cleanup_free char *origin = NULL;

    if (is_as_before(profiles, known, object, profile)) {
        profile_free(profile);
        return;
    }
    if (asprintf(&origin, "SecurityProfile %s/%s", known->namespace_, known->name) < 0) {
        origin = NULL;
        profile_free(profile);
        return;
    }
    if (store_put_profile(profiles->store, profile, origin))
        return; /* out of memory: not noted as known, so that it is tried again */
    known->generation = json_is_integer(generation) ? json_integer_value(generation) : -1;
    snprintf(known->uid, sizeof(known->uid), "%s", text_of(metadata_of(object), "uid"));
    profiles->profile_changed(profiles->context, known->namespace_, known->name);
}

void kube_profiles_put(struct kube_profiles *profiles, const json_t *object)
{
    const char *namespace_, *name;
    struct known_profile *known;
    struct profile *profile = NULL;
    struct error err = {0};
    size_t place = 0;

    objects_name(object, &namespace_, &name);
    if (!name[0]) {
        log_warning("watch=securityprofiles an object without a name is left out");
        return;
    }
    known = find(profiles, namespace_, name, &place);
    if (!known)
        known = add(profiles, place, namespace_, name);
    if (!known) {
        log_error("profile=%s/%s out of memory", namespace_, name);
        return;
    }
    if (known->is_held)
        log_info("profile=%s/%s is there again", namespace_, name);
    set_going(profiles, known, false);
    known->is_held = false;
    known->is_listed = true;
    snprintf(known->created, sizeof(known->created), "%s", text_of(metadata_of(object), "creationTimestamp"));
    if (objects_kind(object) != OBJECT_PROFILE)
        refuse(profiles, known, object, "kind: expected SecurityProfile");
    else if (objects_parse_profile(object, &profile, &err))
        refuse(profiles, known, object, err.msg);
    else
        accept(profiles, known, object, profile);
}

/* --- what has vanished ----------------------------------------------------------------------------------------------
 */

void kube_profiles_gone(struct kube_profiles *profiles, const json_t *object)
{
    const char *namespace_, *name;
    struct known_profile *known;
    size_t place = 0;

    objects_name(object, &namespace_, &name);
    known = find(profiles, namespace_, name, &place);
    if (known)
        set_going(profiles, known, true);
}

void kube_profiles_complete(struct kube_profiles *profiles)
{
    for (size_t i = 0; i < profiles->count; i++) {
        if (!profiles->items[i].is_listed && !profiles->items[i].is_held)
            set_going(profiles, &profiles->items[i], true);
    }
}

/* Times of one server in one form: their order is that of their texts. */
static bool is_of(const struct known_profile *known, const json_t *definition)
{
    const json_t *metadata = metadata_of(definition);
    const char *created = text_of(metadata, "creationTimestamp");

    return created[0] && !json_object_get(metadata, "deletionTimestamp") && strcmp(created, known->created) <= 0;
}

static void remove_profile(struct kube_profiles *profiles, size_t place)
{
    cleanup_free char *namespace_ = strdup(profiles->items[place].namespace_);
    cleanup_free char *name = strdup(profiles->items[place].name);

    if (!namespace_ || !name)
        return; /* it is still going, and decided about with the next one */
    set_going(profiles, &profiles->items[place], false);
    drop(profiles, place);
    log_info("profile=%s/%s is gone", namespace_, name);
    store_remove_profile(profiles->store, namespace_, name);
    profiles->profile_changed(profiles->context, namespace_, name);
}

void kube_profiles_settle(struct kube_profiles *profiles, const json_t *definition)
{
    size_t held = 0;

    for (size_t i = profiles->count; i-- > 0;) {
        struct known_profile *known = &profiles->items[i];

        if (!known->is_going)
            continue;
        if (is_of(known, definition)) {
            remove_profile(profiles, i);
            continue;
        }
        set_going(profiles, known, false);
        known->is_held = true;
        held++;
    }
    if (held)
        log_warning("profiles=%zu vanished with their CustomResourceDefinition, which was deleted or replaced; they "
                    "stay in force until they are applied again",
                    held);
}

char *kube_profiles_problem(const struct kube_profiles *profiles)
{
    cleanup_free char *names = NULL;
    char *text = NULL;
    size_t held = 0;

    for (size_t i = 0; i < profiles->count; i++) {
        const struct known_profile *known = &profiles->items[i];
        cleanup_free char *before = names;

        names = NULL;
        if (!known->is_held || held++ >= NAMES_SHOWN)
            names = TAKE_PTR(before);
        else if (asprintf(&names, "%s%s%s/%s", before ? before : "", before ? ", " : "", known->namespace_,
                          known->name) < 0)
            names = NULL;
    }
    if (held && asprintf(&text,
                         "%zu vanished with their CustomResourceDefinition, which was deleted or replaced, and stay in "
                         "force until they are applied again (to be rid of one, apply and delete it): %s%s",
                         held, names ? names : "", held > NAMES_SHOWN ? ", …" : "") < 0)
        return NULL;
    return text;
}

void kube_profiles_free(struct kube_profiles *profiles)
{
    while (profiles->count)
        drop(profiles, profiles->count - 1);
    free(profiles->items);
    profiles->items = NULL;
    profiles->going = 0;
}
