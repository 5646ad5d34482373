/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles and pods: see objects.h. Selectors, rules and the way to a field have files of their own. */
#include "policyd/objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/name.h"
#include "policyd/objects_containers.h"
#include "policyd/objects_rules.h"
#include "policyd/objects_selector.h"
#include "policyd/objects_spec.h"

struct metadata {
    char *namespace_, *name, *uid;
    struct labels labels;
};

enum object_kind objects_kind(const json_t *manifest)
{
    const char *kind = json_string_value(json_object_get(manifest, "kind"));
    const char *version = json_string_value(json_object_get(manifest, "apiVersion"));

    if (!kind)
        return OBJECT_OTHER;
    if (strcmp(kind, "SecurityProfile") == 0)
        return OBJECT_PROFILE;
    return strcmp(kind, "Pod") == 0 && version && strcmp(version, "v1") == 0 ? OBJECT_POD : OBJECT_OTHER;
}

void objects_name(const json_t *manifest, const char **namespace_, const char **name)
{
    const json_t *metadata = json_object_get(manifest, "metadata");
    const char *own_namespace = json_string_value(json_object_get(metadata, "namespace"));
    const char *own_name = json_string_value(json_object_get(metadata, "name"));

    *namespace_ = own_namespace && name_check_label(own_namespace, NULL) == 0 ? own_namespace : "default";
    *name = own_name && name_check_subdomain(own_name, NULL) == 0 ? own_name : "";
}

/* Unknown members are Kubernetes' own business. */
static int read_metadata(const struct field *field, struct metadata *metadata)
{
    struct field child;

    if (!json_is_object(field->value))
        return field_refuse(field, "expected a map with a name");
    if (!field_child(field, "name", &child))
        return field_refuse_missing(field, "name", "write the object's name");
    if (field_copy(&child, name_check_subdomain, &metadata->name) < 0)
        return -EINVAL;
    if (field_child(field, "namespace", &child) && field_copy(&child, name_check_label, &metadata->namespace_) < 0)
        return -EINVAL;
    if (field_child(field, "uid", &child) && field_copy(&child, NULL, &metadata->uid) < 0)
        return -EINVAL;
    if (field_child(field, "labels", &child) && labels_read(&child, &metadata->labels) < 0)
        return -EINVAL;
    if (!metadata->namespace_)
        metadata->namespace_ = strdup("default");
    return metadata->namespace_ ? 0 : field_out_of_memory(field);
}

static void metadata_clear(struct metadata *metadata)
{
    free(metadata->namespace_);
    free(metadata->name);
    free(metadata->uid);
    labels_clear(&metadata->labels);
}

static int choose_selector(const struct field *manifest, const struct field *spec, struct profile *profile)
{
    struct field selector, metadata, labels;

    field_child(manifest, "metadata", &metadata);
    field_child(&metadata, "labels", &labels);
    if (field_child(spec, "labelSelector", &selector)) {
        profile->selector_text = profile->selector.count ? selector_write(&profile->selector) : strdup("all pods");
        return profile->selector_text ? 0 : field_out_of_memory(spec);
    }
    if (selector_from_labels(&profile->labels, &profile->selector) < 0)
        return field_out_of_memory(spec);
    profile->selects_nothing = profile->selector.count == 0;
    profile->selector_text = profile->selects_nothing ? strdup("no pods") : selector_write(&profile->selector);
    if (!profile->selector_text)
        return field_out_of_memory(spec);
    if (profile->selects_nothing)
        return field_warn(&selector, "missing, and no labels of its own to go by: selects no pod");
    return field_warn(&labels, "without spec.labelSelector the profile's own labels select pods: %.120s",
                      profile->selector_text);
}

static int check_version(const struct field *manifest)
{
    struct field child;

    if (!field_child(manifest, "apiVersion", &child))
        return field_refuse_missing(manifest, "apiVersion", "write " OBJECTS_API_VERSION);

    const char *version = field_string(&child);

    if (!version)
        return -EINVAL;
    if (strcmp(version, OBJECTS_API_VERSION) != 0)
        return field_refuse(&child, "\"%.60s\" is not supported; write " OBJECTS_API_VERSION, version);
    return 0;
}

