/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One violation, DNS query or answer as JSON: Hubble's flow with Tetragon's process beside it, and what is ours
 * (reason, action, effect). Pure: whoever calls knows names and clocks.
 */
#ifndef NSP_POLICYD_EVENT_JSON_H
#define NSP_POLICYD_EVENT_JSON_H

#include <jansson.h>

#include "datapath/abi.h"
#include "policyd/asked_text.h"
#include "policyd/objects.h"

/* What the kernel's record does not say. Any pointer may be NULL: unknown, and left out. */
struct event_context {
    __s64 clock_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
    const char *node_name;
    const char *namespace_, *pod_name;
    const struct labels *labels; /* of the pod */
    const char *binary;
    const char *profile; /* "namespace/name" of the profile that refused, or would have */
    const struct asked_text *asked;
    json_t *destination_names; /* array of what the other side's address was learnt from */
};

/* A new object, or NULL without memory. */
json_t *event_json(const struct event *event, const struct event_context *context);

#define EVENT_JSON_TIME_SIZE 40
/* RFC 3339, UTC, nanoseconds. */
void event_json_time(__s64 time_ns, char text[EVENT_JSON_TIME_SIZE]);

#endif
