/* SPDX-License-Identifier: Apache-2.0 */
/* YAML and JSON manifests: what they mean, as with kubectl, and what is refused with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "policyd/yaml.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

typedef int (*parser)(const char *text, size_t size, json_t **documents, struct error *err);

static void assert_means(parser parse, const char *text, const char *json)
{
    json_auto_t *documents = NULL;
    struct error err = {0};

    if (parse(text, strlen(text), &documents, &err) < 0)
        fail_msg("%s\nsaid: %s", text, err.msg);

    cleanup_free char *dumped = json_dumps(documents, JSON_COMPACT);

    assert_string_equal(dumped, json);
}

static void assert_refused(parser parse, const char *text, const char *says)
{
    json_t *documents = NULL;
    struct error err = {0};

    if (parse(text, strlen(text), &documents, &err) == 0)
        fail_msg("taken: %.200s", text);
    if (!strstr(err.msg, says))
        fail_msg("%.200s\nsaid: %s", text, err.msg);
    assert_null(documents);
}

static void scalars_mean_what_kubectl_makes_of_them(void **state)
{
    static const char *const cases[][2] = {
        {"text", "\"text\""},
        {"\"5\"", "\"5\""},
        {"'yes'", "\"yes\""},
        {"", "null"},
        {"~", "null"},
        {"null", "null"},
        {"nUll", "\"nUll\""},
        {"y", "true"},
        {"N", "false"},
        {"Yes", "true"},
        {"off", "false"},
        {"ON", "true"},
        {"yEs", "\"yEs\""},
        {"0", "0"},
        {"-0", "0"},
        {"+12", "12"},
        {"-12", "-12"},
        {"0x1F", "31"},
        {"0b101", "5"},
        {"0o17", "15"},
        {"0644", "420"},
        {"1_000", "1000"},
        {"0x", "\"0x\""},

        {"1.5", "1.5"},
        {"1e3", "1000.0"},
        {".5", "0.5"},
        {"1.", "1.0"},
        {"0x1p3", "\"0x1p3\""},
        {"infinity", "\"infinity\""},
        {"nan", "\"nan\""},
        {"1.2.3", "\"1.2.3\""},
        {"9223372036854775807", "9223372036854775807"},
        {"2020-01-01", "\"2020-01-01\""},
        {"22:22", "\"22:22\""},
        {"10.0.0.0/8", "\"10.0.0.0/8\""},
        {"fd00::/8", "\"fd00::/8\""},
        {"!!str 5", "\"5\""},
        {"! 5", "\"5\""},
        {"!!int 5", "5"},
        {"!!bool yes", "true"},
        {"!!float 5", "5"},
        {"!!null ~", "null"},
        {"!!str", "\"\""},
        {"|\n  a\n  b\n", "\"a\\nb\\n\""},
        {">-\n  a\n  b\n", "\"a b\""},
        {"a # not this", "\"a\""},
        {"\"\\u00e9\"", "\"\xc3\xa9\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[100], json[100];

        snprintf(text, sizeof(text), "a: %s\n", cases[i][0]);
        snprintf(json, sizeof(json), "[{\"a\":%s}]", cases[i][1]);
        assert_means(yaml_parse, text, json);
    }
}

static void documents_maps_lists_and_aliases_become_json(void **state)
{
    static const char *const cases[][2] = {
        {"", "[]"},
        {"# only a comment\n", "[]"},
        {"---\n", "[null]"},
        {"a: 1\n---\n---\n# nothing\n---\nb: 2\n...\n", "[{\"a\":1},null,null,{\"b\":2}]"},
        {"- a\n- [b, {c: d}]\n", "[[\"a\",[\"b\",{\"c\":\"d\"}]]]"},
        {"8080: a\non: b\n1.5: c\n\"8081\": d\n", "[{\"8080\":\"a\",\"true\":\"b\",\"1.5\":\"c\",\"8081\":\"d\"}]"},
        {"a: &x [1, 2]\nb: *x\nc: [*x, *x]\n", "[{\"a\":[1,2],\"b\":[1,2],\"c\":[[1,2],[1,2]]}]"},
        {"a: &x 1\nb: &x 2\nc: *x\n", "[{\"a\":1,\"b\":2,\"c\":2}]"},
        {"{\"a\": [1,\t2]}", "[{\"a\":[1,2]}]"},
        {"%YAML 1.2\n---\na: !!map {b: !!seq [c]}\n", "[{\"a\":{\"b\":[\"c\"]}}]"},
        {"\xef\xbb\xbf"
         "a: 1\n",
         "[{\"a\":1}]"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_means(yaml_parse, cases[i][0], cases[i][1]);
}

static void what_is_ambiguous_or_not_json_is_refused_with_its_line(void **state)
{
    static const char *const cases[][2] = {
        {"a: 1\nb: 2\na: 3\n", "line 3: \"a\" is given twice"},
        {"a: 1\nb: {c: 1, \"c\": 2}\n", "line 2: \"c\" is given twice"},
        {"1: a\n0x1: b\n", "line 2: \"1\" is given twice"},
        {"a: 1\nb: *x\n", "line 2: alias *x stands for nothing"},
        {"a: &x [*x]\n", "line 1: alias *x stands for nothing"},
        {"a: &x 1\n---\nb: *x\n", "line 3: alias *x stands for nothing"},
        {"a: &x {}\nb:\n  <<: *x\n", "line 3: the merge key << is not supported"},
        {"[a]: b\n", "line 1: a key that is not plain text"},
        {"? {a: b}\n: c\n", "line 1: a key that is not plain text"},
        {"~: b\n", "line 1: a key is empty"},
        {"a: .inf\n", "line 1: \".inf\" cannot be read; quote it"},
        {"a: -.INF\n", "cannot be read"},
        {"a: .nan\n", "cannot be read"},
        {"a: 1e999\n", "cannot be read"},
        {"a: \"x\\0y\"\n", "line 1: a text with a zero byte"},
        {"a: !!binary aGk=\n", "cannot be read as tag:yaml.org,2002:binary"},
        {"a: !!int x\n", "cannot be read as tag:yaml.org,2002:int"},
        {"a: !mine {}\n", "line 1: a tag that JSON has no value for"},
        {"a: !!set {x}\n", "a tag that JSON has no value for"},
        {"a:\n\tb: c\n", "line 2: found character that cannot start any token"},
        {"a: b: c\n", "line 1: mapping values are not allowed in this context"},
        {"a: [1\nb: 2\n", "line 2: "},
        {"a: \"x\n", "line 2: found unexpected end of stream"},
        {"a: \xff\n", "line 1: invalid leading UTF-8 octet"},
        {"%YAML 2.0\n---\na\n", "found incompatible YAML document"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(yaml_parse, cases[i][0], cases[i][1]);
}

/* T88 */
static void an_alias_bomb_is_refused_before_it_bursts(void **state)
{
    char text[2000];
    size_t used = (size_t)snprintf(text, sizeof(text), "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n");

    (void)state;
    for (int i = 1; i < 10; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "b%d: &a%d [*a%d", i, i, i - 1);
        for (int j = 0; j < 7; j++)
            used += (size_t)snprintf(text + used, sizeof(text) - used, ", *a%d", i - 1);
        used += (size_t)snprintf(text + used, sizeof(text) - used, "]\n");
    }
    assert_refused(yaml_parse, text, "more than 500000 values, with all aliases written out");
}

