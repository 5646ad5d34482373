/* SPDX-License-Identifier: Apache-2.0 */
/* What profiles become for the kernel; test_compile_model.c compares the meaning of both at random. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "tests/unit/compile_text.h"
#include "tests/unit/profile_text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static bool is_within(const struct port_key *key, unsigned port)
{
    return key->length == 0 || (port >> (16 - key->length)) == (unsigned)key->port >> (16 - key->length);
}

/* Every port is covered by exactly one prefix if it is in the range, and by none otherwise. */
static void assert_covers(__u16 first, __u16 last, size_t expected)
{
    struct port_key keys[30];
    size_t count = compile_port_prefixes(&(struct port_range){17, first, last}, keys);

    if (expected)
        assert_int_equal(count, expected);
    assert_in_range(count, 1, 30);
    for (unsigned port = 0; port < 65536; port++) {
        size_t hits = 0;

        for (size_t i = 0; i < count; i++)
            hits += is_within(&keys[i], port);
        if (hits != (port >= first && port <= last))
            fail_msg("%u-%u: %zu hits for %u", first, last, hits, port);
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(keys[i].protocol, 17);
        assert_int_equal(keys[i].rules, 0);
        assert_int_equal(keys[i].port & ((1u << (16 - keys[i].length)) - 1), 0);
    }
}

static void a_port_range_becomes_the_fewest_prefixes(void **state)
{
    unsigned seed = 1;

    (void)state;
    assert_covers(53, 53, 1);
    assert_covers(8000, 8099, 3);
    assert_covers(1, 65534, 30);
    assert_covers(1, 65535, 16);
    assert_covers(0, 65535, 1);
    assert_covers(65535, 65535, 1);
    assert_covers(32768, 65535, 1);
    assert_covers(32767, 32768, 2);
    for (int i = 0; i < 100; i++) {
        __u16 a = (__u16)rand_r(&seed), b = (__u16)rand_r(&seed);

        assert_covers(a < b ? a : b, a < b ? b : a, 0);
    }
}

static void a_rules_object_becomes_a_rule_set(void **state)
{
    struct compiled compiled;
    struct profile *profile;

    (void)state;
    compile_text_one(
        "{processes: [{path: /a, network: {egress: {cidr4: [0.0.0.0/0, 10.0.0.0/8], cidr6: ['fd00::/8'], "
        "l3: {protocols: [ipv4]}, l4: {protocols: [icmp, 255], protocolPorts: [{protocol: tcp, port: 8000, "
        "endPort: 8099}, {protocol: tcp, port: 8000}, {protocol: tcp, port: 8000}]}}}}]}",
        &compiled, &profile);
    assert_int_equal(compiled.rules_count, 1);

    const struct compiled_rules *rules = &compiled.rules[0];

    assert_int_equal(rules->value.flags, RULES_PRESENT | RULES_ANY4 | RULES_CIDRS);
    assert_int_equal(rules->value.l3, L3_IPV4);
    assert_int_equal(rules->value.protocols[0], 1 << 1);
    assert_true(rules->value.protocols[3] == 1ULL << 63);
    assert_int_equal(rules->value.ported[0], 1 << 6);
    assert_int_equal(rules->ports_count, 4); /* three for the range; 8000 alone once */
    assert_int_equal(rules->value.port_lengths, 1 << 10 | 1 << 11 | 1 << 14 | 1 << 16);
    assert_int_equal(rules->cidrs_count, 1);
    assert_int_equal(rules->cidrs[0].prefix_length, 8);
    assert_int_equal(rules->cidrs[0].address[0], 0xfd);
    compiled_free(&compiled);
    profile_free(profile);
}