static int read_profile(const struct field *manifest, struct profile *profile)
{
    static const struct member top[] = {{"apiVersion", NULL}, {"kind", NULL},   {"metadata", NULL},
                                        {"spec", NULL},       {"status", NULL}, {0}};
    struct metadata metadata = {0};
    struct field child, spec;

    if (check_version(manifest) < 0)
        return -EINVAL;
    if (!field_child(manifest, "metadata", &child))
        return field_refuse_missing(manifest, "metadata", "write metadata with a name");

    int result = read_metadata(&child, &metadata);

    profile->namespace_ = TAKE_PTR(metadata.namespace_);
    profile->name = TAKE_PTR(metadata.name);
    profile->labels = metadata.labels;
    metadata.labels = (struct labels){0};
    metadata_clear(&metadata);
    if (result < 0 || field_read_object(manifest, top, NULL) < 0)
        return -EINVAL;
    if (!field_child(manifest, "spec", &spec))
        return field_refuse_missing(manifest, "spec", "write what the profile allows");
    if (spec_read(&spec, profile) < 0)
        return -EINVAL;
    return choose_selector(manifest, &spec, profile);
}

/* Errors travel as a message; the code in it decides what is returned. */
static int failed(struct error *err, const struct error *cause)
{
    return error_set(err, cause->code, "%s", cause->msg);
}

int objects_parse_profile(const json_t *manifest, struct profile **profile, struct error *err)
{
    struct error cause = {.code = ENOMEM, .msg = "out of memory"};
    struct profile *read = calloc(1, sizeof(*read));
    struct reading reading = {.profile = read, .err = &cause};
    struct field root = {.reading = &reading, .value = manifest};

    if (!read || read_profile(&root, read) < 0) {
        profile_free(read);
        return failed(err, &cause);
    }
    *profile = read;
    return 0;
}

/* The kubelet runs a static pod under a uid of its own; its mirror in the API server names that in an annotation. */
static int read_mirrored(const json_t *manifest, struct metadata *metadata)
{
    const json_t *notes = json_object_get(json_object_get(manifest, "metadata"), "annotations");
    const char *uid = json_string_value(json_object_get(notes, "kubernetes.io/config.mirror"));
    char *copy = uid && uid[0] ? strdup(uid) : NULL;

    if (!copy)
        return uid && uid[0] ? -ENOMEM : 0;
    free(metadata->uid);
    metadata->uid = copy;
    return 0;
}

int objects_parse_pod(const json_t *manifest, struct pod_object **pod, struct error *err)
{
    struct error cause = {.code = ENOMEM, .msg = "out of memory"};
    struct reading reading = {.err = &cause};
    struct field root = {.reading = &reading, .value = manifest}, child;
    struct metadata metadata = {0};
    struct pod_object *read = calloc(1, sizeof(*read));
    int result = -ENOMEM;

    if (read && !field_child(&root, "metadata", &child))
        result = field_refuse_missing(&root, "metadata", "write metadata with a name");
    else if (read)
        result = read_metadata(&child, &metadata);
    if (result == 0)
        result = read_mirrored(manifest, &metadata);
    if (result < 0) {
        metadata_clear(&metadata);
        free(read);
        return failed(err, &cause);
    }
    *read = (struct pod_object){
        .namespace_ = metadata.namespace_, .name = metadata.name, .uid = metadata.uid, .labels = metadata.labels};
    if (containers_read(manifest, read) < 0) {
        pod_object_free(read);
        return error_set(err, ENOMEM, "out of memory");
    }
    *pod = read;
    return 0;
}

bool labels_are_same(const struct labels *a, const struct labels *b)
{
    bool are_same = a->count == b->count;

    for (size_t i = 0; i < a->count && are_same; i++)
        are_same = strcmp(a->items[i].key, b->items[i].key) == 0 && strcmp(a->items[i].value, b->items[i].value) == 0;
    return are_same;
}

void profile_free(struct profile *profile)
{
    if (!profile)
        return;
    for (size_t i = 0; i < profile->processes_count; i++) {
        free(profile->processes[i].path);
        free(profile->processes[i].container);
        for (int d = 0; d < DIRECTIONS; d++)
            rules_spec_clear(&profile->processes[i].rules[d]);
    }
    for (int d = 0; d < DIRECTIONS; d++)
        rules_spec_clear(&profile->default_[d]);
    for (size_t i = 0; i < profile->warnings_count; i++) {
        free(profile->warnings[i].field);
        free(profile->warnings[i].text);
    }
    free(profile->processes);
    free(profile->warnings);
    free(profile->selector_text);
    selector_clear(&profile->selector);
    labels_clear(&profile->labels);
    free(profile->namespace_);
    free(profile->name);
    free(profile);
}

void pod_object_free(struct pod_object *pod)
{
    if (!pod)
        return;
    free(pod->namespace_);
    free(pod->name);
    free(pod->uid);
    labels_clear(&pod->labels);
    containers_clear(pod);
    free(pod);
}
