/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the status socket shows. Each returns a new JSON object, or NULL without memory. pod: [NAMESPACE/]PREFIX of the
 * pods that are asked about, or NULL for all; those that are not about single pods are never given one.
 */
#ifndef NSP_POLICYD_VIEW_H
#define NSP_POLICYD_VIEW_H

#include <jansson.h>

struct daemon;
struct pod_entry;
struct pod_tally;

json_t *view_health(struct daemon *daemon, const char *pod);
json_t *view_learn(struct daemon *daemon, const char *pod);
json_t *view_names(struct daemon *daemon, const char *pod);
json_t *view_pods(struct daemon *daemon, const char *pod);
json_t *view_profiles(struct daemon *daemon, const char *pod);
json_t *view_status(struct daemon *daemon, const char *pod);

/* What is wrong with what the pod has learnt, for people; to be freed. NULL: nothing. */
char *view_names_problem(const struct daemon *daemon, const struct pod_entry *pod, const struct pod_tally *tallies);

#endif
