/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests as ordinary programs send them: every one of a connection is found, with its method and uri, however the
 * stream is cut. test_http_uri.c has the targets, test_http_desync.c what no ordinary program sends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fuzz/http_told.h"
#include "tests/unit/requests.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
    const char *name, *bytes, *told;
} streams[] = {
    {"curl", "GET /task HTTP/1.1\r\nHost: pong:8000\r\nUser-Agent: curl/8.1\r\nAccept: */*\r\n\r\n",
     "L[GET /task 5 ]H"},
    {"no blank before a value", "GET / HTTP/1.1\r\nHost:a\r\nX:y\r\n\r\n", "L[GET / 1 ]H"},
    {"blanks around values", "GET / HTTP/1.1\r\nHost: \t a \t \r\nX:\t y \r\n\r\n", "L[GET / 1 ]H"},
    {"an empty value", "GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY: \r\n\r\n", "L[GET / 1 ]H"},
    {"an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "L[GET / 1 ]H"},
    {"an address as host", "GET / HTTP/1.1\r\nHost: [fd00::1]:8080\r\n\r\n", "L[GET / 1 ]H"},
    {"an underscore in the host", "GET / HTTP/1.1\r\nHost: my_service.default_ns\r\n\r\n", "L[GET / 1 ]H"},
    {"names in any case", "GET / HTTP/1.1\r\nhOST: a\r\nCONTENT-LENGTH: 1\r\n\r\nx", "L[GET / 1 ]HS 1 "},
    {"names of all tokens", "GET / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09: x\r\nX_Y: z\r\n\r\n", "L[GET / 1 ]H"},
    {"UTF-8 in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \xc3\xa9\xff\r\n\r\n", "L[GET / 1 ]H"},
    {"HTTP/1.0", "GET /old HTTP/1.0\r\n\r\n", "L[GET /old 4 ]H"},
    {"HTTP/1.0 with a body", "POST /old HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", "L[POST /old 4 ]HS 3 "},
    {"a query", "GET /a?b=//c/../%2f&d=%41%zz\\? HTTP/1.1\r\nHost: a\r\n\r\n",
     "L[GET /a?b=//c/../%2f&d=%41%zz\\? 26 odd]H"},
    {"a method of its own", "M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n", "L[M-SEARCH / 1 ]H"},
    {"a small method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", "L[get / 1 ]H"},
    {"the longest method", "ABCDEFGHIJKLMNOPQRSTUVWXYZ.12345 / HTTP/1.1\r\nHost: a\r\n\r\n",
     "L[ABCDEFGHIJKLMNOPQRSTUVWXYZ.12345 / 1 ]H"},
    {"empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "L[GET / 1 ]H"},
    {"a body", "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nGET / HTTP", "L[PUT /x 2 ]HS 10 "},
    {"no body", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "L[POST /x 2 ]H"},
    {"an empty line after a body",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n",
     "L[POST / 1 ]HS 1 L[GET /y 2 ]H"},
    {"the largest body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999999\r\n\r\nx",
     "L[POST / 1 ]HS 999999999999999999 "},
    {"a body that is asked for", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
     "L[POST / 1 ]HS 2 "},
    {"chunks",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0a\r\n0123456789\r\n0\r\n\r\nGET /n "
     "HTTP/1.1\r\nHost: a\r\n\r\n",
     "L[POST / 1 ]HS 4 S 10 L[GET /n 2 ]H"},
    {"a chunk of digits and line ends",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n\r\n0\r\n\r\n",
     "L[POST / 1 ]HS 5 "},
    {"extensions of chunks",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b;c=\"d\t;\"\r\nx\r\n0;e\r\n\r\n",
     "L[POST / 1 ]HS 1 "},
    {"trailers",
     "POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\nY: "
     "\r\n\r\nGET /n HTTP/1.1\r\nHost: a\r\n\r\n",
     "L[POST / 1 ]HS 1 L[GET /n 2 ]H"},
    {"pipelined",
     "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /3 HTTP/1.1\r\nHost: a\r\n\r\n",
     "L[GET /1 2 ]HL[GET /2 2 ]HL[HEAD /3 2 ]H"},
    {"a shorter uri after a longer one",
     "GET /0123456789abcdef HTTP/1.1\r\nHost: a\r\n\r\nGET /0123 HTTP/1.1\r\nHost: a\r\n\r\nG / HTTP/1.1\r\nHost: "
     "a\r\n\r\n",
     "L[GET /0123456789abcdef 17 ]HL[GET /0123 5 ]HL[G / 1 ]H"},
    {"one that ends within a word, cut anywhere",
     "GET /0123456789abcdef01234567 HTTP/1.1\r\nHost: a\r\n\r\nGET /0123456789a HTTP/1.1\r\nHost: a\r\n\r\n",
     "L[GET /0123456789abcdef01234567 25 ]HL[GET /0123456789a 12 ]H"},
    {"a line that has not ended", "GET /1 HTTP/1.1\r", ""},
    {"a head that has not ended", "GET /1 HTTP/1.1\r\nHost: a\r\n\r", "L[GET /1 2 ]"},
    {"websocket", "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x85",
     "L[GET /ws 3 ]HT"},
    {"an upgrade that did not happen",
     "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
     "L[GET /ws 3 ]HL[GET /2 2 ]H"},
    {"an upgrade after a body", "POST /ws HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\n\xff\xff\xff",
     "L[POST /ws 3 ]HS 2 T"},
    {"HTTP/2 by upgrade", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
     "L[GET / 1 ]HT"},
    {"TLS after CONNECT", "CONNECT db.example:443 HTTP/1.1\r\nHost: db.example:443\r\n\r\n\x16\x03\x01",
     "L[CONNECT db.example:443 14 ]HT"},
    {"a request after CONNECT", "CONNECT [fd00::2]:80 HTTP/1.1\r\nHost: b\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n",
     "L[CONNECT [fd00::2]:80 12 ]HL[GET / 1 ]H"},
    {"OPTIONS of a server", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "L[OPTIONS * 1 ]H"},
    {"through a proxy", "GET http://Example.org:8080/a/b?c HTTP/1.1\r\nHost: exAMPLE.org:8080\r\n\r\n",
     "L[GET /a/b?c 6 ]H"},
    {"through a proxy, no path", "GET HTTPS://example.org HTTP/1.1\r\nHost: example.org\r\n\r\n", "L[GET / 1 ]H"},
};

static void every_request_of_a_connection_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(streams); i++) {
        const char *told = requests_read(streams[i].name, streams[i].bytes, strlen(streams[i].bytes));

        if (strcmp(told, streams[i].told) != 0)
            fail_msg("%s: %s, not %s", streams[i].name, told, streams[i].told);
    }
}

