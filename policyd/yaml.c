/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests: see yaml.h. libyaml's events become jansson values in one recursive descent. An alias shares the value of
 * its anchor, which is complete by then, so that there are no cycles; what it would expand to counts against
 * YAML_NODES_MAX.
 */
#include "policyd/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "lib/cleanup.h"
#include "lib/name.h"
#include "lib/yaml_scalar.h"

struct reader {
    yaml_parser_t parser;
    size_t nodes;         /* of all documents, aliases expanded */
    json_t *anchors;      /* of this document: name to value */
    json_t *anchor_nodes; /* name to how many nodes that value has, expanded */
    struct error *err;
};

#define cleanup_event __attribute__((cleanup(yaml_event_delete)))

static int refuse(struct reader *reader, size_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int refuse(struct reader *reader, size_t line, const char *format, ...)
{
    char text[200];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    name_make_printable(text);
    return error_set(reader->err, EINVAL, "line %zu: %s", line + 1, text);
}

static int next_event(struct reader *reader, yaml_event_t *event)
{
    const yaml_parser_t *parser = &reader->parser;

    if (yaml_parser_parse(&reader->parser, event))
        return 0;
    if (parser->error == YAML_MEMORY_ERROR)
        return error_set(reader->err, ENOMEM, "out of memory");
    return refuse(reader, parser->error == YAML_READER_ERROR ? parser->mark.line : parser->problem_mark.line, "%s",
                  parser->problem ? parser->problem : "not YAML");
}

static int count_nodes(struct reader *reader, size_t line, size_t nodes)
{
    reader->nodes += nodes;
    if (reader->nodes > YAML_NODES_MAX)
        return refuse(reader, line, "more than %d values, with all aliases written out", YAML_NODES_MAX);
    return 0;
}

static json_t *read_scalar(struct reader *reader, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value, *tag = (const char *)event->data.scalar.tag;
    size_t length = event->data.scalar.length, line = event->start_mark.line;
    json_t *value;

    if (memchr(text, '\0', length)) {
        refuse(reader, line, "a text with a zero byte in it");
        return NULL;
    }
    if (tag)
        value = yaml_scalar_tagged(text, length, tag);
    else if (event->data.scalar.plain_implicit)
        value = yaml_scalar_resolve(text, length);
    else
        value = json_stringn(text, length);
    if (!value)
        refuse(reader, line, "\"%.60s\" cannot be read%s%.40s; quote it if it is text", text, tag ? " as " : "",
               tag ? tag : "");
    return value;
}

static json_t *read_alias(struct reader *reader, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    json_t *value = json_object_get(reader->anchors, name);
    size_t nodes = (size_t)json_integer_value(json_object_get(reader->anchor_nodes, name));

    if (!value) {
        refuse(reader, event->start_mark.line, "alias *%.60s stands for nothing that is complete before it", name);
        return NULL;
    }
    if (count_nodes(reader, event->start_mark.line, nodes) < 0)
        return NULL;
    return json_incref(value);
}

/* A key as JSON knows it: 8080 and true become "8080" and "true", as with kubectl. */
static char *read_key(struct reader *reader, const yaml_event_t *event)
{
    size_t line = event->start_mark.line;

    if (event->type != YAML_SCALAR_EVENT || event->data.scalar.anchor) {
        refuse(reader, line, "a key that is not plain text");
        return NULL;
    }
    if (event->data.scalar.plain_implicit && strcmp((const char *)event->data.scalar.value, "<<") == 0) {
        refuse(reader, line, "the merge key << is not supported; write the fields out");
        return NULL;
    }

    json_auto_t *value = read_scalar(reader, event);

    if (!value)
        return NULL;
    if (json_is_null(value)) {
        refuse(reader, line, "a key is empty");
        return NULL;
    }
    return json_is_string(value) ? strdup(json_string_value(value)) : json_dumps(value, JSON_ENCODE_ANY);
}

static json_t *read_node(struct reader *reader, yaml_event_t *event, int depth);

static json_t *read_sequence(struct reader *reader, int depth)
{
    json_auto_t *array = json_array();

    for (;;) {
        cleanup_event yaml_event_t event = {0};

        if (next_event(reader, &event) < 0)
            return NULL;
        if (event.type == YAML_SEQUENCE_END_EVENT)
            return json_incref(array);

        json_t *element = read_node(reader, &event, depth);

        if (!element || json_array_append_new(array, element) < 0)
            return NULL;
    }
}

static json_t *read_mapping(struct reader *reader, int depth)
{
    json_auto_t *object = json_object();

    for (;;) {
        cleanup_event yaml_event_t key_event = {0}, event = {0};

        if (next_event(reader, &key_event) < 0)
            return NULL;
        if (key_event.type == YAML_MAPPING_END_EVENT)
            return json_incref(object);

        cleanup_free char *key = read_key(reader, &key_event);

        if (!key)
            return NULL;
        if (json_object_get(object, key)) {
            refuse(reader, key_event.start_mark.line, "\"%.60s\" is given twice", key);
            return NULL;
        }
        if (next_event(reader, &event) < 0)
            return NULL;

        json_t *value = read_node(reader, &event, depth);

        if (!value || json_object_set_new(object, key, value) < 0)
            return NULL;
    }
}

/* The name an event gives to its node, if any, and whether its tag is one that JSON has. */
static const char *event_anchor(const yaml_event_t *event, bool *is_known)
{
    const yaml_char_t *tag = NULL, *anchor = NULL;

    if (event->type == YAML_MAPPING_START_EVENT) {
        tag = event->data.mapping_start.tag;
        anchor = event->data.mapping_start.anchor;
        *is_known = !tag || strcmp((const char *)tag, YAML_MAP_TAG) == 0;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        tag = event->data.sequence_start.tag;
        anchor = event->data.sequence_start.anchor;
        *is_known = !tag || strcmp((const char *)tag, YAML_SEQ_TAG) == 0;
    } else if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
    }
    return (const char *)anchor;
}

