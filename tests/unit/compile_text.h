/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled policies for tests, from the YAML of a spec. Each function fails its test by itself. */
#ifndef NSP_TESTS_UNIT_COMPILE_TEXT_H
#define NSP_TESTS_UNIT_COMPILE_TEXT_H

#include "policyd/compile.h"

/* The profile outlives what is compiled of it: free both, the profile last. */
void compile_text_one(const char *spec, struct compiled *compiled, struct profile **profile);
void compile_text_all(struct profile *const *profiles, size_t count, struct compiled *compiled);

/* The block of a path, or for NULL the special one. */
const struct compiled_block *compile_text_block(const struct compiled *compiled, const char *path, int special);

#endif
