/* SPDX-License-Identifier: Apache-2.0 */
/* A table of text as kubectl prints one: columns as wide as their widest cell, three blanks between. */
#ifndef NSP_NSPCTL_TABLE_H
#define NSP_NSPCTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/error.h"

struct table {
    size_t columns, count, room;
    char **cells; /* row by row; the first row is the heads */
};

/* `heads`: one for each column. */
int table_start(struct table *table, const char *const *heads, size_t columns);
/* As many cells as columns; NULL shows as "-". Copies. */
int table_add(struct table *table, const char *const *cells);
void table_print(const struct table *table, FILE *to);
void table_free(struct table *table);

/* How a command's result is wanted: -o json, or the other format. The message says what there is. */
int table_read_format(const char *text, const char *other, bool *is_json, struct error *err);

#endif