static void flags_say_what_is_there(void **state)
{
    static const struct {
        const char *rules;
        __u32 flags;
    } cases[] = {
        {"{}", RULES_PRESENT},
        {"{cidr4: [10.0.0.0/8]}", RULES_PRESENT | RULES_CIDRS},
        {"{cidr4: [0.0.0.0/0]}", RULES_PRESENT | RULES_ANY4},
        {"{cidr6: ['::/0']}", RULES_PRESENT | RULES_ANY6},
        {"{cidr6: ['::/0', 'fd00::/8', '::/1']}", RULES_PRESENT | RULES_ANY6},
        {"{fqdns: []}", RULES_PRESENT},
        {"{fqdns: [a]}", RULES_PRESENT | RULES_FQDNS},
        {"{fqdns: [a, '*']}", RULES_PRESENT | RULES_FQDNS | RULES_FQDNS_ALL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct compiled compiled;
        struct profile *profile;
        char spec[200];

        snprintf(spec, sizeof(spec), "{processes: [{path: /a, network: {egress: %s}}]}", cases[i].rules);
        compile_text_one(spec, &compiled, &profile);
        assert_int_equal(compiled.rules_count, 1);
        assert_int_equal(compiled.rules[0].value.flags, cases[i].flags);
        compiled_free(&compiled);
        profile_free(profile);
    }
}

static void covered_and_repeated_prefixes_are_left_out(void **state)
{
    static const struct {
        const char *rules;
        size_t count;
    } cases[] = {
        {"{cidr4: [10.0.0.0/8, 10.0.0.0/8, 10.1.0.0/16, 10.1.2.3/32, 11.0.0.0/8]}", 2},
        {"{cidr4: [10.1.0.0/16, 10.0.0.0/16, 10.0.0.0/15]}", 1},
        {"{cidr6: ['fd00::/8', 'fd00::/16', 'fe80::/10', 'fe80::1/128']}", 2},
        {"{cidr6: ['::/96', '::1/128'], cidr4: [127.0.0.1/32]}", 2},
        {"{cidr6: ['::/95']}", 1},         /* ::/96: without ::fffe:0:0/95 nothing is cut */
        {"{cidr6: ['::fffe:0:0/95']}", 1}, /* its half ::fffe:0:0/96; the other is IPv4 */
        {"{cidr6: ['::/64']}", 32},        /* the siblings on the way down to ::ffff:0:0/96 */
        {"{cidr6: ['::/1', '8000::/1']}", 96},
        {"{cidr6: ['::/8', '::/64', '::1/128']}", 88},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct compiled compiled;
        struct profile *profile;
        char spec[300];

        snprintf(spec, sizeof(spec), "{processes: [{path: /a, network: {egress: %s}}]}", cases[i].rules);
        compile_text_one(spec, &compiled, &profile);
        if (compiled.rules[0].cidrs_count != cases[i].count)
            fail_msg("%s: %zu", cases[i].rules, compiled.rules[0].cidrs_count);
        compiled_free(&compiled);
        profile_free(profile);
    }
}

static void digests_tell_equal_from_different(void **state)
{
    static const char *const specs[] = {
        "{processes: [{path: /a}]}",
        "{processes: [{path: /b}]}",
        "{processes: [{path: /a}, {path: /b}]}",
        "{actions: [alert], processes: [{path: /a}]}",
        "{processes: [{path: /a, network: {egress: {}}}]}",
        "{processes: [{path: /a, network: {ingress: {}}}]}",
        "{processes: [{path: /a, network: {egress: {cidr4: [10.0.0.0/8]}}}]}",
        "{processes: [{path: /a, network: {egress: {cidr4: [10.0.0.0/9]}}}]}",
        "{processes: [{path: /a, network: {egress: {l4: {protocolPorts: [{protocol: tcp, port: 1}]}}}}]}",
        "{default: {}, processes: [{path: /a}]}",
        "{processes: [{path: /a, container: c}]}",
        "{processes: [{path: /a, container: d}]}",
        "{processes: [{path: /a, imageOnly: true}]}",
        "{actions: [trace-dns], processes: [{path: /a}]}",
        "{actions: [learn], processes: [{path: /a}]}",
        "{attacks: [raw-socket], processes: [{path: /a}]}",
        "{nameScope: pod, processes: [{path: /a, network: {egress: {}}}]}",
        "{processes: [{path: /a, network: {egress: {fqdns: [a]}}}]}",
        "{processes: [{path: /a, network: {egress: {fqdns: [b]}}}]}",
        "{processes: [{path: /a, network: {egress: {fqdns: ['*.a']}}}]}",
        "{processes: [{path: /a, network: {egress: {fqdns: ['**.a']}}}]}",
        "{processes: [{path: /a, network: {egress: {fqdns: ['x*.a']}}}]}",
        "{processes: [{path: /a, network: {egress: {fqdns: ['y*.a']}}}]}",
        "{processes: [{path: /a, network: {egress: {l7: {dns: [a]}}}}]}",
        "{processes: [{path: /a, network: {egress: {l7: {http: [{method: GET, uri: /a}]}}}}]}",
        "{processes: [{path: /a, network: {egress: {l7: {http: [{method: PUT, uri: /a}]}}}}]}",
        "{processes: [{path: /a, network: {egress: {l7: {http: [{method: '*', uri: /a}]}}}}]}",
        "{processes: [{path: /a, network: {egress: {l7: {http: [{method: GET, uri: '/a*'}]}}}}]}",
    };
    __u8 contents[COUNT(specs)][32];

    (void)state;
    for (size_t i = 0; i < COUNT(specs); i++) {
        struct compiled compiled, again;
        struct profile *profile, *same;

        compile_text_one(specs[i], &compiled, &profile);
        compile_text_one(specs[i], &again, &same);
        assert_memory_equal(compiled.content, again.content, 32);
        assert_memory_equal(compiled.name, again.name, 32);
        memcpy(contents[i], compiled.content, 32);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(contents[i], contents[j], 32);
        compiled_free(&compiled);
        compiled_free(&again);
        profile_free(profile);
        profile_free(same);
    }
}

static void the_order_of_addresses_does_not_matter(void **state)
{
    struct compiled compiled, again;
    struct profile *profile, *same;

    (void)state;
    compile_text_one("{processes: [{path: /a, network: {egress: {cidr4: [10.0.0.0/8, 11.0.0.0/8]}}}]}", &compiled,
                     &profile);
    compile_text_one("{processes: [{path: /a, network: {egress: {cidr4: [11.0.0.0/8, 10.1.0.0/16, 10.0.0.0/8]}}}]}",
                     &again, &same);
    assert_memory_equal(compiled.content, again.content, 32);
    compiled_free(&compiled);
    compiled_free(&again);
    profile_free(profile);
    profile_free(same);
}

static void more_than_eight_profiles_are_refused(void **state)
{
    struct profile *profile = profile_text_make("p", "{}");
    const struct profile *nine[NSP_PARTS_MAX + 1];
    struct compiled compiled;
    struct error err = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(nine); i++)
        nine[i] = profile;
    assert_int_equal(compile_policy(nine, COUNT(nine), &compiled, &err), -E2BIG);
    assert_string_equal(err.msg, "9 profiles select one pod; at most 8 can: join some of them");
    assert_int_equal(compile_policy(nine, NSP_PARTS_MAX, &compiled, &err), 0);
    compiled_free(&compiled);
    profile_free(profile);
}

