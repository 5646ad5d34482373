/* SPDX-License-Identifier: Apache-2.0 */
/* Whole manifests: metadata, spec, selectors. Processes, RULES and Pods have files of their own. */
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
#define API "apiVersion: securityprobe.datadoghq.com/v1, kind: SecurityProfile"
#define HEAD API ", metadata: {name: p, labels: {app: ping}}"
#define SPEC(text) "{" HEAD ", spec: " text "}"

static const struct warning *find_warning(const struct profile *profile, const char *field)
{
    for (size_t i = 0; i < profile->warnings_count; i++) {
        if (strcmp(profile->warnings[i].field, field) == 0)
            return &profile->warnings[i];
    }
    return NULL;
}

static void a_whole_profile_becomes_a_structure(void **state)
{
    struct profile *profile = NULL;
    struct error err = {0};
    const char *yaml = "apiVersion: securityprobe.datadoghq.com/v1\n"
                       "kind: SecurityProfile\n"
                       "metadata: {name: ping.v1, namespace: web, labels: {b: '2', a: '1'}, annotations: {x: y}}\n"
                       "status: {anything: [goes]}\n"
                       "spec:\n"
                       "  labelSelector: {matchLabels: {app: ping}}\n"
                       "  nameScope: pod\n"
                       "  actions: [alert, enforce, trace-dns]\n"
                       "  attacks: [raw-socket, arp-spoofing]\n"
                       "  default: {egress: {l3: {protocols: [arp]}}}\n"
                       "  processes:\n"
                       "    - path: /usr/local/bin/go-ping\n"
                       "      actions: [alert]\n"
                       "      network: {ingress: {cidr4: [10.0.0.0/8]}}\n"
                       "    - {path: /bin/curl, container: main, imageOnly: true}\n"
                       "    - {path: /bin/curl, imageOnly: false}\n";

    (void)state;
    if (profile_text_parse(yaml, &profile, &err) < 0)
        fail_msg("%s", err.msg);
    assert_string_equal(profile->namespace_, "web");
    assert_string_equal(profile->name, "ping.v1");
    assert_int_equal(profile->labels.count, 2);
    assert_string_equal(profile->labels.items[0].key, "a");
    assert_string_equal(profile->selector_text, "app=ping");
    assert_false(profile->selects_nothing);
    assert_int_equal(profile->action, ACTION_ENFORCE);
    assert_int_equal(profile->flags, PART_TRACE_DNS);
    assert_true(profile->has_actions);
    assert_int_equal(profile->attacks, ATTACK_ARP_SPOOFING | ATTACK_RAW_SOCKET);
    assert_true(profile->is_pod_scope);
    assert_true(profile->has_default);
    assert_true(profile->default_[EGRESS].present);
    assert_int_equal(profile->default_[EGRESS].l3, L3_ARP);
    assert_false(profile->default_[INGRESS].present);
    assert_int_equal(profile->processes_count, 3);
    assert_string_equal(profile->processes[0].path, "/usr/local/bin/go-ping");
    assert_int_equal(profile->processes[0].action, ACTION_ALERT);
    assert_int_equal(profile->processes[0].flags, 0);
    assert_int_equal(profile->processes[0].rules[INGRESS].cidrs_count, 1);
    assert_false(profile->processes[0].rules[EGRESS].present);
    assert_int_equal(profile->processes[1].action, ACTION_ENFORCE);
    assert_int_equal(profile->processes[1].flags, PART_TRACE_DNS);
    assert_string_equal(profile->processes[1].container, "main");
    assert_true(profile->processes[1].is_image_only);
    assert_null(profile->processes[2].container);
    assert_false(profile->processes[2].is_image_only);
    assert_int_equal(profile->warnings_count, 0);
    profile_free(profile);
}

