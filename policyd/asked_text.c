/* SPDX-License-Identifier: Apache-2.0 */
/* Names and requests as text: see asked_text.h. */
#include "policyd/asked_text.h"

#include <stdio.h>
#include <string.h>

static bool is_plain(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '\\';
}

/* \DDD is how DNS writes a byte, \xNN how C does. Returns the new end. */
static char *put_byte(char *end, unsigned char c, bool is_name)
{
    if (is_plain(c) && !(is_name && c == '.')) {
        *end = (char)c;
        return end + 1;
    }
    if (c == '\\' || c == '.')
        return end + sprintf(end, "\\%c", c);
    return end + sprintf(end, is_name ? "\\%03u" : "\\x%02x", (unsigned int)c);
}

bool asked_text_name(const char *wire, size_t length, char *text)
{
    char *end = text;
    size_t at = 0, label = 1, last;

    while (at < length && label) {
        label = (unsigned char)wire[at++];
        last = at + label < length ? at + label : length;
        if (label > 63)
            break;
        if (end != text && label)
            *end++ = '.';
        for (size_t i = at; i < last; i++)
            end = put_byte(end, (unsigned char)wire[i], true);
        at += label;
    }
    if (end == text)
        *end++ = '.';
    *end = '\0';
    return at == length && label <= 63;
}

static void put_bytes(const char *bytes, size_t length, char *text)
{
    for (size_t i = 0; i < length; i++)
        text = put_byte(text, (unsigned char)bytes[i], false);
    *text = '\0';
}

/* "METHOD target" */
static void read_request(const char *text, size_t length, struct asked_text *asked)
{
    const char *blank = memchr(text, ' ', length);
    size_t method = blank ? (size_t)(blank - text) : length, target = blank ? method + 1 : length;

    if (method > NSP_METHOD_MAX) {
        method = NSP_METHOD_MAX;
        asked->is_cut = true;
    }
    put_bytes(text, method, asked->method);
    put_bytes(text + target, length - target, asked->text);
}

void asked_text_read(const struct event *event, size_t size, struct asked_text *asked)
{
    const char *text = ((const struct long_event *)event)->text;
    size_t length = event->text_length;

    *asked = (struct asked_text){.is_cut = event->flags & EVENT_TEXT_CUT};
    if (!(event->flags & EVENT_LONG) || size < sizeof(struct long_event))
        return;
    if (length > NSP_EVENT_TEXT_MAX) {
        length = NSP_EVENT_TEXT_MAX;
        asked->is_cut = true;
    }
    /* The root can be asked for, which is an empty name of some type; a server name cannot be empty. */
    asked->has_text = length > 0 || (event->application == APPLICATION_DNS && event->query_type);
    if (!asked->has_text)
        return;
    if (event->application == APPLICATION_DNS || event->application == APPLICATION_HTTPS)
        asked->is_cut |= !asked_text_name(text, length, asked->text);
    else
        read_request(text, length, asked);
}
