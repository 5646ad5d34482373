/* SPDX-License-Identifier: Apache-2.0 */
/* The table of bench-prog. Baselines first: what each wrapper costs before an empty program. */
#include "datapath/abi.h"
#include "tests/bench/prog_case.h"

#define PASSES .verdict = VERDICT_FORWARDED
#define ESTABLISHED .goal = 60, .aim = 25, PASSES
#define NEW_FLOW .goal = 400, .aim = 200, .wrapper = WRAPPER_FORGET, .target = TARGET_FROM_POD, PASSES
#define REFUSED .target = TARGET_FROM_POD, .verdict = VERDICT_DROPPED, .reason = REASON_L4_PORT
#define SILENT .goal = 120, .aim = 90
#define TOLD .wrapper = WRAPPER_FORGET, .packet = {.kind = PACKET_SYN, .is_other_port = true}, REFUSED

#define QUERY(of) .packet = {.kind = PACKET_DATAGRAM, .payload = PAYLOAD_QUERY, .name = (of)}, .binary = BINARY_RESOLVER
#define KEPT_FLOW .wrapper = WRAPPER_KEEP, .target = TARGET_FROM_POD
#define ANSWER(of, count)                                                                                              \
    .packet = {.kind = PACKET_DATAGRAM,                                                                                \
               .is_to_pod = true,                                                                                      \
               .payload = PAYLOAD_ANSWER,                                                                              \
               .name = WORLD_NAME,                                                                                     \
               .alias = (of),                                                                                          \
               .addresses = (count)},                                                                                  \
    .binary = BINARY_RESOLVER, .wrapper = WRAPPER_ANSWER, PASSES
#define REQUEST .packet = {.kind = PACKET_DATA, .payload = PAYLOAD_REQUEST}, .binary = BINARY_HTTP, PASSES
#define TO_NAME(of) .packet = {.kind = (of), .is_learnt = true}, .binary = BINARY_NAMED, .is_named = true

