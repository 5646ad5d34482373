/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of DNS names and patterns: RULES.fqdns and RULES.l7.dns. What one list may hold is what the kernel looks up. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/name.h"
#include "policyd/objects_rules.h"

enum { END_LABELS_MAX = 63 }; /* bits of struct name_list */

static int read_name(const struct field *field, void *into)
{
    struct names_spec *names = into;
    const char *text = field_string(field), *end;
    char folded[NAME_DNS_SIZE];
    struct error cause;

    if (!text)
        return -EINVAL;
    if (name_check_pattern(text, &cause) < 0)
        return field_refuse(field, "%s", cause.msg);
    name_fold(text, folded);
    if (name_classify(folded, &end) != NAME_EXACT && name_count_labels(end) > END_LABELS_MAX)
        return field_refuse(field, "\"%.40s...\" has %zu labels after its \"*\"; at most %d", text,
                            name_count_labels(end), END_LABELS_MAX);
    names->items[names->count] = strdup(folded);
    if (!names->items[names->count])
        return field_out_of_memory(field);
    names->count++;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_names(struct names_spec *names)
{
    size_t kept = 0;

    qsort(names->items, names->count, sizeof(*names->items), compare_names);
    for (size_t i = 0; i < names->count; i++) {
        if (kept > 0 && strcmp(names->items[kept - 1], names->items[i]) == 0)
            free(names->items[i]);
        else
            names->items[kept++] = names->items[i];
    }
    names->count = kept;
}

static bool has_name(const struct names_spec *names, const char *name)
{
    return bsearch(&name, names->items, names->count, sizeof(*names->items), compare_names) != NULL;
}

/* Half of the world reads *.x as "any depth": say which reading is ours where only that one is written. */
static const char *lone_wildcard(const struct names_spec *names)
{
    for (size_t i = 0; i < names->count; i++) {
        char deep[NAME_DNS_SIZE + 1] = "*";
        const char *end;

        if (name_classify(names->items[i], &end) != NAME_ONE_LABEL)
            continue;
        memcpy(deep + 1, names->items[i], strlen(names->items[i]) + 1);
        if (!has_name(names, deep))
            return names->items[i];
    }
    return NULL;
}

static int compare_ends(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each of those is tried in turn when a name ends so. */
static int check_globs(const struct field *field, const struct names_spec *names)
{
    const char **ends = calloc(names->count + 1, sizeof(*ends));
    size_t count = 0, row = 0;
    int result = 0;

    if (!ends)
        return field_out_of_memory(field);
    for (size_t i = 0; i < names->count; i++)
        count += name_classify(names->items[i], &ends[count]) == NAME_GLOB;
    qsort(ends, count, sizeof(*ends), compare_ends);
    for (size_t i = 0; i < count && result == 0; i++) {
        row = i > 0 && strcmp(ends[i], ends[i - 1]) == 0 ? row + 1 : 1;
        if (row > NSP_GLOBS_PER_END)
            result = field_refuse(field,
                                  "more than %d patterns with a \"*\" inside a label end in \"%.80s\"; at most %d: use "
                                  "wider ones, such as \"**.%.80s\"",
                                  NSP_GLOBS_PER_END, ends[i], NSP_GLOBS_PER_END, ends[i]);
    }
    free(ends);
    return result;
}

int rules_read_names(const struct field *field, struct names_spec *names)
{
    size_t count;

    if (field_list(field, RULES_NAMES_MAX, &count) < 0)
        return -EINVAL;
    names->items = calloc(count + 1, sizeof(*names->items)); /* a list is read once */
    if (!names->items)
        return field_out_of_memory(field);
    if (field_each(field, read_name, names) < 0)
        return -EINVAL;
    sort_names(names);
    if (check_globs(field, names) < 0)
        return -EINVAL;

    const char *lone = lone_wildcard(names);

    if (!lone)
        return 0;
    return field_warn(field, "\"%.80s\" is exactly one label; for any depth add \"*%.80s\"", lone, lone);
}

void names_spec_clear(struct names_spec *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
    *names = (struct names_spec){0};
}
