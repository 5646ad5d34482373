/* SPDX-License-Identifier: Apache-2.0 */
/* One revision while it is written; a part of sync.h. */
#ifndef NSP_POLICYD_SYNC_DRAFT_H
#define NSP_POLICYD_SYNC_DRAFT_H

#include "policyd/sync.h"

struct sync_draft {
    const struct sync *sync;
    const struct compiled *compiled;
    __u64 revision;
    __u32 first;      /* number of its first rule set */
    __u32 first_glob; /* of nsp_globs */
};

/* rc: negative errno. Says what it means that this map could not be written. */
int sync_fail(struct error *err, enum pins_map map, int rc);

/* Names, requests and patterns, with the hashes that the programs look them up by (sync_texts.c). */
int sync_write_texts(const struct sync_draft *draft, struct error *err);

#endif
