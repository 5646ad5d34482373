/* SPDX-License-Identifier: Apache-2.0 */
/* nspctl check: says of each manifest in some files what policyd would say of it. Needs no policyd and no kernel. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "nspctl/commands.h"
#include "policyd/claims.h"
#include "policyd/objects.h"
#include "policyd/yaml.h"

struct checking {
    const char *file;
    size_t number; /* of the document in the file, from 1 */
    json_t *seen;  /* "SecurityProfile namespace/name" to where it was first */
    bool has_error;
};

static void report_error(struct checking *checking, const char *what, const char *why)
{
    printf("%s#%zu %s: error: %s\n", checking->file, checking->number, what, why);
    checking->has_error = true;
}

/* policyd refuses the second manifest of the same name. */
static bool is_first(struct checking *checking, const char *what)
{
    const char *before = json_string_value(json_object_get(checking->seen, what));
    char why[512];

    if (!before) {
        json_object_set_new(checking->seen, what, json_sprintf("%s#%zu", checking->file, checking->number));
        return true;
    }
    snprintf(why, sizeof(why), "metadata.name: %s has the same name; rename or remove one of the two", before);
    report_error(checking, what, why);
    return false;
}

static void check_profile(struct checking *checking, const json_t *document, const char *what)
{
    struct profile *profile;
    struct error cause;

    if (objects_parse_profile(document, &profile, &cause) < 0) {
        report_error(checking, what, cause.msg);
        return;
    }
    if (is_first(checking, what)) {
        printf("%s#%zu %s: valid\n", checking->file, checking->number, what);
        for (size_t i = 0; i < profile->warnings_count; i++)
            printf("  warning: %s: %s\n", profile->warnings[i].field, profile->warnings[i].text);
    }
    profile_free(profile);
}

static void check_pod(struct checking *checking, const json_t *document, const char *what)
{
    struct pod_object *pod;
    struct error cause;

    if (objects_parse_pod(document, &pod, &cause) < 0) {
        report_error(checking, what, cause.msg);
        return;
    }
    if (is_first(checking, what))
        printf("%s#%zu %s: valid\n", checking->file, checking->number, what);
    pod_object_free(pod);
}

static void check_object(struct checking *checking, const json_t *document)
{
    enum object_kind kind = objects_kind(document);
    const char *namespace_, *name;
    struct error cause;
    char what[400];

    if (kind == OBJECT_OTHER) {
        if (claims_check_other(document, &cause))
            report_error(checking, "?", cause.msg);
        else
            printf("%s#%zu: skipped: neither SecurityProfile nor Pod\n", checking->file, checking->number);
        return;
    }
    objects_name(document, &namespace_, &name);
    snprintf(what, sizeof(what), "%s %s/%s", kind == OBJECT_PROFILE ? "SecurityProfile" : "Pod", namespace_,
             name[0] ? name : "?");
    if (kind == OBJECT_PROFILE)
        check_profile(checking, document, what);
    else
        check_pod(checking, document, what);
}

/* `kubectl get -o yaml` prints a List, which stands for its items. */
static void check_document(struct checking *checking, const json_t *document)
{
    const char *kind = json_string_value(json_object_get(document, "kind"));
    json_t *item;
    size_t index;

    if (json_is_null(document))
        return;
    if (!kind || strcmp(kind, "List") != 0) {
        check_object(checking, document);
        return;
    }
    json_array_foreach (json_object_get(document, "items"), index, item) {
        check_object(checking, item);
    }
}

static void check_file(struct checking *checking)
{
    json_auto_t *documents = NULL;
    struct error cause;
    json_t *document;
    size_t index;

    if (yaml_load_file(checking->file, YAML_ANY, &documents, &cause) < 0) {
        printf("%s: error: %s\n", checking->file, cause.msg);
        checking->has_error = true;
        return;
    }
    if (claims_are_empty(documents)) {
        printf("%s: error: empty; expected a SecurityProfile\n", checking->file);
        checking->has_error = true;
    }
    json_array_foreach (documents, index, document) {
        checking->number = index + 1;
        check_document(checking, document);
    }
}

int command_check(int argc, char **argv, const struct nspctl_options *options, struct error *err)
{
    json_auto_t *seen = json_object();
    struct checking checking = {.seen = seen};

    (void)options;
    if (getopt(argc, argv, "") != -1)
        return error_set(err, NSPCTL_USAGE, "%s is not an option of check", argv[optind - 1]);
    if (optind >= argc)
        return error_set(err, NSPCTL_USAGE, "which file?");
    for (int i = optind; i < argc; i++) {
        checking.file = argv[i];
        check_file(&checking);
    }
    return checking.has_error ? 1 : 0;
}
