/* SPDX-License-Identifier: Apache-2.0 */
/* DNS answers: which addresses they give for the name that was asked for, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/dns_answer.h"

#include "tests/unit/message.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct dns_message message;
static struct dns_answer answer;

/* Records of 192.0.2.N and 2001:db8::N. */
#define A(of, seconds, n)                                                                                              \
    {                                                                                                                  \
        .owner = (of), .type = 1, .ttl = (seconds), .data = "\xc0\0\2" n, .size = 4                                    \
    }
#define AAAA(of, seconds, n)                                                                                           \
    {                                                                                                                  \
        .owner = (of), .type = 28, .ttl = (seconds), .data = "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0" n, .size = 16      \
    }
#define CNAME(of, seconds, to)                                                                                         \
    {                                                                                                                  \
        .owner = (of), .type = 5, .ttl = (seconds), .name = (to)                                                       \
    }
#define TEXT(of)                                                                                                       \
    {                                                                                                                  \
        .owner = (of), .type = 16, .ttl = 5, .data = "\3txt", .size = 4                                                \
    }

static void put_answer(const struct record *records, size_t count)
{
    message_start(&message, MESSAGE_ANSWER, (unsigned)count, 0, 0);
    message_put_question(&message, "www.example.com", 1);
    for (size_t i = 0; i < count; i++)
        message_put_record(&message, &records[i]);
}

static int read_answer(void)
{
    return dns_read_answer(&message, &answer, message_key());
}

/* "1/300 2/60 6:3/5": the last byte and the seconds of each address, 6: before those of IPv6, in the order of n. */
static const char *learnt(void)
{
    static char text[DNS_ADDRESSES_MAX * 16];
    size_t at = 0;

    text[0] = '\0';
    for (int n = 0; n < 2 * 256; n++) {
        for (__u32 i = 0; i < answer.count; i++) {
            bool is_ipv6 = answer.addresses[i][0] != 0;

            if (answer.addresses[i][15] + 256 * is_ipv6 == n)
                at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s%d/%u", at ? " " : "", is_ipv6 ? "6:" : "",
                                       n % 256, answer.ttls[i]);
        }
    }
    return text;
}

struct answer_case {
    const char *what;
    struct record records[8];
    const char *learnt; /* NULL: refused */
};

static void assert_cases(const struct answer_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t records = 0;
        int reason;

        while (records < COUNT(cases[i].records) && cases[i].records[records].owner)
            records++;
        put_answer(cases[i].records, records);
        reason = read_answer();
        if (reason != (cases[i].learnt ? REASON_NONE : REASON_DNS_MESSAGE))
            fail_msg("%s: reason %d", cases[i].what, reason);
        if (cases[i].learnt && strcmp(learnt(), cases[i].learnt) != 0)
            fail_msg("%s: %s", cases[i].what, learnt());
    }
}

/* www.example.com: 12 is www, 16 example, 24 com; the first record begins at 33, its data at 45 with a pointer. */
static void addresses_of_the_name_are_taken(void **state)
{
    static const struct answer_case cases[] = {
        {"none", {{0}}, ""},
        {"one", {A("@12", 300, "\1")}, "1/300"},
        {"IPv6", {AAAA("@12", 300, "\1")}, "6:1/300"},
        {"both", {A("@12", 300, "\1"), AAAA("@12", 60, "\1")}, "1/300 6:1/60"},
        {"different seconds",
         {A("@12", 300, "\1"), A("@12", 0, "\2"), A("@12", 0x7fffffff, "\3")},
         "1/300 2/0 3/2147483647"},
        {"the top bit of the seconds", {A("@12", 0x80000000, "\1"), A("@12", 0xffffffff, "\2")}, "1/0 2/0"},
        {"an owner written out", {A("www.example.com", 300, "\1")}, "1/300"},
        {"an owner in another case", {A("WWW.exAMPle.com", 300, "\1")}, "1/300"},
        {"an owner half written out", {A("Www.@16", 300, "\1"), A("www.example.@24", 1, "\2")}, "1/300 2/1"},
        {"other types between", {TEXT("@12"), A("@12", 300, "\1"), TEXT("x.test"), A("@12", 5, "\2")}, "1/300 2/5"},
        {"the same address twice", {A("@12", 300, "\1"), A("@12", 5, "\1")}, "1/300 1/5"},
    };

    (void)state;
    assert_cases(cases, COUNT(cases));
}

