/* SPDX-License-Identifier: Apache-2.0 */
/* The documents of one file as claims to names (struct claim). Pure: no file, no store. */
#ifndef NSP_POLICYD_CLAIMS_H
#define NSP_POLICYD_CLAIMS_H

#include "policyd/manifests.h"

/* What a claim is about. */
struct claim_object {
    struct profile *profile; /* both NULL when it is refused */
    struct pod_object *pod;
    struct profile *selection; /* of a refused profile whose selector can be read; else NULL */
};

struct claims {
    size_t count;
    struct claim *items;
    struct claim_object *objects; /* as many */
    char *error;                  /* a manifest without a readable name; NULL */
};

/*
 * documents: as yaml_parse() gives them. A `List` stands for its items; kinds that are not ours are left out. A
 * manifest that is not valid becomes a refused claim. Returns 0, or -ENOMEM with nothing to free.
 */
int claims_read(const json_t *documents, struct claims *claims);

/* The selector of a profile that is otherwise refused, so that its pods can be told. NULL: it cannot be read. */
struct profile *claims_read_selection(const json_t *manifest);

/* Whether there is nothing in a file: no document, or only empty ones. */
bool claims_are_empty(const json_t *documents);

/*
 * Of a manifest that is neither a profile nor a pod. Objects of other kinds may lie in the folder; a misspelt one of
 * ours must not pass for one, or it would vanish. -EINVAL: it is no Kubernetes object, or of our group.
 */
int claims_check_other(const json_t *manifest, struct error *err);

/* Moves over from `old` what `claims` does not have: it stays, or is missing and will be withdrawn. */
void claims_keep(struct claims *claims, struct claims *old, bool is_missing);

const struct claim *claims_find(const struct claim *items, size_t count, const struct claim *like);

/* "folder/file#2", or without the number when it is 0; to be freed, NULL without memory. */
char *claims_origin(const char *folder, const char *file, size_t document);

/* What the second of two claims is told. To be freed; NULL without memory. */
char *claims_duplicate_text(const struct claim *claim, const char *holder_file, size_t holder_document);

void claims_free_objects(struct claims *claims);
void claims_free_items(struct claim *items, size_t count);

#endif
