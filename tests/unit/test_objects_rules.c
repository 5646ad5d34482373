/* SPDX-License-Identifier: Apache-2.0 */
/* RULES: what each layer takes, refuses and warns of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "tests/unit/profile_text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define EGRESS_FIELD "spec.processes[0].network.egress"

/* A manifest whose only RULES are the egress of /a. */
static char *manifest_of(const char *rules)
{
    char *yaml = NULL;

    if (asprintf(&yaml,
                 "{apiVersion: %s, kind: SecurityProfile, metadata: {name: p}, spec: {labelSelector: {}, actions: "
                 "[alert], processes: [{path: /a, network: {egress: %s}}]}}",
                 OBJECTS_API_VERSION, rules) < 0)
        fail_msg("out of memory");
    return yaml;
}

static struct profile *profile_of(const char *rules)
{
    cleanup_free char *yaml = manifest_of(rules);
    struct profile *profile = NULL;
    struct error err = {0};

    if (profile_text_parse(yaml, &profile, &err) < 0)
        fail_msg("%s\nsaid: %s", rules, err.msg);
    return profile;
}

/* The message must be EGRESS_FIELD followed by `says`. */
static void assert_refused(const char *rules, const char *says)
{
    cleanup_free char *yaml = manifest_of(rules);
    struct profile *profile = NULL;
    struct error err = {0};
    char expected[sizeof(err.msg)];

    if (profile_text_parse(yaml, &profile, &err) == 0)
        fail_msg("taken: %.200s", rules);
    snprintf(expected, sizeof(expected), EGRESS_FIELD "%s", says);
    if (strcmp(err.msg, expected) != 0)
        fail_msg("%.200s\nexpected: %s\nsaid:     %s", rules, expected, err.msg);
}

static void assert_all_refused(const char *const cases[][2], size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_refused(cases[i][0], cases[i][1]);
}

static void addresses_and_l3_are_taken(void **state)
{
    struct profile *profile = profile_of("{l3: {protocols: [ipv6, arp]}, cidr4: [10.0.0.1/8, 0.0.0.0/0], "
                                         "cidr6: ['fd00::/8', ff02:0:0:0:0:0:0:2/100]}");
    const struct rules_spec *rules = &profile->processes[0].rules[EGRESS];
    char text[CIDR_TEXT_SIZE];

    (void)state;
    assert_true(rules->present);
    assert_int_equal(rules->l3, L3_IPV6 | L3_ARP);
    assert_int_equal(rules->cidrs_count, 4);
    cidr_format(&rules->cidrs[3], text);
    assert_string_equal(text, "ff02::/100");
    assert_int_equal(profile->warnings_count, 2);
    assert_string_equal(profile->warnings[0].field, EGRESS_FIELD ".cidr4");
    assert_string_equal(profile->warnings[0].text, "host bits are ignored; what counts is 10.0.0.0/8");
    assert_string_equal(profile->warnings[1].field, EGRESS_FIELD ".cidr6");
    profile_free(profile);
}

static void bad_addresses_and_l3_are_refused(void **state)
{
    static const char *const cases[][2] = {
        {"{cidr4: 10.0.0.0/8}", ".cidr4: expected a list, not a text"},
        {"{cidr4: [10.0.0.0/8, 10.0.0.1]}", ".cidr4[1]: \"10.0.0.1\" has no prefix length; for one address add /32"},
        {"{cidr4: ['fd00::/8']}", ".cidr4[0]: \"fd00::/8\" is not IPv4; write it under cidr6"},
        {"{cidr6: [10.0.0.0/8]}", ".cidr6[0]: \"10.0.0.0/8\" is not IPv6; write it under cidr4"},
        {"{cidr4: [10]}", ".cidr4[0]: expected a text, not a number; quote it"},
        {"{cidr4: [{}]}", ".cidr4[0]: expected a text, not a map"},
        {"{cidr: []}", ".cidr: unknown field; did you mean cidr4?"},
        {"{l3: {}, l5: {}}", ".l5: unknown field; did you mean l3?"},
        {"{l3: [ipv4]}", ".l3: expected a map, not a list"},
        {"{l3: {protocol: [ipv4]}}", ".l3.protocol: unknown field; did you mean protocols?"},
        {"{l3: {protocols: [ipv5]}}", ".l3.protocols[0]: \"ipv5\" is not one of ipv4, ipv6, arp; did you mean ipv4?"},
        {"{l3: {protocols: [IPv4]}}", ".l3.protocols[0]: \"IPv4\" is not one of ipv4, ipv6, arp; did you mean ipv4?"},
    };

    (void)state;
    assert_all_refused(cases, COUNT(cases));
}

