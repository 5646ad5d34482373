/* SPDX-License-Identifier: Apache-2.0 */
/* Which policy the labels of a pod get: the one of all valid profiles that select them, compiled and in the maps. */
#ifndef NSP_POLICYD_ASSIGN_H
#define NSP_POLICYD_ASSIGN_H

#include "policyd/store.h"
#include "policyd/sync.h"

/*
 * *policy: NULL when nobody selects the labels. Otherwise it is brought up to date first; where that fails, its
 * `error` says why, and what was in force of it (index 0: nothing) stays. Negative: there is no policy for these
 * profiles at all, *policy is untouched.
 */
int assign_policy(struct sync *sync, const struct store *store, const struct pod_object *pod, struct synced **policy,
                  struct error *err);

/* Whether a violation of some profile that selects the labels is refused, as a policy of theirs would do. */
bool assign_enforces(const struct store *store, const struct pod_object *pod);

/* A profile has changed: policies that it is part of are compiled again. */
void assign_note_change(struct sync *sync, const char *namespace_, const char *name);

/* Whether some policy's newest content is not in force. */
bool assign_has_failed(const struct sync *sync);
/* All that failed will be tried again; whether there is anything. */
bool assign_retry(struct sync *sync);

#endif
