/* SPDX-License-Identifier: Apache-2.0 */
/* policyd's flags and settings file: what is taken, and what a refusal names. */
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
#include "policyd/options.h"

#define ARGUMENTS_MAX 8

/* Writes a settings file and reads it; the file's name is cut out of the message. */
static int read_text(const char *text, struct options *options, struct error *err)
{
    char path[] = "/tmp/nsp-options-XXXXXX";
    cleanup_close int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    options_init(options);

    int rc = options_read_file(options, path, err);

    unlink(path);
    return rc;
}

static void settings_are_lines_of_key_and_value(void **state)
{
    struct options options;
    struct error err = {0};

    (void)state;
    assert_int_equal(read_text("# a comment\n\n  manifests =  /a b/c \nevents-per-second=0\r\nexempt-node = no\n"
                               "log-level = debug",
                               &options, &err),
                     0);
    assert_string_equal(options.manifests, "/a b/c");
    assert_int_equal(options.events_per_second, 0);
    assert_int_equal(options.events_burst, 100);
    assert_false(options.exempt_node);
    assert_int_equal(options.log_level, LOG_LEVEL_DEBUG);
}

static void a_bad_line_is_named_and_nothing_is_set(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } rows[] = {
        {"manifests = /a\nmanifest = /b\n", ":2: \"manifest\" is not a setting; `policyd --help` lists them"},
        {"manifests\n", ":1: \"manifests\" is not of the form `key = value`"},
        {"bpffs = sys/fs/bpf\n", ":1: bpffs: \"sys/fs/bpf\" is not an absolute path"},
        {"events-burst = -1\n", ":1: events-burst: \"-1\" is not a number from 0 to 1000000000"},
        {"events-burst = 10k\n", ":1: events-burst: \"10k\" is not a number from 0 to 1000000000"},
        {"events-burst = 1000000001\n", ":1: events-burst: \"1000000001\" is not a number from 0 to 1000000000"},
        {"events-burst =\n", ":1: events-burst: \"\" is not a number from 0 to 1000000000"},
        {"exempt-node = true\n", ":1: exempt-node: \"true\" is neither yes nor no"},
        {"name-floor = 1\n", ":1: name-floor: \"1\" is not a time of at most 24h, such as 90s, 30m or 1h"},
        {"name-floor = -1s\n", ":1: name-floor: \"-1s\" is not a time of at most 24h, such as 90s, 30m or 1h"},
        {"name-cap = 25h\n", ":1: name-cap: \"25h\" is not a time of at most 24h, such as 90s, 30m or 1h"},
        {"name-cap = 99999999999999999999s\n",
         ":1: name-cap: \"99999999999999999999s\" is not a time of at most 24h, such as 90s, 30m or 1h"},
        {"name-cap = 1d\n", ":1: name-cap: \"1d\" is not a time of at most 24h, such as 90s, 30m or 1h"},
        {"refuse-learning = 10.0.0.0\n",
         ":1: refuse-learning: \"10.0.0.0\" has no prefix length; for one address add /32"},
        {"refuse-learning = 10.0.0.0/8,,\n", ":1: refuse-learning: \"\" has no prefix length; for one address add /32"},
        {"refuse-learning = fd00::/8, 10.0.0.1/8\n",
         ":1: refuse-learning: \"10.0.0.1/8\" has host bits; write 10.0.0.0/8"},
        {"log-level = trace\n", ":1: log-level: \"trace\" is none of error, warning, info, debug"},
        {"config = /etc/other\n", ":1: \"config\" is not a setting; `policyd --help` lists them"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct options options, untouched;
        struct error err = {0};

        options_init(&untouched);
        assert_int_equal(read_text(rows[i].text, &options, &err), -22);
        assert_non_null(strchr(err.msg, ':'));
        assert_string_equal(strchr(err.msg, ':'), rows[i].message);
        assert_string_equal(options.manifests, untouched.manifests);
    }
}

