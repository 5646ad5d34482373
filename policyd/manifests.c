/* SPDX-License-Identifier: Apache-2.0 */
/* Files and their claims: see manifests.h. Making claims of a file's documents is claims.c, answers manifests_ask.c. */
#include "policyd/manifests.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "policyd/claims.h"
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

const struct claim *manifests_holder(const struct manifests *manifests, const struct claim *like, size_t *file)
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
    const struct claim *holder = manifests_holder(manifests, claim, &holder_file);
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
            store_refuse_profile(manifests->store, &(struct refusal){.namespace_ = claim->namespace_,
                                                                     .name = claim->name,
                                                                     .origin = origin,
                                                                     .why = claim->refused,
                                                                     .selection = TAKE_PTR(object->selection)});
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
    const struct claim *heir = manifests_holder(manifests, claim, &heir_file);

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

/* A disk that is full leaves a file of no bytes: emptying is no way to remove. */
static void refuse_empty(const struct manifests *manifests, struct manifest_file *file)
{
    fail_file(file, file->count ? "empty; what it had brought stays in force: to remove a profile delete the file"
                                : "empty; write a manifest or delete the file");
    log_warning("manifest=%s/%s %s", manifests->folder, file->name, file->error ? file->error : "empty");
}

static void take_documents(struct manifests *manifests, struct manifest_file *file, const json_t *documents)
{
    struct claims old = {file->count, file->claims, NULL, NULL}, new = {0};

    if (claims_are_empty(documents)) {
        refuse_empty(manifests, file);
        return;
    }
    if (claims_read(documents, &new)) {
        fail_file(file, "out of memory");
        return;
    }
    free(file->error);
    file->error = new.error;
    if (file->error)
        log_warning("manifest=%s/%s refused: %s", manifests->folder, file->name, file->error);
    claims_keep(&new, &old, !file->error);
    file->was_read |= !file->error;
    file->claims = new.items;
    file->count = new.count;
    for (size_t i = 0; i < new.count; i++) {
        if (!new.items[i].is_kept)
            bring(manifests, file, &new.items[i], &new.objects[i]);
    }
    claims_free_objects(&new);
    claims_free_items(old.items, old.count);
}

/* True when nobody knows. */
static bool note_state(struct manifest_file *file, const char *path)
{
    struct stat now = {0};
    bool is_same = stat(path, &now) == 0 && now.st_size == file->size && now.st_mtim.tv_sec == file->modified.tv_sec &&
                   now.st_mtim.tv_nsec == file->modified.tv_nsec;

    file->size = now.st_size;
    file->modified = now.st_mtim;
    return !is_same;
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
    note_state(file, path);
    if (yaml_load_file(path, YAML_REGULAR, &documents, &err)) {
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
    const struct manifest_file *unread = manifests_unread(manifests);
    cleanup_free char *why = NULL;

    if (unread && asprintf(&why, "%s/%s could not be read since the start and may select it; mend it or delete it",
                           manifests->folder, unread->name) < 0)
        why = strdup("a file could not be read since the start; mend it or delete it");
    store_set_unread(manifests->store, why);
    if (manifests->store->changed)
        manifests->store->changed(manifests->store->context);
}

void manifests_read(struct manifests *manifests, const char *name)
{
    read_one(manifests, name);
    read_dirty(manifests);
    tell_store(manifests);
}

static bool is_missing_some(const struct manifest_file *file)
{
    bool is_missing = false;

    for (size_t i = 0; i < file->count; i++)
        is_missing |= file->claims[i].is_missing;
    return is_missing && !file->error;
}

bool manifests_are_missing(const struct manifests *manifests)
{
    bool is_missing = false;

    for (size_t i = 0; i < manifests->count; i++)
        is_missing |= is_missing_some(&manifests->files[i]);
    return is_missing;
}

/* The last of its claims are those that were kept. */
static void settle_file(struct manifests *manifests, size_t place)
{
    struct manifest_file *file = &manifests->files[place];
    cleanup_free char *path = claims_origin(manifests->folder, file->name, 0);

    if (!path || note_state(file, path)) {
        read_one(manifests, file->name);
        return;
    }
    while (file->count && file->claims[file->count - 1].is_missing) {
        struct claim *gone = malloc(sizeof(*gone));

        if (!gone)
            return;
        *gone = file->claims[--file->count];
        withdraw(manifests, place, gone);
        claims_free_items(gone, 1);
    }
}

void manifests_settle(struct manifests *manifests)
{
    if (!manifests_are_missing(manifests))
        return;
    for (size_t i = 0; i < manifests->count; i++) {
        if (is_missing_some(&manifests->files[i]))
            settle_file(manifests, i);
    }
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

void manifests_free(struct manifests *manifests)
{
    for (size_t i = 0; i < manifests->count; i++)
        free_file(&manifests->files[i]);
    free(manifests->files);
    manifests->files = NULL;
    manifests->count = 0;
}
