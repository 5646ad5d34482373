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

/* A query of the pod for pong.default., and its answer. */
static struct long_event make_query(void)
{
    struct long_event event = {.event = make_event()};

    event.event.verdict = VERDICT_TRACED;
    event.event.reason = REASON_NONE;
    event.event.kind = EVENT_DNS_QUERY;
    event.event.hook = HOOK_TC_FROM_POD;
    event.event.flags |= EVENT_LONG;
    event.event.application = APPLICATION_DNS;
    event.event.query_type = 28;
    event.event.text_length = 13;
    memcpy(event.text, "\4pong\7default", 13);
    return event;
}

static void assert_long_at(const struct long_event *event, const char *path, const char *expected)
{
    struct event_context context = make_context();
    struct asked_text asked;
    json_t *json;

    asked_text_read(&event->event, sizeof(*event), &asked);
    context.asked = &asked;
    json = event_json(&event->event, &context);
    assert_at(json, path, expected);
    json_decref(json);
}

static void a_traced_query_and_its_answer(void **state)
{
    struct long_event event = make_query();

    (void)state;
    assert_long_at(&event, "flow.l7",
                   "{\"type\":\"REQUEST\",\"protocol\":\"dns\",\"dns\":{\"query\":\"pong.default.\","
                   "\"qtypes\":[\"AAAA\"]}}");
    assert_long_at(&event, "flow.Type", "\"L7\"");
    assert_long_at(&event, "flow.verdict", "\"TRACED\"");
    assert_long_at(&event, "flow.is_reply", "false");
    assert_long_at(&event, "flow.egress_denied_by", "absent");
    assert_long_at(&event, "flow.traced_by.0.name", "\"ping-profile\"");
    assert_long_at(&event, "action", "\"trace-dns\"");
    assert_long_at(&event, "reason", "\"none\"");
    assert_long_at(&event, "effect", "\"none\"");
    event.event.kind = EVENT_DNS_ANSWER;
    event.event.latency_ns = 400000;
    event.event.addresses = 2;
    event.event.ttl = 30;
    assert_long_at(&event, "flow.l7",
                   "{\"type\":\"RESPONSE\",\"protocol\":\"dns\",\"latency_ns\":400000,\"dns\":{\"query\":"
                   "\"pong.default.\",\"qtypes\":[\"AAAA\"],\"rcode\":0,\"addresses\":2,\"ttl\":30}}");
    assert_long_at(&event, "flow.is_reply", "true");
    event.event.rcode = 3;
    event.event.addresses = 0;
    assert_long_at(&event, "flow.l7.dns",
                   "{\"query\":\"pong.default.\",\"qtypes\":[\"AAAA\"],\"rcode\":3,\"addresses\":0}");
}

static void names_of_strangers_are_escaped(void **state)
{
    struct long_event event = make_query();

    (void)state;
    memcpy(event.text, "\4p.n\n\7d\"f\xff lt", 13);
    assert_long_at(&event, "flow.l7.dns.query", "\"p\\\\.n\\\\010.d\\\"f\\\\255\\\\032lt.\"");
    event.event.text_length = 0;
    assert_long_at(&event, "flow.l7.dns.query", "\".\"");
}