/* `arguments`: separated by blanks. */
static int parse(const char *arguments, struct options *options, struct error *err)
{
    cleanup_free char *copy = strdup(arguments);
    char *argv[ARGUMENTS_MAX + 2] = {(char *)"policyd"}, *rest = NULL;
    int argc = 1;

    for (char *word = strtok_r(copy, " ", &rest); word && argc <= ARGUMENTS_MAX; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    return options_parse(options, argc, argv, err);
}

static void times_have_a_unit(void **state)
{
    static const struct {
        const char *text;
        unsigned long seconds;
    } rows[] = {{"0s", 0}, {"90s", 90}, {"30m", 1800}, {"24h", 86400}, {"86400s", 86400}};
    struct options options;
    struct error err = {0};

    (void)state;
    options_init(&options);
    assert_int_equal(options.name_floor_s, 3600);
    assert_int_equal(options.name_cap_s, 86400);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(options_set(&options, "name-floor", rows[i].text, &err), 0);
        assert_int_equal(options.name_floor_s, rows[i].seconds);
    }
}

static void ranges_are_separated_by_commas_and_replace_those_before(void **state)
{
    static const char *const expected[] = {"10.0.0.0/8", "fd00::/8", "0.0.0.0/0"};
    struct options options;
    struct error err = {0};
    char text[CIDR_TEXT_SIZE];

    (void)state;
    options_init(&options);
    assert_int_equal(options_set(&options, "refuse-learning", "::/0", &err), 0);
    assert_int_equal(options_set(&options, "refuse-learning", "10.0.0.0/8, fd00::/8 ,0.0.0.0/0", &err), 0);
    assert_int_equal(options.unlearnable_count, 3);
    for (size_t i = 0; i < 3; i++) {
        cidr_format(&options.unlearnable[i], text);
        assert_string_equal(text, expected[i]);
    }
    assert_int_equal(options_set(&options, "refuse-learning", "", &err), 0);
    assert_int_equal(options.unlearnable_count, 0);
}

static void more_ranges_than_128_are_refused(void **state)
{
    char value[129 * 5] = "", *end = value;
    struct options options;
    struct error err = {0};

    (void)state;
    options_init(&options);
    for (int i = 0; i < 128; i++)
        end = stpcpy(end, i > 0 ? ",::/0" : "::/0");
    assert_int_equal(options_set(&options, "refuse-learning", value, &err), 0);
    assert_int_equal(options.unlearnable_count, 128);
    stpcpy(end, ",::/0");
    assert_true(options_set(&options, "refuse-learning", value, &err) < 0);
    assert_string_equal(err.msg, "refuse-learning: more than 128 ranges");
}

static void flags_come_after_the_file_wherever_they_stand(void **state)
{
    char path[] = "/tmp/nsp-options-XXXXXX", arguments[128];
    cleanup_close int fd = mkstemp(path);
    struct options options;
    struct error err = {0};
    ssize_t written = write(fd, "events-burst = 7\nevents-per-second = 8\n", 39);

    (void)state;
    assert_int_equal(written, 39);
    snprintf(arguments, sizeof(arguments), "--events-burst 9 --config %s", path);

    int rc = parse(arguments, &options, &err);

    unlink(path);
    assert_int_equal(rc, 0);
    assert_int_equal(options.events_burst, 9);
    assert_int_equal(options.events_per_second, 8);
}

