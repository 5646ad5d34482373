/* SPDX-License-Identifier: Apache-2.0 */
/* stdin of the plugin: which configurations are taken, which are refused, and with what code and words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cni-plugin/code.h"
#include "cni-plugin/netconf.h"
#include "datapath/pins.h"

/* Decodes and checks as ADD does; the code, 0 for success. */
static int parse(const char *text, struct netconf *conf, struct error *err)
{
    int rc = netconf_decode(text, strlen(text), conf, err);

    if (rc < 0)
        return err->code;
    rc = netconf_check(conf, err);
    if (rc == 0)
        rc = netconf_settings(conf, err);
    if (rc == 0)
        return 0;
    netconf_free(conf);
    return err->code;
}

static void what_is_no_json_object_is_undecodable(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "x",
        "{",
        "[]",
        "1",
        "null",
        "\"a\"",
        "{\"name\":\"n\"",
        "{\"name\":\"n\"} x",
        "{\"a\":\"\xff\"}",
        "{\"a\":99999999999999999999}",
        "{\"a\":\"\\u0000\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct netconf conf;
        struct error err;

        assert_int_equal(netconf_decode(bad[i], strlen(bad[i]), &conf, &err), -CNI_UNDECODABLE);
    }
}

static void deep_nesting_and_oversize_are_refused(void **state)
{
    char *text = malloc(NETCONF_SIZE_MAX + 1);
    struct netconf conf;
    struct error err;

    (void)state;
    assert_non_null(text);
    memset(text, '[', NETCONF_SIZE_MAX + 1);
    assert_int_equal(netconf_decode(text, 100000, &conf, &err), -CNI_UNDECODABLE);
    memset(text, ' ', NETCONF_SIZE_MAX + 1);
    text[0] = '{';
    text[1] = '}';
    assert_int_equal(netconf_decode(text, NETCONF_SIZE_MAX + 1, &conf, &err), -CNI_UNDECODABLE);
    assert_int_equal(netconf_decode(text, NETCONF_SIZE_MAX, &conf, &err), 0);
    netconf_free(&conf);
    free(text);
}

static void name_and_version_are_checked_in_this_order(void **state)
{
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        {"{}", CNI_INVALID_CONFIG},
        {"{\"cniVersion\":\"1.0.0\"}", CNI_INVALID_CONFIG},
        {"{\"cniVersion\":\"9.9.9\",\"name\":\"a/b\"}", CNI_INVALID_CONFIG},
        {"{\"cniVersion\":\"1.0.0\",\"name\":\"\"}", CNI_INVALID_CONFIG},
        {"{\"cniVersion\":\"1.0.0\",\"name\":\"-a\"}", CNI_INVALID_CONFIG},
        {"{\"cniVersion\":\"1.0.0\",\"name\":1}", CNI_INVALID_CONFIG},
        {"{\"cniVersion\":1,\"name\":\"a\"}", CNI_INVALID_CONFIG},
        {"{\"name\":\"a\"}", CNI_INCOMPATIBLE_VERSION},
        {"{\"cniVersion\":\"0.2.0\",\"name\":\"a\"}", CNI_INCOMPATIBLE_VERSION},
        {"{\"cniVersion\":\"9.9.9\",\"name\":\"a\"}", CNI_INCOMPATIBLE_VERSION},
        {"{\"cniVersion\":\"0.3.1 \",\"name\":\"a\"}", CNI_INCOMPATIBLE_VERSION},
        {"{\"cniVersion\":\"0.3.0\",\"name\":\"a\"}", 0},
        {"{\"cniVersion\":\"0.3.1\",\"name\":\"a.b_c-d\"}", 0},
        {"{\"cniVersion\":\"0.4.0\",\"name\":\"a\"}", 0},
        {"{\"cniVersion\":\"1.0.0\",\"name\":\"a\"}", 0},
        {"{\"cniVersion\":\"1.1.0\",\"name\":\"a\"}", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct netconf conf;
        struct error err;

        assert_int_equal(parse(cases[i].text, &conf, &err), cases[i].code);
        if (cases[i].code == 0)
            netconf_free(&conf);
    }
}

#define HEAD "{\"cniVersion\":\"1.1.0\",\"name\":\"net\",\"type\":\"nsp\","