static json_t *read_value(struct reader *reader, const yaml_event_t *event, int depth)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        return read_sequence(reader, depth + 1);
    case YAML_MAPPING_START_EVENT:
        return read_mapping(reader, depth + 1);
    default: /* libyaml's grammar has nothing else here */
        refuse(reader, event->start_mark.line, "a value is missing");
        return NULL;
    }
}

static json_t *read_node(struct reader *reader, yaml_event_t *event, int depth)
{
    size_t line = event->start_mark.line, before = reader->nodes;
    bool is_known = true;
    const char *anchor = event_anchor(event, &is_known);

    if (event->type == YAML_ALIAS_EVENT)
        return read_alias(reader, event);
    if (depth >= YAML_DEPTH_MAX || !is_known) {
        refuse(reader, line, depth >= YAML_DEPTH_MAX ? "nested too deep" : "a tag that JSON has no value for");
        return NULL;
    }
    if (count_nodes(reader, line, 1) < 0)
        return NULL;

    json_t *value = read_value(reader, event, depth);

    if (value && anchor) {
        json_object_set(reader->anchors, anchor, value);
        json_object_set_new(reader->anchor_nodes, anchor, json_integer((json_int_t)(reader->nodes - before)));
    }
    return value;
}

static int read_documents(struct reader *reader, json_t *documents)
{
    for (;;) {
        cleanup_event yaml_event_t event = {0};

        if (next_event(reader, &event) < 0)
            return -EINVAL;
        if (event.type == YAML_STREAM_END_EVENT)
            return 0;
        if (event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_END_EVENT)
            continue;
        if (event.type == YAML_DOCUMENT_START_EVENT) {
            json_object_clear(reader->anchors);
            json_object_clear(reader->anchor_nodes);
            continue;
        }

        json_t *document = read_node(reader, &event, 0);

        if (!document || json_array_append_new(documents, document) < 0)
            return -EINVAL;
    }
}

