/* SPDX-License-Identifier: Apache-2.0 */
/* What the plugin accepts as environment, and what it reads from CNI_ARGS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cni-plugin/code.h"
#include "cni-plugin/invocation.h"

static const unsigned every = VARIABLE_CONTAINER_ID | VARIABLE_NETNS | VARIABLE_IFNAME | VARIABLE_PATH;

static struct invocation good(void)
{
    return (struct invocation){
        .command = "ADD",
        .container_id = "0a1b_2.c-3",
        .netns = "/run/netns/x",
        .ifname = "eth0",
        .path = "/opt/cni/bin",
        .args = "",
    };
}

static void all_missing_variables_are_named_at_once(void **state)
{
    struct invocation invocation = good();
    struct error err;

    (void)state;
    assert_int_equal(invocation_check(&invocation, every, &err), 0);
    invocation.netns = "";
    invocation.path = "";
    assert_int_equal(invocation_check(&invocation, every, &err), -CNI_BAD_ENVIRONMENT);
    assert_string_equal(err.msg, "required env variables [CNI_NETNS,CNI_PATH] missing");
    assert_int_equal(invocation_check(&invocation, VARIABLE_CONTAINER_ID | VARIABLE_IFNAME, &err), 0);
}

static void container_ids_and_interface_names_with_other_characters_are_refused(void **state)
{
    static const char *const ids[] = {"../x", "-a", ".a", "_a", "a/b", "a b", "a\n", "\xc3\xa4"};
    static const char *const ifnames[] = {"1234567890123456", ".", "..", "a/b", "a:b", "a b", "a\t"};
    char long_id[129];
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
        struct invocation invocation = good();

        invocation.container_id = ids[i];
        assert_int_equal(invocation_check(&invocation, every, &err), -CNI_BAD_ENVIRONMENT);
    }
    for (size_t i = 0; i < sizeof(ifnames) / sizeof(*ifnames); i++) {
        struct invocation invocation = good();

        invocation.ifname = ifnames[i];
        assert_int_equal(invocation_check(&invocation, every, &err), -CNI_BAD_ENVIRONMENT);
    }

    struct invocation invocation = good();

    memset(long_id, 'a', sizeof(long_id) - 1);
    long_id[sizeof(long_id) - 1] = '\0';
    invocation.container_id = long_id;
    assert_int_equal(invocation_check(&invocation, every, &err), -CNI_BAD_ENVIRONMENT);
    long_id[127] = '\0';
    assert_int_equal(invocation_check(&invocation, every, &err), 0);
}

static void pod_arguments_are_found_in_any_order_among_others(void **state)
{
    static const struct {
        const char *args, *namespace_, *name, *uid;
    } cases[] = {
        {"", "", "", ""},
        {";;", "", "", ""},
        {"IgnoreUnknown=1;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=web-0.a;K8S_POD_UID=12-ab", "ns", "web-0.a", "12-ab"},
        {"K8S_POD_UID=12;K8S_POD_NAME=n;K8S_POD_NAMESPACE=ns;", "ns", "n", "12"},
        {"K8S_POD_NAME=a;K8S_POD_NAME=b", "", "b", ""},
        {"K8S_POD_NAME", "", "", ""},
        {"K8S_POD_NAME=;X=a=b=c;=;=x", "", "", ""},
        {"XK8S_POD_NAME=a;K8S_POD_NAMES=b;K8S_POD_NAM=c", "", "", ""},
        {"IP=10.1.2.3;MAC=02:00:00:00:00:01;K8S_POD_NAME=a", "", "a", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct pod_name pod;
        struct error err;

        assert_int_equal(invocation_pod(cases[i].args, &pod, &err), 0);
        assert_string_equal(pod.namespace_, cases[i].namespace_);
        assert_string_equal(pod.name, cases[i].name);
        assert_string_equal(pod.uid, cases[i].uid);
    }
}

static void pod_arguments_that_could_escape_a_path_are_refused(void **state)
{
    static const char *const bad[] = {
        "K8S_POD_UID=a/b",   "K8S_POD_UID=..",  "K8S_POD_UID=a.b",       "K8S_POD_UID=a b",   "K8S_POD_UID=a=b",
        "K8S_POD_NAME=../x", "K8S_POD_NAME=..", "K8S_POD_NAMESPACE=a/b", "K8S_POD_NAME=a\nb",
    };
    char args[4200] = "K8S_POD_NAME=";
    struct pod_name pod;
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(invocation_pod(bad[i], &pod, &err), -CNI_BAD_ENVIRONMENT);
    memset(args + strlen(args), 'a', 4096);
    assert_int_equal(invocation_pod(args, &pod, &err), -CNI_BAD_ENVIRONMENT);
    args[0] = 'X'; /* 4 KiB of somebody else's */
    assert_int_equal(invocation_pod(args, &pod, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_missing_variables_are_named_at_once),
        cmocka_unit_test(container_ids_and_interface_names_with_other_characters_are_refused),
        cmocka_unit_test(pod_arguments_are_found_in_any_order_among_others),
        cmocka_unit_test(pod_arguments_that_could_escape_a_path_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
