/* SPDX-License-Identifier: Apache-2.0 */
/* Names as the datapath reads them from messages and from texts. For patterns see test_name_glob.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/name.h"

#include "tests/unit/message.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L253 L63 "." L63 "." L63 ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct dns_message message;
static struct name name;

static const struct text_keys *keys(void)
{
    return (const void *)message_key();
}

/* Reads it from a question. Returns whether it is a name. */
static bool read_name(const char *text)
{
    message_start(&message, MESSAGE_QUERY, 0, 0, 0);
    message_put_question(&message, text, 1);
    memset(&name, 0xa5, sizeof(name));

    __u32 end = name_read(&message, DNS_HEADER_SIZE, &name, keys());

    assert_true(end == 0 || end == message.length - 4);
    return end != 0;
}

static void assert_name(const struct name *given, const char *text)
{
    __u16 length;
    __u64 hash[4];

    text_hash_name(text, message_key(), &length, hash);
    assert_int_equal(given->length, length);
    assert_memory_equal(given->hash, hash, sizeof(hash));
    for (size_t i = 0; i < NSP_NAME_SIZE - (size_t)length; i++)
        assert_int_equal(given->text[i], 0);
    for (size_t i = 0, at = NSP_NAME_SIZE - (size_t)length; *text; i++) {
        size_t size = strcspn(text, ".");

        assert_true(i < given->labels);
        assert_int_equal(given->starts[i], at - (NSP_NAME_SIZE - (size_t)length));
        assert_int_equal(given->text[at], size);
        assert_memory_equal(given->text + at + 1, text, size);
        at += 1 + size;
        text += size + (text[size] == '.');
        assert_true(*text || i + 1 == given->labels);
    }
}

static void a_name_is_read_folded_and_hashed_from_its_end(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"a", "a"},
        {"abcdef", "abcdef"},     /* one word with its length but one byte */
        {"abcdefg", "abcdefg"},   /* one word */
        {"abcdefgh", "abcdefgh"}, /* and one byte */
        {"AbC.deFgHiJkL", "abc.defghijkl"},
        {"WWW.Example.COM", "www.example.com"},
        {L253, L253},
        {L63 "." L63 "." L63, L63 "." L63 "." L63},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_true(read_name(cases[i][0]));
        assert_name(&name, cases[i][1]);
    }
}

/* In each place of a word: what is no ASCII letter stays what it is. */
static void only_ascii_letters_are_folded(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        for (__u32 at = 1; at <= 16; at++) {
            unsigned folded = byte >= 'A' && byte <= 'Z' ? byte + 32 : byte;

            message_start(&message, MESSAGE_QUERY, 0, 0, 0);
            message_put_question(&message, "mmmmmmmmmmmmmmmm", 1);
            message.bytes[DNS_HEADER_SIZE + at] = (__u8)byte;
            assert_int_equal(name_read(&message, DNS_HEADER_SIZE, &name, keys()), DNS_HEADER_SIZE + 18);
            for (__u32 i = 1; i <= 16; i++)
                assert_int_equal(name.text[NSP_NAME_SIZE - 17 + i], i == at ? folded : 'm');
        }
    }
}

static void the_hash_of_an_end_is_that_of_the_name_that_it_is(void **state)
{
    static const char *const cases[] = {"www.example.com", "a.bb.ccc.dddd.eeeee.ffffff.ggggggg.hhhhhhhh", L253, ""};
    char labels[NSP_NAME_SIZE];

    (void)state;
    memset(labels, 0, sizeof(labels));
    for (size_t i = 0; i < 253; i++)
        labels[i] = i % 2 ? '.' : 'x';
    for (size_t i = 0; i <= COUNT(cases); i++) {
        const char *text = i < COUNT(cases) ? cases[i] : labels;

        assert_true(read_name(text));
        for (__u32 left = name.labels;; left--) {
            struct text_key end;
            __u16 length;
            __u64 hash[4];

            name_end_hash(&name, left, keys(), &end);
            text_hash_name(text, message_key(), &length, hash);
            assert_int_equal(end.length, length);
            assert_memory_equal(end.hash, hash, sizeof(hash));
            if (left == 0)
                break;
            text += strcspn(text, ".");
            text += *text == '.';
        }
    }
}

/* --- pointers ----------------------------------------------------------------------------------------------------- */

