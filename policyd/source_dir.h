/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of manifests as a source of objects: reads it once, then follows it by inotify. A file is read when its
 * writer has closed it or when it was moved into place. The folder may be a ConfigMap mount (everything changes with
 * `..data`) or a symlink that is pointed elsewhere; while it is gone, what it had brought stays.
 */
#ifndef NSP_POLICYD_SOURCE_DIR_H
#define NSP_POLICYD_SOURCE_DIR_H

#include <event2/event.h>

#include "policyd/manifests.h"

struct source_dir {
    struct manifests *manifests;
    char *error; /* why the folder cannot be read or watched now; NULL */
    char *parent;
    const char *base; /* the folder's name in its parent */
    bool is_replaced; /* it took another's place, and nothing was forgotten for it yet */
    int inotify;
    int watch;        /* of the folder; -1 while it is gone */
    int parent_watch; /* tells when the folder itself is replaced */
    struct event *event;
    struct event *forget; /* once, some time after files went, or what was in them */
};

/* Lists the folder in full, and watches it from before that. */
int source_dir_start(struct source_dir *source, struct manifests *manifests, struct event_base *base,
                     struct error *err);
void source_dir_stop(struct source_dir *source);

#endif