static bool has_protocol(const __u64 set[4], int protocol)
{
    return set[protocol / 64] >> (protocol % 64) & 1;
}

static void protocols_are_names_or_numbers(void **state)
{
    static const struct {
        const char *text;
        int number;
    } cases[] = {
        {"icmp", 1},  {"igmp", 2},   {"ipip", 4},      {"tcp", 6}, {"TCP", 6},     {"udp", 17},       {"dccp", 33},
        {"ipv6", 41}, {"gre", 47},   {"esp", 50},      {"ah", 51}, {"icmpv6", 58}, {"ipv6-icmp", 58}, {"IPv6-ICMP", 58},
        {"ospf", 89}, {"sctp", 132}, {"udplite", 136}, {"0", 0},   {"255", 255},   {"'132'", 132},    {"64", 64},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char rules[100];

        snprintf(rules, sizeof(rules), "{l4: {protocols: [%s]}}", cases[i].text);

        struct profile *profile = profile_of(rules);
        const __u64 *set = profile->processes[0].rules[EGRESS].protocols;

        for (int p = 0; p < 256; p++)
            assert_int_equal(has_protocol(set, p), p == cases[i].number);
        profile_free(profile);
    }
}

static void ports_are_single_or_ranges(void **state)
{
    struct profile *profile = profile_of("{l4: {protocolPorts: [{protocol: udp, port: 53}, {port: 1, endPort: 65535, "
                                         "protocol: 6}, {protocol: sctp, port: 80, endPort: 80}]}}");
    const struct rules_spec *rules = &profile->processes[0].rules[EGRESS];
    static const struct port_range expected[] = {{17, 53, 53}, {6, 1, 65535}, {132, 80, 80}};

    (void)state;
    assert_int_equal(rules->ports_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rules->ports[i].protocol, expected[i].protocol);
        assert_int_equal(rules->ports[i].first, expected[i].first);
        assert_int_equal(rules->ports[i].last, expected[i].last);
    }
    profile_free(profile);
}

static void bad_protocols_and_ports_are_refused(void **state)
{
    static const char *const cases[][2] = {
        {"{l4: {protocols: [tpc]}}", ".l4.protocols[0]: \"tpc\" is not a protocol we know by name; write tcp, udp, "
                                     "icmp, icmpv6, sctp ... or its number, 0 to 255"},
        {"{l4: {protocols: [256]}}", ".l4.protocols[0]: 256 is out of range; expected 0 to 255"},
        {"{l4: {protocols: [-1]}}", ".l4.protocols[0]: -1 is out of range; expected 0 to 255"},
        {"{l4: {protocols: ['256']}}", ".l4.protocols[0]: \"256\" is not a protocol we know by name; write tcp, udp, "
                                       "icmp, icmpv6, sctp ... or its number, 0 to 255"},
        {"{l4: {protocols: [on]}}", ".l4.protocols[0]: expected a text, not true or false; quote it"},
        {"{l4: {ports: []}}", ".l4.ports: unknown field; remove it"},
        {"{l4: {protocolPort: []}}", ".l4.protocolPort: unknown field; did you mean protocolPorts?"},
        {"{l4: {protocolPorts: [{port: 53}]}}",
         ".l4.protocolPorts[0].protocol: missing; write tcp, udp, sctp, udplite or dccp"},
        {"{l4: {protocolPorts: [{protocol: tcp}]}}",
         ".l4.protocolPorts[0].port: missing; write a port, 1 to 65535; for any port use l4.protocols"},
        {"{l4: {protocolPorts: [{protocol: tcp, port: 0}]}}",
         ".l4.protocolPorts[0].port: 0 is out of range; expected 1 to 65535"},
        {"{l4: {protocolPorts: [{protocol: tcp, port: 65536}]}}",
         ".l4.protocolPorts[0].port: 65536 is out of range; expected 1 to 65535"},
        {"{l4: {protocolPorts: [{protocol: tcp, port: '80'}]}}",
         ".l4.protocolPorts[0].port: \"80\": expected a number, not a text; write it without quotes"},
        {"{l4: {protocolPorts: [{protocol: tcp, port: 80.5}]}}",
         ".l4.protocolPorts[0].port: expected a whole number, not a number"},
        {"{l4: {protocolPorts: [{protocol: tcp, port: 80, endPort: 79}]}}",
         ".l4.protocolPorts[0].endPort: 79 is less than port 80; expected a last port not below the first"},
        {"{l4: {protocolPorts: [{protocol: tcp, port: 80, endPort: ~}]}}",
         ".l4.protocolPorts[0].endPort: is empty; write a whole number or remove the field"},
        {"{l4: {protocolPorts: [{protocol: icmp, port: 8}]}}",
         ".l4.protocolPorts[0].protocol: protocol 1 has no ports; write it under l4.protocols"},
        {"{l4: {protocolPorts: [{protocol: 200, port: 8}]}}",
         ".l4.protocolPorts[0].protocol: protocol 200 has no ports; write it under l4.protocols"},
        {"{l4: {protocolPorts: [{protocol: tcp, port: 80, end: 90}]}}",
         ".l4.protocolPorts[0].end: unknown field; remove it"},
    };

    (void)state;
    assert_all_refused(cases, COUNT(cases));
}

