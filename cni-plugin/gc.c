/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GC: removes attachments that the runtime does not know any more. A wrong list must not take the programs off a
 * living pod, so only what is dead as well is removed; the rest is reported.
 */
#include "cni-plugin/commands.h"

#include <errno.h>
#include <string.h>

#include "cni-plugin/announce.h"
#include "cni-plugin/code.h"
#include "datapath/record.h"
#include "lib/log.h"

#define REMOVED_TIMEOUT_MS 100

struct collection {
    const struct datapath *datapath;
    const struct netconf *conf;
    bool unheard; /* a hung policyd must not cost its timeout for each attachment */
    int failures;
    struct error first;
};

static int check_list(const struct netconf *conf, struct error *err)
{
    const json_t *item;
    size_t i;

    json_array_foreach (conf->valid_attachments, i, item) {
        if (!json_is_string(json_object_get(item, "containerID")) || !json_is_string(json_object_get(item, "ifname")))
            return error_set(err, CNI_UNDECODABLE,
                             "cni.dev/valid-attachments[%zu]: expected an object with containerID and ifname", i);
    }
    return 0;
}

static bool is_valid(const struct netconf *conf, const struct attachment_key *key)
{
    const json_t *item;
    size_t i;

    json_array_foreach (conf->valid_attachments, i, item) {
        if (strcmp(json_string_value(json_object_get(item, "containerID")), key->container_id) == 0 &&
            strcmp(json_string_value(json_object_get(item, "ifname")), key->ifname) == 0)
            return true;
    }
    return false;
}

static int collect(const struct attachment_key *key, const struct attachment *attachment, void *context)
{
    struct collection *collection = context;
    struct error err;
    int rc = 0;

    if (strcmp(attachment->network, collection->conf->name) != 0 || is_valid(collection->conf, key))
        return 0;
    if (record_is_dead(collection->datapath, attachment))
        rc = record_remove_dead(collection->datapath, key, attachment, &err);
    if (rc == 0) {
        log_warning("container=%s ifname=%s is not in the runtime's list but alive: kept", key->container_id,
                    key->ifname);
        return 0;
    }
    if (rc < 0 && collection->failures++ == 0)
        collection->first = err;
    if (!collection->unheard)
        collection->unheard =
            announce_removed(collection->conf->socket, attachment->slot, attachment->epoch, REMOVED_TIMEOUT_MS) < 0;
    return 0;
}

int commands_gc(const struct invocation *invocation, const struct netconf *conf, json_t **output, struct error *err)
{
    struct collection collection = {.conf = conf};
    struct datapath datapath;
    int rc = check_list(conf, err);

    (void)invocation;
    (void)output;
    if (rc < 0 || !conf->has_valid_attachments)
        return rc;
    pins_init(&datapath);
    if (pins_open(&datapath, conf->bpffs, err) < 0) {
        rc = err->code == ENOENT ? 0 : -CNI_NO_DATAPATH;
        err->code = CNI_NO_DATAPATH;
        return rc;
    }
    collection.datapath = &datapath;
    record_each(&datapath, collect, &collection);
    pins_close(&datapath);
    if (collection.failures)
        return error_set(err, CNI_NO_DATAPATH, "%d attachments were not wholly removed; the first: %.160s",
                         collection.failures, collection.first.msg);
    return 0;
}
