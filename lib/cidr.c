/* SPDX-License-Identifier: Apache-2.0 */
/* IP prefixes: see cidr.h. IPv6 prefixes never speak for IPv4 addresses, although these live in ::ffff:0:0/96. */
#include "lib/cidr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const unsigned char v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool is_mapped(const unsigned char address[16])
{
    return memcmp(address, v4_prefix, sizeof(v4_prefix)) == 0;
}

/* Decimal, no sign, no leading zero; -1 when it is anything else or above max. */
static int parse_length(const char *text, int max)
{
    int value = 0;

    if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
        return -1;
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9')
            return -1;
        value = value * 10 + (*c - '0');
        if (value > max)
            return -1;
    }
    return value;
}

/* Clears the bits beyond the prefix; says whether there were any. */
static bool mask_host_bits(struct cidr *cidr)
{
    bool had = false;

    for (int i = 0; i < 16; i++) {
        int kept = cidr->length - i * 8;
        unsigned char mask = kept >= 8 ? 0xff : kept <= 0 ? 0 : (unsigned char)(0xff << (8 - kept));

        had |= (cidr->address[i] & ~mask) != 0;
        cidr->address[i] &= mask;
    }
    return had;
}

static int parse_address(const char *text, bool is_ipv4, unsigned char address[16])
{
    if (!is_ipv4)
        return inet_pton(AF_INET6, text, address) == 1 ? 0 : -EINVAL;
    memcpy(address, v4_prefix, sizeof(v4_prefix));
    return inet_pton(AF_INET, text, address + 12) == 1 ? 0 : -EINVAL;
}

int cidr_parse(const char *text, bool is_ipv4, struct cidr *cidr, bool *had_host_bits, struct error *err)
{
    const char *family = is_ipv4 ? "IPv4" : "IPv6", *example = is_ipv4 ? "10.0.0.0/8" : "fd00::/8";
    const char *slash = strchr(text, '/');
    int bits = is_ipv4 ? 32 : 128;
    struct cidr parsed = {.is_ipv4 = is_ipv4};
    char address[INET6_ADDRSTRLEN];

    if (!slash)
        return error_set(err, EINVAL, "\"%.80s\" has no prefix length; for one address add /%d", text, bits);
    if ((size_t)(slash - text) >= sizeof(address))
        return error_set(err, EINVAL, "\"%.80s\" is not an %s prefix such as %s", text, family, example);
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';

    if (parse_address(address, is_ipv4, parsed.address) < 0) {
        unsigned char other[16];

        if (parse_address(address, !is_ipv4, other) == 0)
            return error_set(err, EINVAL, "\"%.80s\" is not %s; write it under cidr%d", text, family, is_ipv4 ? 6 : 4);
        return error_set(err, EINVAL, "\"%.80s\" is not an %s prefix such as %s", text, family, example);
    }

    int length = parse_length(slash + 1, bits);

    if (length < 0)
        return error_set(err, EINVAL, "\"%.80s\" has no prefix length from 0 to %d, such as %s", text, bits, example);
    parsed.length = (unsigned char)(length + 128 - bits);
    if (!is_ipv4 && length >= 96 && is_mapped(parsed.address))
        return error_set(err, EINVAL, "\"%.80s\" is an IPv4 prefix in IPv6's clothes; write it under cidr4", text);

    bool had = mask_host_bits(&parsed);

    if (had_host_bits)
        *had_host_bits = had;
    *cidr = parsed;
    return 0;
}

void cidr_format_address(const unsigned char address[16], char text[CIDR_TEXT_SIZE])
{
    if (is_mapped(address))
        inet_ntop(AF_INET, address + 12, text, CIDR_TEXT_SIZE);
    else
        inet_ntop(AF_INET6, address, text, CIDR_TEXT_SIZE);
}

void cidr_format(const struct cidr *cidr, char text[CIDR_TEXT_SIZE])
{
    bool is_ipv4 = cidr->is_ipv4 || (cidr->length >= 96 && is_mapped(cidr->address));

    if (is_ipv4)
        inet_ntop(AF_INET, cidr->address + 12, text, CIDR_TEXT_SIZE);
    else
        inet_ntop(AF_INET6, cidr->address, text, CIDR_TEXT_SIZE);

    size_t used = strlen(text);

    snprintf(text + used, CIDR_TEXT_SIZE - used, "/%d", is_ipv4 ? cidr->length - 96 : cidr->length);
}

bool cidr_contains(const struct cidr *cidr, const unsigned char address[16])
{
    int whole = cidr->length / 8, rest = cidr->length % 8;

    if (cidr->is_ipv4 != is_mapped(address) || memcmp(cidr->address, address, (size_t)whole) != 0)
        return false;
    return rest == 0 || ((cidr->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}
