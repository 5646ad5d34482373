/* SPDX-License-Identifier: Apache-2.0 */
/* Files and their claims: see manifests.h. Making claims of a file's documents is claims.c. */
#include "policyd/manifests.h"

#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "policyd/claims.h"
#include "policyd/selector.h"
#include "policyd/yaml.h"

bool manifests_takes(const char *name)
{
    const char *dot = strrchr(name, '.');

    return name[0] != '.' && dot &&
           (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0 || strcmp(dot, ".json") == 0);
}

/* Index of the file, or of where it belongs. */
static size_t place_of(const struct manifests *manifests, const char *name, bool *found)
{
    size_t low = 0, high = manifests->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (strcmp(manifests->files[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < manifests->count && strcmp(manifests->files[low].name, name) == 0;
    return low;
}

static struct manifest_file *file_of(struct manifests *manifests, const char *name)
{
    bool found;
    size_t place = place_of(manifests, name, &found);
    struct manifest_file *files = manifests->files;

    if (found)
        return &files[place];

    char *copy = strdup(name);

    files = copy ? realloc(files, (manifests->count + 1) * sizeof(*files)) : NULL;
    if (!files) {
        free(copy);
        return NULL;
    }
    memmove(files + place + 1, files + place, (manifests->count - place) * sizeof(*files));
    files[place] = (struct manifest_file){.name = copy};
    manifests->files = files;
    manifests->count++;
    return &files[place];
}

/* The first claim to the name of `like`, and the file it is in. */
static const struct claim *holder_of(const struct manifests *manifests, const struct claim *like, size_t *file)
{
    for (size_t i = 0; i < manifests->count; i++) {
        const struct claim *claim = claims_find(manifests->files[i].claims, manifests->files[i].count, like);

        if (claim) {
            *file = i;
            return claim;
        }
    }
    return NULL;
}

static void tell(const struct manifests *manifests, const struct claim *claim)
{
    if (claim->kind == OBJECT_PROFILE && manifests->profile_changed)
        manifests->profile_changed(manifests->context, claim->namespace_, claim->name);
}

static void log_refusal(const char *origin, const char *why)
{
    log_warning("manifest=%s refused: %s", origin, why);
}

/* Brings one new claim's object to the store, if the claim holds its name. */
static void bring(struct manifests *manifests, const struct manifest_file *file, const struct claim *claim,
                  struct claim_object *object)
{
    size_t holder_file = 0;
    const struct claim *holder = holder_of(manifests, claim, &holder_file);
    cleanup_free char *origin = claims_origin(manifests->folder, file->name, claim->document);
    cleanup_free char *taken = NULL;

    if (!origin)
        return;
    if (holder != claim) {
        taken = claims_duplicate_text(claim, manifests->files[holder_file].name, holder->document);
        log_refusal(origin, taken ? taken : "its name is taken");
        return;
    }
    if (claim->refused) {
        log_refusal(origin, claim->refused);
        if (claim->kind == OBJECT_PROFILE)
            store_refuse_profile(manifests->store, claim->namespace_, claim->name, origin, claim->refused);
        return;
    }
    if (object->profile)
        store_put_profile(manifests->store, TAKE_PTR(object->profile), origin);
    else if (object->pod)
        store_put_pod(manifests->store, TAKE_PTR(object->pod));
    tell(manifests, claim);
}

/* A claim that its file no longer makes. */
static void withdraw(struct manifests *manifests, size_t file, const struct claim *claim)
{
    size_t heir_file = 0;
    const struct claim *heir = holder_of(manifests, claim, &heir_file);

    if (heir) {
        /* One that stands before us held the name all along; one behind us was refused until now. */
        if (heir_file > file)
            manifests->files[heir_file].is_dirty = true;
        return;
    }
    if (claim->kind == OBJECT_PROFILE)
        store_remove_profile(manifests->store, claim->namespace_, claim->name);
    else
        store_remove_pod(manifests->store, claim->namespace_, claim->name);
    tell(manifests, claim);
}

static void withdraw_missing(struct manifests *manifests, size_t file, const struct claims *old)
{
    for (size_t i = 0; i < old->count; i++) {
        const struct manifest_file *now = &manifests->files[file];

        if (!claims_find(now->claims, now->count, &old->items[i]))
            withdraw(manifests, file, &old->items[i]);
    }
}

static void fail_file(struct manifest_file *file, const char *why)
{
    char *copy = strdup(why);

    free(file->error);
    file->error = copy;
}

static void take_documents(struct manifests *manifests, struct manifest_file *file, const json_t *documents)
{
    struct claims old = {file->count, file->claims, NULL, NULL}, new = {0};
    size_t index = (size_t)(file - manifests->files);

    if (claims_read(documents, &new)) {
        fail_file(file, "out of memory");
        return;
    }
    free(file->error);
    file->error = new.error;
    if (file->error) {
        log_warning("manifest=%s/%s refused: %s", manifests->folder, file->name, file->error);
        claims_keep(&new, &old);
    }
    file->was_read |= !file->error;
    file->claims = new.items;
    file->count = new.count;
    for (size_t i = 0; i < new.count; i++) {
        if (!new.items[i].is_kept)
            bring(manifests, file, &new.items[i], &new.objects[i]);
    }
    withdraw_missing(manifests, index, &old);
    claims_free_objects(&new);
    claims_free_items(old.items, old.count);
}

static void read_one(struct manifests *manifests, const char *name)
{
    struct manifest_file *file = file_of(manifests, name);
    cleanup_free char *path = claims_origin(manifests->folder, name, 0);
    json_t *documents = NULL;
    struct error err = {0};

    if (!file || !path)
        return;
    file->is_dirty = false;
    if (yaml_load_file(path, &documents, &err)) {
        fail_file(file, err.msg);
        log_warning("manifest=%s not read: %s%s", path, err.msg,
                    file->count ? "; what it had brought stays in force" : "");
        return;
    }
    take_documents(manifests, file, documents);
    json_decref(documents);
}

/* Reading a file again makes the same claims, so that this ends. */
static void read_dirty(struct manifests *manifests)
{
    for (size_t i = 0; i < manifests->count; i++) {
        if (manifests->files[i].is_dirty) {
            read_one(manifests, manifests->files[i].name);
            i = (size_t)-1;
        }
    }
}

/* Also when no object has changed: what is held because of an unreadable file may depend on it. */
static void tell_store(const struct manifests *manifests)
{
    if (manifests->store->changed)
        manifests->store->changed(manifests->store->context);
}

void manifests_read(struct manifests *manifests, const char *name)
{
    read_one(manifests, name);
    read_dirty(manifests);
    tell_store(manifests);
}

static void free_file(struct manifest_file *file)
{
    claims_free_items(file->claims, file->count);
    free(file->name);
    free(file->error);
}

void manifests_forget(struct manifests *manifests, const char *name)
{
    bool found;
    size_t place = place_of(manifests, name, &found);

    if (!found)
        return;

    struct claims old = {manifests->files[place].count, manifests->files[place].claims, NULL, NULL};

    manifests->files[place].claims = NULL;
    manifests->files[place].count = 0;
    withdraw_missing(manifests, place, &old);
    claims_free_items(old.items, old.count);
    free_file(&manifests->files[place]);
    manifests->count--;
    memmove(manifests->files + place, manifests->files + place + 1,
            (manifests->count - place) * sizeof(*manifests->files));
    read_dirty(manifests);
    tell_store(manifests);
}

void manifests_retain(struct manifests *manifests, char *const *names, size_t count)
{
    for (size_t i = manifests->count; i-- > 0;) {
        bool is_there = false;

        for (size_t j = 0; j < count && !is_there; j++)
            is_there = strcmp(names[j], manifests->files[i].name) == 0;
        if (!is_there) {
            manifests_forget(manifests, manifests->files[i].name);
            i = i > manifests->count ? manifests->count : i;
        }
    }
}

static bool was_never_valid(const struct manifests *manifests, const struct claim *claim)
{
    for (size_t i = 0; i < manifests->store->profiles_count; i++) {
        const struct stored_profile *stored = &manifests->store->profiles[i];

        if (strcmp(stored->namespace_, claim->namespace_) == 0 && strcmp(stored->name, claim->name) == 0)
            return stored->profile == NULL;
    }
    return true;
}

const struct claim *manifests_refused_for(const struct manifests *manifests, const char *namespace_,
                                          const struct labels *labels)
{
    for (size_t i = 0; i < manifests->count; i++) {
        for (size_t j = 0; j < manifests->files[i].count; j++) {
            const struct claim *claim = &manifests->files[i].claims[j];

            if (claim->selection && selector_selects(claim->selection, namespace_, labels) &&
                was_never_valid(manifests, claim))
                return claim;
        }
    }
    return NULL;
}

bool manifests_are_unclear(const struct manifests *manifests)
{
    for (size_t i = 0; i < manifests->count; i++) {
        const struct manifest_file *file = &manifests->files[i];

        if (file->error && !file->was_read)
            return true;
        for (size_t j = 0; j < file->count; j++) {
            if (file->claims[j].kind == OBJECT_PROFILE && file->claims[j].refused &&
                was_never_valid(manifests, &file->claims[j]))
                return true;
        }
    }
    return false;
}

void manifests_each_problem(const struct manifests *manifests,
                            void (*visit)(const char *origin, const char *text, void *context), void *context)
{
    for (size_t i = 0; i < manifests->count; i++) {
        const struct manifest_file *file = &manifests->files[i];
        cleanup_free char *path = claims_origin(manifests->folder, file->name, 0);

        if (file->error && path)
            visit(path, file->error, context);
        for (size_t j = 0; j < file->count; j++) {
            const struct claim *claim = &file->claims[j];
            size_t holder_file = 0;
            const struct claim *holder = holder_of(manifests, claim, &holder_file);
            cleanup_free char *origin = claims_origin(manifests->folder, file->name, claim->document);
            cleanup_free char *taken = NULL;

            if (holder != claim && holder)
                taken = claims_duplicate_text(claim, manifests->files[holder_file].name, holder->document);
            if (origin && (taken || claim->refused))
                visit(origin, taken ? taken : claim->refused, context);
        }
    }
}

void manifests_free(struct manifests *manifests)
{
    for (size_t i = 0; i < manifests->count; i++)
        free_file(&manifests->files[i]);
    free(manifests->files);
    manifests->files = NULL;
    manifests->count = 0;
}