static void addresses_of_other_names_are_none_of_ours(void **state)
{
    static const struct answer_case cases[] = {
        {"another name", {A("evil.test", 300, "\1")}, ""},
        {"the parent", {A("@16", 300, "\1"), A("@24", 300, "\2"), A("", 300, "\3")}, ""},
        {"a child", {A("a.@12", 300, "\1")}, ""},
        {"beside ours", {A("evil.test", 300, "\1"), A("@12", 5, "\2"), A("evil.test", 300, "\3")}, "2/5"},
        {"a chain that ends at ours", {CNAME("evil.test", 5, "@12"), A("evil.test", 300, "\1")}, ""},
        {"a chain beside ours", {CNAME("a.test", 5, "b.test"), A("b.test", 300, "\1"), A("@12", 5, "\2")}, "2/5"},
        {"a loop beside ours", {CNAME("a.test", 5, "a.test"), A("@12", 5, "\2")}, "2/5"},
    };

    (void)state;
    assert_cases(cases, COUNT(cases));
}

static void names_that_a_chain_leads_to_are_the_name(void **state)
{
    static const struct answer_case cases[] = {
        {"one link", {CNAME("@12", 60, "cdn.test"), A("cdn.test", 300, "\1")}, "1/60"},
        {"the address ends first", {CNAME("@12", 60, "cdn.test"), A("@45", 20, "\1"), A("@45", 70, "\2")}, "1/20 2/60"},
        {"a target that is a pointer", {CNAME("@12", 60, "@16"), A("@16", 300, "\1"), A("@45", 9, "\2")}, "1/60 2/9"},
        {"a target half written out", {CNAME("@12", 60, "cdn.@16"), A("@45", 300, "\1")}, "1/60"},
        {"a target that is the root", {CNAME("@12", 60, ""), A("", 300, "\1")}, "1/60"},
        {"addresses on the way",
         {A("@12", 9, "\1"), CNAME("@12", 60, "cdn.test"), A("cdn.test", 300, "\2")},
         "1/9 2/60"},
        {"addresses on the way, late",
         {CNAME("@12", 60, "b.test"), A("b.test", 300, "\2"), A("@12", 90, "\1")},
         "1/90 2/60"},
        {"the second CNAME of a name",
         {CNAME("@12", 60, "a.test"), CNAME("@12", 50, "b.test"), A("a.test", 300, "\1"), A("b.test", 300, "\2")},
         "1/60"},
        {"to itself", {CNAME("@12", 60, "www.EXAMPLE.com"), A("@12", 300, "\1")}, NULL},
        {"in a loop", {CNAME("@12", 60, "a.test"), CNAME("a.test", 60, "b.test"), CNAME("b.test", 60, "a.test")}, NULL},
        {"in a loop, backwards",
         {CNAME("b.test", 60, "@12"), CNAME("a.test", 60, "b.test"), CNAME("@12", 60, "a.test")},
         NULL},
    };

    (void)state;
    assert_cases(cases, COUNT(cases));
}

/* Tries all orders of records[from ..]. */
static void assert_in_every_order(struct record *records, size_t count, size_t from, const char *expected)
{
    if (from == count) {
        put_answer(records, count);
        assert_int_equal(read_answer(), REASON_NONE);
        assert_string_equal(learnt(), expected);
        return;
    }
    for (size_t i = from; i < count; i++) {
        struct record chosen = records[i];

        records[i] = records[from];
        records[from] = chosen;
        assert_in_every_order(records, count, from + 1, expected);
        records[from] = records[i];
        records[i] = chosen;
    }
}

static void the_order_of_records_does_not_matter(void **state)
{
    struct record records[] = {
        CNAME("@12", 60, "a.test"),    CNAME("A.test", 50, "b.test"),   CNAME("b.TEST", 70, "c.@16"),
        A("c.example.com", 300, "\1"), AAAA("c.example.com", 40, "\2"), A("evil.test", 300, "\3"),
    };

    (void)state;
    assert_in_every_order(records, COUNT(records), 0, "1/50 6:2/40");
}

/* A chain of `links`, from its beginning or from its end, with an address at its end. */
static int read_chain(unsigned links, bool backwards)
{
    char names[16][16];

    snprintf(names[0], sizeof(names[0]), "@12");
    for (unsigned i = 1; i <= links; i++)
        snprintf(names[i], sizeof(names[i]), "n%u.test", i);
    message_start(&message, MESSAGE_ANSWER, links + 1, 0, 0);
    message_put_question(&message, "www.example.com", 1);
    for (unsigned i = 0; i <= links; i++) {
        unsigned from = backwards ? links - i : i;
        const struct record address = A(names[from], 300, "\1");
        const struct record link = CNAME(names[from], 300, names[from + 1]);

        message_put_record(&message, from == links ? &address : &link);
    }
    return read_answer();
}