static void ten_thousand_prefixes_stay_ten_thousand(void **state)
{
    cleanup_free char *spec = malloc(300000);
    struct compiled compiled;
    struct profile *profile;
    char *end = stpcpy(spec, "{processes: [{path: /a, network: {egress: {cidr4: [");

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        unsigned address = i * 7919 % 10000 * 2;

        end += sprintf(end, "10.0.%u.%u/32, ", address >> 8, address & 255);
    }
    stpcpy(end, "]}}}]}");
    compile_text_one(spec, &compiled, &profile);
    assert_int_equal(compiled.rules[0].cidrs_count, 10000);
    for (size_t i = 0; i < 10000; i++)
        assert_int_equal(compiled.rules[0].cidrs[i].address[14] << 8 | compiled.rules[0].cidrs[i].address[15], i * 2);
    compiled_free(&compiled);
    profile_free(profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_range_becomes_the_fewest_prefixes),
        cmocka_unit_test(a_rules_object_becomes_a_rule_set),
        cmocka_unit_test(flags_say_what_is_there),
        cmocka_unit_test(covered_and_repeated_prefixes_are_left_out),
        cmocka_unit_test(digests_tell_equal_from_different),
        cmocka_unit_test(the_order_of_addresses_does_not_matter),
        cmocka_unit_test(more_than_eight_profiles_are_refused),
        cmocka_unit_test(ten_thousand_prefixes_stay_ten_thousand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
