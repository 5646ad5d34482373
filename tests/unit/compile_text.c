/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled policies for tests: see compile_text.h. */
#include "tests/unit/compile_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/profile_text.h"

void compile_text_all(struct profile *const *profiles, size_t count, struct compiled *compiled)
{
    struct error err = {0};

    if (compile_policy((const struct profile *const *)profiles, count, compiled, &err) < 0)
        fail_msg("%s", err.msg);
}

void compile_text_one(const char *spec, struct compiled *compiled, struct profile **profile)
{
    *profile = profile_text_make("p", spec);
    compile_text_all(profile, 1, compiled);
}

const struct compiled_block *compile_text_block(const struct compiled *compiled, const char *path, int special)
{
    for (size_t i = 0; i < compiled->blocks_count; i++) {
        const struct compiled_block *block = &compiled->blocks[i];

        if (path ? block->path && strcmp(block->path, path) == 0 : !block->path && block->special == special)
            return block;
    }
    fail_msg("no block %s %d", path ? path : "", special);
    abort(); /* fail_msg() does not return, which nobody has told the compiler */
}
