/* SPDX-License-Identifier: Apache-2.0 */
/* The network configuration: see netconf.h. */
#include "cni-plugin/netconf.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "cni-plugin/code.h"
#include "datapath/pins.h"
#include "lib/cleanup.h"

#define DEFAULT_SOCKET "/run/nsp/cni.sock"
#define DEFAULT_EXEMPT_NAMESPACE "kube-system"
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

const char *const netconf_versions[NETCONF_VERSIONS] = {"0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"};

int netconf_version_find(const char *version)
{
    for (int i = 0; i < NETCONF_VERSIONS; i++) {
        if (strcmp(version, netconf_versions[i]) == 0)
            return i;
    }
    return -1;
}

int netconf_decode(const char *text, size_t length, struct netconf *conf, struct error *err)
{
    json_error_t failure;
    json_t *root;

    if (length > NETCONF_SIZE_MAX)
        return error_set(err, CNI_UNDECODABLE, "stdin: the configuration is larger than 1 MiB");
    root = json_loadb(text, length, 0, &failure);
    if (!root)
        return error_set(err, CNI_UNDECODABLE, "stdin is not JSON: line %d, column %d: %.160s", failure.line,
                         failure.column, failure.text);
    if (!json_is_object(root)) {
        json_decref(root);
        return error_set(err, CNI_UNDECODABLE, "stdin is not a JSON object");
    }
    *conf = (struct netconf){
        .root = root,
        .version = NETCONF_VERSIONS - 1,
        .name = "",
        .bpffs = PINS_DIRECTORY,
        .socket = DEFAULT_SOCKET,
    };
    return 0;
}

void netconf_free(struct netconf *conf)
{
    json_decref(conf->root);
    conf->root = NULL;
}

/* "key: VALUE is invalid; expected ..." with the value as JSON. */
static int refuse(struct error *err, const char *key, const json_t *value, const char *expected)
{
    cleanup_free char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

    return error_set(err, CNI_INVALID_CONFIG, "%s: %.80s is invalid; expected %s", key, text ? text : "?", expected);
}

static int check_name(struct netconf *conf, struct error *err)
{
    const json_t *value = json_object_get(conf->root, "name");
    const char *name = json_string_value(value);
    const size_t limit = sizeof(((struct attachment *)NULL)->network);

    if (!value)
        return error_set(err, CNI_INVALID_CONFIG, "name is missing; expected the network's name");
    if (!name || name[0] == '\0' || strchr("_.-", name[0]) || name[strspn(name, NAME_CHARACTERS)] != '\0' ||
        strlen(name) >= limit)
        return refuse(err, "name", value,
                      "at most 127 letters, digits, '_', '.' and '-', the first a letter or a digit");
    conf->name = name;
    return 0;
}

static int check_version(struct netconf *conf, struct error *err)
{
    const json_t *value = json_object_get(conf->root, "cniVersion");
    const char *version = value ? json_string_value(value) : "0.1.0"; /* what the absence means */

    if (!version)
        return refuse(err, "cniVersion", value, "a string");

    int index = netconf_version_find(version);

    if (index < 0)
        return error_set(err, CNI_INCOMPATIBLE_VERSION, "cniVersion: \"%.40s\"%s is not supported", version,
                         value ? "" : " (it is missing)");
    conf->version = index;
    return 0;
}

int netconf_check(struct netconf *conf, struct error *err)
{
    int rc = check_name(conf, err);

    return rc < 0 ? rc : check_version(conf, err);
}

static int take_path(const struct netconf *conf, const char *key, size_t limit, const char **path, struct error *err)
{
    const json_t *value = json_object_get(conf->root, key);
    const char *text = json_string_value(value);
    char expected[64];

    if (!value)
        return 0;
    if (!text || text[0] != '/' || strlen(text) > limit) {
        snprintf(expected, sizeof(expected), "an absolute path of at most %zu characters", limit);
        return refuse(err, key, value, expected);
    }
    *path = text;
    return 0;
}