static void a_chain_has_at_most_8_links(void **state)
{
    (void)state;
    for (int backwards = 0; backwards < 2; backwards++) {
        assert_int_equal(read_chain(8, backwards), REASON_NONE);
        assert_string_equal(learnt(), "1/300");
        assert_int_equal(answer.links, 8);
        assert_int_equal(read_chain(9, backwards), REASON_DNS_MESSAGE);
    }
}

/* Answer, authority and additional records; those of the answer are addresses of `owner`. */
static int read_many(const char *owner, unsigned answers, unsigned authorities, unsigned extras)
{
    const struct record address = A(owner, 300, "\1"), other = TEXT("@16");

    message_start(&message, MESSAGE_ANSWER, answers, authorities, extras);
    message_put_question(&message, "www.example.com", 1);
    for (unsigned i = 0; i < answers + authorities + extras; i++)
        message_put_record(&message, i < answers ? &address : &other);
    return read_answer();
}

static void an_answer_has_at_most_64_addresses_and_128_records(void **state)
{
    (void)state;
    assert_int_equal(read_many("@12", 64, 0, 0), REASON_NONE);
    assert_int_equal(answer.count, 64);
    assert_int_equal(read_many("@12", 65, 0, 0), REASON_DNS_MESSAGE);
    assert_int_equal(read_many("www.example.com", 64, 64, 0), REASON_NONE);
    assert_int_equal(answer.count, 64);
    assert_int_equal(read_many("www.example.com", 65, 0, 0), REASON_DNS_MESSAGE);
    assert_int_equal(read_many("evil.test", 128, 0, 0), REASON_NONE);
    assert_int_equal(answer.count, 0);
    assert_int_equal(read_many("evil.test", 129, 0, 0), REASON_DNS_MESSAGE);
    assert_int_equal(read_many("@12", 1, 100, 27), REASON_NONE);
    assert_int_equal(read_many("@12", 1, 100, 28), REASON_DNS_MESSAGE);
}

static void what_is_not_clean_is_refused(void **state)
{
    static const struct answer_case cases[] = {
        {"class CH", {{.owner = "@12", .type = 1, .class = 3, .data = "1234", .size = 4}}, NULL},
        {"class ANY of another type", {{.owner = "@12", .type = 16, .class = 255, .data = "1234", .size = 4}}, NULL},
        {"an A of 3 bytes", {{.owner = "@12", .type = 1, .data = "123", .size = 3}}, NULL},
        {"an A of 5 bytes", {{.owner = "@12", .type = 1, .data = "12345", .size = 5}}, NULL},
        {"an A of 16 bytes, of another", {{.owner = "a", .type = 1, .data = "1234567890123456", .size = 16}}, NULL},
        {"an AAAA of 15 bytes", {{.owner = "@12", .type = 28, .data = "123456789012345", .size = 15}}, NULL},
        {"an AAAA of 17 bytes", {{.owner = "@12", .type = 28, .data = "12345678901234567", .size = 17}}, NULL},
        {"an AAAA of 4 bytes", {{.owner = "@12", .type = 28, .data = "1234", .size = 4}}, NULL},
        {"a CNAME to nothing", {{.owner = "@12", .type = 5, .data = "", .size = 0}}, NULL},
        {"a CNAME and more", {{.owner = "@12", .type = 5, .data = "\1a\0x", .size = 4}}, NULL},
        {"a CNAME beyond its data", {{.owner = "@12", .type = 5, .data = "\1", .size = 1}, A("@12", 1, "\1")}, NULL},
        {"a CNAME that points forwards", {CNAME("@12", 1, "a.@60"), A("@12", 1, "\1")}, NULL},
        {"another's CNAME that points forwards", {CNAME("b.test", 1, "a.@70"), A("@12", 1, "\1")}, NULL},
        {"a CNAME that points to itself", {CNAME("@12", 1, "@45")}, NULL},
        {"a CNAME that points into itself", {CNAME("@12", 1, "a.@45")}, NULL},
        {"an owner that points to itself", {A("@33", 1, "\1")}, NULL},
        {"an owner that points forwards", {A("@37", 1, "\1"), A("@12", 1, "\1")}, NULL},
        {"an owner that points into the header", {A("@11", 1, "\1")}, NULL},
        {"an owner that points beyond the message", {A("@16383", 1, "\1")}, NULL},
        {"an owner that points into a label", {A("@13", 1, "\1")}, NULL},
        {"the same of a type that nobody reads", {TEXT("@33"), A("@12", 1, "\1")}, NULL},
    };

    (void)state;
    assert_cases(cases, COUNT(cases));
}

