/* SPDX-License-Identifier: Apache-2.0 */
/* Labels and label selectors of a manifest, and their text for people. */
#ifndef NSP_POLICYD_OBJECTS_SELECTOR_H
#define NSP_POLICYD_OBJECTS_SELECTOR_H

#include "policyd/objects_field.h"

/* Reads a map of labels; `into` is a struct labels. */
int labels_read(const struct field *field, void *into);
void labels_clear(struct labels *labels);

/* Reads a metav1.LabelSelector; `into` is a struct selector. */
int selector_read(const struct field *field, void *into);
/* Requires every label but those that tools add to what they apply. */
int selector_from_labels(const struct labels *labels, struct selector *selector);
void selector_clear(struct selector *selector);

/* Such as "app=ping,tier in (a,b)"; the caller's to free. NULL: out of memory. */
char *selector_write(const struct selector *selector);

#endif
