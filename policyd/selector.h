/* SPDX-License-Identifier: Apache-2.0 */
/* Which pods a profile selects (metav1.LabelSelector). Pure. */
#ifndef NSP_POLICYD_SELECTOR_H
#define NSP_POLICYD_SELECTOR_H

#include "policyd/objects.h"

bool selector_matches(const struct selector *selector, const struct labels *labels);

/* Namespace and labels: profile.md, Selection. */
bool selector_selects(const struct profile *profile, const char *namespace_, const struct labels *labels);

/* NULL if the label is absent. */
const char *labels_get(const struct labels *labels, const char *key);

#endif
