/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One value in a manifest and the way to it, so that every refusal and warning can name its field. Readers take a field
 * and fill what the caller hands them; they return 0, or a negative value with the error set.
 */
#ifndef NSP_POLICYD_OBJECTS_FIELD_H
#define NSP_POLICYD_OBJECTS_FIELD_H

#include "policyd/objects.h"

/* What all fields of one manifest share. */
struct reading {
    struct profile *profile; /* takes the warnings; NULL: they are dropped */
    struct error *err;
    bool has_learn, has_enforce; /* some list of actions says so */
};

struct field {
    struct reading *reading;
    const struct field *parent; /* NULL: the manifest itself */
    const char *name;           /* NULL: an element of a list */
    size_t index;
    const json_t *value;
};

typedef int (*field_reader)(const struct field *field, void *into);

struct member {
    const char *name;
    field_reader read; /* NULL: known, and not looked at here */
};

int field_refuse(const struct field *field, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "FIELD.name: missing; REMEDY" */
int field_refuse_missing(const struct field *field, const char *name, const char *remedy);
/* Notes a warning in the profile. Fails only without memory. */
int field_warn(const struct field *field, const char *format, ...) __attribute__((format(printf, 2, 3)));
int field_out_of_memory(const struct field *field);

/* Reads each member of an object, in the manifest's order. Refuses what `members` (ended by a NULL name) lacks. */
int field_read_object(const struct field *field, const struct member *members, void *into);

/* True with *child filled if the object has that member. */
bool field_child(const struct field *field, const char *name, struct field *child);

/* The value must be a list of at most `max` elements. */
int field_list(const struct field *field, size_t max, size_t *count);
/* Reads each element of a list that field_list() has seen. */
int field_each(const struct field *field, field_reader read, void *into);

/* NULL: not a string, and refused. Borrowed from the manifest. */
const char *field_string(const struct field *field);
/* Copies the string for the caller to free; `check` may be NULL. */
int field_copy(const struct field *field, int (*check)(const char *, struct error *), char **copy);
/* Which of `words` (ended by NULL) the string is; negative: none, and refused with the nearest one. */
int field_choice(const struct field *field, const char *const words[]);
/* An integer from min to max. */
int field_integer(const struct field *field, json_int_t min, json_int_t max, json_int_t *value);
int field_boolean(const struct field *field, bool *value);

#endif
