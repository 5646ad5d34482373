/* SPDX-License-Identifier: Apache-2.0 */
/* Matching: see selector.h. */
#include "policyd/selector.h"

#include <stdlib.h>
#include <string.h>

static int compare_key(const void *key, const void *label)
{
    return strcmp(key, ((const struct label *)label)->key);
}

const char *labels_get(const struct labels *labels, const char *key)
{
    const struct label *label = NULL;

    if (labels->count > 0)
        label = bsearch(key, labels->items, labels->count, sizeof(*labels->items), compare_key);
    return label ? label->value : NULL;
}

static bool is_listed(const struct requirement *requirement, const char *value)
{
    for (size_t i = 0; i < requirement->count; i++) {
        if (strcmp(requirement->values[i], value) == 0)
            return true;
    }
    return false;
}

static bool requirement_holds(const struct requirement *requirement, const char *value)
{
    switch (requirement->operator_) {
    case SELECTOR_IN:
        return value && is_listed(requirement, value);
    case SELECTOR_NOT_IN: /* a pod without the label has none of the values */
        return !value || !is_listed(requirement, value);
    case SELECTOR_EXISTS:
        return value != NULL;
    case SELECTOR_DOES_NOT_EXIST:
        return value == NULL;
    }
    return false;
}

bool selector_matches(const struct selector *selector, const struct labels *labels)
{
    for (size_t i = 0; i < selector->count; i++) {
        const struct requirement *requirement = &selector->requirements[i];

        if (!requirement_holds(requirement, labels_get(labels, requirement->key)))
            return false;
    }
    return true;
}

bool selector_selects(const struct profile *profile, const char *namespace_, const struct labels *labels)
{
    return !profile->selects_nothing && strcmp(profile->namespace_, namespace_) == 0 &&
           selector_matches(&profile->selector, labels);
}
