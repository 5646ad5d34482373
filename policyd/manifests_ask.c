/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a folder leave unsaid or say wrongly: see manifests.h. Reading them is manifests.c. */
#include <string.h>

#include "lib/cleanup.h"
#include "policyd/claims.h"
#include "policyd/manifests.h"
#include "policyd/selector.h"

static bool was_never_valid(const struct manifests *manifests, const struct claim *claim)
{
    for (size_t i = 0; i < manifests->store->profiles_count; i++) {
        const struct stored_profile *stored = &manifests->store->profiles[i];

        if (strcmp(stored->namespace_, claim->namespace_) == 0 && strcmp(stored->name, claim->name) == 0)
            return stored->profile == NULL;
    }
    return true;
}

const struct claim *manifests_refused_for(const struct manifests *manifests, const char *namespace_,
                                          const struct labels *labels)
{
    for (size_t i = 0; i < manifests->count; i++) {
        for (size_t j = 0; j < manifests->files[i].count; j++) {
            const struct claim *claim = &manifests->files[i].claims[j];

            if (claim->selection && selector_selects(claim->selection, namespace_, labels) &&
                was_never_valid(manifests, claim))
                return claim;
        }
    }
    return NULL;
}

const struct manifest_file *manifests_unread(const struct manifests *manifests)
{
    for (size_t i = 0; i < manifests->count; i++) {
        if (manifests->files[i].error && !manifests->files[i].was_read)
            return &manifests->files[i];
    }
    return NULL;
}

bool manifests_are_unclear(const struct manifests *manifests)
{
    if (manifests_unread(manifests))
        return true;
    for (size_t i = 0; i < manifests->count; i++) {
        const struct manifest_file *file = &manifests->files[i];

        for (size_t j = 0; j < file->count; j++) {
            if (file->claims[j].kind == OBJECT_PROFILE && file->claims[j].refused &&
                was_never_valid(manifests, &file->claims[j]))
                return true;
        }
    }
    return false;
}

void manifests_each_problem(const struct manifests *manifests,
                            void (*visit)(const char *origin, const char *text, void *context), void *context)
{
    for (size_t i = 0; i < manifests->count; i++) {
        const struct manifest_file *file = &manifests->files[i];
        cleanup_free char *path = claims_origin(manifests->folder, file->name, 0);

        if (file->error && path)
            visit(path, file->error, context);
        for (size_t j = 0; j < file->count; j++) {
            const struct claim *claim = &file->claims[j];
            size_t holder_file = 0;
            const struct claim *holder = manifests_holder(manifests, claim, &holder_file);
            cleanup_free char *origin = claims_origin(manifests->folder, file->name, claim->document);
            cleanup_free char *taken = NULL;

            if (holder != claim && holder)
                taken = claims_duplicate_text(claim, manifests->files[holder_file].name, holder->document);
            if (origin && (taken || claim->refused))
                visit(origin, taken ? taken : claim->refused, context);
        }
    }
}
