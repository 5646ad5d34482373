/* SPDX-License-Identifier: Apache-2.0 */
/* Fields: see objects_field.h. Knows JSON and messages, no SecurityProfile. */
#include "policyd/objects_field.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/cleanup.h"
#include "lib/name.h"

enum {
    PATH_SIZE = 160,
    TEXT_SIZE = 256,
    WORD_MAX = 32, /* longer words are no misspelling of a field */
};

/* Such as spec.processes[2].path; the manifest itself is "". */
static size_t write_path(const struct field *field, char path[PATH_SIZE])
{
    path[0] = '\0';
    if (!field->parent)
        return 0;

    size_t used = write_path(field->parent, path);

    if (field->name)
        snprintf(path + used, PATH_SIZE - used, "%s%.60s", used ? "." : "", field->name);
    else
        snprintf(path + used, PATH_SIZE - used, "[%zu]", field->index);
    return strlen(path);
}

int field_refuse(const struct field *field, const char *format, ...)
{
    char path[PATH_SIZE], text[TEXT_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    name_make_printable(text);
    if (write_path(field, path) == 0)
        return error_set(field->reading->err, EINVAL, "%s", text);
    name_make_printable(path);
    return error_set(field->reading->err, EINVAL, "%s: %s", path, text);
}

int field_refuse_missing(const struct field *field, const char *name, const char *remedy)
{
    struct field child = {.reading = field->reading, .parent = field, .name = name};

    return field_refuse(&child, "missing; %s", remedy);
}

int field_out_of_memory(const struct field *field)
{
    return error_set(field->reading->err, ENOMEM, "out of memory");
}

int field_warn(const struct field *field, const char *format, ...)
{
    struct profile *profile = field->reading->profile;
    char path[PATH_SIZE], text[TEXT_SIZE];
    struct warning *grown;
    va_list args;

    if (!profile)
        return 0;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    name_make_printable(text);
    write_path(field, path);

    grown = reallocarray(profile->warnings, profile->warnings_count + 1, sizeof(*grown));
    if (!grown)
        return field_out_of_memory(field);
    profile->warnings = grown;
    grown[profile->warnings_count] = (struct warning){.field = strdup(path), .text = strdup(text)};
    profile->warnings_count++;
    if (!grown[profile->warnings_count - 1].field || !grown[profile->warnings_count - 1].text)
        return field_out_of_memory(field);
    return 0;
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "a map";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    default:
        return "nothing";
    }
}

static int refuse_type(const struct field *field, const char *expected)
{
    if (json_is_null(field->value))
        return field_refuse(field, "is empty; write %s or remove the field", expected);
    return field_refuse(field, "expected %s, not %s", expected, type_name(field->value));
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters to add, drop or change to make `b` of `a`, whatever their case. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1], length = strlen(b);

    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t same = strncasecmp(&a[i - 1], &b[j - 1], 1) == 0 ? 0 : 1;
            size_t best = least(least(row[j], row[j - 1]) + 1, corner + same);

            corner = row[j];
            row[j] = best;
        }
    }
    return row[length];
}

/* Tells whether `word` could be a misspelt `candidate`, better than `distance`, which it then lowers. */
static bool is_nearer(const char *word, const char *candidate, size_t *distance)
{
    if (strlen(word) > WORD_MAX || strlen(candidate) > WORD_MAX)
        return false;

    size_t edits = edit_distance(word, candidate);

    if (edits >= *distance || edits * 2 > strlen(candidate))
        return false;
    *distance = edits;
    return true;
}

static int refuse_unknown(const struct field *field, const struct member *members)
{
    const char *nearest = NULL;
    size_t distance = 4;

    for (; members->name; members++) {
        if (is_nearer(field->name, members->name, &distance))
            nearest = members->name;
    }
    if (nearest)
        return field_refuse(field, "unknown field; did you mean %s?", nearest);
    return field_refuse(field, "unknown field; remove it");
}