/* T88 */
static void deep_nesting_is_refused(void **state)
{
    char text[4096];

    (void)state;
    memset(text, '[', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_refused(yaml_parse, text, "line 1: nested too deep");

    memset(text + YAML_DEPTH_MAX, ']', YAML_DEPTH_MAX);
    text[YAML_DEPTH_MAX * 2] = '\0';

    json_auto_t *documents = NULL;

    assert_int_equal(yaml_parse(text, YAML_DEPTH_MAX * 2, &documents, NULL), 0);
}

static void json_may_hold_several_documents(void **state)
{
    (void)state;
    assert_means(yaml_parse_json, "", "[]");
    assert_means(yaml_parse_json, " {\"a\":1}\n[2] \n", "[{\"a\":1},[2]]");
    assert_means(yaml_parse_json, "{\"a\":true}{\"b\":\"yes\"}", "[{\"a\":true},{\"b\":\"yes\"}]");
}

static void bad_json_is_refused_with_its_line(void **state)
{
    static const char *const cases[][2] = {
        {"{\"a\":1}\n{\"b\":1,\n\"b\":2}", "line 3: duplicate object key"},
        {"{\"a\":1}\n\n{\"b\":", "line 3: "},
        {"{a: 1}", "line 1: "},
        {"{\"a\":\"\\u0000\"}", "line 1: "},
        {"{\"a\":\"\xff\"}", "line 1: "},
        {"{\"a\":1} x", "line 1: "},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(yaml_parse_json, cases[i][0], cases[i][1]);
}

/* A file of that name's ending with that text; to be unlinked by the caller. */
static void write_file(char *path, const char *text, size_t size)
{
    int fd = mkstemps(path, 5);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), (ssize_t)size);
    close(fd);
}

