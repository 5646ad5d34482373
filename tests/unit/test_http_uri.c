/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths (T66 of the threats): what a server could decode, join or drop is marked, wherever in the uri it stands, and
 * what ordinary programs ask for is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/http.h"
#include "tests/unit/requests.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *const canonical[] = {
    "/",
    "/task",
    "/a/b/c",
    "/a/b/",
    "/index.html",
    "/a.b/c.d",
    "/.well-known/x",
    "/..a",
    "/a..",
    "/a/..b/c",
    "/...",
    "/.../",
    "/a.",
    "/a./b",
    "/a;b=c",
    "/a;b/c;d",
    "/a:b@c",
    "/~user",
    "/a+b",
    "/a,b!c$d&e'f(g)h*i=j",
    "/%20",
    "/a%20b",
    "/%C3%A9",
    "/%e2%82%ac/x",
    "/a%3Fb",
    "/a%23b",
    "/a%3bb",
    "/a%3ab",
    "/a%40b",
    "/%25",
    "/100%25/x",
    "/%25/aa",
    "/%25g1",
    "/%25a",
    "/%25a/",
    "/%25?aa",
    "/%80",
    "/%ff",
    "/%c2%a0",
    "/%7b%7d",
    "/%60",
    "/%5b%5d",
    "/a?b",
    "/a?",
    "/?",
    "/a?b//c",
    "/a?/../",
    "/a?x=/./",
    "/a?%2f",
    "/a?%",
    "/a?%2e%2e",
    "/a?b?c",
    "/a?b;c",
    "/a?u=http://b/c",
    "/;a",
    "/a/;b",
    "/a/{b}",
    "/a|b",
    "/a^b",
    "/a`b",
    "/a\"b",
    "/a<b>",
};

static const char *const odd[] = {
    "//",
    "//a",
    "/a//",
    "/a//b",
    "/a///b",
    "/.",
    "/..",
    "/./",
    "/../",
    "/a/.",
    "/a/..",
    "/a/./b",
    "/a/../b",
    "/a/..?",
    "/a/.?x",
    "/..?",
    "/.;",
    "/..;",
    "/..;/",
    "/a/..;x=y/b",
    "/a/.;b",
    "/;/..",
    "/a;/../b",
    "/..%3b/",
    "/..%20/",
    "/..%00",
    "/.%09/",
    "/..%23",
    "/%2e",
    "/%2E",
    "/%2e%2e",
    "/.%2e",
    "/%2e.",
    "/a%2fb",
    "/a%2Fb",
    "/%2f",
    "/a%5cb",
    "/a%5Cb",
    "/a\\b",
    "/\\",
    "/..\\",
    "/a%41",
    "/%61",
    "/%7A",
    "/%7a",
    "/%5a",
    "/%30",
    "/%39",
    "/%2d",
    "/%5f",
    "/%7e",
    "/%00",
    "/a%00b",
    "/%0a",
    "/%0d%0a",
    "/%09",
    "/%1f",
    "/%7f",
    "/%252e",
    "/%252f",
    "/%2541",
    "/a%2525",
    "/%25ff",
    "/%2500",
    "/%25aa/b",
    "/%",
    "/a%",
    "/%a",
    "/%2",
    "/%zz",
    "/%2z",
    "/%z2",
    "/%%",
    "/%%32",
    "/%u002f",
    "/%2%66",
    "/%?",
    "/%2?",
    "/%/",
    "/%2/",
    "/%c0%af",
    "/%C0%AE",
    "/%c1%9c",
    "/a#b",
    "/#",
    "/a?b#c",
    "/a?b\\c",
    "/\xc3\xa9",
    "/a\xff",
    "/a?b\x80",
    "/a/b/%2e%2e/c",
    "/static/..%2f",
    "/static/%2e%2e%2ftask",
};

/* With up to 16 letters before its last part, so that it stands at each place in a word. */
static void look(const char *uri, size_t before, const char *expected)
{
    char bytes[2048];
    int length = snprintf(bytes, sizeof(bytes), "GET %s%.*s%s HTTP/1.1\r\nHost: a\r\n\r\n", before ? "/" : "",
                          (int)before, "abcdefghijklmnop", uri);
    const char *told;

    assert_in_range(length, 1, sizeof(bytes) - 1);
    told = requests_read(uri, bytes, (size_t)length);
    if (strcmp(told + strlen(told) - strlen(expected), expected) != 0)
        fail_msg("%s behind %zu letters: %s, not %s", uri, before, told, expected);
}

static void what_ordinary_programs_ask_for_is_canonical(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(canonical); i++) {
        for (size_t before = 0; before <= 16; before++)
            look(canonical[i], before, " ]H");
    }
}

