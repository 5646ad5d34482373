/* SPDX-License-Identifier: Apache-2.0 */
/* Reading labels and selectors: see objects_selector.h. Matching is selector.c's. */
#include "policyd/objects_selector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/name.h"

enum { REQUIREMENTS_MAX = 256, VALUES_MAX = 1000 };

static int compare_labels(const void *a, const void *b)
{
    return strcmp(((const struct label *)a)->key, ((const struct label *)b)->key);
}

/* Both texts of one label, checked; `field` is the member of the map. */
static const char *check_label(const struct field *field)
{
    const char *value = field_string(field);
    struct error cause;

    if (!value)
        return NULL;
    if (name_check_key(field->name, &cause) < 0 || name_check_value(value, &cause) < 0) {
        field_refuse(field, "%s", cause.msg);
        return NULL;
    }
    return value;
}

static int read_label(const struct field *field, struct labels *labels)
{
    const char *value = check_label(field);

    if (!value)
        return -EINVAL;

    struct label *label = &labels->items[labels->count++];

    label->key = strdup(field->name);
    label->value = strdup(value);
    return label->key && label->value ? 0 : field_out_of_memory(field);
}

int labels_read(const struct field *field, void *into)
{
    struct labels *labels = into;

    if (!json_is_object(field->value))
        return field_refuse(field, "expected a map of labels");
    labels->items = calloc(json_object_size(field->value) + 1, sizeof(*labels->items));
    if (!labels->items)
        return field_out_of_memory(field);

    for (void *at = json_object_iter((json_t *)field->value); at;
         at = json_object_iter_next((json_t *)field->value, at)) {
        struct field child = {.reading = field->reading,
                              .parent = field,
                              .name = json_object_iter_key(at),
                              .value = json_object_iter_value(at)};

        if (read_label(&child, labels) < 0)
            return -EINVAL;
    }
    qsort(labels->items, labels->count, sizeof(*labels->items), compare_labels);
    return 0;
}

void labels_clear(struct labels *labels)
{
    for (size_t i = 0; i < labels->count; i++) {
        free(labels->items[i].key);
        free(labels->items[i].value);
    }
    free(labels->items);
    *labels = (struct labels){0};
}

/* Appends an empty requirement; NULL: out of memory. */
static struct requirement *add_requirement(struct selector *selector)
{
    struct requirement *grown = reallocarray(selector->requirements, selector->count + 1, sizeof(*grown));

    if (!grown)
        return NULL;
    selector->requirements = grown;
    grown[selector->count] = (struct requirement){0};
    return &grown[selector->count++];
}

static int add_label(struct selector *selector, const char *key, const char *value)
{
    struct requirement *requirement = add_requirement(selector);

    if (!requirement)
        return -ENOMEM;
    requirement->operator_ = SELECTOR_IN;
    requirement->key = strdup(key);
    requirement->values = calloc(1, sizeof(*requirement->values));
    if (!requirement->key || !requirement->values)
        return -ENOMEM;
    requirement->values[0] = strdup(value);
    requirement->count = 1;
    return requirement->values[0] ? 0 : -ENOMEM;
}

static int read_match_labels(const struct field *field, void *into)
{
    struct labels labels = {0};
    int result = labels_read(field, &labels);

    for (size_t i = 0; result == 0 && i < labels.count; i++) {
        if (add_label(into, labels.items[i].key, labels.items[i].value) < 0)
            result = field_out_of_memory(field);
    }
    labels_clear(&labels);
    return result;
}

static int read_key(const struct field *field, void *into)
{
    struct requirement *requirement = into;
    const char *key = field_string(field);
    struct error cause;

    if (!key)
        return -EINVAL;
    if (name_check_key(key, &cause) < 0)
        return field_refuse(field, "%s", cause.msg);
    requirement->key = strdup(key);
    return requirement->key ? 0 : field_out_of_memory(field);
}

static int read_operator(const struct field *field, void *into)
{
    static const char *const words[] = {"In", "NotIn", "Exists", "DoesNotExist", NULL}; /* as the enum */
    int choice = field_choice(field, words);

    if (choice < 0)
        return choice;
    ((struct requirement *)into)->operator_ = (enum selector_operator)choice;
    return 0;
}

