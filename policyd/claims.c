/* SPDX-License-Identifier: Apache-2.0 */
/* Claims of one file: see claims.h. */
#include "policyd/claims.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"

const struct claim *claims_find(const struct claim *items, size_t count, const struct claim *like)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind == like->kind && strcmp(items[i].name, like->name) == 0 &&
            strcmp(items[i].namespace_, like->namespace_) == 0)
            return &items[i];
    }
    return NULL;
}

char *claims_origin(const char *folder, const char *file, size_t document)
{
    char *text = NULL;

    if (document)
        return asprintf(&text, "%s/%s#%zu", folder, file, document) < 0 ? NULL : text;
    return asprintf(&text, "%s/%s", folder, file) < 0 ? NULL : text;
}

char *claims_duplicate_text(const struct claim *claim, const char *holder_file, size_t holder_document)
{
    char *text = NULL;

    if (asprintf(&text, "metadata.name: %s %s/%s is already defined by %s#%zu; remove one of the two or rename it",
                 claim->kind == OBJECT_POD ? "Pod" : "SecurityProfile", claim->namespace_, claim->name, holder_file,
                 holder_document) < 0)
        return NULL;
    return text;
}

static void free_object(struct claim_object *object)
{
    if (object->profile)
        profile_free(object->profile);
    if (object->pod)
        pod_object_free(object->pod);
    if (object->selection)
        profile_free(object->selection);
    *object = (struct claim_object){0};
}

static void free_item(struct claim *item)
{
    free(item->namespace_);
    free(item->name);
    free(item->refused);
    *item = (struct claim){0};
}

void claims_free_items(struct claim *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free_item(&items[i]);
    free(items);
}

void claims_free_objects(struct claims *claims)
{
    for (size_t i = 0; claims->objects && i < claims->count; i++)
        free_object(&claims->objects[i]);
    free(claims->objects);
    claims->objects = NULL;
}

static int append(struct claims *claims, struct claim *item, struct claim_object *object)
{
    struct claim *items = realloc(claims->items, (claims->count + 1) * sizeof(*items));
    struct claim_object *objects;

    if (!items)
        return -ENOMEM;
    claims->items = items;
    objects = realloc(claims->objects, (claims->count + 1) * sizeof(*objects));
    if (!objects)
        return -ENOMEM;
    claims->objects = objects;
    items[claims->count] = *item;
    objects[claims->count] = *object;
    claims->count++;
    return 0;
}

struct profile *claims_read_selection(const json_t *manifest)
{
    json_t *selector = json_object_get(json_object_get(manifest, "spec"), "labelSelector");
    json_t *metadata = json_object_get(manifest, "metadata");
    json_t *stub = json_pack("{s:s,s:s,s:{s:O*,s:O*,s:O*},s:{s:O*}}", "apiVersion", OBJECTS_API_VERSION, "kind",
                             "SecurityProfile", "metadata", "name", json_object_get(metadata, "name"), "namespace",
                             json_object_get(metadata, "namespace"), "labels", json_object_get(metadata, "labels"),
                             "spec", "labelSelector", selector);
    struct profile *profile = NULL;
    struct error unread;

    if (stub && objects_parse_profile(stub, &profile, &unread))
        profile = NULL;
    json_decref(stub);
    return profile;
}

/* Fills in what the manifest is called when it could not be parsed. -ENOENT: it has no name. */
static int read_name(const json_t *manifest, struct claim *item)
{
    const json_t *metadata = json_object_get(manifest, "metadata");
    const char *name = json_string_value(json_object_get(metadata, "name"));
    const char *namespace_ = json_string_value(json_object_get(metadata, "namespace"));

    if (!name || !name[0])
        return -ENOENT;
    item->name = strdup(name);
    item->namespace_ = strdup(namespace_ && namespace_[0] ? namespace_ : "default");
    return item->name && item->namespace_ ? 0 : -ENOMEM;
}

static int refuse_nameless(struct claims *claims, size_t document, const struct error *why)
{
    free(claims->error);
    claims->error = NULL;
    return asprintf(&claims->error, "document %zu: %s", document, why->msg) < 0 ? -ENOMEM : 0;
}