static void what_has_a_second_reading_is_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(odd); i++) {
        for (size_t before = 0; before <= 16; before++)
            look(odd[i], before, " odd]H");
    }
}

static void every_byte_in_a_path_has_its_place(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 256; c++) {
        char uri[] = {'/', 'a', (char)c, 'b', 0};

        if (c <= ' ' || c == 0x7f) /* test_http_framing.c */
            continue;
        look(uri, 3, strchr("#%\\", (int)c) || c >= 0x80 ? " odd]H" : " ]H");
    }
}

static void every_percent_encoding_is_weighed(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        char uri[16];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool is_odd = is_letter || c < 0x20 || c == 0x7f || strchr("-._~/\\", (int)c) || c == 0xc0 || c == 0xc1;

        snprintf(uri, sizeof(uri), c % 2 ? "/%%%02x/" : "/%%%02X", c);
        look(uri, c % 8, is_odd ? " odd]H" : " ]H");
    }
}

/* A uri of `length` letters. */
static const char *letters_of_uri(size_t length, size_t *kept)
{
    static char bytes[HTTP_TARGET_MAX + 100];
    static struct http_state h;
    struct chunk chunk = {0};
    const char *letters;
    size_t at = (size_t)snprintf(bytes, sizeof(bytes), "GET /");

    memset(bytes + at, 'u', length - 1);
    at += length - 1;
    at += (size_t)snprintf(bytes + at, sizeof(bytes) - at, " HTTP/1.1\r\nHost: a\r\n\r\n");
    letters = requests_letters("length", bytes, at);
    memset(&h, 0, sizeof(h));
    for (size_t done = 0; done < at && h.result < HTTP_LINE; done += chunk.length) {
        chunk.at = 0;
        chunk.length = (__u32)(at - done < CHUNK_SIZE ? at - done : CHUNK_SIZE);
        memcpy(chunk.bytes, bytes + done, chunk.length);
        http_feed(&h, &chunk);
    }
    *kept = strnlen((const char *)h.request.uri, NSP_URI_MAX);
    if (h.result == HTTP_LINE)
        assert_int_equal(h.request.uri_length, length);
    return letters;
}

static void a_long_uri_keeps_its_beginning_and_its_length(void **state)
{
    static const size_t lengths[] = {1,    7,    8,    9,    1015, 1016, 1017, 1022,  1023,
                                     1024, 1025, 1030, 1032, 1033, 2000, 5000, 32767, 32768};
    size_t kept;

    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        assert_string_equal(letters_of_uri(lengths[i], &kept), "LH.");
        assert_int_equal(kept, lengths[i] < NSP_URI_MAX ? lengths[i] : NSP_URI_MAX);
    }
    assert_string_equal(letters_of_uri(HTTP_TARGET_MAX + 1, &kept), "B");
}

static void the_end_of_a_long_uri_is_looked_at_too(void **state)
{
    char uri[1900];

    (void)state;
    for (size_t length = 1000; length < 1060; length++) {
        memset(uri, 'x', length);
        uri[0] = '/';
        memcpy(uri + length, "/..", 4);
        look(uri, 0, " odd]H");
        memcpy(uri + length, "/..x", 5);
        look(uri, 0, " ]H");
    }
}

static void an_authority_may_have_255_bytes(void **state)
{
    char bytes[1024];

    (void)state;
    for (int length = 253; length <= 257; length++) {
        char name[300] = "";

        memset(name, 'n', (size_t)length);
        name[0] = 'N';
        snprintf(bytes, sizeof(bytes), "GET http://%s/ HTTP/1.1\r\nHost: n%s\r\n\r\n", name, name + 1);
        assert_string_equal(requests_letters("authority", bytes, strlen(bytes)), length <= 255 ? "LH." : "B");
        snprintf(bytes, sizeof(bytes), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", name);
        assert_string_equal(requests_letters("host", bytes, strlen(bytes)), length <= 255 ? "LH." : "LB");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_ordinary_programs_ask_for_is_canonical),
        cmocka_unit_test(what_has_a_second_reading_is_not),
        cmocka_unit_test(every_byte_in_a_path_has_its_place),
        cmocka_unit_test(every_percent_encoding_is_weighed),
        cmocka_unit_test(a_long_uri_keeps_its_beginning_and_its_length),
        cmocka_unit_test(the_end_of_a_long_uri_is_looked_at_too),
        cmocka_unit_test(an_authority_may_have_255_bytes),
    };

    return cmocka_run_group_tests_name("http uri", tests, NULL, NULL);
}
