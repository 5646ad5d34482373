/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody asked for, as text: DNS names from their wire form, the first line of HTTP requests. The bytes are an
 * attacker's: whatever is not printable ASCII becomes an escape, so that a text is one word on one line and has one
 * reading. Pure.
 */
#ifndef NSP_POLICYD_ASKED_TEXT_H
#define NSP_POLICYD_ASKED_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "datapath/abi.h"

#define ASKED_ESCAPE_MAX 4 /* characters that one byte may become */
#define ASKED_TEXT_SIZE (ASKED_ESCAPE_MAX * NSP_EVENT_TEXT_MAX + 2)
#define ASKED_METHOD_SIZE (ASKED_ESCAPE_MAX * NSP_METHOD_MAX + 1)
#define ASKED_NAME_SIZE (ASKED_ESCAPE_MAX * NSP_NAME_SIZE + 2)

struct asked_text {
    bool has_text;
    bool is_cut;                    /* there was more than the kernel could tell, or more than parses */
    char method[ASKED_METHOD_SIZE]; /* HTTP */
    char text[ASKED_TEXT_SIZE];     /* a name without its final dot ("." is the root), or a request target */
};

/* event: a record of `size` bytes from the ring. */
void asked_text_read(const struct event *event, size_t size, struct asked_text *asked);

/*
 * A name as on the wire, without the root's zero; `.`, `\` and blanks inside a label are escaped too (\. \\ \032, RFC
 * 1035 5.1). text: at least ASKED_ESCAPE_MAX * length + 2 bytes. False: it does not parse; its beginning is in text.
 */
bool asked_text_name(const char *wire, size_t length, char *text);

#endif
