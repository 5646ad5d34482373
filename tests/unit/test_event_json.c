/* SPDX-License-Identifier: Apache-2.0 */
/* How an event looks: key by key, for each kind of flow, and for what is unknown. */
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

#include "policyd/event_json.h"

static void set_address(__u8 address[16], const char *text)
{
    if (inet_pton(AF_INET6, text, address) == 1)
        return;
    memset(address, 0, 10);
    memset(address + 10, 0xff, 2);
    assert_int_equal(inet_pton(AF_INET, text, address + 12), 1);
}

/* curl in pod default/xwing opens a TCP connection that is refused at connect(). */
static struct event make_event(void)
{
    struct event event = {
        .time_ns = 1500000000,
        .revision = 7,
        .socket_cookie = 1234,
        .cgroup_id = 5678,
        .pid = 52699,
        .direction = EGRESS,
        .verdict = VERDICT_DROPPED,
        .reason = REASON_ADDRESS,
        .hook = HOOK_CONNECT,
        .flags = EVENT_HAS_PROCESS,
        .protocol = IPPROTO_TCP,
        .process = 2,
        .ethertype = 0x0800,
        .local_port_be = htons(33978),
        .remote_port_be = htons(443),
        .comm = "curl",
    };

    set_address(event.local, "10.0.0.5");
    set_address(event.remote, "104.198.14.52");
    return event;
}

static struct label label = {(char *)"app", (char *)"ping"};
static const struct labels labels = {1, &label};

static struct event_context make_context(void)
{
    return (struct event_context){
        .clock_offset_ns = 1795473278000000000,
        .node_name = "n1",
        .namespace_ = "default",
        .pod_name = "xwing",
        .labels = &labels,
        .binary = "/usr/bin/curl",
        .profile = "default/ping-profile",
    };
}

static void assert_json(const struct event *event, const struct event_context *context, const char *expected)
{
    json_t *json = event_json(event, context);
    char *text = json_dumps(json, JSON_COMPACT);

    assert_string_equal(text, expected);
    free(text);
    json_decref(json);
}

static void an_event_has_hubble_s_flow_and_tetragon_s_process(void **state)
{
    struct event event = make_event();
    struct event_context context = make_context();

    (void)state;
    assert_json(&event, &context,
                "{\"flow\":{\"time\":\"2026-11-23T22:34:39.500000000Z\",\"verdict\":\"DROPPED\","
                "\"drop_reason_desc\":\"POLICY_DENIED\","
                "\"IP\":{\"source\":\"10.0.0.5\",\"destination\":\"104.198.14.52\",\"ipVersion\":\"IPv4\"},"
                "\"l4\":{\"TCP\":{\"source_port\":33978,\"destination_port\":443}},"
                "\"source\":{\"namespace\":\"default\",\"pod_name\":\"xwing\",\"labels\":[\"k8s:app=ping\"]},"
                "\"Type\":\"L3_L4\",\"traffic_direction\":\"EGRESS\",\"is_reply\":false,\"socket_cookie\":1234,"
                "\"cgroup_id\":5678,\"egress_denied_by\":[{\"name\":\"ping-profile\",\"namespace\":\"default\","
                "\"kind\":\"SecurityProfile\",\"revision\":7,\"labels\":[\"rule=processes[2].egress\"]}]},"
                "\"process\":{\"pid\":52699,\"uid\":0,\"comm\":\"curl\",\"binary\":\"/usr/bin/curl\","
                "\"pod\":{\"namespace\":\"default\",\"name\":\"xwing\"}},"
                "\"action\":\"enforce\",\"reason\":\"address\",\"hook\":\"connect\",\"effect\":\"EPERM\","
                "\"live_flow\":false,\"node_name\":\"n1\",\"time\":\"2026-11-23T22:34:39.500000000Z\"}");
}

static void what_is_unknown_is_left_out(void **state)
{
    struct event event = {.verdict = VERDICT_AUDIT, .reason = REASON_RAW_SOCKET, .hook = HOOK_SOCK_CREATE};
    struct event_context context = {0};

    (void)state;
    assert_json(&event, &context,
                "{\"flow\":{\"time\":\"1970-01-01T00:00:00.000000000Z\",\"verdict\":\"AUDIT\",\"Type\":\"L3_L4\","
                "\"traffic_direction\":\"EGRESS\",\"is_reply\":false},\"action\":\"alert\",\"reason\":\"raw_socket\","
                "\"hook\":\"sock_create\",\"effect\":\"none\",\"live_flow\":false,"
                "\"time\":\"1970-01-01T00:00:00.000000000Z\"}");
}

/* Follows keys and indices such as flow.ingress_denied_by.0.labels.0; the text or number found there. */
static void assert_at(const json_t *json, const char *path, const char *expected)
{
    char keys[128], *rest = NULL, *value = NULL;

    snprintf(keys, sizeof(keys), "%s", path);
    for (char *key = strtok_r(keys, ".", &rest); key && json; key = strtok_r(NULL, ".", &rest))
        json = json_is_array(json) ? json_array_get(json, (size_t)atol(key)) : json_object_get(json, key);
    value = json ? json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT) : strdup("absent");
    assert_string_equal(value, expected);
    free(value);
}

