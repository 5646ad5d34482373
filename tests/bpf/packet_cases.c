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
    {"foreign socket", RUN_FROM_POD, NULL, WHO_FOREIGN, {OUT4, TCP_TO(443), SYN}, DROPPED(FOREIGN_SOCKET)},
    {"socket of another pod", RUN_FROM_POD, CURL, WHO_OTHER_POD, {OUT4, TCP_TO(443), SYN}, DROPPED(FOREIGN_SOCKET)},
    {"alert",
     RUN_FROM_POD,
     "/bin/watched",
     0,
     {OUT4, TCP_TO(443), SYN},
     .verdict = VERDICT_AUDIT,
     .reason = REASON_UNKNOWN_BINARY},
    {"ignore",
     RUN_FROM_POD,
     "/bin/counted",
     0,
     {OUT4, TCP_TO(443), SYN},
     .verdict = VERDICT_IGNORED,
     .reason = REASON_UNKNOWN_BINARY},
    {"segment of a refused flow",
     RUN_FROM_POD,
     CURL,
     0,
     {OUT4, TCP_TO(80), ACK, .payload = 40},
     DROPPED(L4_PORT),
     true},
    {"the same, IPv6", RUN_FROM_POD, CURL, 0, {OUT6, TCP_TO(80), ACK, .payload = 40}, DROPPED(L4_PORT), true},
};
const size_t packet_cases_count = sizeof(packet_cases) / sizeof(*packet_cases);