static void names_and_requests_are_checked_although_not_yet_in_force(void **state)
{
    static const char *const cases[][2] = {
        {"{fqdns: [a..b]}", ".fqdns[0]: \"a..b\" has an empty label"},
        {"{fqdns: a.b}", ".fqdns: expected a list, not a text"},
        {"{fqdns: [10.0.0.1]}", ".fqdns[0]: \"10.0.0.1\" is not a DNS name; write an address under cidr4 or cidr6"},
        {"{l7: {protocols: [grpc]}}", ".l7.protocols[0]: \"grpc\" is not one of any, dns, http, https"},
        {"{l7: {protocols: [htp]}}",
         ".l7.protocols[0]: \"htp\" is not one of any, dns, http, https; did you mean http?"},
        {"{l7: {dns: [a b]}}", ".l7.dns[0]: \"a b\" has a character that no DNS name has; expected letters, digits, - "
                               "_ . and *"},
        {"{l7: {http: [{uri: /}]}}", ".l7.http[0].method: missing; write a method such as GET, or \"*\" for all"},
        {"{l7: {http: [{method: GET}]}}", ".l7.http[0].uri: missing; write a path such as /task, or \"/*\" for all"},
        {"{l7: {http: [{method: get, uri: /}]}}", ".l7.http[0].method: \"get\" is not an HTTP method; write it in "
                                                  "capitals, such as GET, or \"*\" for all"},
        {"{l7: {http: [{method: GE*, uri: /}]}}", ".l7.http[0].method: \"GE*\" is not an HTTP method; write it in "
                                                  "capitals, such as GET, or \"*\" for all"},
        {"{l7: {http: [{method: GET, uri: task}]}}",
         ".l7.http[0].uri: \"task\" does not begin with \"/\"; write the path that is requested, such as /task"},
        {"{l7: {http: [{method: GET, uri: '/a*b'}]}}",
         ".l7.http[0].uri: \"/a*b\" has a \"*\" before its end; only the last character can be one"},
        {"{l7: {http: [{method: GET, uri: '/a b'}]}}",
         ".l7.http[0].uri: \"/a b\" has a character that no request has; percent-encode it"},
        {"{l7: {http: [{method: GET, url: /}]}}", ".l7.http[0].url: unknown field; did you mean uri?"},
    };

    (void)state;
    assert_all_refused(cases, COUNT(cases));
}

static void assert_warnings(const char *rules, const char *const expected[], size_t count)
{
    struct profile *profile = profile_of(rules);

    if (profile->warnings_count != count)
        fail_msg("%s: %zu warnings", rules, profile->warnings_count);
    for (size_t i = 0; i < count; i++) {
        char line[400];

        snprintf(line, sizeof(line), "%s: %s", profile->warnings[i].field, profile->warnings[i].text);
        assert_string_equal(line, expected[i]);
    }
    profile_free(profile);
}