/* Takes the index of the key's value in `words`, which ends with NULL. */
static int take_word(const struct netconf *conf, const char *key, const char *const *words, int *index,
                     struct error *err)
{
    const json_t *value = json_object_get(conf->root, key);
    const char *text = json_string_value(value);
    char expected[64] = "";

    if (!value)
        return 0;
    for (int i = 0; words[i]; i++) {
        size_t used = strlen(expected);

        if (text && strcmp(text, words[i]) == 0) {
            *index = i;
            return 0;
        }
        snprintf(expected + used, sizeof(expected) - used, "%s\"%s\"", i > 0 ? " or " : "", words[i]);
    }
    return refuse(err, key, value, expected);
}

static int take_exempt_namespaces(struct netconf *conf, struct error *err)
{
    const char *key = "exemptNamespaces";
    const json_t *value = json_object_get(conf->root, key);
    const json_t *item;
    size_t i;

    if (!value)
        return 0;
    if (!json_is_array(value))
        return refuse(err, key, value, "a list of namespaces");
    json_array_foreach (value, i, item) {
        if (!json_is_string(item))
            return refuse(err, key, item, "a list of strings");
    }
    conf->exempt_namespaces = value;
    return 0;
}

/* What the runtime adds to the entry. */
static int take_runtime(struct netconf *conf, struct error *err)
{
    /* libcni sends the list under both names; a client that collects nothing sends neither. */
    static const char *const lists[] = {"cni.dev/valid-attachments", "cni.dev/attachments"};
    const json_t *runtime = json_object_get(conf->root, "runtimeConfig");
    const json_t *path = json_object_get(runtime, "cgroupPath");

    if (runtime && !json_is_null(runtime) && !json_is_object(runtime))
        return error_set(err, CNI_UNDECODABLE, "runtimeConfig is not an object");
    if (path && !json_is_string(path))
        return error_set(err, CNI_UNDECODABLE, "runtimeConfig.cgroupPath is not a string");
    conf->cgroup_path = json_string_value(path);
    conf->previous = json_object_get(conf->root, "prevResult");
    if (json_is_null(conf->previous))
        conf->previous = NULL;
    for (int i = 0; i < 2 && !conf->has_valid_attachments; i++) {
        const json_t *list = json_object_get(conf->root, lists[i]);

        if (list && !json_is_null(list) && !json_is_array(list))
            return error_set(err, CNI_UNDECODABLE, "%s is not a list", lists[i]);
        conf->has_valid_attachments = list != NULL;
        conf->valid_attachments = json_is_null(list) ? NULL : list;
    }
    return 0;
}

int netconf_settings(struct netconf *conf, struct error *err)
{
    static const char *const policies[] = {"Fail", "Ignore", NULL};
    static const char *const non_veths[] = {"cgroup-only", "fail", "ignore", NULL};
    const size_t directory_limit = sizeof(((struct datapath *)NULL)->directory) - 32; /* room for names below it */
    const size_t socket_limit = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
    int policy = 0;
    int non_veth = NON_VETH_CGROUP_ONLY;
    int rc = take_path(conf, "bpffs", directory_limit, &conf->bpffs, err);

    if (rc == 0)
        rc = take_path(conf, "socket", socket_limit, &conf->socket, err);
    if (rc == 0)
        rc = take_word(conf, "failurePolicy", policies, &policy, err);
    if (rc == 0)
        rc = take_word(conf, "nonVeth", non_veths, &non_veth, err);
    if (rc == 0)
        rc = take_exempt_namespaces(conf, err);
    if (rc == 0)
        rc = take_runtime(conf, err);
    conf->ignore_failures = policy == 1;
    conf->non_veth = non_veth;
    return rc;
}

bool netconf_exempts(const struct netconf *conf, const char *pod_namespace)
{
    const json_t *item;
    size_t i;

    if (!conf->exempt_namespaces)
        return strcmp(pod_namespace, DEFAULT_EXEMPT_NAMESPACE) == 0;
    json_array_foreach (conf->exempt_namespaces, i, item) {
        if (pod_namespace[0] != '\0' && strcmp(json_string_value(item), pod_namespace) == 0)
            return true;
    }
    return false;
}
