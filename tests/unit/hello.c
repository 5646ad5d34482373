/* SPDX-License-Identifier: Apache-2.0 */
/* TLS hellos to test with. Feeding them checks that a chunk after which more is wanted was read to its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/hello.h"

void hello_put(struct hello *to, unsigned size, size_t number)
{
    while (size-- > 0)
        to->data[to->length++] = (__u8)(number >> 8 * size);
}

static void put_bytes(struct hello *to, unsigned byte, size_t count)
{
    assert_true(to->length + count <= sizeof(to->data));
    memset(to->data + to->length, (int)byte, count);
    to->length += count;
}

static void put_name(struct hello *to, const char *host, size_t length)
{
    hello_put(to, 2, 0); /* server_name */
    hello_put(to, 2, length + 5);
    hello_put(to, 2, length + 3);
    hello_put(to, 1, 0); /* host_name */
    hello_put(to, 2, length);
    memcpy(to->data + to->length, host, length);
    to->length += length;
}

void hello_make(struct hello *to, const struct hello_shape *shape)
{
    size_t extensions = (size_t)shape->names * (9 + shape->host_length) + 4 + shape->padding;
    size_t before = 2 + 32 + 1 + shape->session_id + 2 + shape->cipher_suites + 1 + shape->compression_methods;

    to->length = 0;
    hello_put(to, 1, TLS_RECORD_HANDSHAKE);
    hello_put(to, 2, 0x0301);
    hello_put(to, 2, 4 + before + 2 + extensions);
    hello_put(to, 1, TLS_CLIENT_HELLO);
    hello_put(to, 3, before + 2 + extensions);
    hello_put(to, 2, shape->version);
    put_bytes(to, 0x5a, 32);
    hello_put(to, 1, shape->session_id);
    put_bytes(to, 0x1d, shape->session_id);
    hello_put(to, 2, shape->cipher_suites);
    put_bytes(to, 0x13, shape->cipher_suites);
    hello_put(to, 1, shape->compression_methods);
    put_bytes(to, 0, shape->compression_methods);
    hello_put(to, 2, extensions);
    for (int i = 0; i < shape->names; i++)
        put_name(to, shape->host, shape->host_length);
    hello_put(to, 2, 21); /* padding */
    hello_put(to, 2, shape->padding);
    put_bytes(to, 0, shape->padding);
}

void hello_make_named(struct hello *to, const char *host, size_t length, size_t padding)
{
    struct hello_shape shape = HELLO_SHAPE;

    shape.host = host;
    shape.host_length = length;
    shape.padding = padding;
    hello_make(to, &shape);
}

void hello_cut(const struct hello *from, size_t size, struct hello *into)
{
    into->length = 0;
    for (size_t at = 5; at < from->length; at += size) {
        size_t length = from->length - at < size ? from->length - at : size;
        __u8 *to = into->data + into->length;

        assert_true(into->length + 5 + length <= sizeof(into->data));
        memcpy(to, from->data, 3);
        to[3] = (__u8)(length >> 8);
        to[4] = (__u8)length;
        memcpy(to + 5, from->data + at, length);
        into->length += 5 + length;
    }
}

int hello_feed(struct tls_state *t, const struct hello *in, size_t from, size_t to, size_t piece)
{
    int result = t->step == TLS_INVALID ? TLS_BAD : TLS_MORE;

    while (from < to) {
        size_t length = to - from < piece ? to - from : piece;
        struct chunk chunk = {.at = 0, .length = (__u32)length};

        memset(chunk.bytes, 0xff, sizeof(chunk.bytes));
        memcpy(chunk.bytes, in->data + from, length);
        result = tls_feed(t, &chunk);
        if (result == TLS_MORE)
            assert_int_equal(chunk.at, length);
        from += length;
    }
    return result;
}

int hello_read(struct tls_state *t, const struct hello *in)
{
    memset(t, 0, sizeof(*t));
    return hello_feed(t, in, 0, in->length, CHUNK_SIZE);
}

void hello_assert_host(const struct tls_state *t, const char *host)
{
    assert_int_equal(t->host_length, strlen(host));
    assert_memory_equal(t->host, host, strlen(host) + 1);
}
