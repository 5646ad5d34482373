/* SPDX-License-Identifier: Apache-2.0 */
/* YAML: see yaml_text.h. */
#include "nspctl/yaml_text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

static bool emit_value(yaml_emitter_t *emitter, const json_t *json);

static bool emit_scalar(yaml_emitter_t *emitter, const char *text, yaml_scalar_style_t style)
{
    yaml_event_t event;

    return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), true, true,
                                        style) &&
           yaml_emitter_emit(emitter, &event);
}

/* Plain, some texts would be read as something else: 12, 2026-11-24, true. */
static bool can_be_plain(const char *text)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
    char first = text[0];

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(text, words[i]) == 0)
            return false;
    }
    return first == '/' || first == '_' || (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
}

static bool emit_text(yaml_emitter_t *emitter, const char *text)
{
    return emit_scalar(emitter, text, can_be_plain(text) ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

static bool emit_object(yaml_emitter_t *emitter, const json_t *json)
{
    yaml_event_t event;
    const char *key;
    json_t *value;

    if (!yaml_mapping_start_event_initialize(&event, NULL, NULL, true, YAML_BLOCK_MAPPING_STYLE) ||
        !yaml_emitter_emit(emitter, &event))
        return false;
    json_object_foreach ((json_t *)json, key, value) {
        if (!emit_text(emitter, key) || !emit_value(emitter, value))
            return false;
    }
    return yaml_mapping_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static bool emit_array(yaml_emitter_t *emitter, const json_t *json)
{
    yaml_event_t event;
    json_t *value;
    size_t i;

    if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, true, YAML_BLOCK_SEQUENCE_STYLE) ||
        !yaml_emitter_emit(emitter, &event))
        return false;
    json_array_foreach (json, i, value) {
        if (!emit_value(emitter, value))
            return false;
    }
    return yaml_sequence_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static bool emit_value(yaml_emitter_t *emitter, const json_t *json)
{
    char number[32];

    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return emit_object(emitter, json);
    case JSON_ARRAY:
        return emit_array(emitter, json);
    case JSON_STRING:
        return emit_text(emitter, json_string_value(json));
    case JSON_INTEGER:
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(json));
        return emit_scalar(emitter, number, YAML_PLAIN_SCALAR_STYLE);
    case JSON_REAL:
        snprintf(number, sizeof(number), "%.17g", json_real_value(json));
        return emit_scalar(emitter, number, YAML_PLAIN_SCALAR_STYLE);
    case JSON_NULL:
        return emit_scalar(emitter, "null", YAML_PLAIN_SCALAR_STYLE);
    default:
        return emit_scalar(emitter, json_is_true(json) ? "true" : "false", YAML_PLAIN_SCALAR_STYLE);
    }
}

static bool emit_document(yaml_emitter_t *emitter, const json_t *json)
{
    yaml_event_t event;

    return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) && yaml_emitter_emit(emitter, &event) &&
           yaml_document_start_event_initialize(&event, NULL, NULL, NULL, true) && yaml_emitter_emit(emitter, &event) &&
           emit_value(emitter, json) && yaml_document_end_event_initialize(&event, true) &&
           yaml_emitter_emit(emitter, &event) && yaml_stream_end_event_initialize(&event) &&
           yaml_emitter_emit(emitter, &event);
}

int yaml_text_print(const json_t *json, FILE *to, struct error *err)
{
    yaml_emitter_t emitter;
    int rc = 0;

    if (!yaml_emitter_initialize(&emitter))
        return error_set(err, ENOMEM, "out of memory");
    yaml_emitter_set_output_file(&emitter, to);
    yaml_emitter_set_width(&emitter, -1); /* a line for each text */
    if (!emit_document(&emitter, json))
        rc = error_set(err, EIO, "cannot write YAML: %s", emitter.problem ? emitter.problem : "out of memory");
    yaml_emitter_delete(&emitter);
    return rc;
}
