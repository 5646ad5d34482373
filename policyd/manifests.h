/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a folder say, file by file, and which of them holds a name: the first by file name, then by place
 * in the file. Keeps what a file had brought when its successor cannot be read. Brings the objects to the store;
 * knows nothing of when files change (source_dir.c).
 */
#ifndef NSP_POLICYD_MANIFESTS_H
#define NSP_POLICYD_MANIFESTS_H

#include <sys/types.h>
#include <time.h>

#include "policyd/objects.h"
#include "policyd/store.h"

/* One manifest: its claim to a name. */
struct claim {
    enum object_kind kind;
    char *namespace_, *name;
    size_t document; /* 1 = first of its file */
    char *refused;   /* why it is not valid, or NULL */
    bool is_kept;    /* from an earlier state of the file */
    bool is_missing; /* its file does not hold it any more: withdrawn unless it comes back, see manifests_settle() */
};

struct manifest_file {
    char *name;    /* inside the folder */
    char *error;   /* why the whole file was not read, or a manifest in it has no name; NULL */
    bool was_read; /* some state of it was, without error */
    bool is_dirty; /* to be read again: a name became free that it claims */
    off_t size;    /* as it was read last */
    struct timespec modified;
    size_t count;
    struct claim *claims;
};

struct manifests {
    const char *folder;
    struct store *store;
    /* A profile has come, changed or gone. Pods: see struct store. */
    void (*profile_changed)(void *context, const char *namespace_, const char *name);
    void *context;
    size_t count;
    struct manifest_file *files; /* sorted by name */
};

/* Whether a file of that name is read at all: *.yaml, *.yml, *.json, not hidden. */
bool manifests_takes(const char *name);

/* Reads one file of the folder and brings its objects to the store. Refusals are logged and kept, not returned. */
void manifests_read(struct manifests *manifests, const char *name);
/* Whether a rewritten file left out what it had brought. That stays in force for a moment: it may be half-written. */
bool manifests_are_missing(const struct manifests *manifests);
/* Withdraws what is missing, or reads the file again where it has changed. Call a moment after it was found missing. */
void manifests_settle(struct manifests *manifests);
/* The file is gone. What else claims its names is promoted. */
void manifests_forget(struct manifests *manifests, const char *name);
/* Forgets each file that is not in the list. */
void manifests_retain(struct manifests *manifests, char *const *names, size_t count);

/* The first claim to the name of `like`, and the file it is in; NULL. */
const struct claim *manifests_holder(const struct manifests *manifests, const struct claim *like, size_t *file);

/* A file none of whose states could be read since the start, so that nobody knows whom it selects; NULL. */
const struct manifest_file *manifests_unread(const struct manifests *manifests);

/* Calls `visit` for whatever is wrong: a file, a refused manifest, a name claimed twice. */
void manifests_each_problem(const struct manifests *manifests,
                            void (*visit)(const char *origin, const char *text, void *context), void *context);

void manifests_free(struct manifests *manifests);

#endif
