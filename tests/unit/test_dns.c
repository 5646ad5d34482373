/* SPDX-License-Identifier: Apache-2.0 */
/* DNS queries: what is asked, and that nothing but a clean query says anything. For answers see test_dns_answer.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/dns.h"

#include "tests/unit/message.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct dns_message message;
static struct dns_query query;

static int read_query(void)
{
    return dns_read_query(&message, &query, message_key());
}

static void assert_name(const struct name *name, const char *text)
{
    __u16 length;
    __u64 hash[4];

    text_hash_name(text, message_key(), &length, hash);
    assert_int_equal(name->length, length);
    assert_memory_equal(name->hash, hash, sizeof(hash));
}

static void a_query_says_its_name_type_and_id(void **state)
{
    static const struct {
        const char *asked, *folded;
        unsigned type;
    } cases[] = {
        {"pong.default.svc.cluster.local", "pong.default.svc.cluster.local", 1},
        {"PoNg.DEFAULT.svc.clustER.LOCAL", "pong.default.svc.cluster.local", 28},
        {"", "", 2},
        {"a", "a", 255},
        {"_443._tcp.Example.com", "_443._tcp.example.com", 52},
        {"example.com", "example.com", 0xfffe},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        message_start(&message, MESSAGE_QUERY, 0, 0, 0);
        message_put_question(&message, cases[i].asked, cases[i].type);
        assert_int_equal(read_query(), REASON_NONE);
        assert_name(&query.name, cases[i].folded);
        assert_int_equal(query.type, cases[i].type);
        assert_memory_equal(&query.id, "\x12\x34", 2);
    }
}

static void flags_that_change_no_question_are_allowed(void **state)
{
    static const unsigned flags[] = {0, MESSAGE_QUERY, 0x0120, 0x0110, 0x0140, 0x0400, 0x000f};

    (void)state;
    for (size_t i = 0; i < COUNT(flags); i++) {
        message_start(&message, flags[i], 0, 0, 0);
        message_put_question(&message, "example.com", 1);
        assert_true(dns_looks_like_query(message.bytes));
        assert_int_equal(read_query(), REASON_NONE);
    }
}

/* example.com: the question's type is at 25, its class at 27. */
static void what_is_no_plain_query_is_refused(void **state)
{
    static const struct {
        const char *what;
        unsigned at;
        __u8 byte;
        bool looks_like_one;
    } cases[] = {
        {"an answer", 2, 0x81, false},
        {"opcode 1", 2, 0x09, false},
        {"opcode 4, notify", 2, 0x21, false},
        {"opcode 5, update", 2, 0x29, false},
        {"opcode 8", 2, 0x41, false},
        {"no question", 5, 0, false},
        {"two questions", 5, 2, false},
        {"257 questions", 4, 1, false},
        {"an answer record", 7, 1, false},
        {"256 answer records", 6, 1, false},
        {"an authority record", 9, 1, false},
        {"256 authority records", 8, 1, false},
        {"an extra that is not there", 11, 1, true},
        {"three extras", 11, 3, false},
        {"256 extras", 10, 1, false},
        {"class CH", 28, 3, true},
        {"class ANY", 28, 255, true},
        {"class 0", 28, 0, true},
        {"a class for multicast", 27, 0x80, true},
        {"a label of 64", 12, 64, true},
        {"a pointer", 12, 0xc0, true},
        {"an extended label", 12, 0x41, true},
        {"a reserved label", 12, 0x87, true},
        {"an early root", 20, 0, true},
        {"a label that is too long", 20, 9, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        message_start(&message, MESSAGE_QUERY, 0, 0, 0);
        message_put_question(&message, "example.com", 1);
        message.bytes[cases[i].at] = cases[i].byte;
        if (read_query() != REASON_DNS_MESSAGE)
            fail_msg("%s was taken", cases[i].what);
        if (dns_looks_like_query(message.bytes) != cases[i].looks_like_one)
            fail_msg("%s looks wrong", cases[i].what);
    }
}

static void requests_of_other_protocols_do_not_look_like_queries(void **state)
{
    /* What ntpdate sends: its root delay and dispersion of 1 s would be one question and one authority record. */
    static const __u8 ntp[DNS_HEADER_SIZE] = {0x23, 0, 4, 0xfa, 0, 1, 0, 0, 0, 1, 0, 0};
    static const __u8 stun[DNS_HEADER_SIZE] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4};
    static const __u8 text[DNS_HEADER_SIZE + 1] = "GET / HTTP/1";

    (void)state;
    assert_false(dns_looks_like_query(ntp));
    assert_false(dns_looks_like_query(stun));
    assert_false(dns_looks_like_query(text));
}

static void put_query_with_extras(const struct record *extras, size_t count)
{
    message_start(&message, MESSAGE_QUERY, 0, 0, (unsigned)count);
    message_put_question(&message, "example.com", 1);
    for (size_t i = 0; i < count; i++)
        message_put_record(&message, &extras[i]);
}

