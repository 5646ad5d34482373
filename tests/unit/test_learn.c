/* SPDX-License-Identifier: Apache-2.0 */
/* What `learn` keeps: each thing once, by pod, profile and binary; bounded, and what was lost is counted. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policyd/learn.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Slots from 100 on are those of pods that are gone. */
static bool is_live(void *context, __u32 slot, __u32 epoch)
{
    (void)context;
    (void)epoch;
    return slot < 100;
}

static struct learn make_learn(void)
{
    return (struct learn){.is_live = is_live};
}

static struct event make_event(void)
{
    return (struct event){
        .slot = 1,
        .epoch = 1,
        .kind = EVENT_LEARN,
        .flags = EVENT_HAS_PROCESS,
        .protocol = IPPROTO_TCP,
        .ethertype = 0x0800,
        .local_port_be = htons(40000),
        .remote_port_be = htons(8080),
        .remote = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 3},
    };
}

/* A copy of the event for the pod, with a text of what was asked. */
static void add(struct learn *learn, struct event event, const char *pod, const char *method, const char *text)
{
    struct asked_text asked = {.has_text = text != NULL};
    struct event_context context = {.namespace_ = "default", .pod_name = pod, .asked = &asked};

    context.binary = "/usr/bin/curl";
    context.profile = "default/shop";
    snprintf(asked.method, sizeof(asked.method), "%s", method);
    snprintf(asked.text, sizeof(asked.text), "%s", text ? text : "");
    learn_add(learn, &event, &context);
}

/* Follows keys and indices such as pods.0.binaries.0.flows; what is there, as JSON. */
static void assert_at(const struct learn *learn, const char *path, const char *expected)
{
    json_t *all = learn_json(learn, NULL);
    const json_t *json = all;
    char keys[128], *rest = NULL, *value;

    snprintf(keys, sizeof(keys), "%s", path);
    for (char *key = strtok_r(keys, ".", &rest); key && json; key = strtok_r(NULL, ".", &rest))
        json = json_is_array(json) ? json_array_get(json, (size_t)atol(key)) : json_object_get(json, key);
    value = json ? json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT) : strdup("absent");
    assert_string_equal(value, expected);
    free(value);
    json_decref(all);
}

static void a_thing_is_kept_once(void **state)
{
    struct learn learn = make_learn();
    struct event event = make_event();

    (void)state;
    add(&learn, event, "ping", "", NULL);
    event.local_port_be = htons(40001);
    add(&learn, event, "ping", "", NULL);
    assert_int_equal(learn.items, 1);
    event.remote_port_be = htons(8081);
    add(&learn, event, "ping", "", NULL);
    event.remote[15] = 4;
    add(&learn, event, "ping", "", NULL);
    event.direction = INGRESS;
    add(&learn, event, "ping", "", NULL);
    add(&learn, event, "ping", "", NULL);
    assert_int_equal(learn.items, 4);
    assert_int_equal(learn.lost, 0);
    learn_free(&learn);
    assert_int_equal(learn.bytes, 0);
}

static const json_t *first_binary(const json_t *all)
{
    const json_t *pod = json_array_get(json_object_get(all, "pods"), 0);

    return json_array_get(json_object_get(pod, "binaries"), 0);
}

