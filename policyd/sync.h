/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policies in the kernel's maps: finds what is there, writes a new revision beside it, publishes it by one store
 * and takes the old one away once no program can be reading it. A policy belongs to a set of profiles and keeps its
 * number while that set is in use. Revision numbers only grow, over restarts too: nsp_policies keeps the last one of
 * each number even when it is free.
 */
#ifndef NSP_POLICYD_SYNC_H
#define NSP_POLICYD_SYNC_H

#include <stdbool.h>

#include "datapath/pins.h"
#include "policyd/compile.h"
#include "policyd/ranges.h"

#define SYNC_GRACE_MS 100 /* no program runs that long */

struct synced {
    __u32 index;    /* of nsp_policies; 0: not in the kernel, see error */
    __u64 revision; /* in force */
    __u64 previous; /* the one before it, for events that are still on their way */
    __u8 name[32];
    __u8 content[32];
    __u32 first_rules, rules_count;
    __u32 first_glob, globs_count; /* of nsp_globs */
    char **names; /* "namespace/name" of its profiles, in the order of struct part.profile; NULL: found at start */
    size_t names_count;
    bool is_stale;       /* one of its profiles has changed */
    bool is_wanted;      /* used by pods.c */
    bool has_containers; /* some block of it is for one container only */
    char *error;         /* why the newest content is not in force, or NULL */
};

/* Waits to be taken away. */
struct retired {
    __u64 revision;
    __u32 first_rules, rules_count;
    __u32 first_glob, globs_count;
    __u32 index; /* of the policy that goes as a whole, or 0 */
    __u64 due_ms;
};

struct sync {
    const struct datapath *datapath;
    struct ranges ranges; /* of nsp_rules */
    struct ranges globs;  /* of nsp_globs; what is free there stays as it is: nothing refers to it */
    __u64 last_revision;
    int empty_trie; /* stands where a rule set's prefixes were: taking an entry out costs as much as changing it */
    size_t count;
    struct synced **items;
    size_t retired_count;
    struct retired *retired;
    __u64 revisions_written; /* since start */
};

/* Takes over what the maps hold and deletes what belongs to no policy in force. */
int sync_start(struct sync *sync, const struct datapath *datapath, bool is_adopted, struct error *err);
void sync_stop(struct sync *sync);

struct synced *sync_find_name(const struct sync *sync, const __u8 name[32]);
struct synced *sync_find_index(const struct sync *sync, __u32 index);
/* By revision, in force or just replaced. */
const struct synced *sync_find_revision(const struct sync *sync, __u64 revision);
/* A new entry, not in the kernel; NULL without memory. `names` is taken over. */
struct synced *sync_add(struct sync *sync, const __u8 name[32], char **names, size_t names_count);
void sync_forget(struct sync *sync, struct synced *policy); /* for one that is not in the kernel */

/*
 * Brings `compiled` in force; nothing is written when that is the case already. ENOSPC, E2BIG: a map or the numbers
 * are full; what was in force stays.
 */
int sync_write(struct sync *sync, struct synced *policy, const struct compiled *compiled, struct error *err);

/* No pod uses the policy any more. */
void sync_drop(struct sync *sync, struct synced *policy);

/* Takes away what has waited long enough. Returns the milliseconds until there is more to do, or -1. */
int sync_collect(struct sync *sync);

/* For sync_write.c, sync_start.c: notes what goes (due_ms is filled in), and deletes what nothing refers to. */
int sync_retire(struct sync *sync, struct retired retired);
int sync_sweep(const struct sync *sync);
int sync_clear_rules(const struct sync *sync, __u32 first, __u32 count);

#endif
