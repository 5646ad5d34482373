/* SPDX-License-Identifier: Apache-2.0 */
/* First lines, ends of lines, hosts, chunks and tunnels that two servers read in two ways: none gets past. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/requests.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define RAW(text) text, sizeof(text) - 1
#define CHUNKS(body) RAW("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" body)
#define AFTER_UPGRADE(text) RAW("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n" text)

/* L: the request line was taken, H: the head, S: a body or chunk follows, B: bad, T: tunnel, ".": and so on. */
static const struct {
    const char *name, *bytes;
    size_t length;
    const char *letters;
} cases[] = {
    {"no host", RAW("GET / HTTP/1.1\r\n\r\n"), "LB"},
    {"two hosts", RAW("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), "LB"},
    {"two hosts, equal", RAW("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"), "LB"},
    {"host: two names", RAW("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), "LB"},
    {"host: a comma", RAW("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"), "LB"},
    {"host: a user", RAW("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), "LB"},
    {"host: a path", RAW("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), "LB"},
    {"host: a backslash", RAW("GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n"), "LB"},
    {"host: a query", RAW("GET / HTTP/1.1\r\nHost: a?b\r\n\r\n"), "LB"},
    {"host: a hash", RAW("GET / HTTP/1.1\r\nHost: a#b\r\n\r\n"), "LB"},
    {"host: percent", RAW("GET / HTTP/1.1\r\nHost: a%2e\r\n\r\n"), "LB"},
    {"host: high byte", RAW("GET / HTTP/1.1\r\nHost: \xe9\r\n\r\n"), "LB"},
    {"host: NUL", RAW("GET / HTTP/1.1\r\nHost: a\0\r\n\r\n"), "LB"},
    {"host: quoted", RAW("GET / HTTP/1.1\r\nHost: \"a\"\r\n\r\n"), "LB"},
    {"host: a semicolon", RAW("GET / HTTP/1.1\r\nHost: a;b\r\n\r\n"), "LB"},
    {"host: a scheme", RAW("GET / HTTP/1.1\r\nHost: http://a\r\n\r\n"), "LB"},
    {"absolute, another host", RAW("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n"), "LB"},
    {"absolute, a longer host", RAW("GET http://a/ HTTP/1.1\r\nHost: ab\r\n\r\n"), "LB"},
    {"absolute, a shorter host", RAW("GET http://ab/ HTTP/1.1\r\nHost: a\r\n\r\n"), "LB"},
    {"absolute, an empty host", RAW("GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n"), "LB"},
    {"absolute, a port", RAW("GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n"), "LB"},
    {"absolute, no host", RAW("GET http://a/ HTTP/1.0\r\n\r\n"), "LB"},
    {"target: a user", RAW("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"target: no authority", RAW("GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"target: one slash", RAW("GET http:/a/ HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"target: no slashes", RAW("GET http:a/ HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"target: a query at once", RAW("GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"target: a hash at once", RAW("GET http://a#b HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"target: another scheme", RAW("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"target: a longer scheme", RAW("GET httpss://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"target: a control in the scheme", RAW("GET htt\x10://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"target: percent in the authority", RAW("GET http://%61/ HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"target: a backslash", RAW("GET http://a\\/ HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"target: file", RAW("GET file:///etc HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"target: slashes only", RAW("GET //a/ HTTP/1.1\r\nHost: a\r\n\r\n"), "LH."},
    {"target: a blank scheme", RAW("GET ://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: no version", RAW("GET /\r\nHost: a\r\n\r\n"), "B"},
    {"line: no version but a blank", RAW("GET / \r\nHost: a\r\n\r\n"), "B"},
    {"line: HTTP/0.9", RAW("GET / HTTP/0.9\r\nHost: a\r\n\r\n"), "B"},
    {"line: HTTP/1.2", RAW("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), "B"},
    {"line: HTTP/2", RAW("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), "B"},
    {"line: HTTP/1", RAW("GET / HTTP/1\r\nHost: a\r\n\r\n"), "B"},
    {"line: HTTP/1.", RAW("GET / HTTP/1.\r\nHost: a\r\n\r\n"), "B"},
    {"line: HTTP/1.10", RAW("GET / HTTP/1.10\r\nHost: a\r\n\r\n"), "B"},
    {"line: HTTP/01.1", RAW("GET / HTTP/01.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: small letters", RAW("GET / http/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: a comma", RAW("GET / HTTP/1,1\r\nHost: a\r\n\r\n"), "B"},
    {"line: a blank behind", RAW("GET / HTTP/1.1 \r\nHost: a\r\n\r\n"), "B"},
    {"line: a tab behind", RAW("GET / HTTP/1.1\t\r\nHost: a\r\n\r\n"), "B"},
    {"line: two blanks", RAW("GET /  HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: two blanks before", RAW("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: a tab", RAW("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: a tab before the version", RAW("GET /\tHTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: a vertical tab", RAW("GET\v/ HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: a bare CR", RAW("GET\r/ HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: a blank first", RAW(" GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: NUL first", RAW("\0GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: NUL in the method", RAW("G\0T / HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: NUL in the target", RAW("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: NUL in the version", RAW("GET / HTTP\0/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: DEL in the target", RAW("GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: a control in the target", RAW("GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: a blank in the target", RAW("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: a bare CR in the target", RAW("GET /a\rb HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: a method of 33", RAW("ABCDEFGHIJKLMNOPQRSTUVWXYZ.123456 / HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: a colon in the method", RAW("GET: / HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: a bracket in the method", RAW("G(T / HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: no method", RAW("/ HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: no target", RAW("GET HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: a star", RAW("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: more than a star", RAW("OPTIONS */ HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: two stars", RAW("OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: relative", RAW("GET a HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: a query only", RAW("GET ?a HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: authority for GET", RAW("GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: CONNECT with a path", RAW("CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: CONNECT with a scheme", RAW("CONNECT http://a HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: CONNECT without", RAW("CONNECT  HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: CONNECT with a star", RAW("CONNECT * HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: HTTP/2 at once", RAW("PRI * HTTP/2.0\r\nHost: a\r\n\r\n"), "B"},
    {"line: quotes", RAW("\"GET\" / HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: a status line", RAW("HTTP/1.1 200 OK\r\nHost: a\r\n\r\n"), "B"},
    {"line: UTF-8 mark", RAW("\xef\xbb\xbfGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"line: ends with LF", RAW("GET / HTTP/1.1\nHost: a\r\n\r\n"), "B"},
    {"line: ends with CR", RAW("GET / HTTP/1.1\rHost: a\r\n\r\n"), "B"},
    {"LF first", RAW("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"CR first", RAW("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"three empty lines first", RAW("\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "B"},
    {"head ends with LF", RAW("GET / HTTP/1.1\r\nHost: a\r\n\n"), "LB"},
    {"head ends with LF LF", RAW("GET / HTTP/1.1\r\nHost: a\n\n"), "LB"},
    {"head ends with CR CR", RAW("GET / HTTP/1.1\r\nHost: a\r\n\r\r"), "LB"},
    {"head ends with CR and a letter", RAW("GET / HTTP/1.1\r\nHost: a\r\n\rX"), "LB"},
    {"both in 1.0", RAW("POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), "LB"},
    {"CONNECT with a length", RAW("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 5\r\n\r\n"), "LB"},
    {"CONNECT with a coding", RAW("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nTransfer-Encoding: chunked\r\n\r\n"), "LB"},
    {"chunk: size: 0x", CHUNKS("0x1\r\nx\r\n"), "LHB"},
    {"chunk: size: plus", CHUNKS("+1\r\nx\r\n"), "LHB"},
    {"chunk: size: minus", CHUNKS("-1\r\n"), "LHB"},
    {"chunk: size: a blank before", CHUNKS(" 1\r\nx\r\n"), "LHB"},
    {"chunk: size: a blank behind", CHUNKS("1 \r\nx\r\n"), "LHB"},
    {"chunk: size: a tab behind", CHUNKS("1\t\r\nx\r\n"), "LHB"},
    {"chunk: size: a blank before the extension", CHUNKS("1 ;a\r\nx\r\n"), "LHB"},
    {"chunk: size: no digits", CHUNKS("\r\nx\r\n"), "LHB"},
    {"chunk: size: an extension only", CHUNKS(";a\r\nx\r\n"), "LHB"},
    {"chunk: size: sixteen digits", CHUNKS("0000000000000001\r\nx\r\n"), "LHB"},
    {"chunk: size: too large", CHUNKS("10000000000000001\r\n"), "LHB"},
    {"chunk: size: no hex", CHUNKS("g\r\n"), "LHB"},
    {"chunk: size: a comma", CHUNKS("1,1\r\n"), "LHB"},
    {"chunk: size: an underscore", CHUNKS("1_0\r\n"), "LHB"},
    {"chunk: size: a point", CHUNKS("1.0\r\n"), "LHB"},
    {"chunk: size: quoted", CHUNKS("\"1\"\r\n"), "LHB"},
    {"chunk: size: LF", CHUNKS("1\nx\r\n"), "LHB"},
    {"chunk: size: CR", CHUNKS("1\rx\r\n"), "LHB"},
    {"chunk: size: CR CR LF", CHUNKS("1\r\r\nx\r\n"), "LHB"},
    {"chunk: size: LF in an extension", CHUNKS("1;a\nx\r\n"), "LHB"},
    {"chunk: size: CR in an extension", CHUNKS("1;a\rb\r\nx\r\n"), "LHB"},
    {"chunk: size: NUL in an extension", CHUNKS("1;\0\r\nx\r\n"), "LHB"},
    {"chunk: size: DEL in an extension", CHUNKS("1;\x7f\r\nx\r\n"), "LHB"},
    {"chunk: size: LF in quotes", CHUNKS("1;a=\"\n\"\r\nx\r\n"), "LHB"},
    {"chunk: size: NUL", CHUNKS("1\0\r\nx\r\n"), "LHB"},
    {"chunk: size: a form feed", CHUNKS("\f1\r\nx\r\n"), "LHB"},
    {"chunk: size: high byte", CHUNKS("\xb1\r\n"), "LHB"},
    {"chunk: data: no line end", CHUNKS("1\r\nx0\r\n\r\n"), "LHSB"},
    {"chunk: data: LF", CHUNKS("1\r\nx\n0\r\n\r\n"), "LHSB"},
    {"chunk: data: CR", CHUNKS("1\r\nx\r0\r\n\r\n"), "LHSB"},
    {"chunk: data: one byte more", CHUNKS("1\r\nxy\r\n0\r\n\r\n"), "LHSB"},
    {"chunk: data: a blank behind", CHUNKS("1\r\nx \r\n0\r\n\r\n"), "LHSB"},
    {"chunk: data: a second line end", CHUNKS("1\r\nx\r\n\r\n0\r\n\r\n"), "LHSB"},
    {"chunk: trailer: a length", CHUNKS("0\r\nContent-Length: 5\r\n\r\n"), "LHB"},
    {"chunk: trailer: a coding", CHUNKS("0\r\nTransfer-Encoding: chunked\r\n\r\n"), "LHB"},
    {"chunk: trailer: a host", CHUNKS("0\r\nHost: b\r\n\r\n"), "LHB"},
    {"chunk: trailer: an upgrade", CHUNKS("0\r\nUpgrade: x\r\n\r\n"), "LHB"},
    {"chunk: trailer: folded", CHUNKS("0\r\nX: y\r\n z\r\n\r\n"), "LHB"},
    {"chunk: trailer: a blank first", CHUNKS("0\r\n X: y\r\n\r\n"), "LHB"},
    {"chunk: trailer: LF", CHUNKS("0\r\nX: y\n\r\n"), "LHB"},
    {"chunk: trailer: an underscore length", CHUNKS("0\r\nContent_Length: 5\r\n\r\n"), "LHB"},
    {"chunk: trailer: a blank before the colon", CHUNKS("0\r\nX : y\r\n\r\n"), "LHB"},
    {"chunk: trailer: no colon", CHUNKS("0\r\nX\r\n\r\n"), "LHB"},
    {"chunk: trailer: a request", CHUNKS("0\r\nGET /hidden HTTP/1.1\r\n\r\n"), "LHB"},
    {"chunk: trailer: NUL", CHUNKS("0\r\nX: \0\r\n\r\n"), "LHB"},
    {"chunk: trailer: ends with LF", CHUNKS("0\r\n\n"), "LHB"},
    {"chunk: trailer: ends with CR", CHUNKS("0\r\n\rX"), "LHB"},
    {"chunk: size: LF after zero", CHUNKS("0\n\r\n"), "LHB"},
    {"chunk: size: 00", CHUNKS("00\r\n\r\n"), "LH."},
    {"after an upgrade: TLS", AFTER_UPGRADE("\x16\x03\x01"), "LHT"},
    {"after an upgrade: a frame", AFTER_UPGRADE("\x81\x05"), "LHT"},
    {"after an upgrade: HTTP/2", AFTER_UPGRADE("PRI * HTTP/2.0\r\n"), "LHT"},
    {"after an upgrade: a quote", AFTER_UPGRADE("\""), "LHT"},
    {"after an upgrade: a slash", AFTER_UPGRADE("/"), "LHT"},
    {"after an upgrade: a token and a brace", AFTER_UPGRADE("a{"), "LHT"},
    {"after an upgrade: LF, then a request", AFTER_UPGRADE("\nGET / HTTP/1.1\r\n"), "LHB"},
    {"after an upgrade: a blank, then a request", AFTER_UPGRADE(" GET / HTTP/1.1\r\n"), "LHB"},
    {"after an upgrade: a tab", AFTER_UPGRADE("\tGET"), "LHB"},
    {"after an upgrade: NUL, then a request", AFTER_UPGRADE("\0GET"), "LHB"},
    {"after an upgrade: a vertical tab in the line", AFTER_UPGRADE("GET\v/"), "LHB"},
    {"after an upgrade: a bare CR in the line", AFTER_UPGRADE("GET\r/"), "LHB"},
    {"after an upgrade: an SSH greeting", AFTER_UPGRADE("SSH-2.0-x\r\n"), "LHB"},
    {"after an upgrade: no version", AFTER_UPGRADE("GET /\r\n"), "LHB"},
    {"after an upgrade: a line with LF", AFTER_UPGRADE("GET / HTTP/1.1\n"), "LHB"},
    {"after an upgrade: three empty lines", AFTER_UPGRADE("\r\n\r\n\r\n"), "LHB"},
    {"after an upgrade: an ambiguous head", AFTER_UPGRADE("GET / HTTP/1.1\r\nHost : a\r\n"), "LHLB"},
    {"after an upgrade: a method of 33", AFTER_UPGRADE("ABCDEFGHIJKLMNOPQRSTUVWXYZ.123456"), "LHB"},
    {"after an upgrade: HTTP/2 for a path", AFTER_UPGRADE("PRI / HTTP/2.0\r\n"), "LHB"},
};

static void no_line_or_chunk_is_read_in_two_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *letters = requests_letters(cases[i].name, cases[i].bytes, cases[i].length);

        if (strcmp(letters, cases[i].letters) != 0)
            fail_msg("%s: %s, not %s", cases[i].name, letters, cases[i].letters);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_line_or_chunk_is_read_in_two_ways),
    };

    return cmocka_run_group_tests_name("http framing", tests, NULL, NULL);
}