static void a_bad_value_is_refused_with_key_value_and_what_is_allowed(void **state)
{
    static const struct {
        const char *text, *message;
        int code;
    } cases[] = {
        {HEAD "\"failurePolicy\":\"maybe\"}", "failurePolicy: \"maybe\" is invalid; expected \"Fail\" or \"Ignore\"",
         CNI_INVALID_CONFIG},
        {HEAD "\"failurePolicy\":true}", "failurePolicy: true is invalid; expected \"Fail\" or \"Ignore\"",
         CNI_INVALID_CONFIG},
        {HEAD "\"nonVeth\":\"Fail\"}",
         "nonVeth: \"Fail\" is invalid; expected \"cgroup-only\" or \"fail\" or \"ignore\"", CNI_INVALID_CONFIG},
        {HEAD "\"bpffs\":\"nsp\"}", "bpffs: \"nsp\" is invalid; expected an absolute path of at most 96 characters",
         CNI_INVALID_CONFIG},
        {HEAD "\"socket\":7}", "socket: 7 is invalid; expected an absolute path of at most 107 characters",
         CNI_INVALID_CONFIG},
        {HEAD "\"exemptNamespaces\":\"a\"}", "exemptNamespaces: \"a\" is invalid; expected a list of namespaces",
         CNI_INVALID_CONFIG},
        {HEAD "\"exemptNamespaces\":[\"a\",1]}", "exemptNamespaces: 1 is invalid; expected a list of strings",
         CNI_INVALID_CONFIG},
        {HEAD "\"runtimeConfig\":[]}", "runtimeConfig is not an object", CNI_UNDECODABLE},
        {HEAD "\"runtimeConfig\":{\"cgroupPath\":[]}}", "runtimeConfig.cgroupPath is not a string", CNI_UNDECODABLE},
        {HEAD "\"cni.dev/attachments\":{}}", "cni.dev/attachments is not a list", CNI_UNDECODABLE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct netconf conf;
        struct error err;

        assert_int_equal(parse(cases[i].text, &conf, &err), cases[i].code);
        assert_string_equal(err.msg, cases[i].message);
    }
}

static void absent_keys_mean_their_defaults_and_unknown_ones_nothing(void **state)
{
    struct netconf conf;
    struct error err;

    (void)state;
    assert_int_equal(
        parse(HEAD "\"future\":{\"x\":[1]},\"runtimeConfig\":{\"portMappings\":[]},\"args\":null}", &conf, &err), 0);
    assert_int_equal(conf.version, NETCONF_1_1_0);
    assert_string_equal(conf.name, "net");
    assert_string_equal(conf.bpffs, PINS_DIRECTORY);
    assert_string_equal(conf.socket, "/run/nsp/cni.sock");
    assert_false(conf.ignore_failures);
    assert_int_equal(conf.non_veth, NON_VETH_CGROUP_ONLY);
    assert_null(conf.cgroup_path);
    assert_null(conf.previous);
    assert_false(conf.has_valid_attachments);
    assert_true(netconf_exempts(&conf, "kube-system"));
    assert_false(netconf_exempts(&conf, "default"));
    assert_false(netconf_exempts(&conf, ""));
    netconf_free(&conf);
}

static void given_keys_are_taken(void **state)
{
    struct netconf conf;
    struct error err;

    (void)state;
    assert_int_equal(parse(HEAD "\"failurePolicy\":\"Ignore\",\"nonVeth\":\"ignore\",\"bpffs\":\"/b\","
                                "\"socket\":\"/s\",\"exemptNamespaces\":[\"a\",\"\"],"
                                "\"runtimeConfig\":{\"cgroupPath\":\"/c\"},\"prevResult\":{}}",
                           &conf, &err),
                     0);
    assert_true(conf.ignore_failures);
    assert_int_equal(conf.non_veth, NON_VETH_IGNORE);
    assert_string_equal(conf.bpffs, "/b");
    assert_string_equal(conf.socket, "/s");
    assert_string_equal(conf.cgroup_path, "/c");
    assert_non_null(conf.previous);
    assert_true(netconf_exempts(&conf, "a"));
    assert_false(netconf_exempts(&conf, ""));
    assert_false(netconf_exempts(&conf, "kube-system"));
    netconf_free(&conf);
}

static void paths_are_taken_even_where_other_keys_are_wrong(void **state)
{
    static const char text[] = "{\"failurePolicy\":1,\"bpffs\":\"/b\",\"socket\":\"/s\"}";
    struct netconf conf;
    struct error err;

    (void)state;
    assert_int_equal(netconf_decode(text, strlen(text), &conf, &err), 0);
    assert_int_equal(netconf_settings(&conf, &err), -CNI_INVALID_CONFIG);
    assert_string_equal(conf.bpffs, "/b");
    assert_string_equal(conf.socket, "/s");
    netconf_free(&conf);
}

static void the_list_of_valid_attachments_has_two_names_and_null_means_empty(void **state)
{
    static const struct {
        const char *text;
        bool given;
        size_t count;
    } cases[] = {
        {HEAD "\"x\":0}", false, 0},
        {HEAD "\"cni.dev/valid-attachments\":null}", true, 0},
        {HEAD "\"cni.dev/valid-attachments\":[]}", true, 0},
        {HEAD "\"cni.dev/attachments\":[{}]}", true, 1},
        {HEAD "\"cni.dev/valid-attachments\":[{},{}],\"cni.dev/attachments\":[{}]}", true, 2},
        {HEAD "\"cni.dev/valid-attachments\":null,\"cni.dev/attachments\":[{}]}", true, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct netconf conf;
        struct error err;

        assert_int_equal(parse(cases[i].text, &conf, &err), 0);
        assert_int_equal(conf.has_valid_attachments, cases[i].given);
        assert_int_equal(json_array_size(conf.valid_attachments), cases[i].count);
        netconf_free(&conf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_json_object_is_undecodable),
        cmocka_unit_test(deep_nesting_and_oversize_are_refused),
        cmocka_unit_test(name_and_version_are_checked_in_this_order),
        cmocka_unit_test(a_bad_value_is_refused_with_key_value_and_what_is_allowed),
        cmocka_unit_test(absent_keys_mean_their_defaults_and_unknown_ones_nothing),
        cmocka_unit_test(given_keys_are_taken),
        cmocka_unit_test(paths_are_taken_even_where_other_keys_are_wrong),
        cmocka_unit_test(the_list_of_valid_attachments_has_two_names_and_null_means_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