const struct prog_case prog_cases[] = {
    {"an empty program", .wrapper = WRAPPER_NONE},
    {"wrapper: keep", .wrapper = WRAPPER_KEEP},
    {"wrapper: forget", .wrapper = WRAPPER_FORGET},
    {"wrapper: receive", .wrapper = WRAPPER_RECEIVE, PASSES},
    {"wrapper: answer", ANSWER(NULL, 1)},
    {"wrapper: first segment", .wrapper = WRAPPER_FIRST},
    {"wrapper: next segment", .wrapper = WRAPPER_NEXT},
    {"wrapper: forget, in batches", .wrapper = WRAPPER_FORGET, .telling = TELL_ROOM},

    {"headers of IPv4 and TCP parsed, nothing else", .target = TARGET_PARSE},
    {"headers of IPv6 and TCP parsed, nothing else", .target = TARGET_PARSE, .packet = {.is_ipv6 = true}},

    {"established TCP from the pod, IPv4", ESTABLISHED, .wrapper = WRAPPER_KEEP, .target = TARGET_FROM_POD,
     .grows = true},
    {"established TCP from the pod, IPv6", ESTABLISHED, .wrapper = WRAPPER_KEEP, .target = TARGET_FROM_POD,
     .packet = {.is_ipv6 = true}},
    {"established TCP to the pod, IPv4, veth", ESTABLISHED, .target = TARGET_TO_POD, .packet = {.is_to_pod = true}},
    {"established TCP to the pod, IPv6, veth", ESTABLISHED, .target = TARGET_TO_POD,
     .packet = {.is_ipv6 = true, .is_to_pod = true}},
    {"established TCP to the pod, IPv4, its socket", ESTABLISHED, .wrapper = WRAPPER_RECEIVE, .target = TARGET_INGRESS,
     .packet = {.is_to_pod = true}},
    {"UDP to the peer the socket holds, IPv4", ESTABLISHED, .wrapper = WRAPPER_KEEP, .target = TARGET_FROM_POD,
     .packet = {.kind = PACKET_DATAGRAM}},
    {"ICMP echo to the pod, known flow of `default`", PASSES, .target = TARGET_TO_POD,
     .packet = {.kind = PACKET_ECHO, .is_to_pod = true}},

    {"new TCP flow, 1 prefix and 1 port, IPv4", NEW_FLOW, .packet = {.kind = PACKET_SYN}, .grows = true},
    {"new TCP flow, 1 prefix and 1 port, IPv6", NEW_FLOW, .packet = {.kind = PACKET_SYN, .is_ipv6 = true}},
    {"new TCP flow, 1,000 prefixes", NEW_FLOW, .packet = {.kind = PACKET_SYN}, .binary = BINARY_CIDRS_1000},
    {"new TCP flow, 10,000 prefixes", NEW_FLOW, .packet = {.kind = PACKET_SYN}, .binary = BINARY_CIDRS_10000},
    {"new TCP flow, 100,000 prefixes", NEW_FLOW, .packet = {.kind = PACKET_SYN}, .binary = BINARY_CIDRS_100000},
    {"established TCP, 100,000 prefixes", ESTABLISHED, KEPT_FLOW, .binary = BINARY_CIDRS_100000},
    {"established TCP, to a learnt address", ESTABLISHED, KEPT_FLOW, TO_NAME(PACKET_DATA)},
    {"new TCP flow, to a learnt address", NEW_FLOW, TO_NAME(PACKET_SYN)},
    {"new UDP flow, 1 prefix and 1 port, IPv4", NEW_FLOW, .packet = {.kind = PACKET_DATAGRAM}},

    {"DNS query, exact name of 30 bytes", .goal = 200, .aim = 120, KEPT_FLOW, QUERY(WORLD_NAME), PASSES, .grows = true},
    {"DNS query, *.x, name of 5 labels", .goal = 350, .aim = 200, KEPT_FLOW, QUERY(WORLD_STARRED), PASSES,
     .grows = true},
    {"DNS query, **.x, name of 5 labels", .goal = 350, .aim = 200, KEPT_FLOW, QUERY(WORLD_DEEP), PASSES},
    {"DNS query, exact name, and the flow is new", .wrapper = WRAPPER_FORGET, .target = TARGET_FROM_POD,
     QUERY(WORLD_NAME), PASSES},
    {"DNS query, refused by name, silent", KEPT_FLOW, QUERY(WORLD_FORBIDDEN), .verdict = VERDICT_DROPPED,
     .reason = REASON_DNS_NAME, .grows = true},
    {"DNS answer, 1 address", .goal = 450, .aim = 350, .target = TARGET_INGRESS, ANSWER(NULL, 1), .grows = true},
    {"DNS answer, CNAME and 1 address", .goal = 450, .aim = 350, .target = TARGET_INGRESS, ANSWER(WORLD_ALIAS, 1)},
    {"DNS answer, CNAME and 4 addresses", .goal = 810, .aim = 590, .target = TARGET_INGRESS, ANSWER(WORLD_ALIAS, 4)},
    {"DNS answer, CNAME and 16 addresses", .goal = 2250, .aim = 1550, .target = TARGET_INGRESS,
     ANSWER(WORLD_ALIAS, 16)},
    {"HTTP request head of 200 bytes, first of its connection", .goal = 500, .aim = 250, .wrapper = WRAPPER_FIRST,
     .target = TARGET_FROM_POD, REQUEST},
    {"HTTP request head of 200 bytes, connection kept alive", .goal = 500, .aim = 250, .wrapper = WRAPPER_NEXT,
     .target = TARGET_FROM_POD, REQUEST},

    {"refused, silent: the same TCP flow again", SILENT, REFUSED, .wrapper = WRAPPER_KEEP,
     .packet = {.kind = PACKET_SYN, .is_other_port = true}},
    {"refused, silent: the same UDP flow again", SILENT, REFUSED, .wrapper = WRAPPER_KEEP,
     .packet = {.kind = PACKET_DATAGRAM, .is_other_port = true}},
    {"refused by port, silent: a new flow, bucket empty", SILENT, TOLD, .grows = true},
    {"refused by port, silent: a new UDP flow, bucket empty", SILENT, REFUSED, .wrapper = WRAPPER_FORGET,
     .packet = {.kind = PACKET_DATAGRAM, .is_other_port = true}},
    {"refused as unlisted, silent: a new flow, bucket empty", SILENT, .wrapper = WRAPPER_FORGET,
     .target = TARGET_FROM_POD, .packet = {.kind = PACKET_SYN}, .binary = BINARY_UNLISTED, .verdict = VERDICT_DROPPED,
     .reason = REASON_UNKNOWN_BINARY},
    {"violation with action ignore: a new flow", SILENT, .wrapper = WRAPPER_FORGET, .target = TARGET_FROM_POD,
     .packet = {.kind = PACKET_SYN, .is_other_port = true}, .binary = BINARY_IGNORED, .verdict = VERDICT_IGNORED,
     .reason = REASON_L4_PORT},
    {"SYN to a port nobody listens on, refused by `default`", .target = TARGET_TO_POD,
     .packet = {.kind = PACKET_SYN, .is_to_pod = true}, .direction = INGRESS, .verdict = VERDICT_DROPPED,
     .reason = REASON_L4_PROTOCOL},

    {"refused and told, a live reader", .goal = 400, .aim = 250, TOLD, .telling = TELL_READER, .grows = true},
    {"refused and told, no reader, room in the ring", .goal = 220, .aim = 180, TOLD, .telling = TELL_ROOM},
    {"refused, no reader, ring full (counted as lost)", .goal = 220, .aim = 180, TOLD, .telling = TELL_FULL},
};
const size_t prog_cases_count = sizeof(prog_cases) / sizeof(prog_cases[0]);

const struct prog_case *prog_case_baseline(const struct prog_case *test)
{
    for (size_t i = 0; i < prog_cases_count; i++) {
        const struct prog_case *base = &prog_cases[i];

        if (base->target == TARGET_EMPTY && base->wrapper == test->wrapper &&
            prog_case_is_batch(base) == prog_case_is_batch(test))
            return base;
    }
    return NULL;
}
