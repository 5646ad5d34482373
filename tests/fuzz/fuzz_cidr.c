/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as an IPv4 and as an IPv6 prefix: what is taken is what a plain reading of the text says, has one spelling,
 * and contains exactly the addresses that agree with it in every bit.
 */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cidr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT(readability-identifier-naming): libFuzzer's */

static void claim(bool is_true)
{
    if (!is_true)
        abort();
}

/* Decimal, 0..most, without a sign or a leading zero. Moves *text behind it. */
static bool read_number(const char **text, unsigned long most, unsigned long *value)
{
    size_t digits = strspn(*text, "0123456789");

    if (digits == 0 || digits > 3 || (digits > 1 && **text == '0'))
        return false;
    *value = strtoul(*text, NULL, 10);
    *text += digits;
    return *value <= most;
}

/* a.b.c.d/n */
static bool read_plainly(const char *text, uint8_t address[4], unsigned long *length)
{
    for (int i = 0; i < 4; i++) {
        unsigned long byte;

        if (!read_number(&text, 255, &byte) || *text++ != (i < 3 ? '.' : '/'))
            return false;
        address[i] = (uint8_t)byte;
    }
    return read_number(&text, 32, length) && *text == '\0';
}

static bool bit(const unsigned char *address, int index)
{
    return address[index / 8] >> (7 - index % 8) & 1;
}

static void claim_contains_what_agrees(const struct cidr *cidr)
{
    unsigned char address[16];

    for (int i = 0; i < 128; i++) {
        memcpy(address, cidr->address, sizeof(address));
        claim(i < cidr->length || !bit(address, i)); /* no host bits */
        address[i / 8] ^= (unsigned char)(0x80 >> i % 8);

        /* An IPv6 prefix does not speak for IPv4 addresses, however short it is. */
        bool is_mapped = memcmp(address, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;

        claim(cidr_contains(cidr, address) == (i >= cidr->length && cidr->is_ipv4 == is_mapped));
    }
}

static void claim_one_spelling(const struct cidr *cidr)
{
    char text[CIDR_TEXT_SIZE], again[CIDR_TEXT_SIZE];
    bool had_host_bits = true;
    struct cidr other;

    cidr_format(cidr, text);
    claim(strlen(text) < CIDR_TEXT_SIZE);
    claim(cidr_parse(text, cidr->is_ipv4, &other, &had_host_bits, NULL) == 0);
    claim(!had_host_bits && other.is_ipv4 == cidr->is_ipv4 && other.length == cidr->length);
    claim(memcmp(other.address, cidr->address, sizeof(other.address)) == 0);
    cidr_format(&other, again);
    claim(strcmp(text, again) == 0);
}

static void claim_as_written(const char *text, const struct cidr *cidr, bool had_host_bits)
{
    char address[INET6_ADDRSTRLEN] = "";
    unsigned char written[16];
    bool differs = false;

    strncat(address, text, strcspn(text, "/"));
    claim(inet_pton(AF_INET6, address, written) == 1);
    for (int i = 0; i < 128; i++) {
        claim(i >= cidr->length || bit(written, i) == bit(cidr->address, i));
        differs |= i >= cidr->length && bit(written, i);
    }
    claim(differs == had_host_bits);
    claim(strtol(strchr(text, '/') + 1, NULL, 10) == cidr->length);
}

static void try_ipv4(const char *text)
{
    struct cidr cidr;
    struct error err = {0};
    unsigned long length = 0;
    uint8_t address[4];
    bool had_host_bits, is_good = read_plainly(text, address, &length);
    int rc = cidr_parse(text, true, &cidr, &had_host_bits, &err);

    claim((rc == 0) == is_good && (rc == 0 || err.msg[0] != '\0'));
    if (rc < 0)
        return;

    uint32_t number = (uint32_t)address[0] << 24 | address[1] << 16 | address[2] << 8 | address[3];
    uint32_t kept = length ? number >> (32 - length) << (32 - length) : 0, given;

    memcpy(&given, cidr.address + 12, 4);
    claim(ntohl(given) == kept && had_host_bits == (kept != number));
    claim(cidr.is_ipv4 && cidr.length == length + 96);
    claim_contains_what_agrees(&cidr);
    claim_one_spelling(&cidr);
}

static void try_ipv6(const char *text)
{
    struct cidr cidr;
    struct error err = {0};
    bool had_host_bits;

    if (cidr_parse(text, false, &cidr, &had_host_bits, &err) < 0) {
        claim(err.msg[0] != '\0');
        return;
    }
    claim(!cidr.is_ipv4);
    claim_as_written(text, &cidr, had_host_bits);
    claim_contains_what_agrees(&cidr);
    claim_one_spelling(&cidr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);

    claim(text != NULL);
    try_ipv4(text);
    try_ipv6(text);
    free(text);
    return 0;
}
