/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bpf/packet_cases.h"

#include <netinet/in.h>

const char packet_profile[] =
    "apiVersion: securityprobe.datadoghq.com/v1\n"
    "kind: SecurityProfile\n"
    "metadata: {name: table, namespace: test}\n"
    "spec:\n"
    "  labelSelector: {}\n"
    "  actions: [enforce]\n"
    "  default:\n"
    "    egress: {cidr4: [10.1.0.0/16], l3: {protocols: [ipv4, arp]}, l4: {protocols: [icmp]}}\n"
    "    ingress: {cidr4: [10.1.0.0/16], l3: {protocols: [ipv4, arp]}, l4: {protocols: [icmp]}}\n"
    "  processes:\n"
    "    - path: /bin/curl\n"
    "      network:\n"
    "        egress: &rules\n"
    "          cidr4: [10.1.0.0/16]\n"
    "          cidr6: ['fd01::/64']\n"
    "          l3: {protocols: [ipv4, ipv6]}\n"
    "          l4: {protocolPorts: [{protocol: tcp, port: 443}, {protocol: udp, port: 53},\n"
    "                               {protocol: tcp, port: 8000, endPort: 8099}]}\n"
    "        ingress: *rules\n"
    "    - {path: /bin/watched, actions: [alert]}\n"
    "    - {path: /bin/counted, actions: [ignore]}\n";

#define CURL "/bin/curl"
#define PEER4 "10.1.2.3"
#define PEER6 "fd01::5"
#define OUT4 .source = POD4, .destination = PEER4
#define OUT6 .source = POD6, .destination = PEER6
#define IN4 .source = PEER4, .destination = POD4
#define IN6 .source = PEER6, .destination = POD6
#define SYN .tcp_flags = 0x02
#define ACK .tcp_flags = 0x10
#define TCP_TO(number) .protocol = IPPROTO_TCP, .source_port = 40000, .destination_port = (number)
#define UDP_TO(number) .protocol = IPPROTO_UDP, .source_port = 40000, .destination_port = (number)
#define ECHO .protocol = IPPROTO_ICMP, .icmp_type = 8, .source_port = 9
#define PASSES .verdict = VERDICT_FORWARDED
#define DROPPED(why) .verdict = VERDICT_DROPPED, .reason = REASON_##why

