/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages to test with: see message.h. */
#include "tests/unit/message.h"

#include <stdlib.h>
#include <string.h>

const __u32 *message_key(void)
{
    static __u32 key[NSP_TEXT_KEY_WORDS];

    for (__u32 i = 0; i < NSP_TEXT_KEY_WORDS; i++)
        key[i] = (i + 1) * 2654435761U ^ i << 7;
    return key;
}

void message_put(struct dns_message *m, unsigned size, unsigned long number)
{
    while (size-- > 0)
        m->bytes[m->length++] = (__u8)(number >> 8 * size);
}

void message_put_bytes(struct dns_message *m, const void *bytes, size_t size)
{
    if (size > 0)
        memcpy(m->bytes + m->length, bytes, size);
    m->length += (__u32)size;
}

void message_start(struct dns_message *m, unsigned flags, unsigned answers, unsigned authorities, unsigned extras)
{
    memset(m, 0xa5, sizeof(*m)); /* what an earlier message left */
    m->length = 0;
    message_put(m, 2, 0x1234);
    message_put(m, 2, flags);
    message_put(m, 2, 1);
    message_put(m, 2, answers);
    message_put(m, 2, authorities);
    message_put(m, 2, extras);
}

void message_put_name(struct dns_message *m, const char *name)
{
    while (*name && *name != '@') {
        size_t size = strcspn(name, ".");

        message_put(m, 1, size);
        message_put_bytes(m, name, size);
        name += size + (name[size] == '.');
    }
    if (*name)
        message_put(m, 2, 0xc000 | strtoul(name + 1, NULL, 10));
    else
        message_put(m, 1, 0);
}

void message_put_question(struct dns_message *m, const char *name, unsigned type)
{
    message_put_name(m, name);
    message_put(m, 2, type);
    message_put(m, 2, 1);
}

void message_put_record(struct dns_message *m, const struct record *record)
{
    __u32 size_at, end;

    message_put_name(m, record->owner);
    message_put(m, 2, record->type);
    message_put(m, 2, record->class ? record->class : 1);
    message_put(m, 4, record->ttl);
    size_at = m->length;
    message_put(m, 2, 0);
    if (record->name)
        message_put_name(m, record->name);
    else
        message_put_bytes(m, record->data, record->size);
    end = m->length;
    m->length = size_at;
    message_put(m, 2, end - size_at - 2);
    m->length = end;
}

const char *message_long_name(char text[NSP_NAME_SIZE + 64], size_t size, size_t label)
{
    size_t at = 0;

    while (size > 0) {
        size_t characters = size - 1 < label ? size - 1 : label;

        if (size - 1 - characters == 1) /* no room for another label's character */
            characters--;
        memset(text + at, 'a', characters);
        at += characters;
        size -= 1 + characters;
        text[at++] = '.';
    }
    text[at ? at - 1 : 0] = '\0';
    return text;
}
