/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a folder leave unsaid or say wrongly: see manifests.h. Reading them is manifests.c. */
#include "lib/cleanup.h"
#include "policyd/claims.h"
#include "policyd/manifests.h"

const struct manifest_file *manifests_unread(const struct manifests *manifests)
{
    for (size_t i = 0; i < manifests->count; i++) {
        if (manifests->files[i].error && !manifests->files[i].was_read)
            return &manifests->files[i];
    }
    return NULL;
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
