/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles whose only RULES are the egress of /a, from the text of those. Each function fails its test by itself. */
#ifndef NSP_TESTS_UNIT_RULES_TEXT_H
#define NSP_TESTS_UNIT_RULES_TEXT_H

#include "policyd/objects.h"

#define RULES_FIELD "spec.processes[0].network.egress"

struct profile *rules_text_make(const char *rules);

/* The message must be RULES_FIELD followed by `says`; cases: rules and what is said. */
void rules_text_refused(const char *rules, const char *says);
void rules_text_all_refused(const char *const cases[][2], size_t count);

/* Exactly these warnings, as "FIELD: TEXT". */
void rules_text_warnings(const char *rules, const char *const expected[], size_t count);

/* "{BEFORE ELEMENT, ELEMENT, ... AFTER}", to be freed. */
char *rules_text_repeat(const char *before, const char *element, size_t count, const char *after);

#endif
