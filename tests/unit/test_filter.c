/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions on events: each key with what it takes, what it refuses, and that all of them have to hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policyd/filter.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* A DNS query of curl in default/ping that was refused. */
static struct record make_record(void)
{
    return (struct record){
        .time_ns = 1000000000,
        .verdict = VERDICT_DROPPED,
        .reason = REASON_DNS_NAME,
        .direction = EGRESS,
        .application = APPLICATION_DNS,
        .protocol = 17,
        .local_port = 33978,
        .remote_port = 53,
        .local = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 5},
        .remote = {0xfd, [15] = 1},
        .texts = {"default", "ping", "/usr/bin/curl", "default/shop", "www.Example.com alias.org", "GET", "/a?b=c",
                  "{}\\n"},
    };
}

static void assert_matches(const struct record *record, const char *key, const char *value, bool matches)
{
    struct filter filter = {0};
    struct error err = {0};

    assert_int_equal(filter_set(&filter, key, value, &err), 0);
    if (filter_matches(&filter, record) != matches)
        fail_msg("%s=%s: expected %d", key, value, matches);
    filter_free(&filter);
}

static const struct {
    const char *key, *value;
    bool matches;
} conditions[] = {
    {"namespace", "default", true},
    {"namespace", "defaul", false},
    {"namespace", "*", false},
    {"pod", "ping", true},
    {"pod", "pi", true},
    {"pod", "pingg", false},
    {"pod", "default/", true},
    {"pod", "default/ping", true},
    {"pod", "def/ping", false},
    {"pod", "default-not/ping", false},
    {"binary", "/usr/bin/curl", true},
    {"binary", "/usr/bin/CURL", false},
    {"binary", "/usr/bin", false},
    {"binary", "/usr/*", true},
    {"binary", "*curl", true},
    {"binary", "/usr/*/*l", true},
    {"binary", "/usr/*/*x", false},
    {"profile", "shop", true},
    {"profile", "default/shop", true},
    {"profile", "other/shop", false},
    {"profile", "sho", false},
    {"fqdn", "www.example.com", true},
    {"fqdn", "WWW.example.com.", true},
    {"fqdn", "alias.org", true},
    {"fqdn", "alias", false},
    {"fqdn", "*.example.com", true},
    {"fqdn", "*.org", true},
    {"fqdn", "www*alias*", false},
    {"fqdn", "*", true},
    {"http-method", "GET", true},
    {"http-method", "POST", false},
    {"http-path", "/a?b=c", true},
    {"http-path", "/a*", true},
    {"http-path", "/A*", false},
    {"verdict", "DROPPED", true},
    {"verdict", "AUDIT", false},
    {"reason", "dns_name", true},
    {"reason", "address", false},
    {"type", "l7", true},
    {"type", "drop", true},
    {"type", "policy-verdict", true},
    {"traffic-direction", "EGRESS", true},
    {"traffic-direction", "ingress", false},
    {"protocol", "UDP", true},
    {"protocol", "dns", true},
    {"protocol", "tcp", false},
    {"protocol", "http", false},
    {"port", "53", true},
    {"port", "33978", true},
    {"port", "54", false},
    {"ip", "10.0.0.5", true},
    {"ip", "10.0.0.0/8", true},
    {"ip", "10.0.0.6", false},
    {"ip", "fd00::1", true},
    {"ip", "fd00::/16", true},
    {"ip", "fe00::/16", false},
    {"since", "1", true},
    {"since", "1.5", false},
};

static void each_key_asks_of_its_own(void **state)
{
    struct record record = make_record();

    (void)state;
    for (size_t i = 0; i < COUNT(conditions); i++)
        assert_matches(&record, conditions[i].key, conditions[i].value, conditions[i].matches);
}

