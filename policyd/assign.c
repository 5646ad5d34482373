/* SPDX-License-Identifier: Apache-2.0 */
/* From labels to a policy: see assign.h. Compiles only what has changed. */
#include "policyd/assign.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "policyd/compile.h"
#include "policyd/selector.h"

/* One more than a policy can hold, so that compile_policy() says so. */
#define CHOSEN_MAX (NSP_PARTS_MAX + 1)

struct chosen {
    size_t count;
    const struct profile *profiles[CHOSEN_MAX];
};

static void choose(const struct store *store, const struct pod_object *pod, struct chosen *chosen)
{
    chosen->count = 0;
    for (size_t i = 0; i < store->profiles_count && chosen->count < CHOSEN_MAX; i++) {
        const struct profile *profile = store->profiles[i].profile;

        if (profile && selector_selects(profile, pod->namespace_, &pod->labels))
            chosen->profiles[chosen->count++] = profile;
    }
}

static bool enforces(const struct profile *profile)
{
    bool is_enforced = profile->action == ACTION_ENFORCE;

    for (size_t i = 0; i < profile->processes_count; i++)
        is_enforced |= profile->processes[i].action == ACTION_ENFORCE;
    return is_enforced;
}

bool assign_enforces(const struct store *store, const struct pod_object *pod)
{
    for (size_t i = 0; i < store->profiles_count; i++) {
        const struct profile *profile = store->profiles[i].profile;

        if (profile && selector_selects(profile, pod->namespace_, &pod->labels) && enforces(profile))
            return true;
    }
    return false;
}

static bool is_named(const char *full, const char *namespace_, const char *name)
{
    size_t length = strlen(namespace_);

    return strncmp(full, namespace_, length) == 0 && full[length] == '/' && strcmp(full + length + 1, name) == 0;
}

static struct synced *find(const struct sync *sync, const struct chosen *chosen)
{
    for (size_t i = 0; i < sync->count; i++) {
        struct synced *policy = sync->items[i];
        bool is_same = policy->names_count == chosen->count;

        for (size_t j = 0; j < chosen->count && is_same; j++)
            is_same = is_named(policy->names[j], chosen->profiles[j]->namespace_, chosen->profiles[j]->name);
        if (is_same)
            return policy;
    }
    return NULL;
}

static char **list_names(const struct chosen *chosen)
{
    char **names = calloc(chosen->count, sizeof(*names));

    for (size_t i = 0; names && i < chosen->count; i++) {
        if (asprintf(&names[i], "%s/%s", chosen->profiles[i]->namespace_, chosen->profiles[i]->name) >= 0)
            continue;
        while (i-- > 0)
            free(names[i]);
        free(names);
        return NULL;
    }
    return names;
}

/* The entry of that name, perhaps one found at start, which learns here what it is called. */
static struct synced *name_entry(struct sync *sync, const struct chosen *chosen, const struct compiled *compiled)
{
    struct synced *policy = sync_find_name(sync, compiled->name);
    char **names;

    if (policy && policy->names)
        return policy;
    names = list_names(chosen);
    if (!names)
        return NULL;
    if (!policy)
        return sync_add(sync, compiled->name, names, chosen->count);
    policy->names = names;
    policy->names_count = chosen->count;
    return policy;
}

static void set_error(struct synced *policy, const char *text)
{
    free(policy->error);
    policy->error = text ? strdup(text) : NULL;
}

static void update(struct sync *sync, struct synced *policy, const struct compiled *compiled)
{
    __u64 before = policy->revision;
    struct error err = {0};

    policy->is_stale = false;
    policy->has_containers = compiled->has_containers;
    if (sync_write(sync, policy, compiled, &err)) {
        /* It is tried again and again: said once. */
        if (!policy->error || strcmp(policy->error, err.msg) != 0)
            log_error("profiles=%s%s not brought in force: %s", policy->names[0], policy->names_count > 1 ? ",…" : "",
                      err.msg);
        set_error(policy, err.msg);
        return;
    }
    set_error(policy, NULL);
    if (policy->revision != before)
        log_info("profiles=%s%s policy=%u revision=%llu in force", policy->names[0],
                 policy->names_count > 1 ? ",…" : "", policy->index, (unsigned long long)policy->revision);
}

int assign_policy(struct sync *sync, const struct store *store, const struct pod_object *pod, struct synced **policy,
                  struct error *err)
{
    struct chosen chosen;
    struct compiled compiled;
    struct synced *found;

    choose(store, pod, &chosen);
    if (chosen.count == 0) {
        *policy = NULL;
        return 0;
    }
    found = find(sync, &chosen);
    if (found && !found->is_stale) {
        *policy = found;
        return 0;
    }
    if (compile_policy(chosen.profiles, chosen.count, &compiled, err)) {
        if (!found)
            return -err->code;
        found->is_stale = false;
        set_error(found, err->msg);
        *policy = found;
        return 0;
    }
    found = name_entry(sync, &chosen, &compiled);
    if (found) {
        update(sync, found, &compiled);
        *policy = found;
    }
    compiled_free(&compiled);
    return found ? 0 : error_set(err, ENOMEM, "out of memory");
}

void assign_note_change(struct sync *sync, const char *namespace_, const char *name)
{
    for (size_t i = 0; i < sync->count; i++) {
        for (size_t j = 0; j < sync->items[i]->names_count; j++)
            sync->items[i]->is_stale |= is_named(sync->items[i]->names[j], namespace_, name);
    }
}

bool assign_has_failed(const struct sync *sync)
{
    for (size_t i = 0; i < sync->count; i++) {
        if (sync->items[i]->error)
            return true;
    }
    return false;
}

bool assign_retry(struct sync *sync)
{
    bool found = false;

    for (size_t i = 0; i < sync->count; i++) {
        if (sync->items[i]->error)
            found = sync->items[i]->is_stale = true;
    }
    return found;
}
