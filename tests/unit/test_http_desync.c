/* SPDX-License-Identifier: Apache-2.0 */
/* Fields that two servers read in two ways, so that a second request could hide in the first: none gets past. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/requests.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define RAW(text) text, sizeof(text) - 1
#define HEAD "POST / HTTP/1.1\r\nHost: a\r\n"
#define LENGTH(value) RAW(HEAD "Content-Length: " value "\r\n\r\nhello")
#define CODING(value) RAW(HEAD "Transfer-Encoding: " value "\r\n\r\n0\r\n\r\n")
#define FIELDS(fields) RAW(HEAD fields "\r\n")

/* L: the request line was taken, H: the head, S: a body or chunk follows, B: bad, T: tunnel, ".": and so on. */
static const struct {
    const char *name, *bytes;
    size_t length;
    const char *letters;
} cases[] = {
    {"length: plus", LENGTH("+5"), "LB"},
    {"length: minus", LENGTH("-5"), "LB"},
    {"length: hex", LENGTH("0x5"), "LB"},
    {"length: hex digits", LENGTH("5a"), "LB"},
    {"length: float", LENGTH("5.0"), "LB"},
    {"length: comma", LENGTH("5,5"), "LB"},
    {"length: comma and blank", LENGTH("5, 5"), "LB"},
    {"length: two numbers", LENGTH("5 5"), "LB"},
    {"length: a tab between", LENGTH("5\t5"), "LB"},
    {"length: empty", LENGTH(""), "LB"},
    {"length: blanks only", LENGTH(" \t "), "LB"},
    {"length: quoted", LENGTH("\"5\""), "LB"},
    {"length: semicolon", LENGTH("5;a"), "LB"},
    {"length: octal-looking", LENGTH("005"), "LHS."},
    {"length: nineteen digits", LENGTH("0000000000000000005"), "LB"},
    {"length: over 64 bits", LENGTH("18446744073709551621"), "LB"},
    {"length: a form feed before", LENGTH("\f5"), "LB"},
    {"length: a vertical tab before", LENGTH("\v5"), "LB"},
    {"length: a vertical tab behind", LENGTH("5\v"), "LB"},
    {"length: NUL behind", LENGTH("5\0"), "LB"},
    {"length: a bare CR behind", LENGTH("5\r "), "LB"},
    {"length: exponent", LENGTH("5e0"), "LB"},
    {"length: underscore", LENGTH("1_0"), "LB"},
    {"length: thousands", LENGTH("1'000"), "LB"},
    {"length: a no-break space",
     LENGTH("\xa0"
            "5"),
     "LB"},
    {"length: Arabic digit", LENGTH("\xd9\xa5"), "LB"},
    {"length: full-width digit", LENGTH("\xef\xbc\x95"), "LB"},
    {"length: superscript", LENGTH("\xb2"), "LB"},
    {"length: chunked", LENGTH("chunked"), "LB"},
    {"length: a comment", LENGTH("5 (five)"), "LB"},
    {"length: a tab before", LENGTH("\t5"), "LHS."},
    {"length: blanks behind", LENGTH("5 \t "), "LHS."},
    {"length: a percent sign", LENGTH("%35"), "LB"},
    {"length: a negative zero", LENGTH("-0"), "LB"},
    {"length: brackets", LENGTH("[5]"), "LB"},
    {"length: a sign behind", LENGTH("5-"), "LB"},
    {"length: a colon", LENGTH("5:5"), "LB"},
    {"coding: capital", CODING("Chunked"), "LB"},
    {"coding: all capitals", CODING("CHUNKED"), "LB"},
    {"coding: one capital", CODING("chunkeD"), "LB"},
    {"coding: identity", CODING("identity"), "LB"},
    {"coding: gzip", CODING("gzip"), "LB"},
    {"coding: gzip, chunked", CODING("gzip, chunked"), "LB"},
    {"coding: chunked, gzip", CODING("chunked, gzip"), "LB"},
    {"coding: chunked twice", CODING("chunked, chunked"), "LB"},
    {"coding: chunked and identity", CODING("chunked, identity"), "LB"},
    {"coding: identity, chunked", CODING("identity, chunked"), "LB"},
    {"coding: a comma first", CODING(", chunked"), "LB"},
    {"coding: a comma last", CODING("chunked,"), "LB"},
    {"coding: a parameter", CODING("chunked;a=b"), "LB"},
    {"coding: a semicolon", CODING("chunked;"), "LB"},
    {"coding: quality", CODING("chunked;q=0.5"), "LB"},
    {"coding: quoted", CODING("\"chunked\""), "LB"},
    {"coding: apostrophes", CODING("'chunked'"), "LB"},
    {"coding: an x before", CODING("xchunked"), "LB"},
    {"coding: an x behind", CODING("chunkedx"), "LB"},
    {"coding: a letter missing", CODING("chunke"), "LB"},
    {"coding: empty", CODING(""), "LB"},
    {"coding: blanks", CODING("  "), "LB"},
    {"coding: a vertical tab before", CODING("\vchunked"), "LB"},
    {"coding: a form feed behind", CODING("chunked\f"), "LB"},
    {"coding: NUL behind", CODING("chunked\0"), "LB"},
    {"coding: a bare CR behind", CODING("chunked\r "), "LB"},
    {"coding: a no-break space",
     CODING("\xa0"
            "chunked"),
     "LB"},
    {"coding: UTF-8 mark",
     CODING("\xef\xbb\xbf"
            "chunked"),
     "LB"},
    {"coding: long s", CODING("c\xc5\xbfhunked"), "LB"},
    {"coding: Kelvin sign",
     CODING("chun\xe2\x84\xaa"
            "ed"),
     "LB"},
    {"coding: cow", CODING("cow"), "LB"},
    {"coding: two words", CODING("chunked chunked"), "LB"},
    {"coding: x-chunked", CODING("x-chunked"), "LB"},
    {"coding: deflate", CODING("deflate"), "LB"},
    {"coding: brackets", CODING("[chunked]"), "LB"},
    {"coding: a colon first", CODING(": chunked"), "LB"},
    {"coding: backspace", CODING("chunked\b"), "LB"},
    {"coding: DEL", CODING("chunked\x7f"), "LB"},
    {"coding: overlong", CODING("\xc1\xa3hunked"), "LB"},
    {"coding: a tab before", CODING("\tchunked"), "LH."},
    {"coding: blanks behind", CODING("chunked \t"), "LH."},
    {"field: length, then coding", FIELDS("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "LB"},
    {"field: coding, then length", FIELDS("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), "LB"},
    {"field: two lengths, equal", FIELDS("Content-Length: 5\r\nContent-Length: 5\r\n"), "LB"},
    {"field: two lengths", FIELDS("Content-Length: 5\r\nContent-Length: 6\r\n"), "LB"},
    {"field: two codings", FIELDS("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), "LB"},
    {"field: a coding, then none", FIELDS("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), "LB"},
    {"field: a coding, then x", FIELDS("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"), "LB"},
    {"field: length 0, then coding", FIELDS("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), "LB"},
    {"field: two lengths of 0", FIELDS("Content-Length: 0\r\nContent-Length: 0\r\n"), "LB"},
    {"field: lengths in different cases", FIELDS("content-length: 5\r\nCONTENT-LENGTH: 5\r\n"), "LB"},
    {"field: lengths apart", FIELDS("Content-Length: 5\r\nX: y\r\nContent-Length: 5\r\n"), "LB"},
    {"field: codings apart", FIELDS("Transfer-Encoding: chunked\r\nX: y\r\nTransfer-Encoding: chunked\r\n"), "LB"},
    {"field: Content-Length: a blank before the colon", FIELDS("Content-Length : 5\r\n"), "LB"},
    {"field: Content-Length: a tab before the colon", FIELDS("Content-Length\t: 5\r\n"), "LB"},
    {"field: Content-Length: a blank before the name", FIELDS(" Content-Length: 5\r\n"), "LB"},
    {"field: Content-Length: a tab before the name", FIELDS("\tContent-Length: 5\r\n"), "LB"},
    {"field: Content-Length: NUL in the name", FIELDS("Content-Length\0: 5\r\n"), "LB"},
    {"field: Content-Length: folded", FIELDS("Content-Length:\r\n 5\r\n"), "LB"},
    {"field: Content-Length: folded with a tab", FIELDS("Content-Length: 5\r\n\tz\r\n"), "LB"},
    {"field: Content-Length: ends with LF", FIELDS("Content-Length: 5\n"), "LB"},
    {"field: Content-Length: ends with CR", FIELDS("Content-Length: 5\rY: z\r\n"), "LB"},
    {"field: Content-Length: ends with CR CR LF", FIELDS("Content-Length: 5\r\r\n"), "LB"},
    {"field: Content-Length: no colon", FIELDS("Content-Length 5\r\n"), "LB"},
    {"field: Transfer-Encoding: a blank before the colon", FIELDS("Transfer-Encoding : chunked\r\n"), "LB"},
    {"field: Transfer-Encoding: a tab before the colon", FIELDS("Transfer-Encoding\t: chunked\r\n"), "LB"},
    {"field: Transfer-Encoding: a blank before the name", FIELDS(" Transfer-Encoding: chunked\r\n"), "LB"},
    {"field: Transfer-Encoding: a tab before the name", FIELDS("\tTransfer-Encoding: chunked\r\n"), "LB"},
    {"field: Transfer-Encoding: NUL in the name", FIELDS("Transfer-Encoding\0: chunked\r\n"), "LB"},
    {"field: Transfer-Encoding: folded", FIELDS("Transfer-Encoding:\r\n chunked\r\n"), "LB"},
    {"field: Transfer-Encoding: folded with a tab", FIELDS("Transfer-Encoding: chunked\r\n\tz\r\n"), "LB"},
    {"field: Transfer-Encoding: ends with LF", FIELDS("Transfer-Encoding: chunked\n"), "LB"},
    {"field: Transfer-Encoding: ends with CR", FIELDS("Transfer-Encoding: chunked\rY: z\r\n"), "LB"},
    {"field: Transfer-Encoding: ends with CR CR LF", FIELDS("Transfer-Encoding: chunked\r\r\n"), "LB"},
    {"field: Transfer-Encoding: no colon", FIELDS("Transfer-Encoding chunked\r\n"), "LB"},
    {"field: Host: a blank before the colon", RAW("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), "LB"},
    {"field: Host: a tab before the colon", RAW("GET / HTTP/1.1\r\nHost\t: a\r\n\r\n"), "LB"},
    {"field: Host: a blank before the name", RAW("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), "LB"},
    {"field: Host: a tab before the name", RAW("GET / HTTP/1.1\r\n\tHost: a\r\n\r\n"), "LB"},
    {"field: Host: NUL in the name", RAW("GET / HTTP/1.1\r\nHost\0: a\r\n\r\n"), "LB"},
    {"field: Host: folded", RAW("GET / HTTP/1.1\r\nHost:\r\n a\r\n\r\n"), "LB"},
    {"field: Host: folded with a tab", RAW("GET / HTTP/1.1\r\nHost: a\r\n\tz\r\n\r\n"), "LB"},
    {"field: Host: ends with LF", RAW("GET / HTTP/1.1\r\nHost: a\n\r\n"), "LB"},
    {"field: Host: ends with CR", RAW("GET / HTTP/1.1\r\nHost: a\rY: z\r\n\r\n"), "LB"},
    {"field: Host: ends with CR CR LF", RAW("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"), "LB"},
    {"field: Host: no colon", RAW("GET / HTTP/1.1\r\nHost a\r\n\r\n"), "LB"},
    {"field: X: a blank before the colon", FIELDS("X : y\r\n"), "LB"},
    {"field: X: a tab before the colon", FIELDS("X\t: y\r\n"), "LB"},
    {"field: X: a blank before the name", FIELDS(" X: y\r\n"), "LB"},
    {"field: X: a tab before the name", FIELDS("\tX: y\r\n"), "LB"},
    {"field: X: NUL in the name", FIELDS("X\0: y\r\n"), "LB"},
    {"field: X: folded", FIELDS("X:\r\n y\r\n"), "LB"},
    {"field: X: folded with a tab", FIELDS("X: y\r\n\tz\r\n"), "LB"},
    {"field: X: ends with LF", FIELDS("X: y\n"), "LB"},
    {"field: X: ends with CR", FIELDS("X: y\rY: z\r\n"), "LB"},
    {"field: X: ends with CR CR LF", FIELDS("X: y\r\r\n"), "LB"},
    {"field: X: no colon", FIELDS("X y\r\n"), "LB"},
    {"field: no name", FIELDS(": y\r\n"), "LB"},
    {"field: no colon at all", FIELDS("X\r\n"), "LB"},
    {"field: a blank in the name", FIELDS("X Y: z\r\n"), "LB"},
    {"field: a comma in the name", FIELDS("X,Y: z\r\n"), "LB"},
    {"field: a slash in the name", FIELDS("X/Y: z\r\n"), "LB"},
    {"field: brackets in the name", FIELDS("X[]: z\r\n"), "LB"},
    {"field: an at sign in the name", FIELDS("X@Y: z\r\n"), "LB"},
    {"field: a quote in the name", FIELDS("\"X\": z\r\n"), "LB"},
    {"field: brace", FIELDS("{X}: z\r\n"), "LB"},
    {"field: UTF-8 in the name", FIELDS("\xc3\xa9: z\r\n"), "LB"},
    {"field: high byte",
     FIELDS("Transfer\xad"
            "Encoding: chunked\r\n"),
     "LB"},
    {"field: a form feed", FIELDS("X\f: z\r\n"), "LB"},
    {"field: DEL in the name", FIELDS("X\x7f: z\r\n"), "LB"},
    {"field: NUL in a value", FIELDS("X: a\0b\r\n"), "LB"},
    {"field: bell in a value", FIELDS("X: a\ab\r\n"), "LB"},
    {"field: escape in a value", FIELDS("X: \x1b[0m\r\n"), "LB"},
    {"field: DEL in a value", FIELDS("X: a\x7f\r\n"), "LB"},
    {"field: vertical tab in a value", FIELDS("X: a\vb\r\n"), "LB"},
    {"field: LF in a value", FIELDS("X: a\nTransfer-Encoding: chunked\r\n"), "LB"},
    {"field: CR in a value", FIELDS("X: a\rTransfer-Encoding: chunked\r\n"), "LB"},
    {"field: underscore length", FIELDS("Content_Length: 5\r\n"), "LB"},
    {"field: underscore coding", FIELDS("Transfer_Encoding: chunked\r\n"), "LB"},
    {"field: underscores in capitals", FIELDS("TRANSFER_ENCODING: chunked\r\n"), "LB"},
    {"field: a longer name", FIELDS("Content-Lengthy: x\r\n"), "LH."},
    {"field: a longer coding", FIELDS("Transfer-Encodings: x\r\n"), "LH."},
    {"field: an X before", FIELDS("X-Content-Length: x\r\n"), "LH."},
    {"field: a shorter name", FIELDS("Content-Lengt: x\r\n"), "LH."},
    {"field: a dash more", FIELDS("Content--Length: x\r\n"), "LH."},
    {"field: dots", FIELDS("Content.Length: x\r\n"), "LH."},
    {"field: a plus", FIELDS("Transfer+Encoding: x\r\n"), "LH."},
    {"field: a longer host", FIELDS("Hosts: x\r\n"), "LH."},
    {"field: a tilde", FIELDS("Transfer~Encoding: x\r\n"), "LH."},
    {"coding in 1.0", RAW("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), "LB"},
};

static void no_field_is_read_in_two_ways(void **state)
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
        cmocka_unit_test(no_field_is_read_in_two_ways),
    };

    return cmocka_run_group_tests_name("http desync", tests, NULL, NULL);
}
