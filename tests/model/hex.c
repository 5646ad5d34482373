/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/hex.h"

#include <stdlib.h>

static unsigned digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

size_t hex_read(const json_t *text, __u8 *bytes, size_t size)
{
    const char *from = json_string_value(text);
    size_t length = from ? json_string_length(text) / 2 : 0;

    if (length > size)
        return 0;
    for (size_t i = 0; i < length; i++)
        bytes[i] = (__u8)(digit(from[2 * i]) << 4 | digit(from[2 * i + 1]));
    return length;
}

json_t *hex_write(const __u8 *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * length + 1);
    json_t *written;

    if (!text)
        return NULL;
    for (size_t i = 0; i < length; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    written = json_stringn(text, 2 * length);
    free(text);
    return written;
}
