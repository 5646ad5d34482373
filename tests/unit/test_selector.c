/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a profile selects, and how that is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "policyd/selector.h"
#include "tests/unit/profile_text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct pod_object *make_pod(const char *namespace_, const char *labels)
{
    char yaml[500];
    struct pod_object *pod = NULL;
    struct error err = {0};

    snprintf(yaml, sizeof(yaml), "{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: %s, labels: %s}}",
             namespace_, labels);

    json_auto_t *tree = profile_text_tree(yaml);

    if (objects_parse_pod(tree, &pod, &err) < 0)
        fail_msg("%s", err.msg);
    return pod;
}

static void a_label_selector_has_its_kubernetes_meaning(void **state)
{
    static const struct {
        const char *selector, *labels;
        bool matches;
        const char *text;
    } cases[] = {
        {"{}", "{}", true, "all pods"},
        {"{}", "{a: b}", true, "all pods"},
        {"{matchLabels: {}, matchExpressions: []}", "{}", true, "all pods"},
        {"{matchLabels: {a: b}}", "{a: b, c: d}", true, "a=b"},
        {"{matchLabels: {a: b}}", "{a: c}", false, "a=b"},
        {"{matchLabels: {a: b}}", "{}", false, "a=b"},
        {"{matchLabels: {a: ''}}", "{a: ''}", true, "a="},
        {"{matchLabels: {a: ''}}", "{}", false, "a="},
        {"{matchLabels: {a: b, c: d}}", "{a: b}", false, "a=b,c=d"},
        {"{matchExpressions: [{key: a, operator: In, values: [b, c]}]}", "{a: c}", true, "a in (b,c)"},
        {"{matchExpressions: [{key: a, operator: In, values: [b, c]}]}", "{a: d}", false, "a in (b,c)"},
        {"{matchExpressions: [{key: a, operator: In, values: [b]}]}", "{}", false, "a=b"},
        {"{matchExpressions: [{key: a, operator: NotIn, values: [b]}]}", "{a: b}", false, "a notin (b)"},
        {"{matchExpressions: [{key: a, operator: NotIn, values: [b]}]}", "{a: c}", true, "a notin (b)"},
        {"{matchExpressions: [{key: a, operator: NotIn, values: [b]}]}", "{}", true, "a notin (b)"},
        {"{matchExpressions: [{key: a, operator: Exists}]}", "{a: ''}", true, "a"},
        {"{matchExpressions: [{key: a, operator: Exists, values: []}]}", "{b: c}", false, "a"},
        {"{matchExpressions: [{key: a, operator: DoesNotExist}]}", "{a: ''}", false, "!a"},
        {"{matchExpressions: [{key: a, operator: DoesNotExist}]}", "{b: c}", true, "!a"},
        {"{matchLabels: {x: z}, matchExpressions: [{key: a, operator: Exists}]}", "{x: z}", false, "x=z,a"},
        {"{matchLabels: {x: z}, matchExpressions: [{key: a, operator: Exists}]}", "{x: z, a: b}", true, "x=z,a"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char spec[300];

        snprintf(spec, sizeof(spec), "{labelSelector: %s}", cases[i].selector);

        struct profile *profile = profile_text_make("p", spec);
        struct pod_object *pod = make_pod("default", cases[i].labels);

        assert_string_equal(profile->selector_text, cases[i].text);
        if (selector_selects(profile, pod->namespace_, &pod->labels) != cases[i].matches)
            fail_msg("%s on %s", cases[i].selector, cases[i].labels);
        profile_free(profile);
        pod_object_free(pod);
    }
}

/* T87 */
static void only_pods_of_the_same_namespace_are_selected(void **state)
{
    struct profile *profile = profile_text_make("p", "{labelSelector: {}}");
    struct pod_object *pod = make_pod("web", "{a: b}");

    (void)state;
    assert_false(selector_selects(profile, pod->namespace_, &pod->labels));
    assert_true(selector_matches(&profile->selector, &pod->labels));
    profile_free(profile);
    pod_object_free(pod);
}

static void without_a_selector_the_profiles_own_labels_select(void **state)
{
    static const struct {
        const char *own, *pods, *text;
        bool matches;
    } cases[] = {
        {"{app: ping}", "{app: ping, x: z}", "app=ping", true},
        {"{app: ping}", "{app: pong}", "app=ping", false},
        {"{tier: a, app: ping}", "{app: ping}", "app=ping,tier=a", false},
        {"{app: ping, helm.sh/chart: c, app.kubernetes.io/managed-by: Helm, app.kubernetes.io/instance: i, "
         "app.kubernetes.io/version: v, app.kubernetes.io/part-of: p, argocd.argoproj.io/x: z, "
         "kustomize.toolkit.fluxcd.io/name: m}",
         "{app: ping}", "app=ping", true},
        {"{app.kubernetes.io/name: ping}", "{app: ping}", "app.kubernetes.io/name=ping", false},
        {"{helm.sh/chart: c}", "{helm.sh/chart: c}", "no pods", false},
        {"{}", "{app: ping}", "no pods", false},
        {"{}", "{}", "no pods", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        cleanup_free char *yaml = NULL;
        struct profile *profile = NULL;
        struct pod_object *pod = make_pod("default", cases[i].pods);
        struct error err = {0};
        bool is_none = strcmp(cases[i].text, "no pods") == 0;

        assert_true(asprintf(&yaml,
                             "{apiVersion: %s, kind: SecurityProfile, metadata: {name: p, labels: %s}, spec: "
                             "{actions: [alert]}}",
                             OBJECTS_API_VERSION, cases[i].own) > 0);
        assert_int_equal(profile_text_parse(yaml, &profile, &err), 0);
        assert_string_equal(profile->selector_text, cases[i].text);
        assert_int_equal(profile->selects_nothing, is_none);
        assert_int_equal(selector_selects(profile, pod->namespace_, &pod->labels), cases[i].matches);
        assert_int_equal(profile->warnings_count, 1);
        assert_string_equal(profile->warnings[0].field, is_none ? "spec.labelSelector" : "metadata.labels");
        profile_free(profile);
        pod_object_free(pod);
    }
}

static void a_label_is_found_by_its_key(void **state)
{
    struct pod_object *pod = make_pod("default", "{c: '3', a: '1', b: '2'}");
    static const struct labels none = {0};

    (void)state;
    assert_string_equal(labels_get(&pod->labels, "a"), "1");
    assert_string_equal(labels_get(&pod->labels, "b"), "2");
    assert_string_equal(labels_get(&pod->labels, "c"), "3");
    assert_null(labels_get(&pod->labels, "d"));
    assert_null(labels_get(&none, "a"));
    pod_object_free(pod);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_selector_has_its_kubernetes_meaning),
        cmocka_unit_test(only_pods_of_the_same_namespace_are_selected),
        cmocka_unit_test(without_a_selector_the_profiles_own_labels_select),
        cmocka_unit_test(a_label_is_found_by_its_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
