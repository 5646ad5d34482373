/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 100,000 streams of ordinary and odd requests with bytes changed, taken out, doubled or put in, each cut at random:
 * the machine and the plain reading agree on every one. NSP_SEED repeats a run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/fuzz/plain_http.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define STREAMS 100000

static uint64_t seed;

static uint32_t next_random(uint32_t below)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return below ? (uint32_t)(seed >> 33) % below : 0;
}

static const char *const lines[] = {
    "GET / HTTP/1.1\r\n",
    "POST /a/b?c=d HTTP/1.1\r\n",
    "GET http://a:80/x/../y HTTP/1.1\r\n",
    "GET /%41/%2e%25aa/.;/..a HTTP/1.0\r\n",
    "OPTIONS * HTTP/1.1\r\n",
    "CONNECT a:80 HTTP/1.1\r\n",
    "PRI * HTTP/2.0\r\n",
    "\r\nM-SEARCH /a.long/path/to/something/in/many/words HTTP/1.1\r\n",
};
static const char *const fields[] = {
    "Host: a:80\r\n",
    "hOST:\tA:80 \r\n",
    "Content-Length: 5\r\n",
    "content-length:007\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Upgrade: x\r\n",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n",
    "X_1:\r\n",
    "Accept-Encoding: gzip, deflate\r\n",
    "Content_Length: 1\r\n",
};
static const char *const bodies[] = {
    "", "hello", "5\r\nhello\r\n0\r\n\r\n", "1;a=b\r\nx\r\n0\r\nX: y\r\n\r\n", "0\r\n\r\n", "\x16\x03\x01", "1234567",
};
/* Bytes that mean something to somebody. */
static const char telling[] = "\r\n \t:;/.%?#\\*0159aAfF-_,\"\v\x7f\x80\xff";

static struct {
    size_t length;
    uint8_t bytes[4096];
} stream;

static void append(const char *text)
{
    size_t length = strlen(text);

    if (stream.length + length <= sizeof(stream.bytes) / 2) {
        memcpy(stream.bytes + stream.length, text, length);
        stream.length += length;
    }
}

/* Most have a host, and a length or coding at most; the others anything. */
static void append_request(void)
{
    bool is_odd = next_random(8) == 0;
    uint32_t body = next_random(4);

    append(lines[next_random(is_odd ? COUNT(lines) : 3)]);
    if (!is_odd || next_random(2))
        append(fields[next_random(2)]);
    for (uint32_t i = next_random(4); i > 0; i--)
        append(fields[is_odd ? next_random(COUNT(fields)) : 6 + next_random(3)]);
    if (body == 1)
        append(fields[2]);
    if (body == 2)
        append(fields[4]);
    append("\r\n");
    append(bodies[is_odd ? next_random(COUNT(bodies)) : body == 1 ? 1 : body == 2 ? 2 + next_random(3) : 0]);
}

static void mutate(void)
{
    size_t at = next_random((uint32_t)stream.length), size = 1 + next_random(16);
    uint8_t *here = stream.bytes + at;

    if (size > stream.length - at)
        size = stream.length - at;
    switch (next_random(5)) {
    case 0:
        *here = (uint8_t)next_random(256);
        break;
    case 1:
        *here = (uint8_t)telling[next_random(sizeof(telling))]; /* its NUL too */
        break;
    case 2:
        memmove(here, here + size, stream.length - at - size);
        stream.length -= stream.length > size ? size : 0;
        break;
    case 3:
        memmove(here + size, here, stream.length - at);
        stream.length += size;
        break;
    default:
        memmove(here + 1, here, stream.length - at);
        *here = (uint8_t)telling[next_random(sizeof(telling))];
        stream.length++;
    }
}

static size_t random_piece(void *context)
{
    (void)context;
    return 1 + next_random(next_random(4) ? 24 : CHUNK_SIZE);
}

static void a_machine_and_a_plain_reading_agree(void **state)
{
    static struct told whole, cut, plain;
    const char *given = getenv("NSP_SEED");
    uint64_t first = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    size_t requests = 0, refused = 0;

    (void)state;
    print_message("NSP_SEED=%llu\n", (unsigned long long)first);
    seed = first;
    for (int i = 0; i < STREAMS; i++) {
        stream.length = 0;
        for (uint32_t count = 1 + next_random(4); count > 0; count--)
            append_request();
        for (uint32_t count = next_random(2) * next_random(4); count > 0; count--)
            mutate();
        plain_http_read(&plain, stream.bytes, stream.length);
        told_feed(&whole, stream.bytes, stream.length, NULL, NULL);
        told_feed(&cut, stream.bytes, stream.length, random_piece, NULL);
        if (!plain_http_agrees(&plain, &whole) || cut.length != whole.length ||
            memcmp(cut.text, whole.text, whole.length) != 0)
            fail_msg("stream %d: %.*s: whole %s, cut %s, plainly %s", i, (int)stream.length, stream.bytes, whole.text,
                     cut.text, plain.text);
        requests += whole.requests;
        refused += whole.has_ended;
    }
    /* That it was about something. */
    assert_in_range(requests, STREAMS / 2, 4 * STREAMS);
    assert_in_range(refused, STREAMS / 5, STREAMS - STREAMS / 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_and_a_plain_reading_agree),
    };

    return cmocka_run_group_tests_name("http random", tests, NULL, NULL);
}
