/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages to test with, made to measure, right or wrong. */
#ifndef NSP_TESTS_UNIT_MESSAGE_H
#define NSP_TESTS_UNIT_MESSAGE_H

#include <stddef.h>

#include "datapath/name.h"

#define MESSAGE_QUERY 0x0100  /* recursion desired */
#define MESSAGE_ANSWER 0x8180 /* and available */

/* A random-looking control.text_key. */
const __u32 *message_key(void);

/* A header with one question, and counts of the other sections. */
void message_start(struct dns_message *m, unsigned flags, unsigned answers, unsigned authorities, unsigned extras);
/* Appends a big-endian number of `size` bytes. */
void message_put(struct dns_message *m, unsigned size, unsigned long number);
void message_put_bytes(struct dns_message *m, const void *bytes, size_t size);
/* Labels between dots, and the root; or, as in "www.@12", a pointer at the end. "" is the root. */
void message_put_name(struct dns_message *m, const char *name);
void message_put_question(struct dns_message *m, const char *name, unsigned type);

struct record {
    const char *owner;
    unsigned type;
    unsigned long ttl;
    const char *name; /* the data: a name; */
    const void *data; /* without a name: bytes */
    unsigned size;
    unsigned class; /* 0: IN */
};

void message_put_record(struct dns_message *m, const struct record *record);

/* A name of `size` bytes on the wire, without the root's zero, in labels of at most `label` characters. */
const char *message_long_name(char text[NSP_NAME_SIZE + 64], size_t size, size_t label);

#endif