const struct packet_case packet_cases[] = {
    /* Layers, from the pod. */
    {"listed port", RUN_FROM_POD, CURL, 0, {OUT4, TCP_TO(443), SYN}, PASSES},
    {"listed port, IPv6", RUN_FROM_POD, CURL, 0, {OUT6, TCP_TO(443), SYN}, PASSES},
    {"first of a range", RUN_FROM_POD, CURL, 0, {OUT4, TCP_TO(8000), SYN}, PASSES},
    {"last of a range", RUN_FROM_POD, CURL, 0, {OUT4, TCP_TO(8099), SYN}, PASSES},
    {"before a range", RUN_FROM_POD, CURL, 0, {OUT4, TCP_TO(7999), SYN}, DROPPED(L4_PORT)},
    {"behind a range", RUN_FROM_POD, CURL, 0, {OUT4, TCP_TO(8100), SYN}, DROPPED(L4_PORT)},
    {"port of another protocol", RUN_FROM_POD, CURL, 0, {OUT4, TCP_TO(53), SYN}, DROPPED(L4_PORT)},
    {"UDP to a listed port", RUN_FROM_POD, CURL, 0, {OUT4, UDP_TO(53), .payload = 30}, PASSES},
    {"UDP to another", RUN_FROM_POD, CURL, 0, {OUT4, UDP_TO(443), .payload = 30}, DROPPED(L4_PORT)},
    {"unlisted protocol", RUN_FROM_POD, CURL, 0, {OUT4, ECHO}, DROPPED(L4_PROTOCOL)},
    {"address outside",
     RUN_FROM_POD,
     CURL,
     0,
     {.source = POD4, .destination = "10.2.0.1", TCP_TO(443), SYN},
     DROPPED(ADDRESS)},
    {"address outside, IPv6",
     RUN_FROM_POD,
     CURL,
     0,
     {.source = POD6, .destination = "fd01:0:0:1::5", TCP_TO(443), SYN},
     DROPPED(ADDRESS)},
    /* Who. */
    {"unlisted binary", RUN_FROM_POD, "/bin/nc", 0, {OUT4, TCP_TO(443), SYN}, DROPPED(UNKNOWN_BINARY)},
    {"untrusted path", RUN_FROM_POD, CURL, WHO_UNTRUSTED, {OUT4, TCP_TO(443), SYN}, DROPPED(UNTRUSTED_BINARY)},
    /* T32 */
    {"foreign socket", RUN_FROM_POD, NULL, WHO_FOREIGN, {OUT4, TCP_TO(443), SYN}, DROPPED(FOREIGN_SOCKET)},
    /* T32 */
    {"socket of another pod", RUN_FROM_POD, CURL, WHO_OTHER_POD, {OUT4, TCP_TO(443), SYN}, DROPPED(FOREIGN_SOCKET)},
    {"alert",
     RUN_FROM_POD,
     "/bin/watched",
     0,
     {OUT4, TCP_TO(443), SYN},
     .verdict = VERDICT_AUDIT,
     .reason = REASON_L3_PROTOCOL},
    {"ignore",
     RUN_FROM_POD,
     "/bin/counted",
     0,
     {OUT4, TCP_TO(443), SYN},
     .verdict = VERDICT_IGNORED,
     .reason = REASON_L3_PROTOCOL},
    {"segment of a refused flow",
     RUN_FROM_POD,
     CURL,
     0,
     {OUT4, TCP_TO(80), ACK, .payload = 40},
     DROPPED(L4_PORT),
     true},
    {"the same, IPv6", RUN_FROM_POD, CURL, 0, {OUT6, TCP_TO(80), ACK, .payload = 40}, DROPPED(L4_PORT), true},

    /* Without a socket, from the pod: `default`. */
    {"ICMP in default", RUN_FROM_POD, NULL, 0, {OUT4, ECHO}, PASSES},
    {"ICMP to elsewhere", RUN_FROM_POD, NULL, 0, {.source = POD4, .destination = "10.2.0.1", ECHO}, DROPPED(ADDRESS)},
    {"ARP in default", RUN_FROM_POD, NULL, 0, {.ethertype = 0x0806, OUT4}, PASSES},
    {"UDP of nobody", RUN_FROM_POD, NULL, 0, {OUT4, UDP_TO(53)}, DROPPED(L4_PROTOCOL)},
    {"SYN of nobody", RUN_FROM_POD, NULL, 0, {OUT4, TCP_TO(443), SYN}, DROPPED(L4_PROTOCOL)},
    {"IPv6 not in default", RUN_FROM_POD, NULL, 0, {OUT6, UDP_TO(53)}, DROPPED(L3_PROTOCOL)},
    /* T36 */
    {"SYN-ACK of nobody", RUN_FROM_POD, NULL, 0, {OUT4, TCP_TO(443), .tcp_flags = 0x12}, DROPPED(L4_PROTOCOL)},

    /* Frames that are not what they should be. */
    /* T46 */
    {"802.1Q", RUN_FROM_POD, CURL, 0, {OUT4, TCP_TO(443), SYN, .vlan = 0x8100}, DROPPED(VLAN)},
    /* T46 */
    {"802.1ad", RUN_FROM_POD, CURL, 0, {OUT4, TCP_TO(443), SYN, .vlan = 0x88a8}, DROPPED(VLAN)},
    /* T46 */
    {"802.1Q without a socket", RUN_FROM_POD, NULL, 0, {OUT4, ECHO, .vlan = 0x8100}, DROPPED(VLAN)},
    /* T46 */
    {"LLDP", RUN_FROM_POD, CURL, 0, {.ethertype = 0x88cc}, DROPPED(ETHERTYPE)},
    {"wrong IP version", RUN_FROM_POD, CURL, 0, {OUT4, TCP_TO(443), SYN, .flaw = FLAW_VERSION}, DROPPED(MALFORMED)},
    {"wrong IPv6 version", RUN_FROM_POD, CURL, 0, {OUT6, TCP_TO(443), SYN, .flaw = FLAW_VERSION}, DROPPED(MALFORMED)},
    /* T40 */
    {"IP header too short",
     RUN_FROM_POD,
     CURL,
     0,
     {OUT4, TCP_TO(443), SYN, .flaw = FLAW_HEADER_LENGTH},
     DROPPED(MALFORMED)},
    /* T40 */
    {"total below header",
     RUN_FROM_POD,
     CURL,
     0,
     {OUT4, TCP_TO(443), SYN, .flaw = FLAW_TOTAL_SHORT},
     DROPPED(MALFORMED)},
    /* T40 */
    {"total beyond frame", RUN_FROM_POD, CURL, 0, {OUT4, TCP_TO(443), SYN, .flaw = FLAW_TOO_LONG}, DROPPED(MALFORMED)},
    {"IPv6 length beyond frame",
     RUN_FROM_POD,
     CURL,
     0,
     {OUT6, TCP_TO(443), SYN, .flaw = FLAW_TOO_LONG},
     DROPPED(MALFORMED)},
    {"TCP header too short",
     RUN_FROM_POD,
     CURL,
     0,
     {OUT4, TCP_TO(443), SYN, .flaw = FLAW_TCP_OFFSET},
     DROPPED(MALFORMED)},
    {"TCP header too long",
     RUN_FROM_POD,
     CURL,
     0,
     {OUT4, TCP_TO(443), SYN, .flaw = FLAW_TCP_BEYOND},
     DROPPED(MALFORMED)},
    {"UDP longer than IP", RUN_FROM_POD, CURL, 0, {OUT4, UDP_TO(53), .flaw = FLAW_UDP_LENGTH}, DROPPED(MALFORMED)},
    {"IP options", RUN_FROM_POD, CURL, 0, {OUT4, TCP_TO(443), SYN, .ipv4_options = 3}, PASSES},
    /* T40 */
    {"IP options to a refused port",
     RUN_FROM_POD,
     CURL,
     0,
     {OUT4, TCP_TO(80), SYN, .ipv4_options = 10},
     DROPPED(L4_PORT)},

    /* T40 */
    {"source route",
     RUN_FROM_POD,
     CURL,
     0,
     {OUT4, TCP_TO(443), SYN, .ipv4_options = 3, .flaw = FLAW_SOURCE_ROUTE},
     DROPPED(EXTENSION_HEADER)},
    /* T42 */
    {"ICMP redirect", RUN_FROM_POD, NULL, 0, {OUT4, .protocol = IPPROTO_ICMP, .icmp_type = 5}, DROPPED(NOT_A_REPLY)},
    /* T42 */
    {"ICMP redirect to the pod",
     RUN_TO_POD,
     NULL,
     0,
     {IN4, .protocol = IPPROTO_ICMP, .icmp_type = 5},
     DROPPED(NOT_A_REPLY)},
    /* T45 */
    {"ND redirect to the pod",
     RUN_TO_POD,
     NULL,
     0,
     {IN6, .protocol = IPPROTO_ICMPV6, .icmp_type = 137},
     DROPPED(NOT_A_REPLY)},

    /* Tunnels: the inner packet carries no socket, and what carries it is no process's. */
    /* T47 */
    {"IPIP", RUN_FROM_POD, NULL, 0, {OUT4, .protocol = IPPROTO_IPIP, .payload = 40}, DROPPED(L4_PROTOCOL)},
    /* T47 */
    {"IPv6 in IPv4", RUN_FROM_POD, NULL, 0, {OUT4, .protocol = IPPROTO_IPV6, .payload = 60}, DROPPED(L4_PROTOCOL)},
    /* T47 */
    {"GRE", RUN_FROM_POD, NULL, 0, {OUT4, .protocol = IPPROTO_GRE, .payload = 40}, DROPPED(L4_PROTOCOL)},
    /* T47 */
    {"ESP", RUN_FROM_POD, NULL, 0, {OUT4, .protocol = IPPROTO_ESP, .payload = 40}, DROPPED(L4_PROTOCOL)},
    /* T47 */
    {"VXLAN of the kernel's own socket",
     RUN_FROM_POD,
     NULL,
     WHO_FOREIGN,
     {OUT4, UDP_TO(4789), .payload = 60},
     DROPPED(FOREIGN_SOCKET)},

    /* Fragments. */
    /* T38 */
    {"later fragment of nothing", RUN_FROM_POD, CURL, 0, {OUT4, UDP_TO(0), .fragment = 185}, DROPPED(FRAGMENT)},
    {"later fragment of nothing, IPv6", RUN_FROM_POD, CURL, 0, {OUT6, UDP_TO(0), .fragment = 185}, DROPPED(FRAGMENT)},
    {"first fragment", RUN_FROM_POD, CURL, 0, {OUT4, UDP_TO(53), .payload = 40, .more_fragments = 1}, PASSES},
    {"its later fragment", RUN_FROM_POD, CURL, 0, {OUT4, UDP_TO(0), .fragment = 185}, PASSES},
    /* T38 */
    {"first fragment, refused",
     RUN_FROM_POD,
     CURL,
     0,
     {OUT4, UDP_TO(54), .payload = 40, .more_fragments = 1},
     DROPPED(L4_PORT)},
    {"first fragment, IPv6", RUN_FROM_POD, CURL, 0, {OUT6, UDP_TO(53), .payload = 40, .more_fragments = 1}, PASSES},
    {"its later fragment, IPv6", RUN_FROM_POD, CURL, 0, {OUT6, UDP_TO(0), .fragment = 185}, PASSES},

    /* T38 */
    {"tiny first fragment",
     RUN_FROM_POD,
     CURL,
     0,
     {OUT4, TCP_TO(443), SYN, .more_fragments = 1, .flaw = FLAW_TINY},
     DROPPED(FRAGMENT)},
    /* T38 */
    {"tiny first fragment, IPv6",
     RUN_FROM_POD,
     CURL,
     0,
     {OUT6, UDP_TO(53), .more_fragments = 1, .flaw = FLAW_TINY},
     DROPPED(FRAGMENT)},
    /* T38 */
    {"later fragment of another's first",
     RUN_FROM_POD,
     CURL,
     0,
     {.source = POD4, .destination = "10.1.9.9", UDP_TO(0), .fragment = 185},
     DROPPED(FRAGMENT)},

    /* IPv6 extension headers. */
    {"options before TCP",
     RUN_FROM_POD,
     CURL,
     0,
     {OUT6, TCP_TO(443), SYN, .extensions = {IPPROTO_HOPOPTS, IPPROTO_DSTOPTS}, .extensions_count = 2},
     PASSES},
    /* T39 */
    {"options before a refused port",
     RUN_FROM_POD,
     CURL,
     0,
     {OUT6, TCP_TO(80), SYN, .extensions = {IPPROTO_HOPOPTS, IPPROTO_DSTOPTS}, .extensions_count = 2},
     DROPPED(L4_PORT)},
    /* T39 */
    {"routing header type 0",
     RUN_FROM_POD,
     CURL,
     0,
     {OUT6, TCP_TO(443), SYN, .extensions = {IPPROTO_ROUTING}, .extensions_count = 1},
     DROPPED(EXTENSION_HEADER)},
    /* T39 */
    {"too many headers",
     RUN_FROM_POD,
     CURL,
     0,
     {OUT6, TCP_TO(443), SYN, .extensions = {60, 60, 60, 60, 60, 60, 60}, .extensions_count = 7},
     DROPPED(EXTENSION_HEADER)},
    {"no next header", RUN_FROM_POD, CURL, 0, {OUT6, .protocol = IPPROTO_NONE}, DROPPED(L4_PROTOCOL)},

    /* To the pod, where no socket waits. */
    {"ping from an allowed peer", RUN_TO_POD, NULL, 0, {IN4, ECHO}, PASSES},
    {"ping from elsewhere", RUN_TO_POD, NULL, 0, {.source = "10.9.0.1", .destination = POD4, ECHO}, DROPPED(ADDRESS)},
    {"UDP to a closed port", RUN_TO_POD, NULL, 0, {IN4, UDP_TO(53)}, DROPPED(L4_PROTOCOL)},
    {"SYN to a closed port", RUN_TO_POD, NULL, 0, {IN4, TCP_TO(80), SYN}, DROPPED(L4_PROTOCOL)},
    {"segment for the pod's stack", RUN_TO_POD, NULL, 0, {IN4, TCP_TO(80), ACK}, PASSES},
    {"ARP to the pod", RUN_TO_POD, NULL, 0, {.ethertype = 0x0806, IN4}, PASSES},
    {"802.1Q to the pod", RUN_TO_POD, NULL, 0, {IN4, ECHO, .vlan = 0x8100}, DROPPED(VLAN)},
    {"malformed to the pod", RUN_TO_POD, NULL, 0, {IN4, ECHO, .flaw = FLAW_TOO_LONG}, DROPPED(MALFORMED)},

    /* Into a socket of the pod. */
    {"listed port of the pod", RUN_INGRESS, CURL, WHO_LISTENER, {IN4, TCP_TO(443), ACK}, PASSES},
    /* T11 */
    {"another port of the pod", RUN_INGRESS, CURL, WHO_LISTENER, {IN4, TCP_TO(80), ACK}, DROPPED(L4_PORT)},
    /* T11 */
    {"unlisted server", RUN_INGRESS, "/bin/nc", WHO_LISTENER, {IN4, TCP_TO(443), ACK}, DROPPED(UNKNOWN_BINARY)},
    {"peer from outside",
     RUN_INGRESS,
     CURL,
     WHO_LISTENER,
     {.source = "10.9.0.1", .destination = POD4, TCP_TO(443), ACK},
     DROPPED(ADDRESS)},
    {"datagram to a listed port", RUN_INGRESS, CURL, 0, {IN4, UDP_TO(53)}, PASSES},
    {"datagram to another port", RUN_INGRESS, CURL, 0, {IN4, UDP_TO(54)}, DROPPED(L4_PORT)},
    {"datagram for a foreign socket", RUN_INGRESS, NULL, WHO_FOREIGN, {IN4, UDP_TO(53)}, DROPPED(FOREIGN_SOCKET)},
};
const size_t packet_cases_count = sizeof(packet_cases) / sizeof(*packet_cases);
