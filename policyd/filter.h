/* SPDX-License-Identifier: Apache-2.0 */
/* Which events a reader wants, in the words of `hubble observe`. Pure. */
#ifndef NSP_POLICYD_FILTER_H
#define NSP_POLICYD_FILTER_H

#include <stdbool.h>

#include "lib/cidr.h"
#include "lib/error.h"
#include "policyd/history.h"

enum filter_number {
    FILTER_VERDICT,     /* enum verdict */
    FILTER_REASON,      /* enum reason */
    FILTER_TYPE,        /* enum filter_type */
    FILTER_DIRECTION,   /* enum direction */
    FILTER_PROTOCOL,    /* of IP */
    FILTER_APPLICATION, /* enum application */
    FILTER_PORT,        /* of either side */
    FILTER_NUMBERS,
};

enum filter_type {
    FILTER_TYPE_VERDICT, /* policy-verdict: violations */
    FILTER_TYPE_DROP,    /* those that were refused */
    FILTER_TYPE_L7,      /* what tells of an application: DNS, HTTP, TLS */
};

/* All zero wants everything. */
struct filter {
    char *texts[RECORD_TEXTS]; /* NULL: any. `*` stands for any text, but in namespace and pod */
    bool has[FILTER_NUMBERS];
    unsigned int numbers[FILTER_NUMBERS];
    bool has_addresses;
    struct cidr addresses; /* of either side */
    __s64 since_ns;
};

/*
 * One condition: namespace, pod ([NAMESPACE/]PREFIX), binary, profile ([NAMESPACE/]NAME), fqdn, http-method, http-path,
 * verdict, reason, type, traffic-direction, protocol, port, ip, since (seconds since 1970). ENOENT: there is no such
 * key. The message names the key and what was expected.
 */
int filter_set(struct filter *filter, const char *key, const char *value, struct error *err);
bool filter_matches(const struct filter *filter, const struct record *record);
void filter_free(struct filter *filter);

/* [NAMESPACE/]PREFIX */
bool filter_matches_pod(const char *wanted, const char *namespace_, const char *pod);

#define FILTER_KEYS                                                                                                    \
    "namespace, pod, binary, profile, fqdn, http-method, http-path, verdict, reason, type, traffic-direction, "        \
    "protocol, port, ip, since"

#endif