static void types_tell_violations_from_what_is_traced(void **state)
{
    struct record record = make_record();

    (void)state;
    record.kind = EVENT_DNS_ANSWER;
    record.verdict = VERDICT_TRACED;
    assert_matches(&record, "type", "l7", true);
    assert_matches(&record, "type", "policy-verdict", false);
    assert_matches(&record, "type", "drop", false);
    assert_matches(&record, "verdict", "TRACED", true);
    record = make_record();
    record.application = APPLICATION_NONE;
    record.verdict = VERDICT_AUDIT;
    assert_matches(&record, "type", "l7", false);
    assert_matches(&record, "type", "policy-verdict", true);
    assert_matches(&record, "type", "drop", false);
}

static void what_an_event_has_not_matches_nothing(void **state)
{
    struct record record = make_record();

    (void)state;
    for (int i = 0; i < RECORD_TEXTS; i++)
        record.texts[i] = "";
    assert_matches(&record, "pod", "", false);
    assert_matches(&record, "binary", "*", false);
    assert_matches(&record, "fqdn", "*", false);
    assert_matches(&record, "http-path", "*", false);
    assert_matches(&record, "http-method", "GET", false);
}

static void all_conditions_have_to_hold(void **state)
{
    struct record record = make_record();
    struct filter filter = {0};
    struct error err = {0};

    (void)state;
    assert_true(filter_matches(&filter, &record));
    assert_int_equal(filter_set(&filter, "pod", "ping", &err), 0);
    assert_int_equal(filter_set(&filter, "port", "53", &err), 0);
    assert_int_equal(filter_set(&filter, "protocol", "udp", &err), 0);
    assert_int_equal(filter_set(&filter, "protocol", "dns", &err), 0);
    assert_true(filter_matches(&filter, &record));
    assert_int_equal(filter_set(&filter, "pod", "pong", &err), 0); /* the last one counts */
    assert_false(filter_matches(&filter, &record));
    filter_free(&filter);
    assert_true(filter_matches(&filter, &record));
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *key, *value, *message;
    } rows[] = {
        {"verdict", "dropped", "verdict: \"dropped\" is none of DROPPED, AUDIT, TRACED"},
        {"reason", "bad", "reason: \"bad\" is none; docs/events.md lists them"},
        {"type", "trace", "type: \"trace\" is none of policy-verdict, drop, l7"},
        {"traffic-direction", "out", "traffic-direction: \"out\" is neither egress nor ingress"},
        {"protocol", "quic", "protocol: \"quic\" is none of tcp, udp, icmp, icmpv6, sctp, dns, http, https"},
        {"port", "0", "port: \"0\" is not a number from 1 to 65535"},
        {"port", "65536", "port: \"65536\" is not a number from 1 to 65535"},
        {"port", "-1", "port: \"-1\" is not a number from 1 to 65535"},
        {"port", "80x", "port: \"80x\" is not a number from 1 to 65535"},
        {"ip", "10.0.0", "ip: \"10.0.0\" is neither an address nor a prefix"},
        {"ip", "10.0.0.0/33", "ip: \"10.0.0.0/33\" is neither an address nor a prefix"},
        {"ip", "", "ip: \"\" is neither an address nor a prefix"},
        {"since", "nan", "since: \"nan\" is not a number of seconds since 1970"},
        {"since", "1e300", "since: \"1e300\" is not a number of seconds since 1970"},
        {"since", "5m", "since: \"5m\" is not a number of seconds since 1970"},
        {"pods", "a", "\"pods\" is no filter; there are " FILTER_KEYS},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct filter filter = {0};
        struct error err = {0};

        assert_true(filter_set(&filter, rows[i].key, rows[i].value, &err) < 0);
        assert_string_equal(err.msg, rows[i].message);
        filter_free(&filter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_asks_of_its_own),
        cmocka_unit_test(types_tell_violations_from_what_is_traced),
        cmocka_unit_test(what_an_event_has_not_matches_nothing),
        cmocka_unit_test(all_conditions_have_to_hold),
        cmocka_unit_test(what_is_wrong_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