static void each_kind_says_what_a_rule_would_be_made_of(void **state)
{
    static const struct {
        __u8 application, direction, protocol;
        const char *method, *text, *list, *expected;
    } rows[] = {
        {APPLICATION_NONE, EGRESS, 6, "", NULL, "flows",
         "[{\"direction\":\"egress\",\"l3\":\"ipv4\",\"address\":\"10.0.0.3\",\"protocol\":\"tcp\",\"port\":8080,"},
        {APPLICATION_NONE, INGRESS, 17, "", NULL, "flows",
         "[{\"direction\":\"ingress\",\"l3\":\"ipv4\",\"address\":\"10.0.0.3\",\"protocol\":\"udp\",\"port\":40000,"},
        {APPLICATION_NONE, EGRESS, 1, "", NULL, "flows",
         "[{\"direction\":\"egress\",\"l3\":\"ipv4\",\"address\":\"10.0.0.3\",\"protocol\":\"icmp\",\"first"},
        {APPLICATION_NONE, EGRESS, 99, "", NULL, "flows",
         "[{\"direction\":\"egress\",\"l3\":\"ipv4\",\"address\":\"10.0.0.3\",\"protocol\":\"99\",\"port\":8080,"},
        {APPLICATION_DNS, EGRESS, 17, "", "pong.svc", "dns",
         "[{\"direction\":\"egress\",\"name\":\"pong.svc\",\"type\":\"AAAA\",\"first_seen\":"},
        {APPLICATION_HTTP, EGRESS, 6, "GET", "/a?b", "http",
         "[{\"direction\":\"egress\",\"protocol\":\"tcp\",\"port\":8080,\"method\":\"GET\",\"uri\":\"/a?b\",\"first"},
        {APPLICATION_HTTPS, EGRESS, 6, "", "pong.com", "tls",
         "[{\"direction\":\"egress\",\"protocol\":\"tcp\",\"port\":8080,\"name\":\"pong.com\",\"first_seen\":"},
        {APPLICATION_HTTPS, EGRESS, 6, "", NULL, "tls",
         "[{\"direction\":\"egress\",\"protocol\":\"tcp\",\"port\":8080,\"first_seen\":"},
        {APPLICATION_UNKNOWN, EGRESS, 6, "", NULL, "flows",
         "[{\"direction\":\"egress\",\"l3\":\"ipv4\",\"address\":\"10.0.0.3\",\"protocol\":\"tcp\",\"port\":8080,"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct learn learn = make_learn();
        struct event event = make_event();
        json_t *all;
        char *text;

        event.application = rows[i].application;
        event.direction = rows[i].direction;
        event.protocol = rows[i].protocol;
        event.query_type = 28;
        add(&learn, event, "ping", rows[i].method, rows[i].text);
        all = learn_json(&learn, NULL);
        text = json_dumps(json_object_get(first_binary(all), rows[i].list), JSON_COMPACT);
        if (strncmp(text, rows[i].expected, strlen(rows[i].expected)) != 0)
            fail_msg("%s, expected %s", text, rows[i].expected);
        free(text);
        json_decref(all);
        learn_free(&learn);
    }
}

static void names_of_an_address_are_added_up(void **state)
{
    struct learn learn = make_learn();
    struct event event = make_event();
    struct asked_text asked = {0};
    struct event_context context = {.namespace_ = "default", .pod_name = "ping", .asked = &asked};
    static const char *const names[] = {"a.org", "b.org", "a.org"};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        context.destination_names = json_pack("[s]", names[i]);
        learn_add(&learn, &event, &context);
        json_decref(context.destination_names);
    }
    assert_at(&learn, "pods.0.binaries.0.flows.0.names", "[\"a.org\",\"b.org\"]");
    assert_at(&learn, "pods.0.binaries.0.path", "null");
    learn_free(&learn);
}

static void profiles_and_owners_are_told_apart(void **state)
{
    struct learn learn = make_learn();
    struct event event = make_event();
    struct asked_text asked = {0};
    struct event_context context = {.pod_name = "ping", .asked = &asked, .binary = "/bin/a", .profile = "default/x"};

    (void)state;
    learn_add(&learn, &event, &context);
    context.profile = "default/y";
    learn_add(&learn, &event, &context);
    event.flags = 0;
    context.binary = NULL;
    learn_add(&learn, &event, &context);
    assert_at(&learn, "pods.0.binaries.0.is_default", "true");
    assert_at(&learn, "pods.0.binaries.1.profile", "\"default/y\"");
    assert_at(&learn, "pods.0.binaries.2.profile", "\"default/x\"");
    assert_at(&learn, "pods.0.binaries.3", "absent");
    assert_at(&learn, "pods.0.items", "3");
    learn_free(&learn);
}

