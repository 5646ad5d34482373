/* SPDX-License-Identifier: Apache-2.0 */
/* RULES.l4: protocols by the names that /etc/protocols has for them, which is not read: images often lack it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policyd/objects_rules.h"

struct protocol {
    const char *name;
    __u8 number;
    bool has_ports;
};

static const struct protocol protocols[] = {
    {"icmp", 1, false},     {"igmp", 2, false},       {"ipip", 4, false},     {"ipencap", 4, false},
    {"tcp", 6, true},       {"egp", 8, false},        {"igp", 9, false},      {"udp", 17, true},
    {"dccp", 33, true},     {"ipv6", 41, false},      {"rsvp", 46, false},    {"gre", 47, false},
    {"esp", 50, false},     {"ipsec-esp", 50, false}, {"ah", 51, false},      {"ipsec-ah", 51, false},
    {"icmpv6", 58, false},  {"ipv6-icmp", 58, false}, {"eigrp", 88, false},   {"ospf", 89, false},
    {"ospfigp", 89, false}, {"pim", 103, false},      {"ipcomp", 108, false}, {"vrrp", 112, false},
    {"l2tp", 115, false},   {"sctp", 132, true},      {"udplite", 136, true}, {"mpls-in-ip", 137, false},
};

static const struct protocol *find_name(const char *name)
{
    for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
        if (strcasecmp(protocols[i].name, name) == 0)
            return &protocols[i];
    }
    return NULL;
}

static bool has_ports(__u8 number)
{
    for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
        if (protocols[i].number == number)
            return protocols[i].has_ports;
    }
    return false;
}

/* "58": Kubernetes fields that may be a name or a number often carry the number as text. */
static bool parse_number(const char *text, __u8 *number)
{
    size_t length = strlen(text);

    if (length < 1 || length > 3 || strspn(text, "0123456789") != length || (text[0] == '0' && length > 1))
        return false;

    long value = strtol(text, NULL, 10);

    if (value > 255)
        return false;
    *number = (__u8)value;
    return true;
}

static int parse_protocol(const struct field *field, __u8 *number)
{
    if (json_is_integer(field->value)) {
        json_int_t value;

        if (field_integer(field, 0, 255, &value) < 0)
            return -EINVAL;
        *number = (__u8)value;
        return 0;
    }

    const char *text = field_string(field);
    const struct protocol *protocol = text ? find_name(text) : NULL;

    if (!text)
        return -EINVAL;
    if (protocol)
        *number = protocol->number;
    else if (!parse_number(text, number))
        return field_refuse(field,
                            "\"%.40s\" is not a protocol we know by name; write tcp, udp, icmp, icmpv6, sctp ... "
                            "or its number, 0 to 255",
                            text);
    return 0;
}

static int read_protocol(const struct field *field, void *into)
{
    struct rules_spec *rules = into;
    __u8 number = 0;

    if (parse_protocol(field, &number) < 0)
        return -EINVAL;
    rules->protocols[number / 64] |= 1ULL << (number % 64);
    return 0;
}

static int read_protocols(const struct field *field, void *into)
{
    size_t count;

    if (field_list(field, RULES_PORTS_MAX, &count) < 0)
        return -EINVAL;
    return field_each(field, read_protocol, into);
}

static int read_port_protocol(const struct field *field, void *into)
{
    struct port_range *range = into;

    if (parse_protocol(field, &range->protocol) < 0)
        return -EINVAL;
    if (!has_ports(range->protocol))
        return field_refuse(field, "protocol %d has no ports; write it under l4.protocols", range->protocol);
    return 0;
}

static int read_port(const struct field *field, __u16 *port)
{
    json_int_t value;

    if (field_integer(field, 1, 65535, &value) < 0)
        return -EINVAL;
    *port = (__u16)value;
    return 0;
}

static int read_first_port(const struct field *field, void *into)
{
    return read_port(field, &((struct port_range *)into)->first);
}

static int read_last_port(const struct field *field, void *into)
{
    return read_port(field, &((struct port_range *)into)->last);
}

static int read_range(const struct field *field, void *into)
{
    static const struct member members[] = {
        {"protocol", read_port_protocol}, {"port", read_first_port}, {"endPort", read_last_port}, {0}};
    struct rules_spec *rules = into;
    struct port_range range = {0};
    struct field end;

    if (field_read_object(field, members, &range) < 0)
        return -EINVAL;
    if (range.protocol == 0)
        return field_refuse_missing(field, "protocol", "write tcp, udp, sctp, udplite or dccp");
    if (range.first == 0)
        return field_refuse_missing(field, "port", "write a port, 1 to 65535; for any port use l4.protocols");
    if (!field_child(field, "endPort", &end))
        range.last = range.first;
    else if (range.last < range.first)
        return field_refuse(&end, "%d is less than port %d; expected a last port not below the first", range.last,
                            range.first);
    rules->ports[rules->ports_count++] = range;
    return 0;
}

static int read_ranges(const struct field *field, void *into)
{
    struct rules_spec *rules = into;
    size_t count;

    if (field_list(field, RULES_PORTS_MAX, &count) < 0)
        return -EINVAL;
    if (count == 0)
        return 0;
    rules->ports = calloc(count, sizeof(*rules->ports)); /* this list is read once */
    if (!rules->ports)
        return field_out_of_memory(field);
    return field_each(field, read_range, into);
}

int rules_read_l4(const struct field *field, void *into)
{
    static const struct member members[] = {{"protocols", read_protocols}, {"protocolPorts", read_ranges}, {0}};

    return field_read_object(field, members, into);
}
