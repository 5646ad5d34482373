/* SPDX-License-Identifier: Apache-2.0 */
/* The previous plugin's result: passed through whole, refused when of another family, read for the pod's addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>

#include <cmocka.h>

#include "cni-plugin/code.h"
#include "cni-plugin/result.h"

static void load(const char *version, const char *previous, struct netconf *conf)
{
    struct error err;
    json_t *root = json_pack("{s:s, s:s}", "cniVersion", version, "name", "net");
    json_t *value = json_loads(previous, JSON_DECODE_ANY, NULL);

    assert_non_null(value);
    json_object_set_new(root, "prevResult", value);

    char *text = json_dumps(root, 0);

    assert_int_equal(netconf_decode(text, strlen(text), conf, &err), 0);
    assert_int_equal(netconf_check(conf, &err), 0);
    assert_int_equal(netconf_settings(conf, &err), 0);
    free(text);
    json_decref(root);
}

static void results_of_another_family_or_with_wrong_types_are_refused(void **state)
{
    static const struct {
        const char *version, *previous;
        int code;
    } cases[] = {
        {"0.4.0", "null", CNI_INVALID_CONFIG},
        {"0.4.0", "[]", CNI_UNDECODABLE},
        {"0.4.0", "\"x\"", CNI_UNDECODABLE},
        {"0.4.0", "{}", 0},
        {"0.4.0", "{\"cniVersion\":\"0.3.0\"}", 0},
        {"0.4.0", "{\"cniVersion\":\"1.0.0\"}", CNI_UNDECODABLE},
        {"1.0.0", "{\"cniVersion\":\"0.4.0\"}", CNI_UNDECODABLE},
        {"1.0.0", "{\"cniVersion\":\"1.1.0\"}", 0},
        {"0.3.1", "{\"cniVersion\":\"0.2.0\",\"ip4\":{}}", CNI_UNDECODABLE},
        {"1.0.0", "{\"cniVersion\":1}", CNI_UNDECODABLE},
        {"1.0.0", "{\"interfaces\":{}}", CNI_UNDECODABLE},
        {"1.0.0", "{\"interfaces\":[1]}", CNI_UNDECODABLE},
        {"1.0.0", "{\"interfaces\":null,\"ips\":null,\"routes\":null,\"dns\":null}", 0},
        {"1.0.0", "{\"ips\":[[]]}", CNI_UNDECODABLE},
        {"1.0.0", "{\"ips\":[{}]}", CNI_UNDECODABLE},
        {"1.0.0", "{\"ips\":[{\"address\":\"10.0.0.1.2/24\"}]}", CNI_UNDECODABLE},
        {"1.0.0", "{\"ips\":[{\"address\":\"10.0.0.1/24\",\"interface\":\"0\"}]}", CNI_UNDECODABLE},
        {"1.0.0", "{\"ips\":[{\"address\":\"10.0.0.1/24\",\"interface\":null}]}", 0},
        {"1.0.0", "{\"ips\":[{\"address\":\"10.0.0.1/24\",\"gateway\":\"10.0.0\"}]}", CNI_UNDECODABLE},
        {"1.0.0", "{\"ips\":[{\"address\":\"10.0.0.1/24\",\"gateway\":\"10.0.0.1/24\"}]}", CNI_UNDECODABLE},
        {"1.0.0", "{\"ips\":[{\"address\":\"10.0.0.1/24\",\"gateway\":1}]}", CNI_UNDECODABLE},
        {"1.0.0", "{\"ips\":[{\"address\":\"10.0.0.1/24\",\"gateway\":\"\"}]}", 0},
        {"1.0.0", "{\"ips\":[{\"address\":\"10.0.0.1/24\",\"gateway\":null}]}", 0},
        {"1.0.0", "{\"ips\":[{\"address\":\"10.0.0.1/24\",\"gateway\":\"fd00::1\"}]}", 0},
        {"1.0.0", "{\"routes\":7}", CNI_UNDECODABLE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct netconf conf;
        struct error err;

        load(cases[i].version, cases[i].previous, &conf);
        assert_int_equal(result_check(&conf, &err), -cases[i].code);
        netconf_free(&conf);
    }
}

static void a_result_passes_with_unknown_keys_big_numbers_and_its_order(void **state)
{
    static const char previous[] =
        "{\"zeta\":9007199254740993,\"interfaces\":[{\"name\":\"cni0\",\"mtu\":1500,\"socketPath\":\"/x\"},"
        "{\"name\":\"eth0\",\"sandbox\":\"/n\",\"pciID\":\"0\"}],\"ips\":[{\"address\":\"fd00::2/64\"}],"
        "\"routes\":[{\"dst\":\"0.0.0.0/0\",\"priority\":0,\"table\":4294967295}],\"dns\":{},\"alpha\":[1.5,null]}";
    struct netconf conf;
    struct error err;

    (void)state;
    load("1.1.0", previous, &conf);
    assert_int_equal(result_check(&conf, &err), 0);

    json_t *result = result_pass(&conf);

    assert_string_equal(json_string_value(json_object_get(result, "cniVersion")), "1.1.0");
    json_object_del(result, "cniVersion");

    char *text = json_dumps(result, JSON_COMPACT);

    assert_string_equal(text, previous);
    free(text);
    json_decref(result);
    netconf_free(&conf);
}

static void the_version_printed_is_the_configurations(void **state)
{
    struct netconf conf;

    (void)state;
    load("0.4.0", "{\"cniVersion\":\"0.3.1\",\"ips\":[]}", &conf);

    json_t *result = result_pass(&conf);

    assert_string_equal(json_string_value(json_object_get(result, "cniVersion")), "0.4.0");
    json_decref(result);
    netconf_free(&conf);
}

static void only_addresses_of_the_pods_interface_are_taken(void **state)
{
    static const char previous[] =
        "{\"interfaces\":[{\"name\":\"eth0\"},{\"name\":\"eth0\",\"sandbox\":\"/n\"},"
        "{\"name\":\"net1\",\"sandbox\":\"/n\"}],"
        "\"ips\":[{\"address\":\"10.0.0.1/24\",\"interface\":0},{\"address\":\"10.0.0.2/24\",\"interface\":1},"
        "{\"address\":\"10.0.0.3/24\",\"interface\":2},{\"address\":\"fd00::4/64\"},"
        "{\"address\":\"10.0.0.5/24\",\"interface\":9},{\"address\":\"10.0.0.6/24\",\"interface\":-1},"
        "{\"address\":\"10.0.0.2/24\",\"interface\":1}]}";
    static const char *const expected[] = {"::ffff:10.0.0.2", "fd00::4"};
    struct addresses addresses = {0};
    struct netconf conf;

    (void)state;
    load("1.0.0", previous, &conf);
    result_addresses(&conf, "eth0", &addresses);
    assert_int_equal(addresses.count, 2);
    for (unsigned i = 0; i < addresses.count; i++) {
        char text[INET6_ADDRSTRLEN];

        assert_string_equal(inet_ntop(AF_INET6, addresses.list[i], text, sizeof(text)), expected[i]);
    }
    netconf_free(&conf);
}

static void addresses_beyond_the_limit_are_counted(void **state)
{
    struct addresses addresses = {0};

    (void)state;
    for (__u8 i = 0; i < NSP_ADDRESSES_MAX + 3; i++)
        addresses_add(&addresses, (const __u8[16]){0xfd, [15] = i});
    assert_int_equal(addresses.count, NSP_ADDRESSES_MAX);
    assert_int_equal(addresses.left_out, 3);
}

static void of_each_family_the_pods_first_gateway_is_taken(void **state)
{
    static const struct {
        const char *previous, *gateways[2];
    } cases[] = {
        {"{}", {"::", "::"}},
        {"{\"ips\":[{\"address\":\"10.0.0.2/24\"}]}", {"::", "::"}},
        {"{\"ips\":[{\"address\":\"10.0.0.2/24\",\"gateway\":\"\"},{\"address\":\"10.0.0.3/24\",\"gateway\":null}]}",
         {"::", "::"}},
        {"{\"ips\":[{\"address\":\"10.0.0.2/24\",\"gateway\":\"10.0.0.1\"}]}", {"::ffff:10.0.0.1", "::"}},
        {"{\"ips\":[{\"address\":\"fd00::2/64\",\"gateway\":\"fd00::1\"},{\"address\":\"10.0.0.2/24\",\"gateway\":"
         "\"10.0.0.1\"},{\"address\":\"10.0.1.2/24\",\"gateway\":\"10.0.1.1\"}]}",
         {"::ffff:10.0.0.1", "fd00::1"}},
        {"{\"interfaces\":[{\"name\":\"cni0\"},{\"name\":\"net1\",\"sandbox\":\"/n\"},{\"name\":\"eth0\",\"sandbox\":"
         "\"/n\"}],\"ips\":[{\"address\":\"10.0.0.2/24\",\"gateway\":\"10.0.0.1\",\"interface\":0},{\"address\":"
         "\"10.0.1.2/24\",\"gateway\":\"10.0.1.1\",\"interface\":1},{\"address\":\"10.0.2.2/"
         "24\",\"gateway\":\"10.0.2.1\","
         "\"interface\":2}]}",
         {"::ffff:10.0.2.1", "::"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct netconf conf;
        __u8 gateways[2][16], expected[16];

        load("1.0.0", cases[i].previous, &conf);
        memset(gateways, 0xee, sizeof(gateways));
        result_gateways(&conf, "eth0", gateways);
        for (int family = 0; family < 2; family++) {
            assert_int_equal(inet_pton(AF_INET6, cases[i].gateways[family], expected), 1);
            assert_memory_equal(gateways[family], expected, sizeof(expected));
        }
        netconf_free(&conf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_of_another_family_or_with_wrong_types_are_refused),
        cmocka_unit_test(a_result_passes_with_unknown_keys_big_numbers_and_its_order),
        cmocka_unit_test(the_version_printed_is_the_configurations),
        cmocka_unit_test(only_addresses_of_the_pods_interface_are_taken),
        cmocka_unit_test(addresses_beyond_the_limit_are_counted),
        cmocka_unit_test(of_each_family_the_pods_first_gateway_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
