/* SPDX-License-Identifier: Apache-2.0 */
/* The CNI_* environment: see invocation.h. */
#include "cni-plugin/invocation.h"

#include <stdio.h>
#include <string.h>

#include "cni-plugin/code.h"
#include "datapath/abi.h"

#define ALPHANUMERIC "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static int check_missing(const struct invocation *invocation, unsigned required, struct error *err)
{
    const struct {
        enum variable variable;
        const char *name;
        const char *value;
    } variables[] = {
        {VARIABLE_CONTAINER_ID, "CNI_CONTAINERID", invocation->container_id},
        {VARIABLE_NETNS, "CNI_NETNS", invocation->netns},
        {VARIABLE_IFNAME, "CNI_IFNAME", invocation->ifname},
        {VARIABLE_PATH, "CNI_PATH", invocation->path},
    };
    char missing[64] = "";

    for (unsigned i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
        size_t used = strlen(missing);

        if (required & variables[i].variable && variables[i].value[0] == '\0')
            snprintf(missing + used, sizeof(missing) - used, "%s%s", used ? "," : "", variables[i].name);
    }
    if (missing[0] != '\0')
        return error_set(err, CNI_BAD_ENVIRONMENT, "required env variables [%s] missing", missing);
    return 0;
}

static int check_container_id(const char *id, struct error *err)
{
    const size_t limit = sizeof(((struct attachment_key *)NULL)->container_id);

    if (strlen(id) >= limit)
        return error_set(err, CNI_BAD_ENVIRONMENT, "CNI_CONTAINERID is %zu characters long; at most %zu are possible",
                         strlen(id), limit - 1);
    if (!strchr(ALPHANUMERIC, id[0]) || id[strspn(id, ALPHANUMERIC "_.-")] != '\0')
        return error_set(err, CNI_BAD_ENVIRONMENT,
                         "CNI_CONTAINERID: \"%.80s\" is invalid; it must start with a letter or digit and have only "
                         "those, '_', '.' and '-'",
                         id);
    return 0;
}

static int check_ifname(const char *ifname, struct error *err)
{
    const size_t limit = sizeof(((struct attachment_key *)NULL)->ifname);

    if (strlen(ifname) >= limit || strcmp(ifname, ".") == 0 || strcmp(ifname, "..") == 0 ||
        ifname[strcspn(ifname, "/: \t\n\v\f\r")] != '\0')
        return error_set(err, CNI_BAD_ENVIRONMENT,
                         "CNI_IFNAME: \"%.80s\" is invalid; an interface name has 1 to %zu characters without '/', ':' "
                         "and spaces",
                         ifname, limit - 1);
    return 0;
}

int invocation_check(const struct invocation *invocation, unsigned required, struct error *err)
{
    const size_t netns_limit = sizeof(((struct attachment *)NULL)->netns);
    int rc = check_missing(invocation, required, err);

    if (rc == 0 && required & VARIABLE_CONTAINER_ID)
        rc = check_container_id(invocation->container_id, err);
    if (rc == 0 && required & VARIABLE_IFNAME)
        rc = check_ifname(invocation->ifname, err);
    if (rc == 0 && required & VARIABLE_NETNS && strlen(invocation->netns) >= netns_limit)
        rc = error_set(err, CNI_BAD_ENVIRONMENT, "CNI_NETNS is %zu characters long; at most %zu are possible",
                       strlen(invocation->netns), netns_limit - 1);
    return rc;
}

/* One key we read: where its value goes, and of what it may consist. */
struct wanted {
    const char *key;
    const char *characters;
    char *value;
    size_t size;
};

static int take_value(const struct wanted *wanted, const char *text, size_t length, struct error *err)
{
    if (length >= wanted->size)
        return error_set(err, CNI_BAD_ENVIRONMENT, "CNI_ARGS: %s is %zu characters long; at most %zu are possible",
                         wanted->key, length, wanted->size - 1);
    memcpy(wanted->value, text, length);
    wanted->value[length] = '\0';
    if (wanted->value[strspn(wanted->value, wanted->characters)] != '\0' || wanted->value[0] == '.')
        return error_set(
            err, CNI_BAD_ENVIRONMENT, "CNI_ARGS: %s=\"%.80s\" is invalid; expected only %s", wanted->key, wanted->value,
            strchr(wanted->characters, '.') ? "letters, digits, '-', '_' and '.'" : "letters, digits and '-'");
    return 0;
}

int invocation_pod(const char *args, struct pod_name *pod, struct error *err)
{
    struct pod_name found = {0};
    const struct wanted wanted[] = {
        {"K8S_POD_NAMESPACE", ALPHANUMERIC "-_.", found.namespace_, sizeof(found.namespace_)},
        {"K8S_POD_NAME", ALPHANUMERIC "-_.", found.name, sizeof(found.name)},
        {"K8S_POD_UID", ALPHANUMERIC "-", found.uid, sizeof(found.uid)},
    };

    for (const char *pair = args; *pair; pair += strspn(pair, ";")) {
        size_t length = strcspn(pair, ";");
        size_t key_length = strcspn(pair, "=;");

        for (unsigned i = 0; i < sizeof(wanted) / sizeof(*wanted) && key_length < length; i++) {
            if (strlen(wanted[i].key) != key_length || strncmp(pair, wanted[i].key, key_length) != 0)
                continue;

            int rc = take_value(&wanted[i], pair + key_length + 1, length - key_length - 1, err);

            if (rc < 0)
                return rc;
        }
        pair += length;
    }
    *pod = found;
    return 0;
}
