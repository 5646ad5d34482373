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
#include "tests/unit/rules_text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void addresses_and_l3_are_taken(void **state)
{
    struct profile *profile = rules_text_make("{l3: {protocols: [ipv6, arp]}, cidr4: [10.0.0.1/8, 0.0.0.0/0], "
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
    assert_string_equal(profile->warnings[0].field, RULES_FIELD ".cidr4");
    assert_string_equal(profile->warnings[0].text, "host bits are ignored; what counts is 10.0.0.0/8");
    assert_string_equal(profile->warnings[1].field, RULES_FIELD ".cidr6");
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
    rules_text_all_refused(cases, COUNT(cases));
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

        struct profile *profile = rules_text_make(rules);
        const __u64 *set = profile->processes[0].rules[EGRESS].protocols;

        for (int p = 0; p < 256; p++)
            assert_int_equal(has_protocol(set, p), p == cases[i].number);
        profile_free(profile);
    }
}

static void ports_are_single_or_ranges(void **state)
{
    struct profile *profile =
        rules_text_make("{l4: {protocolPorts: [{protocol: udp, port: 53}, {port: 1, endPort: 65535, "
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
    rules_text_all_refused(cases, COUNT(cases));
}

/* T88 */
static void lists_have_limits(void **state)
{
    static const struct {
        const char *before, *element, *after;
        size_t limit;
        const char *says;
    } cases[] = {
        {"{cidr4: [", "10.0.0.0/8", "]}", 10000, ".cidr4: has 10001 elements; at most 10000"},
        {"{cidr6: [", "'fd00::/8'", "]}", 10000, ".cidr6: has 10001 elements; at most 10000"},
        {"{l4: {protocolPorts: [", "{protocol: tcp, port: 1}", "]}}", 1000,
         ".l4.protocolPorts: has 1001 elements; at most 1000"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        cleanup_free char *most = rules_text_repeat(cases[i].before, cases[i].element, cases[i].limit, cases[i].after);
        cleanup_free char *more =
            rules_text_repeat(cases[i].before, cases[i].element, cases[i].limit + 1, cases[i].after);

        profile_free(rules_text_make(most));
        rules_text_refused(more, cases[i].says);
    }
}

static void ten_thousand_host_bits_are_one_warning(void **state)
{
    cleanup_free char *rules = rules_text_repeat("{cidr4: [10.0.0.0/8, ", "10.1.0.1/16", 9999, "]}");
    struct profile *profile = rules_text_make(rules);

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
        cmocka_unit_test(lists_have_limits),
        cmocka_unit_test(ten_thousand_host_bits_are_one_warning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
