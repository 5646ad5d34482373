/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of the protocol. All state is in the pinned maps (datapath/record.h), under the key (container id,
 * interface name): no verb needs what another has written to a file.
 */
#ifndef NSP_CNI_PLUGIN_COMMANDS_H
#define NSP_CNI_PLUGIN_COMMANDS_H

#include <stdbool.h>

#include "cni-plugin/invocation.h"
#include "cni-plugin/netconf.h"

struct command {
    const char *name;
    unsigned required;          /* bits of enum variable */
    enum netconf_version first; /* the oldest version of the protocol that has it */
    bool never_fails;           /* DEL: once stdin is decoded, what goes wrong is only logged */
    /* *output receives what to print, a new reference, where there is something. Error codes: enum cni_code. */
    int (*run)(const struct invocation *invocation, const struct netconf *conf, json_t **output, struct error *err);
};

/* NULL: there is no such command. VERSION is none: it needs no configuration. */
const struct command *commands_find(const char *name);

/* The answer to VERSION; `version` is what stdin said. NULL when out of memory. */
json_t *commands_version(const char *version);

/* add.c */
int commands_add(const struct invocation *invocation, const struct netconf *conf, json_t **output, struct error *err);
/* check.c */
int commands_check(const struct invocation *invocation, const struct netconf *conf, json_t **output, struct error *err);
/* gc.c */
int commands_gc(const struct invocation *invocation, const struct netconf *conf, json_t **output, struct error *err);

#endif