/* One long stream at a time. */
static struct {
    size_t length;
    char bytes[1 << 20];
} stream;

static void append(const char *text)
{
    size_t length = strlen(text);

    assert_in_range(stream.length + length, 0, sizeof(stream.bytes) - 1);
    memcpy(stream.bytes + stream.length, text, length + 1);
    stream.length += length;
}

static void append_many(char what, size_t count)
{
    assert_in_range(stream.length + count, 0, sizeof(stream.bytes) - 1);
    memset(stream.bytes + stream.length, what, count);
    stream.length += count;
    stream.bytes[stream.length] = '\0';
}

static void a_connection_may_carry_10000_requests(void **state)
{
    static struct told told;

    (void)state;
    stream.length = 0;
    for (int i = 0; i < 10000; i++)
        append(i % 3 ? "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
                     : "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    told_feed(&told, (const uint8_t *)stream.bytes, stream.length, NULL, NULL);
    assert_false(told.has_ended);
    assert_int_equal(told.requests, 10000);
}

/* A head of exactly this many bytes, in one field or in many. */
static const char *letters_of_head(size_t size, size_t value)
{
    stream.length = 0;
    append("GET / HTTP/1.1\r\nHost: a\r\n");
    while (stream.length + value + 100 < size) {
        append("X-Long-Name: ");
        append_many('v', value);
        append("\r\n");
    }
    append("X: ");
    append_many('v', size - stream.length - 4);
    append("\r\n\r\n");
    assert_int_equal(stream.length, size);
    return requests_letters("head", stream.bytes, stream.length);
}

static void a_head_may_have_64_kib(void **state)
{
    static const size_t extra[] = {1, 2, 3, 9, 17, 300, 5000, HTTP_HEAD_MAX};

    (void)state;
    assert_string_equal(letters_of_head(HTTP_HEAD_MAX, 1 << 20), "LH.");
    assert_string_equal(letters_of_head(HTTP_HEAD_MAX, 7), "LH.");
    for (size_t i = 0; i < COUNT(extra); i++) {
        assert_string_equal(letters_of_head(HTTP_HEAD_MAX + extra[i], 1 << 20), "LB");
        assert_string_equal(letters_of_head(HTTP_HEAD_MAX + extra[i], 7), "LB");
    }
}

static void so_may_one_before_a_chunked_body(void **state)
{
    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        stream.length = 0;
        append("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX: ");
        append_many('v', HTTP_HEAD_MAX - stream.length - 4 + extra);
        append("\r\n\r\n0\r\n\r\n");
        assert_string_equal(requests_letters("chunked", stream.bytes, stream.length), extra ? "LB" : "LH.");
    }
}

static void so_may_trailers(void **state)
{
    static const char last[] = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";

    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        stream.length = 0;
        append(last);
        append("X: ");
        append_many('v', HTTP_HEAD_MAX - 7 + extra);
        append("\r\n\r\n");
        assert_string_equal(requests_letters("trailers", stream.bytes, stream.length), extra ? "LHB" : "LH.");
    }
}

static void a_chunk_line_may_have_512_bytes(void **state)
{
    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        stream.length = 0;
        append("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 3; i++) {
            append("1;");
            append_many('e', HTTP_CHUNK_LINE_MAX - 4 + (i == 2) * extra);
            append("\r\nx\r\n");
        }
        append("0\r\n\r\n");
        assert_string_equal(requests_letters("extensions", stream.bytes, stream.length), extra ? "LHSSB" : "LHSSS.");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_of_a_connection_is_found),
        cmocka_unit_test(a_connection_may_carry_10000_requests),
        cmocka_unit_test(a_head_may_have_64_kib),
        cmocka_unit_test(so_may_one_before_a_chunked_body),
        cmocka_unit_test(so_may_trailers),
        cmocka_unit_test(a_chunk_line_may_have_512_bytes),
    };

    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
