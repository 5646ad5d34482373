/* SPDX-License-Identifier: Apache-2.0 */
/* IP prefixes: 16 bytes, network order, IPv4 as ::ffff:a.b.c.d with 96 added to the prefix length. */
#ifndef NSP_LIB_CIDR_H
#define NSP_LIB_CIDR_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"

struct cidr {
    unsigned char address[16];
    unsigned char length; /* 0..128; IPv4 /24 is 120 */
    bool is_ipv4;
};

#define CIDR_TEXT_SIZE 64

/*
 * Parses "10.0.0.0/8" (is_ipv4) or "fd00::/8". The length is required. Host bits are masked and *had_host_bits, if
 * given, says so. The error quotes the text and says what was expected.
 */
int cidr_parse(const char *text, bool is_ipv4, struct cidr *cidr, bool *had_host_bits, struct error *err);

/* Writes the usual text form; an IPv4-mapped address as IPv4. */
void cidr_format(const struct cidr *cidr, char text[CIDR_TEXT_SIZE]);
/* The address alone. */
void cidr_format_address(const unsigned char address[16], char text[CIDR_TEXT_SIZE]);

bool cidr_contains(const struct cidr *cidr, const unsigned char address[16]);

#endif