static void options_and_signatures_may_follow_the_question(void **state)
{
#define OPT                                                                                                            \
    {                                                                                                                  \
        .owner = "", .type = 41, .class = 1232                                                                         \
    }
#define OPT_COOKIE                                                                                                     \
    {                                                                                                                  \
        .owner = "", .type = 41, .class = 4096,                                                                        \
        .data = "\0\x0a\0\x08"                                                                                         \
                "12345678",                                                                                            \
        .size = 12                                                                                                     \
    }
#define TSIG                                                                                                           \
    {                                                                                                                  \
        .owner = "Key.example.net", .type = 250, .class = 255, .data = "0123456789abcdef", .size = 16                  \
    }
#define SIG                                                                                                            \
    {                                                                                                                  \
        .owner = "", .type = 24, .class = 255, .data = "0123456789abcdef", .size = 16                                  \
    }
    static const struct {
        const char *what;
        size_t count;
        struct record extras[2];
        int reason;
    } cases[] = {
        {"EDNS", 1, {OPT}, REASON_NONE},
        {"EDNS with a cookie", 1, {OPT_COOKIE}, REASON_NONE},
        {"TSIG", 1, {TSIG}, REASON_NONE},
        {"SIG(0)", 1, {SIG}, REASON_NONE},
        {"EDNS and TSIG", 2, {OPT, TSIG}, REASON_NONE},
        {"EDNS and SIG(0)", 2, {OPT_COOKIE, SIG}, REASON_NONE},
        {"EDNS twice", 2, {OPT, OPT}, REASON_DNS_MESSAGE},
        {"TSIG before EDNS", 2, {TSIG, OPT}, REASON_DNS_MESSAGE},
        {"two signatures", 2, {SIG, TSIG}, REASON_DNS_MESSAGE},
        {"EDNS of a name", 1, {{.owner = "a", .type = 41, .class = 1232}}, REASON_DNS_MESSAGE},
        {"EDNS of a pointer", 1, {{.owner = "@12", .type = 41, .class = 1232}}, REASON_DNS_MESSAGE},
        {"TSIG of class IN", 1, {{.owner = "a", .type = 250}}, REASON_DNS_MESSAGE},
        {"TSIG by a pointer", 1, {{.owner = "k.@12", .type = 250, .class = 255}}, REASON_NONE},
        {"an address", 1, {{.owner = "@12", .type = 1, .data = "1234", .size = 4}}, REASON_DNS_MESSAGE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        put_query_with_extras(cases[i].extras, cases[i].count);
        if (read_query() != cases[i].reason)
            fail_msg("%s", cases[i].what);
    }
}

static void a_query_ends_where_its_last_byte_is(void **state)
{
    static const struct record extras[] = {OPT_COOKIE, TSIG};
    __u32 whole;

    (void)state;
    put_query_with_extras(extras, COUNT(extras));
    whole = message.length;
    for (message.length = 0; message.length < whole + 4; message.length++)
        assert_int_equal(read_query(), message.length == whole ? REASON_NONE : REASON_DNS_MESSAGE);
}

static void names_are_as_long_as_names_may_be(void **state)
{
    static const struct {
        size_t size, label;
        int reason;
    } cases[] = {
        {254, 63, REASON_NONE}, {255, 63, REASON_DNS_MESSAGE}, {256, 63, REASON_DNS_MESSAGE},
        {253, 63, REASON_NONE}, {254, 1, REASON_NONE},         {256, 1, REASON_DNS_MESSAGE},
        {64, 63, REASON_NONE},  {65, 64, REASON_DNS_MESSAGE},
    };
    char text[NSP_NAME_SIZE + 64];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        message_start(&message, MESSAGE_QUERY, 0, 0, 0);
        message_put_question(&message, message_long_name(text, cases[i].size, cases[i].label), 1);
        if (read_query() != cases[i].reason)
            fail_msg("a name of %zu bytes in labels of %zu", cases[i].size, cases[i].label);
        if (!cases[i].reason)
            assert_name(&query.name, text);
    }
}

/* Within the 4096 bytes: an option that fills the message up to `size`. */
static int read_query_of_size(__u32 size)
{
    static __u8 padding[DNS_MESSAGE_MAX + 64];
    const struct record options = {.owner = "", .type = 41, .class = 1232, .data = padding, .size = size - 29 - 11};

    put_query_with_extras(&options, 1);
    assert_int_equal(message.length, size);
    return read_query();
}

static void a_query_has_at_most_4096_bytes(void **state)
{
    (void)state;
    assert_int_equal(read_query_of_size(DNS_MESSAGE_MAX), REASON_NONE);
    assert_int_equal(read_query_of_size(DNS_MESSAGE_MAX + 1), REASON_DNS_MESSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_says_its_name_type_and_id),
        cmocka_unit_test(flags_that_change_no_question_are_allowed),
        cmocka_unit_test(what_is_no_plain_query_is_refused),
        cmocka_unit_test(requests_of_other_protocols_do_not_look_like_queries),
        cmocka_unit_test(options_and_signatures_may_follow_the_question),
        cmocka_unit_test(a_query_ends_where_its_last_byte_is),
        cmocka_unit_test(names_are_as_long_as_names_may_be),
        cmocka_unit_test(a_query_has_at_most_4096_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
