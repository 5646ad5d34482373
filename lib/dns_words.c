/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of DNS words: see dns_words.h. */
#include "lib/dns_words.h"

#include <stddef.h>
#include <stdio.h>

static const char *const types[] = {
    [1] = "A",       [2] = "NS",     [5] = "CNAME",  [6] = "SOA",    [12] = "PTR",   [13] = "HINFO",
    [15] = "MX",     [16] = "TXT",   [28] = "AAAA",  [29] = "LOC",   [33] = "SRV",   [35] = "NAPTR",
    [39] = "DNAME",  [41] = "OPT",   [43] = "DS",    [44] = "SSHFP", [46] = "RRSIG", [47] = "NSEC",
    [48] = "DNSKEY", [52] = "TLSA",  [64] = "SVCB",  [65] = "HTTPS", [99] = "SPF",   [249] = "TKEY",
    [250] = "TSIG",  [251] = "IXFR", [252] = "AXFR", [255] = "ANY",  [256] = "URI",  [257] = "CAA",
};

static const char *const rcodes[] = {"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
                                     "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};

const char *dns_words_type(unsigned int type, char text[DNS_WORD_SIZE])
{
    if (type < sizeof(types) / sizeof(types[0]) && types[type])
        return types[type];
    snprintf(text, DNS_WORD_SIZE, "TYPE%u", type & 0xffff);
    return text;
}

const char *dns_words_rcode(unsigned int rcode, char text[DNS_WORD_SIZE])
{
    if (rcode < sizeof(rcodes) / sizeof(rcodes[0]))
        return rcodes[rcode];
    snprintf(text, DNS_WORD_SIZE, "RCODE%u", rcode & 0xff);
    return text;
}