static void a_pointer_leads_backwards_to_a_name(void **state)
{
    /* Behind the question, from 29 on. */
    static const struct {
        const char *bytes, *name; /* NULL: it is none */
        size_t size, at, length;  /* of the bytes; where the name begins, and how many of them are its own */
    } cases[] = {
        {"\xc0\x0c", "www.example.com", 2, 0, 2},
        {"\xc0\x10", "example.com", 2, 0, 2},
        {"\3cdn\xc0\x10", "cdn.example.com", 6, 0, 6},
        {"\xc0\x10\xc0\x1d", "example.com", 4, 2, 2}, /* to a pointer */
        {"\1a\xc0\x10\1b\xc0\x1d", "b.a.example.com", 8, 4, 4},
        {"\1A\0", "a", 3, 0, 3},
        {"\0", "", 1, 0, 1},
        {"\xc0\x1c", "", 2, 0, 2},           /* to the root of the question */
        {"\xc0\x1d", NULL, 2, 0, 0},         /* to itself */
        {"\xc0\x1f\xc0\x0c", NULL, 4, 0, 0}, /* forwards */
        {"\1a\xc0\x1d", NULL, 4, 0, 0},      /* to its own beginning */
        {"\1a\1b\xc0\x1f", NULL, 6, 0, 0},   /* to its own middle */
        {"\xc0\x1f\xc0\x1d", NULL, 4, 2, 0}, /* to and fro */
        {"\xc0\x0b", NULL, 2, 0, 0},         /* into the header */
        {"\xc0\0", NULL, 2, 0, 0},
        {"\xff\xff", NULL, 2, 0, 0},
        {"\xc0", NULL, 1, 0, 0}, /* half of one */
        {"\1a", NULL, 2, 0, 0},  /* nothing behind */
        {"\5abcd", NULL, 5, 0, 0},
        {"\x40"
         "aaaa",
         NULL, 5, 0, 0},
        {"\x80\x0c", NULL, 2, 0, 0},
        {"", NULL, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        message_start(&message, MESSAGE_ANSWER, 0, 0, 0);
        message_put_name(&message, "WWW.example.com");

        __u32 from = message.length + (__u32)cases[i].at;

        message_put_bytes(&message, cases[i].bytes, cases[i].size);
        memset(&name, 0xa5, sizeof(name));

        __u32 end = name_read_compressed(&message, from, &name, keys());

        if (end != (cases[i].name ? from + cases[i].length : 0))
            fail_msg("case %zu ends at %u", i, end);
        if (cases[i].name)
            assert_name(&name, cases[i].name);
    }
}

static void a_question_has_no_pointers(void **state)
{
    (void)state;
    assert_false(read_name("@12"));
    assert_false(read_name("www.@12"));
}

/* In front of example.com (12 bytes on the wire, without the root). */
static void a_compressed_name_is_as_long_as_any(void **state)
{
    char text[NSP_NAME_SIZE + 64];

    (void)state;
    for (size_t size = 240; size < 250; size++) {
        message_start(&message, MESSAGE_ANSWER, 0, 0, 0);
        message_put_name(&message, "example.com");

        __u32 from = message.length;

        message_long_name(text, size, 63);
        strcat(text, ".@12"); /* NOLINT(clang-analyzer-security.insecureAPI.strcpy): there is room for 64 more */
        message_put_name(&message, text);

        __u32 end = name_read_compressed(&message, from, &name, keys());

        assert_int_equal(end, size + 12 <= NAME_LENGTH_MAX ? message.length : 0);
        if (end)
            assert_int_equal(name.length, size + 12);
    }
}

/* --- host names --------------------------------------------------------------------------------------------------- */

static bool read_host(const char *text, size_t length)
{
    __u8 buffer[NSP_NAME_SIZE];

    memset(buffer, 'x', sizeof(buffer));
    memcpy(buffer, text, length < sizeof(buffer) ? length : sizeof(buffer));
    memset(&name, 0xa5, sizeof(name));
    return name_from_text(&name, buffer, (__u32)length, message_key());
}

static void a_host_name_is_a_name(void **state)
{
    static const struct {
        const char *text, *name;
    } cases[] = {
        {"www.example.com", "www.example.com"},
        {"WWW.Example.COM", "www.example.com"},
        {"a", "a"},
        {"a-b_c.d0", "a-b_c.d0"},
        {"10.0.0.1", "10.0.0.1"},
        {L253, L253},
        {L63 ".x", L63 ".x"},
        {"a" L253, NULL},
        {"a" L63 ".x", NULL},
        {"x.a" L63, NULL},
        {"", NULL},
        {".", NULL},
        {"a.", NULL},
        {".a", NULL},
        {"a..b", NULL},
        {"a b", NULL},
        {"a:443", NULL},
        {"*.a", NULL},
        {"a@b", NULL},
        {"a[b", NULL},
        {"a`b", NULL},
        {"a{b", NULL},
        {"a/b", NULL},
        {"b\xc3\xbc", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (read_host(cases[i].text, strlen(cases[i].text)) != (cases[i].name != NULL))
            fail_msg("\"%s\"", cases[i].text);
        if (cases[i].name)
            assert_name(&name, cases[i].name);
    }
    assert_false(read_host("a\0b", 3));
    assert_false(name_from_text(&name, (const __u8 *)"a", 254, message_key()));
    assert_false(name_from_text(&name, (const __u8 *)"a", 0x80000000, message_key()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_read_folded_and_hashed_from_its_end),
        cmocka_unit_test(only_ascii_letters_are_folded),
        cmocka_unit_test(the_hash_of_an_end_is_that_of_the_name_that_it_is),
        cmocka_unit_test(a_pointer_leads_backwards_to_a_name),
        cmocka_unit_test(a_question_has_no_pointers),
        cmocka_unit_test(a_compressed_name_is_as_long_as_any),
        cmocka_unit_test(a_host_name_is_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