static void flags_that_are_wrong_are_named(void **state)
{
    static const struct {
        const char *arguments;
        const char *message;
    } rows[] = {
        {"--nothing", "--nothing: unknown flag; `policyd --help` lists the flags"},
        {"--config /dev/null --bpffs", "--bpffs: a value is missing; `policyd --help` lists the flags"},
        {"--config /dev/null more", "more: not a flag; `policyd --help` lists them"},
        {"--config /dev/null --exempt-node maybe", "--exempt-node: exempt-node: \"maybe\" is neither yes nor no"},
        {"--config /dev/null --name-cap 30m",
         "name-cap: 1800s is below name-floor, 3600s, or nothing; raise it or lower name-floor"},
        {"--config /dev/null --name-floor 0s --name-cap 0s",
         "name-cap: 0s is below name-floor, 0s, or nothing; raise it or lower name-floor"},
        {"--config /nowhere/at.all", "/nowhere/at.all: No such file or directory"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct options options;
        struct error err = {0};

        assert_true(parse(rows[i].arguments, &options, &err) < 0);
        assert_string_equal(err.msg, rows[i].message);
    }
}

static void a_socket_path_that_is_too_long_is_refused(void **state)
{
    char path[OPTIONS_PATH_MAX + 1];
    struct options options;
    struct error err = {0};

    (void)state;
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[OPTIONS_PATH_MAX] = '\0';
    options_init(&options);
    assert_true(options_set(&options, "socket", path, &err) < 0);
    path[OPTIONS_PATH_MAX - 1] = '\0';
    assert_int_equal(options_set(&options, "socket", path, &err), 0);
    assert_string_equal(options.socket, path);
}

static void commands_are_recognised(void **state)
{
    static const struct {
        const char *arguments;
        enum options_command command;
    } rows[] = {
        {"--config /dev/null", OPTIONS_RUN},
        {"--config /dev/null --remove", OPTIONS_REMOVE},
        {"--config /dev/null --version", OPTIONS_VERSION},
        {"--config /dev/null --help", OPTIONS_HELP},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct options options;
        struct error err = {0};

        assert_int_equal(parse(rows[i].arguments, &options, &err), 0);
        assert_int_equal(options.command, rows[i].command);
    }
}

static void the_source_is_a_folder_unless_it_is_said_otherwise(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"source = etcd\n", ":1: source: \"etcd\" is neither manifests nor kubernetes"},
        {"node-name = Node_1\n", ":1: node-name: "},
        {"kubeconfig = kc\n", ":1: kubeconfig: \"kc\" is not an absolute path"},
    };
    char *lonely[] = {(char *)"policyd",      (char *)"--config", (char *)"/dev/null",
                      (char *)"--kubeconfig", (char *)"/kc",      NULL};
    struct options options;
    struct error err = {0};

    (void)state;
    options_init(&options);
    assert_int_equal(options.source, OPTIONS_SOURCE_MANIFESTS);
    assert_int_equal(read_text("source = kubernetes\nkubeconfig = /kc\nnode-name = node-1.example\n", &options, &err),
                     0);
    assert_int_equal(options.source, OPTIONS_SOURCE_KUBERNETES);
    assert_string_equal(options.kubeconfig, "/kc");
    assert_string_equal(options.node_name, "node-1.example");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(read_text(rows[i].text, &options, &err) < 0);
        if (!strstr(err.msg, rows[i].message))
            fail_msg("%s: expected %s", err.msg, rows[i].message);
    }
    assert_true(options_parse(&options, 5, lonely, &err) < 0);
    assert_string_equal(err.msg, "kubeconfig: the source is manifests; set source to kubernetes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_lines_of_key_and_value),
        cmocka_unit_test(a_bad_line_is_named_and_nothing_is_set),
        cmocka_unit_test(times_have_a_unit),
        cmocka_unit_test(ranges_are_separated_by_commas_and_replace_those_before),
        cmocka_unit_test(more_ranges_than_128_are_refused),
        cmocka_unit_test(flags_come_after_the_file_wherever_they_stand),
        cmocka_unit_test(flags_that_are_wrong_are_named),
        cmocka_unit_test(a_socket_path_that_is_too_long_is_refused),
        cmocka_unit_test(commands_are_recognised),
        cmocka_unit_test(the_source_is_a_folder_unless_it_is_said_otherwise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