static void an_answer_ends_where_its_last_byte_is(void **state)
{
    static const struct record records[] = {CNAME("@12", 60, "cdn.test"), A("@45", 300, "\1"),
                                            AAAA("cdn.test", 300, "\2"), TEXT("cdn.@16")};
    __u32 whole;

    (void)state;
    put_answer(records, COUNT(records));
    whole = message.length;
    for (message.length = 0; message.length < whole + 4; message.length++)
        assert_int_equal(read_answer(), message.length == whole ? REASON_NONE : REASON_DNS_MESSAGE);
}

static void only_answers_with_one_question_are_answers(void **state)
{
    static const struct {
        unsigned at;
        __u8 byte;
        int reason;
    } cases[] = {
        {2, 0x01, REASON_DNS_MESSAGE}, {2, 0x89, REASON_DNS_MESSAGE},  {2, 0xa9, REASON_DNS_MESSAGE},
        {5, 0, REASON_DNS_MESSAGE},    {5, 2, REASON_DNS_MESSAGE},     {4, 1, REASON_DNS_MESSAGE},
        {2, 0x85, REASON_NONE},        {3, 0xa0, REASON_NONE},         {32, 255, REASON_DNS_MESSAGE},
        {12, 64, REASON_DNS_MESSAGE},  {12, 0xc0, REASON_DNS_MESSAGE},
    };
    static const struct record record = A("@12", 300, "\1");

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        put_answer(&record, 1);
        message.bytes[cases[i].at] = cases[i].byte;
        if (read_answer() != cases[i].reason)
            fail_msg("byte %u as %u", cases[i].at, cases[i].byte);
    }
}

static void an_answer_says_what_was_asked_and_how_it_went(void **state)
{
    __u16 length;
    __u64 hash[4];

    (void)state;
    message_start(&message, MESSAGE_ANSWER | 3, 0, 0, 0);
    message_put_question(&message, "nope.Example.COM", 28);
    assert_int_equal(read_answer(), REASON_NONE);
    text_hash_name("nope.example.com", message_key(), &length, hash);
    assert_int_equal(answer.name.length, length);
    assert_memory_equal(answer.name.hash, hash, sizeof(hash));
    assert_int_equal(answer.type, 28);
    assert_int_equal(answer.rcode, 3);
    assert_int_equal(answer.is_truncated, 0);
    assert_memory_equal(&answer.id, "\x12\x34", 2);
}

/* Cut where it was full: in the middle of a record. */
static void of_a_truncated_answer_only_the_question_counts(void **state)
{
    static const struct record record = A("@12", 300, "\1");

    (void)state;
    put_answer(&record, 1);
    message.bytes[2] |= 2;
    message.length -= 3;
    assert_int_equal(read_answer(), REASON_NONE);
    assert_int_equal(answer.is_truncated, 1);
    assert_int_equal(answer.count, 0);
}

/* An owner behind `pointers` of them: each record's data is a label and a pointer to the one before. */
static int read_behind_pointers(unsigned pointers)
{
    char data[16], owner[16];
    unsigned at = 12;

    message_start(&message, MESSAGE_ANSWER, pointers, 0, 0);
    message_put_question(&message, "www.example.com", 1);
    for (unsigned i = 1; i < pointers; i++) {
        const struct record step = {.owner = "@12", .type = 5 + 256, .name = data};

        snprintf(data, sizeof(data), "a.@%u", at);
        at = message.length + 12;
        message_put_record(&message, &step);
    }
    snprintf(owner, sizeof(owner), "@%u", at);

    const struct record address = A(owner, 300, "\1");

    message_put_record(&message, &address);
    return read_answer();
}

static void a_name_has_at_most_10_pointers(void **state)
{
    (void)state;
    assert_int_equal(read_behind_pointers(1), REASON_NONE);
    assert_int_equal(answer.count, 1);
    assert_int_equal(read_behind_pointers(10), REASON_NONE);
    assert_int_equal(read_behind_pointers(11), REASON_DNS_MESSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_the_name_are_taken),
        cmocka_unit_test(addresses_of_other_names_are_none_of_ours),
        cmocka_unit_test(names_that_a_chain_leads_to_are_the_name),
        cmocka_unit_test(the_order_of_records_does_not_matter),
        cmocka_unit_test(a_chain_has_at_most_8_links),
        cmocka_unit_test(an_answer_has_at_most_64_addresses_and_128_records),
        cmocka_unit_test(what_is_not_clean_is_refused),
        cmocka_unit_test(an_answer_ends_where_its_last_byte_is),
        cmocka_unit_test(only_answers_with_one_question_are_answers),
        cmocka_unit_test(an_answer_says_what_was_asked_and_how_it_went),
        cmocka_unit_test(of_a_truncated_answer_only_the_question_counts),
        cmocka_unit_test(a_name_has_at_most_10_pointers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
