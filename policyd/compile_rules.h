/* SPDX-License-Identifier: Apache-2.0 */
/* From one RULES object to one rule set; a part of compile.h. */
#ifndef NSP_POLICYD_COMPILE_RULES_H
#define NSP_POLICYD_COMPILE_RULES_H

#include "lib/sha256.h"
#include "policyd/compile.h"

/* is_pod_scope: egress of a process whose profile has nameScope: pod. -ENOMEM, with nothing to free. */
int compile_rules(const struct rules_spec *spec, bool is_pod_scope, struct compiled_rules *rules);
void compile_rules_free(struct compiled_rules *rules);

/* Fills in texts, globs and what the value says of them (compile_texts.c). -ENOMEM, with something to free. */
int compile_texts(const struct rules_spec *spec, struct compiled_rules *rules);

/* With the length before it, so that two texts cannot be read as two others; a text may be NULL. */
void compile_hash(struct sha256 *hash, const void *data, size_t size);
void compile_hash_text(struct sha256 *hash, const char *text);

#endif
