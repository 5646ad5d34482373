/* SPDX-License-Identifier: Apache-2.0 */
/* Which texts are prefixes, what they become, and whom they contain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cidr.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void a_prefix_is_parsed_masked_and_printed(void **state)
{
    static const struct {
        const char *text, *printed;
        bool is_ipv4;
        int length;
        bool had_host_bits;
    } cases[] = {
        {"10.96.0.10/32", "10.96.0.10/32", true, 128, false},
        {"0.0.0.0/0", "0.0.0.0/0", true, 96, false},
        {"10.1.2.3/8", "10.0.0.0/8", true, 104, true},
        {"255.255.255.255/1", "128.0.0.0/1", true, 97, true},
        {"192.0.2.129/25", "192.0.2.128/25", true, 121, true},
        {"::/0", "::/0", false, 0, false},
        {"::1/128", "::1/128", false, 128, false},
        {"fd00::/8", "fd00::/8", false, 8, false},
        {"ff02:0000:0000:0000:0000:0000:0000:0002/100", "ff02::/100", false, 100, true},
        {"2001:DB8::1/127", "2001:db8::/127", false, 127, true},
        {"::ffff:0:0/95", "::fffe:0:0/95", false, 95, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cidr cidr;
        struct error err = {0};
        char text[CIDR_TEXT_SIZE];
        bool had = !cases[i].had_host_bits;

        assert_int_equal(cidr_parse(cases[i].text, cases[i].is_ipv4, &cidr, &had, &err), 0);
        cidr_format(&cidr, text);
        assert_string_equal(text, cases[i].printed);
        assert_int_equal(cidr.length, cases[i].length);
        assert_int_equal(cidr.is_ipv4, cases[i].is_ipv4);
        assert_int_equal(had, cases[i].had_host_bits);
    }
}

static void what_is_no_prefix_is_refused_with_the_remedy(void **state)
{
    static const struct {
        const char *text;
        bool is_ipv4;
        const char *says;
    } cases[] = {
        {"10.0.0.1", true, "\"10.0.0.1\" has no prefix length; for one address add /32"},
        {"fd00::1", false, "\"fd00::1\" has no prefix length; for one address add /128"},
        {"10.0.0.0/33", true, "\"10.0.0.0/33\" has no prefix length from 0 to 32"},
        {"10.0.0.0/", true, "from 0 to 32"},
        {"10.0.0.0/08", true, "from 0 to 32"},
        {"10.0.0.0/-1", true, "from 0 to 32"},
        {"10.0.0.0/8 ", true, "from 0 to 32"},
        {"10.0.0.0/255.0.0.0", true, "from 0 to 32"},
        {"10.0.0.0/99999999999", true, "from 0 to 32"},
        {"fd00::/129", false, "from 0 to 128"},
        {"10.0.0/8", true, "is not an IPv4 prefix such as 10.0.0.0/8"},
        {"010.0.0.0/8", true, "is not an IPv4 prefix"},
        {" 10.0.0.0/8", true, "is not an IPv4 prefix"},
        {"/8", true, "is not an IPv4 prefix"},
        {"", true, "has no prefix length"},
        {"fd00::/8", true, "\"fd00::/8\" is not IPv4; write it under cidr6"},
        {"10.0.0.0/8", false, "\"10.0.0.0/8\" is not IPv6; write it under cidr4"},
        {"fd00:::/8", false, "is not an IPv6 prefix"},
        {"fe80::1%eth0/64", false, "is not an IPv6 prefix"},
        {"::ffff:10.0.0.0/104", false, "write it under cidr4"},
        {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8", false, "is not an IPv6 prefix"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cidr cidr, untouched;
        struct error err = {0};

        memset(&cidr, 0x5a, sizeof(cidr));
        untouched = cidr;
        assert_true(cidr_parse(cases[i].text, cases[i].is_ipv4, &cidr, NULL, &err) < 0);
        if (!strstr(err.msg, cases[i].says))
            fail_msg("\"%s\" said: %s", cases[i].text, err.msg);
        assert_memory_equal(&cidr, &untouched, sizeof(cidr));
    }
}

static void an_address_is_contained_by_its_own_family_only(void **state)
{
    static const struct {
        const char *prefix;
        bool prefix_is_ipv4;
        const char *address;
        bool address_is_ipv4;
        bool contained;
    } cases[] = {
        {"10.0.0.0/8", true, "10.255.255.255/32", true, true},
        {"10.0.0.0/8", true, "11.0.0.0/32", true, false},
        {"10.0.0.0/9", true, "10.127.0.1/32", true, true},
        {"10.0.0.0/9", true, "10.128.0.1/32", true, false},
        {"0.0.0.0/0", true, "255.255.255.255/32", true, true},
        {"0.0.0.0/0", true, "::1/128", false, false},
        {"::/0", false, "::1/128", false, true},
        {"::/0", false, "10.0.0.1/32", true, false},
        {"::/64", false, "10.0.0.1/32", true, false},
        {"fd00::/8", false, "fdff::1/128", false, true},
        {"fd00::/8", false, "fe00::1/128", false, false},
        {"fd00::1/128", false, "fd00::1/128", false, true},
        {"fd00::1/128", false, "fd00::2/128", false, false},
        {"10.0.0.1/32", true, "10.0.0.1/32", true, true},
        {"10.0.0.1/32", true, "10.0.0.0/32", true, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cidr prefix, address;

        assert_int_equal(cidr_parse(cases[i].prefix, cases[i].prefix_is_ipv4, &prefix, NULL, NULL), 0);
        assert_int_equal(cidr_parse(cases[i].address, cases[i].address_is_ipv4, &address, NULL, NULL), 0);
        if (cidr_contains(&prefix, address.address) != cases[i].contained)
            fail_msg("%s and %s", cases[i].prefix, cases[i].address);
    }
}

static void an_address_alone_is_printed_in_its_family(void **state)
{
    static const unsigned char v4[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1}, v6[16] = {0xfd, [15] = 1};
    char text[CIDR_TEXT_SIZE];

    (void)state;
    cidr_format_address(v4, text);
    assert_string_equal(text, "192.0.2.1");
    cidr_format_address(v6, text);
    assert_string_equal(text, "fd00::1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prefix_is_parsed_masked_and_printed),
        cmocka_unit_test(what_is_no_prefix_is_refused_with_the_remedy),
        cmocka_unit_test(an_address_is_contained_by_its_own_family_only),
        cmocka_unit_test(an_address_alone_is_printed_in_its_family),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