int yaml_parse(const char *text, size_t size, json_t **documents, struct error *err)
{
    json_auto_t *read = json_array();
    struct error cause = {.code = ENOMEM, .msg = "out of memory"};
    struct reader reader = {.anchors = json_object(), .anchor_nodes = json_object(), .err = &cause};
    int result = -ENOMEM;

    if (read && reader.anchors && reader.anchor_nodes && yaml_parser_initialize(&reader.parser)) {
        yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, size);
        result = read_documents(&reader, read);
        yaml_parser_delete(&reader.parser);
    }
    json_decref(reader.anchors);
    json_decref(reader.anchor_nodes);
    if (result < 0)
        return error_set(err, cause.code, "%s", cause.msg);
    *documents = json_incref(read);
    return 0;
}

static size_t count_lines(const char *text, size_t size)
{
    size_t lines = 0;

    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    return lines;
}

int yaml_parse_json(const char *text, size_t size, json_t **documents, struct error *err)
{
    json_auto_t *read = json_array();
    size_t start = 0;

    for (;;) {
        while (start < size && strchr(" \t\r\n", text[start]) && text[start])
            start++;
        if (start == size)
            break;

        json_error_t cause;
        json_t *document = json_loadb(text + start, size - start,
                                      JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY, &cause);

        if (!document) {
            name_make_printable(cause.text);
            return error_set(err, EINVAL, "line %zu: %s", count_lines(text, start) + (size_t)cause.line, cause.text);
        }
        if (json_array_append_new(read, document) < 0)
            return error_set(err, ENOMEM, "out of memory");
        start += (size_t)cause.position;
    }
    *documents = json_incref(read);
    return 0;
}

/* Opening a FIFO or a device may wait for ever, or do something: what a folder is followed for is a file. */
static FILE *open_regular(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat status;
    FILE *file;

    if (fd < 0 || fstat(fd, &status)) {
        error_set(err, errno, "%s", strerror(errno));
        file = NULL;
    } else if (!S_ISREG(status.st_mode)) {
        error_set(err, EINVAL, "not a regular file; a manifest is a file or a link to one: move away what is there");
        file = NULL;
    } else {
        file = fdopen(fd, "r");
        if (!file)
            error_set(err, errno, "%s", strerror(errno));
    }
    if (!file && fd >= 0)
        close(fd);
    return file;
}

static FILE *open_any(const char *path, struct error *err)
{
    FILE *file = fopen(path, "re");

    if (!file)
        error_set(err, errno, "%s", strerror(errno));
    return file;
}

static char *read_whole(FILE *file, size_t *size, struct error *err)
{
    cleanup_free char *text = malloc(YAML_BYTES_MAX + 1);

    if (!text) {
        error_set(err, ENOMEM, "out of memory");
        return NULL;
    }
    *size = fread(text, 1, YAML_BYTES_MAX + 1, file);
    if (ferror(file)) {
        error_set(err, errno, "%s", strerror(errno));
        return NULL;
    }
    if (*size > YAML_BYTES_MAX) {
        error_set(err, EFBIG, "larger than %u bytes", YAML_BYTES_MAX);
        return NULL;
    }
    return TAKE_PTR(text);
}

int yaml_load_file(const char *path, enum yaml_source source, json_t **documents, struct error *err)
{
    cleanup_fclose FILE *file = source == YAML_REGULAR ? open_regular(path, err) : open_any(path, err);
    size_t size, length = strlen(path);
    cleanup_free char *text = file ? read_whole(file, &size, err) : NULL;

    if (!text)
        return err ? -err->code : -EIO;
    if (length > 5 && strcmp(path + length - 5, ".json") == 0)
        return yaml_parse_json(text, size, documents, err);
    return yaml_parse(text, size, documents, err);
}