static void the_ending_of_a_file_says_its_language(void **state)
{
    char yaml[] = "/tmp/nsp-unit-XXXXXX.yaml", json[] = "/tmp/nsp-unit-XXXXXX.json";
    json_auto_t *documents = NULL;
    struct error err = {0};

    (void)state;
    write_file(yaml, "a: 1\n", 5);
    write_file(json, "a: 1\n", 5);
    assert_int_equal(yaml_load_file(yaml, YAML_ANY, &documents, &err), 0);
    assert_int_equal(json_array_size(documents), 1);
    assert_true(yaml_load_file(json, YAML_ANY, &documents, &err) < 0);
    unlink(yaml);
    unlink(json);
}

static void a_file_that_cannot_be_read_is_refused_with_the_cause(void **state)
{
    char large[] = "/tmp/nsp-unit-XXXXXX.yaml";
    cleanup_free char *text = malloc(YAML_BYTES_MAX + 1);
    json_t *documents = NULL;
    struct error err = {0};

    (void)state;
    assert_non_null(text);
    memset(text, '#', YAML_BYTES_MAX + 1);
    write_file(large, text, YAML_BYTES_MAX + 1);
    assert_int_equal(yaml_load_file(large, YAML_ANY, &documents, &err), -EFBIG);
    assert_string_equal(err.msg, "larger than 4194304 bytes");
    unlink(large);

    assert_int_equal(yaml_load_file(large, YAML_ANY, &documents, &err), -ENOENT);
    assert_string_equal(err.msg, "No such file or directory");
    assert_int_equal(yaml_load_file("/tmp", YAML_ANY, &documents, &err), -EISDIR);
    assert_int_equal(yaml_load_file("/tmp", YAML_REGULAR, &documents, &err), -EINVAL);
    assert_int_equal(yaml_load_file("/dev/zero", YAML_REGULAR, &documents, &err), -EINVAL);
    assert_null(documents);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_mean_what_kubectl_makes_of_them),
        cmocka_unit_test(documents_maps_lists_and_aliases_become_json),
        cmocka_unit_test(what_is_ambiguous_or_not_json_is_refused_with_its_line),
        cmocka_unit_test(an_alias_bomb_is_refused_before_it_bursts),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(json_may_hold_several_documents),
        cmocka_unit_test(bad_json_is_refused_with_its_line),
        cmocka_unit_test(the_ending_of_a_file_says_its_language),
        cmocka_unit_test(a_file_that_cannot_be_read_is_refused_with_the_cause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
