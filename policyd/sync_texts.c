/* SPDX-License-Identifier: Apache-2.0 */
/* Names, requests and patterns of a new revision: see sync_draft.h. What is compiled knows no key; here it gets one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/text_hash.h"
#include "policyd/map_batch.h"
#include "policyd/sync_draft.h"

/* All patterns of the policy lie in one row, rule set after rule set. */
static int write_globs(const struct sync_draft *draft)
{
    struct map_batch map = {draft->sync->datapath->maps[MAP_GLOBS], sizeof(__u32), sizeof(struct glob)};
    size_t count = draft->compiled->globs_count, at = 0;
    __u32 *numbers = calloc(count + 1, sizeof(*numbers));
    struct glob *globs = calloc(count + 1, sizeof(*globs));
    int rc = numbers && globs ? 0 : -ENOMEM;

    for (size_t i = 0; rc == 0 && i < draft->compiled->rules_count; i++) {
        const struct compiled_rules *rules = &draft->compiled->rules[i];

        for (size_t j = 0; j < rules->globs_count; j++) {
            numbers[at] = draft->first_glob + (__u32)at;
            globs[at++] = rules->globs[j];
        }
    }
    if (rc == 0)
        rc = map_batch_write(&map, numbers, globs, count);
    free(numbers);
    free(globs);
    return rc;
}

static struct text_key key_of(const struct compiled_text *text, __u32 rules, const __u32 *text_key)
{
    struct text_key key = {.rules = rules, .list = text->list, .kind = text->kind};

    if (text->list != LIST_HTTP) {
        text_hash_name(text->text, text_key, &key.length, key.hash);
        return key;
    }
    key.length = (__u16)(strlen(text->text) | (text->method ? 0 : TEXT_ANY_METHOD));
    text_hash_request(text->method, text->text, strlen(text->text), text_key, key.hash);
    return key;
}

static size_t count_texts(const struct compiled *compiled)
{
    size_t count = 0;

    for (size_t i = 0; i < compiled->rules_count; i++)
        count += compiled->rules[i].texts_count;
    return count;
}

static size_t fill(const struct sync_draft *draft, struct text_key *keys, struct text *values)
{
    const __u32 *text_key = draft->sync->datapath->control->text_key;
    __u32 glob = draft->first_glob;
    size_t count = 0;

    for (size_t i = 0; i < draft->compiled->rules_count; i++) {
        const struct compiled_rules *rules = &draft->compiled->rules[i];

        for (size_t j = 0; j < rules->texts_count; j++) {
            const struct compiled_text *text = &rules->texts[j];

            keys[count] = key_of(text, draft->first + (__u32)i, text_key);
            values[count].first = text->globs_count ? glob + text->first_glob : 0;
            values[count++].count = text->globs_count;
        }
        glob += (__u32)rules->globs_count;
    }
    return count;
}

int sync_write_texts(const struct sync_draft *draft, struct error *err)
{
    struct map_batch map = {draft->sync->datapath->maps[MAP_TEXTS], sizeof(struct text_key), sizeof(struct text)};
    size_t count = count_texts(draft->compiled);
    struct text_key *keys = calloc(count + 1, sizeof(*keys));
    struct text *values = calloc(count + 1, sizeof(*values));
    int rc = write_globs(draft);

    if (rc) {
        sync_fail(err, MAP_GLOBS, rc);
    } else {
        rc = keys && values ? map_batch_write(&map, keys, values, fill(draft, keys, values)) : -ENOMEM;
        if (rc)
            sync_fail(err, MAP_TEXTS, rc);
    }
    free(keys);
    free(values);
    return rc;
}
