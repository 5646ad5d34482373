/* SPDX-License-Identifier: Apache-2.0 */
/* What an event says was asked for, in a few words: "dns A pong.svc?", "http GET /task", "tls pong.com". Pure. */
#ifndef NSP_NSPCTL_EVENT_ASKED_H
#define NSP_NSPCTL_EVENT_ASKED_H

#include <jansson.h>
#include <stdio.h>

/* Whether there is anything to say. */
int event_asked_is_known(const json_t *flow);
/* Nothing where nothing is known. */
void event_asked_print(const json_t *flow, FILE *to);
/* " -> NOERROR 1 address 0.4 ms", of a DNS answer. */
void event_asked_print_answer(const json_t *flow, FILE *to);

#endif