int field_read_object(const struct field *field, const struct member *members, void *into)
{
    if (!json_is_object(field->value))
        return refuse_type(field, "a map");

    for (void *at = json_object_iter((json_t *)field->value); at;
         at = json_object_iter_next((json_t *)field->value, at)) {
        struct field child = {.reading = field->reading,
                              .parent = field,
                              .name = json_object_iter_key(at),
                              .value = json_object_iter_value(at)};
        const struct member *member = members;

        while (member->name && strcmp(member->name, child.name) != 0)
            member++;
        if (!member->name)
            return refuse_unknown(&child, members);
        if (member->read && member->read(&child, into) < 0)
            return -EINVAL;
    }
    return 0;
}

bool field_child(const struct field *field, const char *name, struct field *child)
{
    const json_t *value = json_object_get(field->value, name);

    *child = (struct field){.reading = field->reading, .parent = field, .name = name, .value = value};
    return value != NULL;
}

int field_list(const struct field *field, size_t max, size_t *count)
{
    if (!json_is_array(field->value))
        return refuse_type(field, "a list");
    *count = json_array_size(field->value);
    if (*count > max)
        return field_refuse(field, "has %zu elements; at most %zu", *count, max);
    return 0;
}

int field_each(const struct field *field, field_reader read, void *into)
{
    for (size_t i = 0; i < json_array_size(field->value); i++) {
        struct field child = {
            .reading = field->reading, .parent = field, .index = i, .value = json_array_get(field->value, i)};

        if (read(&child, into) < 0)
            return -EINVAL;
    }
    return 0;
}

const char *field_string(const struct field *field)
{
    if (json_is_string(field->value))
        return json_string_value(field->value);
    if (json_is_boolean(field->value) || json_is_number(field->value))
        field_refuse(field, "expected a text, not %s; quote it", type_name(field->value));
    else
        refuse_type(field, "a text");
    return NULL;
}

int field_copy(const struct field *field, int (*check)(const char *, struct error *), char **copy)
{
    const char *text = field_string(field);
    struct error cause;

    if (!text)
        return -EINVAL;
    if (check && check(text, &cause) < 0)
        return field_refuse(field, "%s", cause.msg);
    *copy = strdup(text);
    return *copy ? 0 : field_out_of_memory(field);
}

static void join_words(const char *const words[], char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (; *words && used < size; words++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", *words);
}

int field_choice(const struct field *field, const char *const words[])
{
    const char *text = field_string(field), *nearest = NULL;
    size_t distance = 3;
    char all[100];

    if (!text)
        return -EINVAL;
    for (int i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) == 0)
            return i;
        if (is_nearer(text, words[i], &distance))
            nearest = words[i];
    }
    join_words(words, all, sizeof(all));
    if (nearest)
        return field_refuse(field, "\"%.40s\" is not one of %s; did you mean %s?", text, all, nearest);
    return field_refuse(field, "\"%.40s\" is not one of %s", text, all);
}

int field_integer(const struct field *field, json_int_t min, json_int_t max, json_int_t *value)
{
    if (!json_is_integer(field->value)) {
        if (json_is_string(field->value))
            return field_refuse(field, "\"%.40s\": expected a number, not a text; write it without quotes",
                                json_string_value(field->value));
        return refuse_type(field, "a whole number");
    }

    json_int_t number = json_integer_value(field->value);

    if (number < min || number > max)
        return field_refuse(field,
                            "%" JSON_INTEGER_FORMAT " is out of range; expected %" JSON_INTEGER_FORMAT
                            " to %" JSON_INTEGER_FORMAT,
                            number, min, max);
    *value = number;
    return 0;
}

int field_boolean(const struct field *field, bool *value)
{
    if (json_is_string(field->value))
        return field_refuse(field, "\"%.40s\": expected true or false, not a text; write it without quotes",
                            json_string_value(field->value));
    if (!json_is_boolean(field->value))
        return refuse_type(field, "true or false");
    *value = json_is_true(field->value);
    return 0;
}
