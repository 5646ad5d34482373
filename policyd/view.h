/* SPDX-License-Identifier: Apache-2.0 */
/* What the status socket shows. Each returns a new JSON object, or NULL without memory. */
#ifndef NSP_POLICYD_VIEW_H
#define NSP_POLICYD_VIEW_H

#include <jansson.h>

struct daemon;

json_t *view_health(struct daemon *daemon);
json_t *view_status(struct daemon *daemon);
json_t *view_pods(struct daemon *daemon);
json_t *view_profiles(struct daemon *daemon);

#endif
