/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles for tests, from the YAML that a user would write. */
#ifndef NSP_TESTS_UNIT_PROFILE_TEXT_H
#define NSP_TESTS_UNIT_PROFILE_TEXT_H

#include "policyd/objects.h"

/* The only document of a YAML text; the caller's to release. Fails the test if it does not parse. */
json_t *profile_text_tree(const char *yaml);

/* A profile of that whole manifest: 0, or negative with the error set. */
int profile_text_parse(const char *yaml, struct profile **profile, struct error *err);

/* That whole manifest must be refused with exactly this message. */
void profile_text_refused(const char *yaml, const char *message);

/* A profile default/NAME whose spec is that YAML flow mapping; fails the test if it is refused. */
struct profile *profile_text_make(const char *name, const char *spec);

#endif
