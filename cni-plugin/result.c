/* SPDX-License-Identifier: Apache-2.0 */
/* The previous result: see result.h. */
#include "cni-plugin/result.h"

#include <arpa/inet.h>
#include <string.h>

#include "cni-plugin/code.h"

void addresses_add(struct addresses *addresses, const __u8 address[16])
{
    for (unsigned i = 0; i < addresses->count; i++) {
        if (memcmp(addresses->list[i], address, 16) == 0)
            return;
    }
    if (addresses->count == NSP_ADDRESSES_MAX) {
        addresses->left_out++;
        return;
    }
    memcpy(addresses->list[addresses->count++], address, 16);
}

static int check_version(const struct netconf *conf, struct error *err)
{
    const json_t *value = json_object_get(conf->previous, "cniVersion");
    const char *text = json_string_value(value);

    if (!value) /* plugins before 1.0.0 may leave it out */
        return 0;

    int version = text ? netconf_version_find(text) : -1;

    if (version < 0 || (version >= NETCONF_1_0_0) != (conf->version >= NETCONF_1_0_0))
        return error_set(err, CNI_UNDECODABLE,
                         "prevResult.cniVersion: \"%.40s\" is not the format of cniVersion \"%s\"",
                         text ? text : "(not a string)", netconf_versions[conf->version]);
    return 0;
}

/* Checks that previous[key] is absent, null, or a list of objects. */
static int check_list(const struct netconf *conf, const char *key, struct error *err)
{
    const json_t *list = json_object_get(conf->previous, key);
    const json_t *item;
    size_t i;

    if (!list || json_is_null(list))
        return 0;
    if (!json_is_array(list))
        return error_set(err, CNI_UNDECODABLE, "prevResult.%s is not a list", key);
    json_array_foreach (list, i, item) {
        if (!json_is_object(item))
            return error_set(err, CNI_UNDECODABLE, "prevResult.%s[%zu] is not an object", key, i);
    }
    return 0;
}

static const __u8 mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static int parse_address(const char *text, __u8 address[16])
{
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : strlen(text);
    char alone[INET6_ADDRSTRLEN];

    if (length >= sizeof(alone))
        return -1;
    memcpy(alone, text, length);
    alone[length] = '\0';
    if (inet_pton(AF_INET6, alone, address) == 1)
        return 0;
    if (inet_pton(AF_INET, alone, address + 12) != 1)
        return -1;
    memcpy(address, mapped, sizeof(mapped));
    return 0;
}

/* A plugin without a gateway leaves it out; some write null or nothing. */
static const char *gateway_text(const json_t *ip)
{
    const json_t *gateway = json_object_get(ip, "gateway");

    if (json_is_null(gateway) || (json_is_string(gateway) && json_string_length(gateway) == 0))
        return NULL;
    return gateway && !json_is_string(gateway) ? "(not a string)" : json_string_value(gateway);
}

static int check_addresses(const struct netconf *conf, struct error *err)
{
    const json_t *item;
    size_t i;

    json_array_foreach (json_object_get(conf->previous, "ips"), i, item) {
        const char *text = json_string_value(json_object_get(item, "address"));
        const json_t *interface = json_object_get(item, "interface");
        const char *gateway = gateway_text(item);
        __u8 address[16];

        if (!text || parse_address(text, address) < 0)
            return error_set(err, CNI_UNDECODABLE,
                             "prevResult.ips[%zu].address: \"%.80s\" is invalid; expected an address with its prefix "
                             "length, such as 10.1.2.3/24",
                             i, text ? text : "(not a string)");
        if (interface && !json_is_null(interface) && !json_is_integer(interface))
            return error_set(err, CNI_UNDECODABLE, "prevResult.ips[%zu].interface is not an integer", i);
        if (gateway && (strchr(gateway, '/') || parse_address(gateway, address) < 0))
            return error_set(err, CNI_UNDECODABLE,
                             "prevResult.ips[%zu].gateway: \"%.80s\" is not an address, such as 10.1.2.1", i, gateway);
    }
    return 0;
}

int result_check(const struct netconf *conf, struct error *err)
{
    if (!conf->previous)
        return error_set(err, CNI_INVALID_CONFIG,
                         "prevResult is missing: nsp must be called as a chained plugin, after the one that makes the "
                         "pod's interface");
    if (!json_is_object(conf->previous))
        return error_set(err, CNI_UNDECODABLE, "prevResult is not an object");

    int rc = check_version(conf, err);

    if (rc == 0)
        rc = check_list(conf, "interfaces", err);
    if (rc == 0)
        rc = check_list(conf, "ips", err);
    if (rc == 0)
        rc = check_list(conf, "routes", err);
    return rc < 0 ? rc : check_addresses(conf, err);
}

json_t *result_pass(const struct netconf *conf)
{
    json_t *result = json_deep_copy(conf->previous);

    if (result && json_object_set_new(result, "cniVersion", json_string(netconf_versions[conf->version])) < 0) {
        json_decref(result);
        return NULL;
    }
    return result;
}

/* An address without an interface is the pod's: there is no other it could be for. */
static bool is_of_pod(const struct netconf *conf, const json_t *ip, const char *ifname)
{
    const json_t *index = json_object_get(ip, "interface");

    if (!json_is_integer(index))
        return true;
    if (json_integer_value(index) < 0)
        return false;

    const json_t *interfaces = json_object_get(conf->previous, "interfaces");
    const json_t *interface = json_array_get(interfaces, (size_t)json_integer_value(index));
    const char *name = json_string_value(json_object_get(interface, "name"));
    const char *sandbox = json_string_value(json_object_get(interface, "sandbox"));

    return name && strcmp(name, ifname) == 0 && sandbox && sandbox[0] != '\0';
}

void result_addresses(const struct netconf *conf, const char *ifname, struct addresses *addresses)
{
    const json_t *ip;
    size_t i;

    json_array_foreach (json_object_get(conf->previous, "ips"), i, ip) {
        const char *text = json_string_value(json_object_get(ip, "address"));
        __u8 address[16];

        if (text && is_of_pod(conf, ip, ifname) && parse_address(text, address) == 0)
            addresses_add(addresses, address);
    }
}

void result_gateways(const struct netconf *conf, const char *ifname, __u8 gateways[2][16])
{
    static const __u8 none[16];
    const json_t *ip;
    size_t i;

    memset(gateways, 0, 2 * sizeof(none));
    json_array_foreach (json_object_get(conf->previous, "ips"), i, ip) {
        const char *text = gateway_text(ip);
        __u8 address[16], *gateway;

        if (!text || !is_of_pod(conf, ip, ifname) || parse_address(text, address) < 0)
            continue;
        gateway = gateways[memcmp(address, mapped, sizeof(mapped)) == 0 ? 0 : 1];
        if (memcmp(gateway, none, sizeof(none)) == 0)
            memcpy(gateway, address, sizeof(none));
    }
}