static void the_strongest_action_counts(void **state)
{
    static const struct {
        const char *actions;
        int action, flags;
        bool given;
    } cases[] = {
        {"[]", ACTION_IGNORE, 0, false},
        {"[ignore]", ACTION_IGNORE, 0, true},
        {"[alert, ignore]", ACTION_ALERT, 0, true},
        {"[enforce]", ACTION_ENFORCE, 0, true},
        {"[enforce, alert, trace-dns]", ACTION_ENFORCE, PART_TRACE_DNS, true},
        {"[trace-dns]", ACTION_IGNORE, PART_TRACE_DNS, true},
        {"[learn]", ACTION_IGNORE, PART_LEARN, true},
        {"[learn, trace-dns]", ACTION_IGNORE, PART_LEARN | PART_TRACE_DNS, true},
        {"[learn, alert]", ACTION_ALERT, PART_LEARN, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char spec[200];

        snprintf(spec, sizeof(spec),
                 "{actions: %s, processes: [{path: /a}, {path: /b, actions: []}, {path: /c, "
                 "actions: [trace-dns]}]}",
                 cases[i].actions);

        struct profile *profile = profile_text_make("p", spec);

        assert_int_equal(profile->action, cases[i].action);
        assert_int_equal(profile->has_actions, cases[i].given);
        assert_int_equal(find_warning(profile, "spec.actions") == NULL, cases[i].given);
        assert_int_equal(profile->processes[0].action, cases[i].action);
        assert_int_equal(profile->flags, cases[i].flags);
        assert_int_equal(profile->processes[0].flags, cases[i].flags);
        assert_int_equal(profile->processes[1].action, ACTION_IGNORE);
        assert_int_equal(profile->processes[1].flags, 0);
        assert_int_equal(profile->processes[2].action, ACTION_IGNORE);
        assert_int_equal(profile->processes[2].flags, PART_TRACE_DNS);
        profile_free(profile);
    }
}

static void the_head_of_a_manifest_is_checked(void **state)
{
    static const char *const cases[][2] = {
        {"{kind: SecurityProfile}", "apiVersion: missing; write securityprobe.datadoghq.com/v1"},
        {"{kind: SecurityProfile, apiVersion: securityprobe.datadoghq.com/v1alpha1}",
         "apiVersion: \"securityprobe.datadoghq.com/v1alpha1\" is not supported; write securityprobe.datadoghq.com/v1"},
        {"{kind: SecurityProfile, apiVersion: 1}", "apiVersion: expected a text, not a number; quote it"},
        {"{" API "}", "metadata: missing; write metadata with a name"},
        {"{" API ", metadata: {}}", "metadata.name: missing; write the object's name"},
        {"{" API ", metadata: p}", "metadata: expected a map with a name"},
        {"{" API ", metadata: {name: 5}}", "metadata.name: expected a text, not a number; quote it"},
        {"{" API ", metadata: {name: Ping}}",
         "metadata.name: \"Ping\" is not an object's name; expected lower-case letters, digits, \"-\" and \".\", "
         "beginning and ending with a letter or digit"},
        {"{" API ", metadata: {name: p, namespace: a.b}}",
         "metadata.namespace: \"a.b\" is not a name; expected lower-case letters, digits and \"-\", beginning and "
         "ending with a letter or digit"},
        {"{" API ", metadata: {name: p, labels: {app: 1}}}",
         "metadata.labels.app: expected a text, not a number; quote it"},
        {"{" API ", metadata: {name: p, labels: {app: yes}}}",
         "metadata.labels.app: expected a text, not true or false; quote it"},
        {"{" API ", metadata: {name: p, labels: [a]}}", "metadata.labels: expected a map of labels"},
        {"{" API ", metadata: {name: p, labels: {a: -}}}",
         "metadata.labels.a: \"-\" is not a label's value; expected at most 63 letters, digits, - _ and ., beginning "
         "and ending with a letter or digit"},
        {"{" HEAD "}", "spec: missing; write what the profile allows"},
        {"{" HEAD ", specs: {}}", "specs: unknown field; did you mean spec?"},
        {"{" HEAD ", spec: []}", "spec: expected a map, not a list"},
        {"{" HEAD ", spec: ~}", "spec: is empty; write a map or remove the field"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        profile_text_refused(cases[i][0], cases[i][1]);
}

static void fields_of_the_spec_are_checked(void **state)
{
    static const char *const cases[][2] = {
        {SPEC("{process: []}"), "spec.process: unknown field; did you mean processes?"},
        {SPEC("{Actions: []}"), "spec.Actions: unknown field; did you mean actions?"},
        {SPEC("{something: []}"), "spec.something: unknown field; remove it"},
        {SPEC("{actions: alert}"), "spec.actions: expected a list, not a text"},
        {SPEC("{actions: ~}"), "spec.actions: is empty; write a list or remove the field"},
        {SPEC("{actions: [alert, enforced]}"), "spec.actions[1]: \"enforced\" is not one of ignore, alert, enforce, "
                                               "trace-dns, learn; did you mean enforce?"},
        {SPEC("{actions: [block]}"),
         "spec.actions[0]: \"block\" is not one of ignore, alert, enforce, trace-dns, learn"},
        {SPEC("{actions: [1]}"), "spec.actions[0]: expected a text, not a number; quote it"},
        {SPEC("{actions: [learn, enforce]}"),
         "spec.actions: learn and enforce in one profile; a profile that learns drops nothing: use two"},
        {SPEC("{actions: [learn], processes: [{path: /a, actions: [enforce]}]}"),
         "spec.actions: learn and enforce in one profile; a profile that learns drops nothing: use two"},
        {SPEC("{attacks: [syn-flood]}"),
         "spec.attacks[0]: \"syn-flood\" is not one of arp-spoofing, nd-spoofing, ip-spoofing, raw-socket"},
        {SPEC("{attacks: arp-spoofing}"), "spec.attacks: expected a list, not a text"},
        {SPEC("{attacks: [raw-sockets]}"),
         "spec.attacks[0]: \"raw-sockets\" is not one of arp-spoofing, nd-spoofing, ip-spoofing, raw-socket; did you "
         "mean raw-socket?"},
        {SPEC("{attacks: [5]}"), "spec.attacks[0]: expected a text, not a number; quote it"},
        {SPEC("{nameScope: [pod]}"), "spec.nameScope: expected a text, not a list"},
        {SPEC("{nameScope: node}"), "spec.nameScope: \"node\" is not one of process, pod"},
        {SPEC("{default: {ingres: {}}}"), "spec.default.ingres: unknown field; did you mean ingress?"},
        {SPEC("{default: {egress: []}}"), "spec.default.egress: expected a map, not a list"},
        {SPEC("{processes: {}}"), "spec.processes: expected a list, not a map"},
        {SPEC("{processes: [{path: /a, network: {egres: {}}}]}"),
         "spec.processes[0].network.egres: unknown field; did you mean egress?"},
        {SPEC("{processes: [{path: /a, container: []}]}"), "spec.processes[0].container: expected a text, not a list"},
        {SPEC("{processes: [{path: /a, imageOnly: yes please}]}"),
         "spec.processes[0].imageOnly: \"yes please\": expected true or false, not a text; write it without quotes"},
        {SPEC("{processes: [{path: /a, imageOnly: 1}]}"),
         "spec.processes[0].imageOnly: expected true or false, not a number"},
        {SPEC("{processes: [{path: /a, imageOnly: ~}]}"),
         "spec.processes[0].imageOnly: is empty; write true or false or remove the field"},
        {SPEC("{processes: [{path: /a, imageonly: true}]}"),
         "spec.processes[0].imageonly: unknown field; did you mean imageOnly?"},
        {SPEC("{processes: [{path: /a, actions: enforce}]}"), "spec.processes[0].actions: expected a list, not a text"},
        {SPEC("{actions: [enforce], processes: [{path: /a, actions: [learn]}]}"),
         "spec.actions: learn and enforce in one profile; a profile that learns drops nothing: use two"},
        {SPEC("{processes: [{path: /a, container: A_b}]}"),
         "spec.processes[0].container: \"A_b\" is not a name; expected lower-case letters, digits and \"-\", beginning "
         "and ending with a letter or digit"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        profile_text_refused(cases[i][0], cases[i][1]);
}

static void label_selectors_have_kubernetes_rules(void **state)
{
    static const char *const cases[][2] = {
        {SPEC("{labelSelector: ~}"), "spec.labelSelector: is empty; write a map or remove the field"},
        {SPEC("{labelSelector: {app: a}}"), "spec.labelSelector.app: unknown field; remove it"},
        {SPEC("{labelSelector: {matchLabel: {}}}"),
         "spec.labelSelector.matchLabel: unknown field; did you mean matchLabels?"},
        {SPEC("{labelSelector: {matchLabels: {app: 1}}}"),
         "spec.labelSelector.matchLabels.app: expected a text, not a number; quote it"},
        {SPEC("{labelSelector: {matchExpressions: [{operator: Exists}]}}"),
         "spec.labelSelector.matchExpressions[0].key: missing; write the label's key"},
        {SPEC("{labelSelector: {matchExpressions: [{key: a}]}}"),
         "spec.labelSelector.matchExpressions[0].operator: missing; write In, NotIn, Exists or DoesNotExist"},
        {SPEC("{labelSelector: {matchExpressions: [{key: a, operator: in}]}}"),
         "spec.labelSelector.matchExpressions[0].operator: \"in\" is not one of In, NotIn, Exists, DoesNotExist; did "
         "you mean In?"},
        {SPEC("{labelSelector: {matchExpressions: [{key: a, operator: Gt, values: ['1']}]}}"),
         "spec.labelSelector.matchExpressions[0].operator: \"Gt\" is not one of In, NotIn, Exists, DoesNotExist"},
        {SPEC("{labelSelector: {matchExpressions: [{key: a, operator: In}]}}"),
         "spec.labelSelector.matchExpressions[0].values: missing or empty; In and NotIn need at least one value"},
        {SPEC("{labelSelector: {matchExpressions: [{key: a, operator: NotIn, values: []}]}}"),
         "spec.labelSelector.matchExpressions[0].values: missing or empty; In and NotIn need at least one value"},
        {SPEC("{labelSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}"),
         "spec.labelSelector.matchExpressions[0].values: Exists and DoesNotExist take no values; remove them"},
        {SPEC("{labelSelector: {matchExpressions: [{key: a/, operator: Exists}]}}"),
         "spec.labelSelector.matchExpressions[0].key: \"a/\" is not a label's key; expected at most 63 letters, "
         "digits, - _ and ., after an optional domain and \"/\""},
        {SPEC("{labelSelector: {matchExpressions: [{key: a, operator: In, values: [b, c d]}]}}"),
         "spec.labelSelector.matchExpressions[0].values[1]: \"c d\" is not a label's value; expected at most 63 "
         "letters, digits, - _ and ., beginning and ending with a letter or digit"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        profile_text_refused(cases[i][0], cases[i][1]);
}

static void a_manifest_says_its_kind_and_name(void **state)
{
    static const struct {
        const char *yaml;
        enum object_kind kind;
        const char *namespace_, *name;
    } cases[] = {
        {"{kind: SecurityProfile, apiVersion: x/v9, metadata: {name: a}}", OBJECT_PROFILE, "default", "a"},
        {"{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: b}}", OBJECT_POD, "b", "a"},
        {"{kind: Pod, apiVersion: example.com/v1}", OBJECT_OTHER, "default", ""},
        {"{kind: ConfigMap, apiVersion: v1, metadata: {name: 5}}", OBJECT_OTHER, "default", ""},
        {"{kind: 1, metadata: {name: A}}", OBJECT_OTHER, "default", ""},
        {"[kind]", OBJECT_OTHER, "default", ""},
        {"text", OBJECT_OTHER, "default", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        json_auto_t *tree = profile_text_tree(cases[i].yaml);
        const char *namespace_, *name;

        assert_int_equal(objects_kind(tree), cases[i].kind);
        objects_name(tree, &namespace_, &name);
        assert_string_equal(namespace_, cases[i].namespace_);
        assert_string_equal(name, cases[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_profile_becomes_a_structure),   cmocka_unit_test(the_strongest_action_counts),
        cmocka_unit_test(the_head_of_a_manifest_is_checked),     cmocka_unit_test(fields_of_the_spec_are_checked),
        cmocka_unit_test(label_selectors_have_kubernetes_rules), cmocka_unit_test(a_manifest_says_its_kind_and_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
