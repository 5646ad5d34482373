/* SPDX-License-Identifier: Apache-2.0 */
/* Pod manifests: who a pod is, and which of its containers has which id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/profile_text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void pods_need_a_name_and_have_labels(void **state)
{
    static const char *const bad[][2] = {
        {"{kind: Pod, apiVersion: v1}", "metadata: missing; write metadata with a name"},
        {"{kind: Pod, apiVersion: v1, metadata: {generateName: x-}}",
         "metadata.name: missing; write the object's name"},
        {"{kind: Pod, apiVersion: v1, metadata: {name: x, uid: 5}}",
         "metadata.uid: expected a text, not a number; quote it"},
        {"{kind: Pod, apiVersion: v1, metadata: {name: x, labels: {a: [1]}}}",
         "metadata.labels.a: expected a text, not a list"},
    };
    json_auto_t *tree = profile_text_tree("{kind: Pod, apiVersion: v1, spec: {any: thing}, metadata: {name: ping-1, "
                                          "namespace: web, uid: 0-1, labels: {app: ping}, ownerReferences: []}}");
    struct pod_object *pod = NULL;
    struct error err = {0};

    (void)state;
    assert_int_equal(objects_kind(tree), OBJECT_POD);
    assert_int_equal(objects_parse_pod(tree, &pod, &err), 0);
    assert_string_equal(pod->namespace_, "web");
    assert_string_equal(pod->name, "ping-1");
    assert_string_equal(pod->uid, "0-1");
    assert_string_equal(pod->labels.items[0].value, "ping");
    pod_object_free(pod);

    for (size_t i = 0; i < COUNT(bad); i++) {
        json_auto_t *bad_tree = profile_text_tree(bad[i][0]);

        assert_true(objects_parse_pod(bad_tree, &pod, &err) < 0);
        assert_string_equal(err.msg, bad[i][1]);
    }
}

static void containers_are_known_by_their_ids(void **state)
{
    json_auto_t *tree = profile_text_tree(
        "{kind: Pod, apiVersion: v1, metadata: {name: ping-1}, status: {phase: Running, containerStatuses: [{name: "
        "main, "
        "containerID: 'containerd://f0123456789a', ready: true}, {name: waiting, containerID: ''}, {name: new}], "
        "initContainerStatuses: [{name: init, containerID: 'cri-o://a0123456789b'}], ephemeralContainerStatuses: "
        "[{name: "
        "debug, containerID: 00123456789c}]}}");
    static const char *const expected[][2] = {
        {"00123456789c", "debug"}, {"a0123456789b", "init"}, {"f0123456789a", "main"}};
    struct pod_object *pod = NULL;
    struct error err = {0};

    (void)state;
    assert_int_equal(objects_parse_pod(tree, &pod, &err), 0);
    assert_int_equal(pod->containers_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_string_equal(pod->containers[i].id, expected[i][0]);
        assert_string_equal(pod->containers[i].name, expected[i][1]);
    }
    pod_object_free(pod);
}

/* The cluster wrote it: a pod is not refused for what it is. */
static void a_status_that_makes_no_sense_names_no_container(void **state)
{
    static const char *const statuses[] = {
        "~",
        "[]",
        "text",
        "{containerStatuses: text}",
        "{containerStatuses: [~, 5, text, []]}",
        "{containerStatuses: [{name: a}, {containerID: 'containerd://f0123456789a'}]}",
        "{containerStatuses: [{name: 5, containerID: 'containerd://f0123456789a'}]}",
        "{containerStatuses: [{name: A_b, containerID: 'containerd://f0123456789a'}]}",
        "{containerStatuses: [{name: a, containerID: 'containerd://f012'}]}",
        "{containerStatuses: [{name: a, containerID: 'containerd://../../../../x'}]}",
        "{containerStatuses: [{name: a, containerID: 'containerd://f0123456789a.scope'}]}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(statuses); i++) {
        struct pod_object *pod = NULL;
        struct error err = {0};
        char yaml[300];

        snprintf(yaml, sizeof(yaml), "{kind: Pod, apiVersion: v1, metadata: {name: p}, status: %s}", statuses[i]);

        json_auto_t *tree = profile_text_tree(yaml);

        if (objects_parse_pod(tree, &pod, &err) < 0)
            fail_msg("%s: %s", statuses[i], err.msg);
        if (pod->containers_count != 0)
            fail_msg("%s: %zu containers", statuses[i], pod->containers_count);
        pod_object_free(pod);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pods_need_a_name_and_have_labels),
        cmocka_unit_test(containers_are_known_by_their_ids),
        cmocka_unit_test(a_status_that_makes_no_sense_names_no_container),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