static void what_allows_nothing_yet_is_said(void **state)
{
    static const char *const names[] = {
        EGRESS_FIELD ".fqdns: \"*.b\" is exactly one label; for any depth add \"**.b\"",
        EGRESS_FIELD ".fqdns: not in force yet: allows nothing until names are learnt",
    };
    static const char *const closed[] = {
        EGRESS_FIELD ".l7: not in force yet: without \"any\" in its protocols it allows nothing",
    };

    (void)state;
    assert_warnings("{fqdns: ['*.A.', '**.a', '*.B', c]}", names, 2);
    assert_warnings("{fqdns: []}", NULL, 0);
    assert_warnings("{l7: {protocols: [http], http: [{method: '*', uri: '/static/*'}]}}", closed, 1);
    assert_warnings("{l7: {}}", closed, 1);
    assert_warnings("{l7: {protocols: [http, any], dns: ['*', a.b]}}", NULL, 0);
}

static void names_match_nothing_under_ingress_and_default(void **state)
{
    struct profile *profile = profile_text_make(
        "p", "{actions: [alert], labelSelector: {}, default: {egress: {fqdns: [a]}}, processes: [{path: /a, network: "
             "{ingress: {fqdns: [a]}}}]}");

    (void)state;
    assert_int_equal(profile->warnings_count, 2);
    assert_string_equal(profile->warnings[0].field, "spec.default.egress.fqdns");
    assert_string_equal(profile->warnings[1].field, "spec.processes[0].network.ingress.fqdns");
    assert_string_equal(profile->warnings[0].text,
                        "can match nothing: names are learnt for the egress of processes only");
    profile_free(profile);
}

/* "{BEFORE ELEMENT, ELEMENT, ... AFTER}" */
static char *repeat(const char *before, const char *element, size_t count, const char *after)
{
    size_t length = strlen(element);
    char *text = malloc(strlen(before) + count * (length + 1) + strlen(after) + 1), *end = text;

    assert_non_null(text);
    end = stpcpy(end, before);
    for (size_t i = 0; i < count; i++) {
        end = stpcpy(end, element);
        *end++ = ',';
    }
    stpcpy(end, after);
    return text;
}

static void lists_have_limits(void **state)
{
    static const struct {
        const char *before, *element, *after;
        size_t limit;
        const char *says;
    } cases[] = {
        {"{cidr4: [", "10.0.0.0/8", "]}", 10000, ".cidr4: has 10001 elements; at most 10000"},
        {"{cidr6: [", "'fd00::/8'", "]}", 10000, ".cidr6: has 10001 elements; at most 10000"},
        {"{fqdns: [", "a.b", "]}", 1000, ".fqdns: has 1001 elements; at most 1000"},
        {"{l7: {dns: [", "a.b", "]}}", 1000, ".l7.dns: has 1001 elements; at most 1000"},
        {"{l7: {http: [", "{method: GET, uri: /}", "]}}", 1000, ".l7.http: has 1001 elements; at most 1000"},
        {"{l4: {protocolPorts: [", "{protocol: tcp, port: 1}", "]}}", 1000,
         ".l4.protocolPorts: has 1001 elements; at most 1000"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        cleanup_free char *most = repeat(cases[i].before, cases[i].element, cases[i].limit, cases[i].after);
        cleanup_free char *more = repeat(cases[i].before, cases[i].element, cases[i].limit + 1, cases[i].after);

        profile_free(profile_of(most));
        assert_refused(more, cases[i].says);
    }
}

static void ten_thousand_host_bits_are_one_warning(void **state)
{
    cleanup_free char *rules = repeat("{cidr4: [10.0.0.0/8, ", "10.1.0.1/16", 9999, "]}");
    struct profile *profile = profile_of(rules);

    (void)state;
    assert_int_equal(profile->warnings_count, 1);
    assert_string_equal(profile->warnings[0].text,
                        "host bits are ignored in 9999 prefixes; what counts in the first is 10.1.0.0/16");
    profile_free(profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_and_l3_are_taken),
        cmocka_unit_test(bad_addresses_and_l3_are_refused),
        cmocka_unit_test(protocols_are_names_or_numbers),
        cmocka_unit_test(ports_are_single_or_ranges),
        cmocka_unit_test(bad_protocols_and_ports_are_refused),
        cmocka_unit_test(names_and_requests_are_checked_although_not_yet_in_force),
        cmocka_unit_test(what_allows_nothing_yet_is_said),
        cmocka_unit_test(names_match_nothing_under_ingress_and_default),
        cmocka_unit_test(lists_have_limits),
        cmocka_unit_test(ten_thousand_host_bits_are_one_warning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
