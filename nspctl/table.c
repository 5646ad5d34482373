/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: see table.h. */
#include "nspctl/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nspctl/commands.h"

#define GAP 3

int table_start(struct table *table, const char *const *heads, size_t columns)
{
    *table = (struct table){.columns = columns};
    return table_add(table, heads);
}

int table_add(struct table *table, const char *const *cells)
{
    if (table->count + table->columns > table->room) {
        size_t room = (table->room + table->columns) * 2;
        char **grown = realloc(table->cells, room * sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        table->cells = grown;
        table->room = room;
    }
    for (size_t i = 0; i < table->columns; i++) {
        char *copy = strdup(cells[i] && cells[i][0] ? cells[i] : "-");

        if (!copy)
            return -ENOMEM;
        table->cells[table->count++] = copy;
    }
    return 0;
}

static size_t width_of(const struct table *table, size_t column)
{
    size_t width = 0;

    for (size_t i = column; i < table->count; i += table->columns) {
        size_t length = strlen(table->cells[i]);

        width = length > width ? length : width;
    }
    return width;
}

void table_print(const struct table *table, FILE *to)
{
    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % table->columns;

        if (column + 1 == table->columns)
            fprintf(to, "%s\n", table->cells[i]);
        else
            fprintf(to, "%-*s", (int)width_of(table, column) + GAP, table->cells[i]);
    }
}

void table_free(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (struct table){0};
}

int table_read_format(const char *text, const char *other, bool *is_json, struct error *err)
{
    if (strcmp(text, "json") != 0 && strcmp(text, other) != 0)
        return error_set(err, NSPCTL_USAGE, "-o: \"%s\" is neither json nor %s", text, other);
    *is_json = text[0] == 'j';
    return 0;
}