static int read_value(const struct field *field, void *into)
{
    struct requirement *requirement = into;
    const char *value = field_string(field);
    struct error cause;

    if (!value)
        return -EINVAL;
    if (name_check_value(value, &cause) < 0)
        return field_refuse(field, "%s", cause.msg);
    requirement->values[requirement->count] = strdup(value);
    return requirement->values[requirement->count++] ? 0 : field_out_of_memory(field);
}

static int read_values(const struct field *field, void *into)
{
    struct requirement *requirement = into;
    size_t count;

    if (field_list(field, VALUES_MAX, &count) < 0)
        return -EINVAL;
    requirement->values = calloc(count + 1, sizeof(*requirement->values));
    if (!requirement->values)
        return field_out_of_memory(field);
    return field_each(field, read_value, requirement);
}

static int read_expression(const struct field *field, void *into)
{
    static const struct member members[] = {
        {"key", read_key}, {"operator", read_operator}, {"values", read_values}, {0}};
    struct requirement *requirement = add_requirement(into);
    struct field what, values;

    if (!requirement)
        return field_out_of_memory(field);
    if (field_read_object(field, members, requirement) < 0)
        return -EINVAL;
    if (!requirement->key)
        return field_refuse_missing(field, "key", "write the label's key");
    if (!field_child(field, "operator", &what))
        return field_refuse_missing(field, "operator", "write In, NotIn, Exists or DoesNotExist");

    bool wants_values = requirement->operator_ == SELECTOR_IN || requirement->operator_ == SELECTOR_NOT_IN;

    field_child(field, "values", &values);
    if (wants_values && requirement->count == 0)
        return field_refuse(&values, "missing or empty; In and NotIn need at least one value");
    if (!wants_values && requirement->count > 0)
        return field_refuse(&values, "Exists and DoesNotExist take no values; remove them");
    return 0;
}

static int read_expressions(const struct field *field, void *into)
{
    size_t count;

    if (field_list(field, REQUIREMENTS_MAX, &count) < 0)
        return -EINVAL;
    return field_each(field, read_expression, into);
}

int selector_read(const struct field *field, void *into)
{
    static const struct member members[] = {
        {"matchLabels", read_match_labels}, {"matchExpressions", read_expressions}, {0}};

    return field_read_object(field, members, into);
}

static bool is_tools(const char *key)
{
    static const char *const keys[] = {"app.kubernetes.io/managed-by", "app.kubernetes.io/instance",
                                       "app.kubernetes.io/version", "app.kubernetes.io/part-of"};
    static const char *const prefixes[] = {"helm.sh/", "argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(key, keys[i]) == 0)
            return true;
    }
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (strncmp(key, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    }
    return false;
}

int selector_from_labels(const struct labels *labels, struct selector *selector)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (!is_tools(labels->items[i].key) && add_label(selector, labels->items[i].key, labels->items[i].value) < 0)
            return -ENOMEM;
    }
    return 0;
}

void selector_clear(struct selector *selector)
{
    for (size_t i = 0; i < selector->count; i++) {
        struct requirement *requirement = &selector->requirements[i];

        for (size_t j = 0; j < requirement->count; j++)
            free(requirement->values[j]);
        free(requirement->values);
        free(requirement->key);
    }
    free(selector->requirements);
    *selector = (struct selector){0};
}

static void write_requirement(FILE *to, const struct requirement *requirement)
{
    bool is_in = requirement->operator_ == SELECTOR_IN;

    if (requirement->count == 0) {
        fprintf(to, "%s%s", requirement->operator_ == SELECTOR_DOES_NOT_EXIST ? "!" : "", requirement->key);
        return;
    }
    if (is_in && requirement->count == 1) {
        fprintf(to, "%s=%s", requirement->key, requirement->values[0]);
        return;
    }
    fprintf(to, "%s %s (", requirement->key, is_in ? "in" : "notin");
    for (size_t i = 0; i < requirement->count; i++)
        fprintf(to, "%s%s", i ? "," : "", requirement->values[i]);
    fputc(')', to);
}

char *selector_write(const struct selector *selector)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);

    if (!to)
        return NULL;
    for (size_t i = 0; i < selector->count; i++) {
        if (i > 0)
            fputc(',', to);
        write_requirement(to, &selector->requirements[i]);
    }
    if (fclose(to) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
