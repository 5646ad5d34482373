/* SPDX-License-Identifier: Apache-2.0 */
/* One event as a line for people, in the manner of `hubble observe`. Pure. */
#ifndef NSP_NSPCTL_EVENT_TEXT_H
#define NSP_NSPCTL_EVENT_TEXT_H

#include <jansson.h>
#include <stdio.h>

/* Missing or oddly typed fields show as "-". Times in local time. */
void event_text_compact(const json_t *event, FILE *to);
/* Columns of fixed least width, since a stream has no end to measure. */
void event_text_heads(FILE *to);
void event_text_row(const json_t *event, FILE *to);

#endif
