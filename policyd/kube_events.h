/* SPDX-License-Identifier: Apache-2.0 */
/* What a watch or a list says, taken apart and handed to the watch's owner. Between kube_watch.c and kube_events.c. */
#ifndef NSP_POLICYD_KUBE_EVENTS_H
#define NSP_POLICYD_KUBE_EVENTS_H

#include "policyd/kube_watch.h"

/* For kube_line_feed(): one event. Not 0: the stream is to be cut; `fault` says why, or `is_forgotten` is set. */
int kube_events_take(void *context, char *text, size_t length);

/* A whole page, in watch->line. *is_last: nothing follows. Negative: `fault` says why. */
int kube_events_take_page(struct kube_watch *watch, bool *is_last);

/* Replaces one text by a copy of another. -ENOMEM. */
int kube_events_keep(char **text, const char *value);

#endif
