/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The result of the plugin before us, which is also ours: checked as far as it is read, handed on as the JSON it was,
 * with keys nobody here knows and in its order.
 */
#ifndef NSP_CNI_PLUGIN_RESULT_H
#define NSP_CNI_PLUGIN_RESULT_H

#include <jansson.h>

#include "cni-plugin/netconf.h"
#include "datapath/abi.h"

/* The addresses of a pod's interface, without duplicates; those that do not fit are counted only. */
struct addresses {
    __u8 list[NSP_ADDRESSES_MAX][16];
    unsigned count;
    unsigned left_out;
};

/* Adds an address: 16 bytes, IPv4 as ::ffff:a.b.c.d. */
void addresses_add(struct addresses *addresses, const __u8 address[16]);

/*
 * Checks the configuration's prevResult: that it is there (CNI_INVALID_CONFIG), of the configuration's family of
 * versions and of the right types (CNI_UNDECODABLE).
 */
int result_check(const struct netconf *conf, struct error *err);

/* What ADD prints: the checked prevResult with cniVersion set. A new reference, NULL when out of memory. */
json_t *result_pass(const struct netconf *conf);

/* Adds the addresses that the checked prevResult gives the pod's interface. */
void result_addresses(const struct netconf *conf, const char *ifname, struct addresses *addresses);

/*
 * Of each family, IPv4 and IPv6, the first gateway that it gives for the pod's interface, IPv4 as ::ffff:a.b.c.d; all
 * zero where there is none.
 */
void result_gateways(const struct netconf *conf, const char *ifname, __u8 gateways[2][16]);

#endif