/* Adds different names until `count` have been offered. */
static void flood(struct learn *learn, struct event event, const char *pod, int count)
{
    event.application = APPLICATION_DNS;
    for (int i = 0; i < count; i++) {
        char name[32];

        snprintf(name, sizeof(name), "n%d.org", i);
        add(learn, event, pod, "", name);
    }
}

static void one_pod_cannot_take_all_room(void **state)
{
    struct learn learn = make_learn();

    (void)state;
    flood(&learn, make_event(), "a", LEARN_POD_ITEMS_MAX + 10);
    assert_int_equal(learn.items, LEARN_POD_ITEMS_MAX);
    assert_int_equal(learn.lost, 10);
    add(&learn, make_event(), "b", "", NULL);
    assert_int_equal(learn.lost, 10);
    assert_at(&learn, "pods.1.lost", "10");
    assert_at(&learn, "pods.0.lost", "0");
    learn_free(&learn);
}

static void pods_that_are_gone_make_room(void **state)
{
    struct learn learn = make_learn();
    struct event gone = make_event();
    static const char *const pods[] = {"a", "b", "c", "d"};

    (void)state;
    gone.slot = 100;
    for (size_t i = 0; i < COUNT(pods); i++)
        flood(&learn, i == 1 || i == 2 ? gone : make_event(), pods[i], LEARN_POD_ITEMS_MAX);
    assert_int_equal(learn.items, LEARN_ITEMS_MAX);
    add(&learn, make_event(), "e", "", NULL); /* b, that was heard of before c, goes */
    assert_int_equal(learn.lost, 0);
    assert_int_equal(learn.items, LEARN_ITEMS_MAX - LEARN_POD_ITEMS_MAX + 1);
    assert_at(&learn, "pods.2.name", "\"c\"");
    assert_at(&learn, "pods.2.is_gone", "true");
    assert_at(&learn, "pods.3.name", "\"a\"");
    flood(&learn, make_event(), "e", LEARN_POD_ITEMS_MAX);
    assert_at(&learn, "lost", "1"); /* of e's own limit */
    flood(&learn, gone, "f", LEARN_POD_ITEMS_MAX + 1);
    assert_at(&learn, "pods.3.name", "\"a\""); /* c has gone too */
    assert_int_equal(learn.items, LEARN_ITEMS_MAX);
    add(&learn, gone, "f", "", NULL); /* nobody is gone but f, which does not make room for itself */
    assert_at(&learn, "lost", "3");
    learn_free(&learn);
}

static void long_texts_count_by_their_bytes(void **state)
{
    struct learn learn = make_learn();
    struct event event = make_event();
    char text[2000];

    (void)state;
    event.application = APPLICATION_HTTP;
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < 1000; i++) {
        snprintf(text, 8, "/%06d", i);
        text[7] = 'a';
        add(&learn, event, "a", "GET", text);
    }
    assert_true(learn.bytes <= LEARN_POD_BYTES_MAX);
    assert_true(learn.items > 400);
    assert_int_equal(learn.lost, 1000 - learn.items);
    learn_free(&learn);
}

static void a_pod_is_asked_for_by_its_name(void **state)
{
    struct learn learn = make_learn();
    json_t *json;

    (void)state;
    add(&learn, make_event(), "ping", "", NULL);
    add(&learn, make_event(), "pong", "", NULL);
    json = learn_json(&learn, "default/pi");
    assert_int_equal(json_array_size(json_object_get(json, "pods")), 1);
    json_decref(json);
    add(&learn, make_event(), NULL, "", NULL); /* of nobody */
    assert_int_equal(learn.lost, 1);
    learn_free(&learn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thing_is_kept_once),
        cmocka_unit_test(each_kind_says_what_a_rule_would_be_made_of),
        cmocka_unit_test(names_of_an_address_are_added_up),
        cmocka_unit_test(profiles_and_owners_are_told_apart),
        cmocka_unit_test(one_pod_cannot_take_all_room),
        cmocka_unit_test(pods_that_are_gone_make_room),
        cmocka_unit_test(long_texts_count_by_their_bytes),
        cmocka_unit_test(a_pod_is_asked_for_by_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