static void each_flow_is_told_from_who_opened_it(void **state)
{
    static const struct {
        __u8 direction, protocol, verdict, reason, hook, flags;
        __u16 process, ethertype;
        const char *path, *expected;
    } rows[] = {
        {INGRESS, 6, 2, 6, 7, 1, 0, 0x0800, "flow.IP.source", "\"104.198.14.52\""},
        {INGRESS, 6, 2, 6, 7, 1, 0, 0x0800, "flow.l4.TCP.destination_port", "33978"},
        {INGRESS, 6, 2, 6, 7, 1, 0, 0x0800, "flow.destination.pod_name", "\"xwing\""},
        {INGRESS, 6, 2, 6, 7, 1, 0, 0x0800, "flow.source", "absent"},
        {INGRESS, 6, 2, 6, 7, 1, 0, 0x0800, "flow.ingress_denied_by.0.labels.0", "\"rule=processes[0].ingress\""},
        {INGRESS, 6, 2, 6, 7, 1, 0, 0x0800, "effect", "\"drop\""},
        {EGRESS, 6, 2, 6, 5, 7, 0, 0x0800, "effect", "\"ECONNRESET\""},
        {EGRESS, 6, 2, 6, 5, 7, 0, 0x0800, "live_flow", "true"},
        {EGRESS, 17, 4, 8, 3, 1, 0, 0x0800, "flow.l4.UDP.destination_port", "443"},
        {EGRESS, 17, 4, 8, 3, 1, 0, 0x0800, "flow.drop_reason_desc", "absent"},
        {EGRESS, 17, 4, 8, 3, 1, 0, 0x0800, "action", "\"alert\""},
        {EGRESS, 1, 2, 7, 5, 1, 0, 0x0800, "flow.l4", "{\"ICMPv4\":{}}"},
        {EGRESS, 47, 2, 7, 5, 0, 0xffff, 0x0800, "flow.ip_protocol", "47"},
        {EGRESS, 47, 2, 7, 5, 0, 0xffff, 0x0800, "flow.egress_denied_by.0.labels.0", "\"rule=default.egress\""},
        {EGRESS, 47, 2, 4, 5, 0, 0xffff, 0x0800, "flow.egress_denied_by.0.labels", "[]"},
        {EGRESS, 6, 2, 2, 2, 1, 0xffff, 0x0800, "flow.egress_denied_by.0.labels", "[]"},
        {EGRESS, 0, 2, 5, 5, 0, 0xffff, 0x0806, "flow.ethertype", "\"arp\""},
        {EGRESS, 0, 2, 10, 5, 0, 0xffff, 0x88cc, "flow.ethertype", "\"0x88cc\""},
        {EGRESS, 0, 2, 10, 5, 0, 0xffff, 0x88cc, "flow.drop_reason_desc", "\"UNSUPPORTED_L3_PROTOCOL\""},
        {EGRESS, 6, 2, 1, 2, 0, 0xffff, 0x0800, "action", "absent"},
        {EGRESS, 6, 200, 200, 200, 0, 0xffff, 0x0800, "flow.verdict", "\"VERDICT_UNKNOWN\""},
        {EGRESS, 6, 200, 200, 200, 0, 0xffff, 0x0800, "reason", "\"unknown\""},
        {EGRESS, 6, 200, 200, 200, 0, 0xffff, 0x0800, "process", "absent"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct event event = make_event();
        struct event_context context = make_context();
        json_t *json;

        event.direction = rows[i].direction;
        event.protocol = rows[i].protocol;
        event.verdict = rows[i].verdict;
        event.reason = rows[i].reason;
        event.hook = rows[i].hook;
        event.flags = rows[i].flags;
        event.process = rows[i].process;
        event.ethertype = rows[i].ethertype;
        json = event_json(&event, &context);
        assert_at(json, rows[i].path, rows[i].expected);
        json_decref(json);
    }
}

static void addresses_that_are_not_chosen_yet_are_left_out(void **state)
{
    struct event event = make_event();
    struct event_context context = make_context();
    json_t *json;

    (void)state;
    memset(event.local, 0, sizeof(event.local));
    event.local_port_be = 0;
    set_address(event.remote, "fd00::1");
    json = event_json(&event, &context);
    assert_at(json, "flow.IP", "{\"destination\":\"fd00::1\",\"ipVersion\":\"IPv6\"}");
    assert_at(json, "flow.l4.TCP", "{\"destination_port\":443}");
    json_decref(json);
}

static void tcp_flags_are_named(void **state)
{
    struct event event = make_event();
    struct event_context context = make_context();
    json_t *json;

    (void)state;
    event.tcp_flags = 0x12;
    json = event_json(&event, &context);
    assert_at(json, "flow.l4.TCP.flags", "{\"SYN\":true,\"ACK\":true}");
    json_decref(json);
}

static void names_that_are_no_text_do_not_break_the_line(void **state)
{
    struct event event = make_event();
    struct event_context context = make_context();
    json_t *json;

    (void)state;
    memcpy(event.comm, "a\n\xff\"bbbbbbbbbbbbb", sizeof(event.comm));
    context.binary = "/tmp/\xff\xfe";
    json = event_json(&event, &context);
    assert_at(json, "process.comm", "\"a??\\\"bbbbbbbbbbbb\"");
    assert_at(json, "process.binary", "\"/tmp/\?\?\"");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_has_hubble_s_flow_and_tetragon_s_process),
        cmocka_unit_test(what_is_unknown_is_left_out),
        cmocka_unit_test(each_flow_is_told_from_who_opened_it),
        cmocka_unit_test(addresses_that_are_not_chosen_yet_are_left_out),
        cmocka_unit_test(tcp_flags_are_named),
        cmocka_unit_test(names_that_are_no_text_do_not_break_the_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
