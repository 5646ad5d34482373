/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verbs, and those of them that are short: DEL, STATUS, VERSION. */
#include "cni-plugin/commands.h"

#include <errno.h>
#include <string.h>

#include "cni-plugin/announce.h"
#include "cni-plugin/code.h"
#include "cni-plugin/key.h"
#include "datapath/record.h"
#include "lib/log.h"

#define REMOVED_TIMEOUT_MS 100

/*
 * DEL always succeeds. It runs before the primary's DEL, which frees the address, and runtimes stop a chain at the
 * first failure and repeat it for ever: what we could not remove, policyd's sweep will.
 */
static int command_del(const struct invocation *invocation, const struct netconf *conf, json_t **output,
                       struct error *err)
{
    struct attachment_key key = key_of(invocation->container_id, invocation->ifname);
    struct attachment attachment;
    struct datapath datapath;

    (void)output;
    pins_init(&datapath);
    if (pins_open(&datapath, conf->bpffs, err) < 0) {
        if (err->code != ENOENT)
            log_warning("container=%s ifname=%s nothing is removed: %s", key.container_id, key.ifname, err->msg);
        return 0;
    }
    if (record_find(&datapath, &key, &attachment) == 0) {
        if (record_remove(&datapath, &key, err) < 0)
            log_warning("container=%s ifname=%s not wholly removed: %s", key.container_id, key.ifname, err->msg);
        announce_removed(conf->socket, attachment.slot, attachment.epoch, REMOVED_TIMEOUT_MS);
    }
    pins_close(&datapath);
    return 0;
}

/* Whether a pod could be added now. Looks at this host only and asks nobody: a runtime polls it without a timeout. */
static int command_status(const struct invocation *invocation, const struct netconf *conf, json_t **output,
                          struct error *err)
{
    struct datapath datapath;

    (void)invocation;
    (void)output;
    pins_init(&datapath);
    if (!conf->ignore_failures && pins_open(&datapath, conf->bpffs, err) < 0) {
        err->code = CNI_NOT_AVAILABLE;
        return -err->code;
    }
    pins_close(&datapath);
    return 0;
}

json_t *commands_version(const char *version)
{
    json_t *list = json_array();

    for (int i = 0; i < NETCONF_VERSIONS; i++)
        json_array_append_new(list, json_string(netconf_versions[i]));
    return json_pack("{s:s, s:o}", "cniVersion", version, "supportedVersions", list);
}

static const struct command table[] = {
    {
        .name = "ADD",
        .required = VARIABLE_CONTAINER_ID | VARIABLE_NETNS | VARIABLE_IFNAME | VARIABLE_PATH,
        .first = NETCONF_0_3_0,
        .run = commands_add,
    },
    {
        .name = "DEL",
        .required = VARIABLE_CONTAINER_ID | VARIABLE_IFNAME | VARIABLE_PATH,
        .first = NETCONF_0_3_0,
        .never_fails = true,
        .run = command_del,
    },
    {
        .name = "CHECK",
        .required = VARIABLE_CONTAINER_ID | VARIABLE_NETNS | VARIABLE_IFNAME | VARIABLE_PATH,
        .first = NETCONF_0_4_0,
        .run = commands_check,
    },
    {.name = "GC", .required = VARIABLE_PATH, .first = NETCONF_1_1_0, .run = commands_gc},
    {.name = "STATUS", .required = VARIABLE_PATH, .first = NETCONF_1_1_0, .run = command_status},
};

const struct command *commands_find(const char *name)
{
    for (unsigned i = 0; i < sizeof(table) / sizeof(*table); i++) {
        if (strcmp(name, table[i].name) == 0)
            return &table[i];
    }
    return NULL;
}