static void a_violation_says_what_was_asked_for(void **state)
{
    static const struct {
        __u8 application, reason, flags;
        const char *text, *path, *expected;
    } rows[] = {
        {APPLICATION_DNS, REASON_DNS_NAME, 0, "\4pong", "flow.l7.dns", "{\"query\":\"pong.\",\"qtypes\":[\"AAAA\"]}"},
        {APPLICATION_DNS, REASON_DNS_NAME, 0, "\4pong", "flow.egress_denied_by.0.name", "\"ping-profile\""},
        {APPLICATION_DNS, REASON_DNS_NAME, 0, "\4pong", "flow.is_reply", "false"},
        {APPLICATION_DNS, REASON_DNS_UNASKED, 0, "\4pong", "flow.l7.type", "\"RESPONSE\""},
        {APPLICATION_DNS, REASON_DNS_UNASKED, 0, "\4pong", "flow.is_reply", "true"},
        {APPLICATION_DNS, REASON_NAMES_FULL, 0, "\4pong", "flow.is_reply", "true"},
        {APPLICATION_DNS, REASON_NAMES_FULL, 0, "\4pong", "reason", "\"names_full\""},
        {APPLICATION_DNS, REASON_DNS_MESSAGE, 0, "\4pong", "flow.drop_reason_desc", "\"INVALID_PACKET_DROPPED\""},
        {APPLICATION_HTTP, REASON_HTTP_REQUEST, 0, "GET /task", "flow.l7",
         "{\"type\":\"REQUEST\",\"protocol\":\"http\",\"http\":{\"method\":\"GET\",\"url\":\"/task\"}}"},
        {APPLICATION_HTTP, REASON_HTTP_REQUEST, EVENT_TEXT_CUT, "GET /task", "flow.l7.is_cut", "true"},
        {APPLICATION_HTTP, REASON_HTTP_AMBIGUOUS, 0, "", "flow.l7", "{\"type\":\"REQUEST\",\"protocol\":\"http\"}"},
        {APPLICATION_HTTPS, REASON_TLS_NAME, 0, "\4pong", "flow.l7.tls", "{\"server_name\":\"pong\"}"},
        {APPLICATION_HTTPS, REASON_TLS_NAME, 0, "", "flow.l7", "{\"type\":\"REQUEST\",\"protocol\":\"https\"}"},
        {APPLICATION_UNKNOWN, REASON_L7_PROTOCOL, 0, "", "flow.l7", "{\"type\":\"REQUEST\",\"protocol\":\"unknown\"}"},
        {APPLICATION_UNKNOWN, REASON_L7_PROTOCOL, 0, "", "action", "\"enforce\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct long_event event = make_query();

        event.event.kind = EVENT_VIOLATION;
        event.event.verdict = VERDICT_DROPPED;
        event.event.application = rows[i].application;
        event.event.reason = rows[i].reason;
        event.event.flags |= rows[i].flags;
        event.event.text_length = (__u16)strlen(rows[i].text);
        memcpy(event.text, rows[i].text, strlen(rows[i].text));
        assert_long_at(&event, rows[i].path, rows[i].expected);
    }
}

static void attacks_and_image_name_their_rule(void **state)
{
    static const struct {
        __u8 reason;
        const char *path, *expected;
    } rows[] = {
        {REASON_ARP_SPOOFING, "flow.egress_denied_by.0.labels.0", "\"rule=attacks.arp-spoofing\""},
        {REASON_ND_SPOOFING, "flow.egress_denied_by.0.labels.0", "\"rule=attacks.nd-spoofing\""},
        {REASON_IP_SPOOFING, "flow.egress_denied_by.0.labels.0", "\"rule=attacks.ip-spoofing\""},
        {REASON_RAW_SOCKET_ATTACK, "flow.egress_denied_by.0.labels.0", "\"rule=attacks.raw-socket\""},
        {REASON_ARP_SPOOFING, "flow.drop_reason_desc", "\"INVALID_SOURCE_MAC\""},
        {REASON_NOT_IMAGE, "flow.egress_denied_by.0.labels.0", "\"rule=processes[2].imageOnly\""},
        {REASON_NOT_IMAGE, "process.binary_properties", "{\"upper_layer\":true}"},
        {REASON_ADDRESS, "process.binary_properties", "absent"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct event event = make_event();
        struct event_context context = make_context();
        json_t *json;

        event.reason = rows[i].reason;
        json = event_json(&event, &context);
        assert_at(json, rows[i].path, rows[i].expected);
        json_decref(json);
    }
}

static void learnt_names_stand_beside_the_address(void **state)
{
    struct event event = make_event();
    struct event_context context = make_context();
    json_t *json;

    (void)state;
    context.destination_names = json_pack("[s,s]", "a.example.com", "b.example.com");
    json = event_json(&event, &context);
    assert_at(json, "flow.destination_names", "[\"a.example.com\",\"b.example.com\"]");
    assert_at(json, "flow.Type", "\"L3_L4\"");
    json_decref(json);
    json_decref(context.destination_names);
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
        cmocka_unit_test(a_traced_query_and_its_answer),
        cmocka_unit_test(names_of_strangers_are_escaped),
        cmocka_unit_test(a_violation_says_what_was_asked_for),
        cmocka_unit_test(attacks_and_image_name_their_rule),
        cmocka_unit_test(learnt_names_stand_beside_the_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