static int refuse(struct claims *claims, const json_t *manifest, struct claim *item, const struct error *why)
{
    struct claim_object object = {0};
    int rc = read_name(manifest, item);

    if (rc == -ENOENT)
        return refuse_nameless(claims, item->document, why);
    item->refused = rc ? NULL : strdup(why->msg);
    if (item->kind == OBJECT_PROFILE)
        object.selection = claims_read_selection(manifest);
    rc = item->refused ? append(claims, item, &object) : -ENOMEM;
    if (rc)
        free_object(&object);
    return rc;
}

static int accept(struct claims *claims, struct claim *item, struct claim_object *object)
{
    item->namespace_ = strdup(object->profile ? object->profile->namespace_ : object->pod->namespace_);
    item->name = strdup(object->profile ? object->profile->name : object->pod->name);
    return item->namespace_ && item->name ? append(claims, item, object) : -ENOMEM;
}

int claims_check_other(const json_t *manifest, struct error *err)
{
    static const char group[] = "securityprobe.datadoghq.com/";
    const char *kind = json_string_value(json_object_get(manifest, "kind"));
    const char *version = json_string_value(json_object_get(manifest, "apiVersion"));

    if (!kind || !version)
        return error_set(err, EINVAL,
                         "not a Kubernetes object: it needs apiVersion and kind; for a profile write "
                         "apiVersion: " OBJECTS_API_VERSION " and kind: SecurityProfile");
    if (strncmp(version, group, sizeof(group) - 1) == 0)
        return error_set(err, EINVAL, "kind: \"%.64s\" is not a kind of %.64s; expected SecurityProfile", kind,
                         version);
    return 0;
}

static int read_manifest(struct claims *claims, const json_t *manifest, size_t document)
{
    struct claim item = {.kind = objects_kind(manifest), .document = document};
    struct claim_object object = {0};
    struct error err = {0};
    int rc;

    if (item.kind == OBJECT_OTHER)
        return claims_check_other(manifest, &err) ? refuse_nameless(claims, document, &err) : 0;
    if (item.kind == OBJECT_PROFILE)
        rc = objects_parse_profile(manifest, &object.profile, &err);
    else
        rc = objects_parse_pod(manifest, &object.pod, &err);

    size_t before = claims->count;

    rc = rc ? refuse(claims, manifest, &item, &err) : accept(claims, &item, &object);
    if (claims->count == before) {
        free_item(&item);
        free_object(&object);
    }
    return rc;
}

static int read_document(struct claims *claims, const json_t *document, size_t number)
{
    const char *kind = json_string_value(json_object_get(document, "kind"));
    const json_t *items = json_object_get(document, "items"), *item;
    size_t i;
    int rc = 0;

    if (!kind || strcmp(kind, "List") != 0)
        return read_manifest(claims, document, number);
    json_array_foreach (items, i, item)
        rc = rc ? rc : read_manifest(claims, item, number);
    return rc;
}

int claims_read(const json_t *documents, struct claims *claims)
{
    struct claims read = {0};
    const json_t *document;
    size_t i;
    int rc = 0;

    json_array_foreach (documents, i, document) {
        if (!json_is_null(document))
            rc = rc ? rc : read_document(&read, document, i + 1);
    }
    if (rc) {
        claims_free_objects(&read);
        claims_free_items(read.items, read.count);
        free(read.error);
        return rc;
    }
    *claims = read;
    return 0;
}

bool claims_are_empty(const json_t *documents)
{
    const json_t *document;
    size_t i;

    json_array_foreach (documents, i, document) {
        if (!json_is_null(document))
            return false;
    }
    return true;
}

void claims_keep(struct claims *claims, struct claims *old, bool is_missing)
{
    for (size_t i = 0; i < old->count; i++) {
        struct claim *item = &old->items[i];

        if (claims_find(claims->items, claims->count, item))
            continue;
        item->is_kept = true;
        item->is_missing = is_missing;
        if (append(claims, item, &(struct claim_object){0}))
            return;
        /* moved: leave nothing in the old list that would be freed, nor a hole in it */
        memmove(item, item + 1, (old->count - i - 1) * sizeof(*item));
        old->count--;
        i--;
    }
}
