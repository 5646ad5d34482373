/* SPDX-License-Identifier: Apache-2.0 */
/* The part of an event that says what was asked for: Hubble's l7 with `dns` or `http`, and our `tls`. Pure. */
#ifndef NSP_POLICYD_EVENT_L7_H
#define NSP_POLICYD_EVENT_L7_H

#include <jansson.h>

#include "policyd/asked_text.h"

/* A DNS answer, rather than what the pod asked. */
bool event_l7_is_answer(const struct event *event);

/* A new object, or NULL where nothing is known of an application. asked may be NULL. */
json_t *event_l7_json(const struct event *event, const struct asked_text *asked);

#endif
