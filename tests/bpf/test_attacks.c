/* SPDX-License-Identifier: Apache-2.0 */
/* profile.md 16: attacks are detected whatever the rules say, and followed by what the profile's actions are. */
#include "tests/bpf/groups.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bpf/run.h"
#include "tests/bpf/sandbox.h"

#define PEER4 "10.1.2.3"
#define PEER6 "fd01::5"
#define ELSEWHERE 77 /* a device that is not the pod's */
#define ALL                                                                                                            \
    "{cidr4: [0.0.0.0/0], cidr6: ['::/0'], l3: {protocols: [ipv4, ipv6, arp]}, l4: {protocols: [tcp, udp, icmp, "      \
    "icmpv6]}}"
#define MANIFEST(name, actions, attacks)                                                                               \
    "apiVersion: securityprobe.datadoghq.com/v1\nkind: SecurityProfile\nmetadata: {name: " name ", namespace: test}\n" \
    "spec:\n  labelSelector: {}\n  actions: [" actions "]\n  attacks: [" attacks "]\n"                                 \
    "  default: {egress: " ALL ", ingress: " ALL "}\n"                                                                 \
    "  processes:\n    - {path: /bin/curl, network: {egress: " ALL ", ingress: " ALL "}}\n"
#define EVERY "arp-spoofing, nd-spoofing, ip-spoofing, raw-socket"
#define ARP .ethertype = 0x0806
#define ND(type) .protocol = IPPROTO_ICMPV6, .icmp_type = (type)
#define UDP .protocol = IPPROTO_UDP, .source_port = 4000, .destination_port = 5000
#define TCP_SYN .protocol = IPPROTO_TCP, .source_port = 4000, .destination_port = 80, .tcp_flags = 2
#define SOLICITATION ND(135), .nd_option = 1
#define ADVERTISEMENT ND(136), .nd_option = 2
#define CURL "/bin/curl"

static struct world world;

struct attack_case {
    const char *name;
    const char *path; /* of the owner; NULL: nobody's */
    struct packet_spec packet;
    __u8 reason; /* REASON_NONE: it passes */
};

static const struct attack_case from_pod[] = {
    /* T44 */
    {"ARP request", NULL, {ARP, .source = POD4, .destination = PEER4}, REASON_NONE},
    {"ARP probe", NULL, {ARP, .source = "0.0.0.0", .destination = POD4}, REASON_NONE},
    {"ARP in another MAC's name",
     NULL,
     {ARP, .source = POD4, .destination = PEER4, .claimed_mac = PACKETS_OTHER_MAC},
     REASON_ARP_SPOOFING},
    {"ARP in another MAC's frame",
     NULL,
     {ARP, .source = POD4, .destination = PEER4, .mac = PACKETS_OTHER_MAC},
     REASON_ARP_SPOOFING},
    {"ARP of another address", NULL, {ARP, .source = "10.0.0.9", .destination = PEER4}, REASON_ARP_SPOOFING},
    {"ARP of the gateway's address", NULL, {ARP, .source = GATEWAY4, .destination = PEER4}, REASON_ARP_SPOOFING},
    {"gratuitous ARP", NULL, {ARP, .source = POD4, .destination = POD4}, REASON_NONE},
    {"gratuitous ARP of the gateway's address",
     NULL,
     {ARP, .source = GATEWAY4, .destination = GATEWAY4},
     REASON_ARP_SPOOFING},
    /* T45 */
    {"solicitation", NULL, {SOLICITATION, .source = POD6, .destination = PEER6, .nd_target = PEER6}, REASON_NONE},
    {"solicitation with another's MAC",
     NULL,
     {SOLICITATION, .source = POD6, .destination = PEER6, .nd_target = PEER6, .claimed_mac = PACKETS_OTHER_MAC},
     REASON_ND_SPOOFING},
    {"solicitation in another's name",
     NULL,
     {SOLICITATION, .source = GATEWAY6, .destination = PEER6, .nd_target = PEER6},
     REASON_ND_SPOOFING},
    {"duplicate address detection",
     NULL,
     {ND(135), .source = "::", .destination = "ff02::1:ff00:2", .nd_target = POD6},
     REASON_NONE},
    {"duplicate address detection of another's",
     NULL,
     {ND(135), .source = "::", .destination = "ff02::1:ff00:1", .nd_target = GATEWAY6},
     REASON_ND_SPOOFING},
    {"advertisement", NULL, {ADVERTISEMENT, .source = POD6, .destination = PEER6, .nd_target = POD6}, REASON_NONE},
    {"advertisement of the gateway",
     NULL,
     {ADVERTISEMENT, .source = POD6, .destination = PEER6, .nd_target = GATEWAY6},
     REASON_ND_SPOOFING},
    {"advertisement with another's MAC",
     NULL,
     {ADVERTISEMENT, .source = POD6, .destination = PEER6, .nd_target = POD6, .claimed_mac = PACKETS_OTHER_MAC},
     REASON_ND_SPOOFING},
    {"router solicitation", NULL, {ND(133), .nd_option = 1, .source = POD6, .destination = "ff02::2"}, REASON_NONE},
    {"router advertisement",
     NULL,
     {ND(134), .nd_skip = 8, .nd_option = 1, .source = POD6, .destination = "ff02::1"},
     REASON_ND_SPOOFING},
    {"redirect",
     NULL,
     {ND(137), .nd_target = POD6, .nd_skip = 16, .source = POD6, .destination = PEER6},
     REASON_ND_SPOOFING},
    /* T43 */
    {"datagram", CURL, {UDP, .source = POD4, .destination = PEER4}, REASON_NONE},
    {"another's address", CURL, {UDP, .source = "10.0.0.9", .destination = PEER4}, REASON_IP_SPOOFING},
    {"another's address, IPv6", CURL, {UDP, .source = "fd00::9", .destination = PEER6}, REASON_IP_SPOOFING},
    {"loopback's address", CURL, {UDP, .source = "127.0.0.1", .destination = PEER4}, REASON_IP_SPOOFING},
    {"another's address, nobody's", NULL, {UDP, .source = "10.0.0.9", .destination = PEER4}, REASON_IP_SPOOFING},
    {"another's address, SYN", CURL, {TCP_SYN, .source = "10.0.0.9", .destination = PEER4}, REASON_IP_SPOOFING},
    {"another's address, fragment",
     CURL,
     {UDP, .source = "10.0.0.9", .destination = PEER4, .fragment = 185},
     REASON_IP_SPOOFING},
    {"another's MAC", CURL, {UDP, .source = POD4, .destination = PEER4, .mac = PACKETS_OTHER_MAC}, REASON_IP_SPOOFING},
    {"link-local address of its MAC", CURL, {UDP, .source = "fe80::ff:fe00:2", .destination = "fe80::1"}, REASON_NONE},
    {"another link-local address", CURL, {UDP, .source = "fe80::9", .destination = "fe80::1"}, REASON_IP_SPOOFING},
    {"DHCP without an address",
     CURL,
     {.protocol = IPPROTO_UDP,
      .source_port = 68,
      .destination_port = 67,
      .source = "0.0.0.0",
      .destination = "255.255.255.255"},
     REASON_NONE},
    {"no address elsewhere", CURL, {UDP, .source = "0.0.0.0", .destination = PEER4}, REASON_IP_SPOOFING},
    {"multicast listener report",
     NULL,
     {.protocol = IPPROTO_ICMPV6, .icmp_type = 143, .source = "::", .destination = "ff02::16"},
     REASON_NONE},
    {"ping without an address",
     NULL,
     {.protocol = IPPROTO_ICMPV6, .icmp_type = 128, .source = "::", .destination = PEER6},
     REASON_IP_SPOOFING},
    /* T42 */
    {"ICMP redirect",
     NULL,
     {.protocol = IPPROTO_ICMP, .icmp_type = 5, .source = POD4, .destination = PEER4},
     REASON_IP_SPOOFING},
};

static const struct attack_case to_pod[] = {
    /* T44. The gateway's MAC is that of the first case. */
    {"ARP of the gateway", NULL, {ARP, .source = GATEWAY4, .destination = POD4}, REASON_NONE},
    {"the same again", NULL, {ARP, .source = GATEWAY4, .destination = POD4}, REASON_NONE},
    {"another MAC of the gateway",
     NULL,
     {ARP, .source = GATEWAY4, .destination = POD4, .claimed_mac = PACKETS_OTHER_MAC},
     REASON_ARP_SPOOFING},
    {"ARP of a neighbour",
     NULL,
     {ARP, .source = "10.0.0.9", .destination = POD4, .claimed_mac = PACKETS_OTHER_MAC},
     REASON_NONE},
    {"the pod's own address at another MAC",
     NULL,
     {ARP, .source = POD4, .destination = POD4, .claimed_mac = PACKETS_OTHER_MAC},
     REASON_ARP_SPOOFING},
    /* T45 */
    {"advertisement of the gateway",
     NULL,
     {ADVERTISEMENT, .source = GATEWAY6, .destination = POD6, .nd_target = GATEWAY6},
     REASON_NONE},
    {"another MAC of it",
     NULL,
     {ADVERTISEMENT, .source = GATEWAY6, .destination = POD6, .nd_target = GATEWAY6, .claimed_mac = PACKETS_OTHER_MAC},
     REASON_ND_SPOOFING},
    {"another MAC of it, by a solicitation",
     NULL,
     {SOLICITATION, .source = GATEWAY6, .destination = POD6, .nd_target = POD6, .claimed_mac = PACKETS_OTHER_MAC},
     REASON_ND_SPOOFING},
    {"solicitation of a neighbour",
     NULL,
     {SOLICITATION, .source = "fd00::9", .destination = POD6, .nd_target = POD6, .claimed_mac = PACKETS_OTHER_MAC},
     REASON_NONE},
    {"the pod's own address at another MAC, IPv6",
     NULL,
     {ADVERTISEMENT, .source = "fd00::9", .destination = POD6, .nd_target = POD6, .claimed_mac = PACKETS_OTHER_MAC},
     REASON_ND_SPOOFING},
    {"a router beside the gateway",
     NULL,
     {ND(134), .nd_skip = 8, .nd_option = 1, .source = "fe80::9", .destination = "ff02::1"},
     REASON_ND_SPOOFING},
    {"redirect",
     NULL,
     {ND(137), .nd_target = PEER6, .nd_skip = 16, .source = GATEWAY6, .destination = POD6},
     REASON_ND_SPOOFING},
    /* T43 */
    {"datagram", NULL, {UDP, .source = PEER4, .destination = POD4}, REASON_NONE},
    {"from the pod's own address", NULL, {UDP, .source = POD4, .destination = POD4}, REASON_IP_SPOOFING},
    {"from the pod's own address, SYN", NULL, {TCP_SYN, .source = POD4, .destination = POD4}, REASON_IP_SPOOFING},
    {"from the pod's own address, IPv6", NULL, {UDP, .source = POD6, .destination = POD6}, REASON_IP_SPOOFING},
    /* T42 */
    {"ICMP redirect",
     NULL,
     {.protocol = IPPROTO_ICMP, .icmp_type = 5, .source = GATEWAY4, .destination = POD4},
     REASON_IP_SPOOFING},
};

static int run_case(enum run_program program, const struct attack_case *c, __u8 verdict)
{
    struct owner owner = world_owner(&world, c->path, c->packet.protocol);
    struct outcome outcome = run_spec(&world, program, c->path ? &owner : NULL, &c->packet);
    __u8 expected = c->reason ? verdict : VERDICT_FORWARDED;
    bool passes = expected != VERDICT_DROPPED;

    if (outcome.passes == passes && outcome.change.reason == c->reason && outcome.events == (c->reason ? 1 : 0) &&
        (!c->reason || outcome.change.verdict == expected))
        return 0;
    print_error("%s: passes %d; counted %d, last verdict %d reason %d; events %d\n", c->name, outcome.passes,
                outcome.change.seen, outcome.change.verdict, outcome.change.reason, outcome.events);
    return 1;
}

#define run_cases(program, cases, verdict)                                                                             \
    do {                                                                                                               \
        int failed = 0;                                                                                                \
        for (size_t i = 0; i < sizeof(cases) / sizeof(*(cases)); i++)                                                  \
            failed += run_case(program, &(cases)[i], verdict);                                                         \
        assert_int_equal(failed, 0);                                                                                   \
    } while (0)

static void frames_from_the_pod_wear_what_is_its_own(void **state)
{
    (void)state;
    world_apply(&world, MANIFEST("p", "enforce", EVERY));
    run_cases(RUN_FROM_POD, from_pod, VERDICT_DROPPED);
}

static void nobody_leads_the_pod_astray(void **state)
{
    (void)state;
    world_apply(&world, MANIFEST("p", "enforce", EVERY));
    run_come_from(ELSEWHERE);
    run_cases(RUN_TO_POD, to_pod, VERDICT_DROPPED);
}

static bool arp_of_gateway_passes(const char *mac, __u32 from)
{
    struct packet_spec packet = {ARP, .source = GATEWAY4, .destination = POD4, .claimed_mac = mac};

    run_come_from(from);
    return run_spec(&world, RUN_TO_POD, NULL, &packet).passes;
}

static void node_itself_may_give_the_gateway_another_mac(void **state)
{
    (void)state;
    world_apply(&world, MANIFEST("p", "enforce", "arp-spoofing"));
    assert_true(arp_of_gateway_passes(PACKETS_OTHER_MAC, 0));
    assert_false(arp_of_gateway_passes(PACKETS_POD_MAC, ELSEWHERE));
    assert_true(arp_of_gateway_passes(PACKETS_OTHER_MAC, ELSEWHERE));
    assert_true(arp_of_gateway_passes(PACKETS_POD_MAC, 0));
    assert_false(arp_of_gateway_passes(PACKETS_OTHER_MAC, ELSEWHERE));
}

/* A bridge in hairpin mode sends a broadcast back to where it came from. */
static void frames_of_the_pod_that_come_back_are_no_attack(void **state)
{
    struct packet_spec packet = {ARP, .source = POD4, .destination = GATEWAY4, .claimed_mac = PACKETS_OTHER_MAC};

    (void)state;
    world_apply(&world, MANIFEST("p", "enforce", EVERY));
    run_come_from(sandbox.host_ifindex);
    assert_true(run_spec(&world, RUN_TO_POD, NULL, &packet).passes);
    run_come_from(ELSEWHERE);
    assert_false(run_spec(&world, RUN_TO_POD, NULL, &packet).passes);
}

static void alerting_profile_is_told_and_the_packet_goes_on_to_the_rules(void **state)
{
    struct packet_spec packet = {UDP, .source = "10.0.0.9", .destination = PEER4};
    struct owner owner = world_owner(&world, CURL, IPPROTO_UDP);
    struct outcome outcome;

    (void)state;
    world_apply(&world, MANIFEST("p", "alert", "ip-spoofing"));
    outcome = run_spec(&world, RUN_FROM_POD, &owner, &packet);
    assert_true(outcome.passes);
    assert_int_equal(outcome.events, 1);
    assert_int_equal(outcome.event.reason, REASON_IP_SPOOFING);
    assert_int_equal(outcome.event.verdict, VERDICT_AUDIT);
    owner = world_owner(&world, "/bin/nc", IPPROTO_UDP);
    outcome = run_spec(&world, RUN_FROM_POD, &owner, &packet);
    assert_int_equal(outcome.events, 2);
    assert_int_equal(outcome.all[0].reason, REASON_IP_SPOOFING);
    assert_int_equal(outcome.all[1].reason, REASON_UNKNOWN_BINARY);
}

static void attack_that_nobody_names_is_none(void **state)
{
    struct packet_spec packet = {UDP, .source = "10.0.0.9", .destination = PEER4};
    struct owner owner = world_owner(&world, CURL, IPPROTO_UDP);

    (void)state;
    world_apply(&world, MANIFEST("p", "enforce", "arp-spoofing, nd-spoofing, raw-socket"));

    struct outcome outcome = run_spec(&world, RUN_FROM_POD, &owner, &packet);

    assert_true(outcome.passes);
    assert_int_equal(outcome.change.seen, 0);
}

static void one_profile_detects_for_all(void **state)
{
    struct packet_spec packet = {UDP, .source = "10.0.0.9", .destination = PEER4};
    struct owner owner = world_owner(&world, CURL, IPPROTO_UDP);

    (void)state;
    world_apply(&world, MANIFEST("a", "enforce", ""));
    world_apply(&world, MANIFEST("b", "enforce", "ip-spoofing"));

    struct outcome outcome = run_spec(&world, RUN_FROM_POD, &owner, &packet);

    assert_false(outcome.passes);
    assert_int_equal(outcome.event.profile, 1);
}

/* T33: connect() was judged, and then the connection wears another's address (IP_TRANSPARENT, IP_FREEBIND). */
static void first_segment_of_a_connection_is_looked_at(void **state)
{
    struct packet_spec packet = {TCP_SYN, .source = "10.0.0.9", .destination = PEER4};
    struct owner owner = world_owner(&world, CURL, IPPROTO_TCP);

    (void)state;
    world_apply(&world, MANIFEST("p", "enforce", "ip-spoofing"));
    owner.ruling = world.datapath.revisions[pod_word_policy(world.datapath.states[world.slot])]
                       << RULING_REVISION_SHIFT |
                   VERDICT_FORWARDED;
    memcpy(owner.peer + 10, "\xff\xff\x0a\x01\x02\x03", 6);
    owner.peer_port_be = __builtin_bswap16(80);
    assert_int_equal(run_spec(&world, RUN_FROM_POD, &owner, &packet).change.reason, REASON_IP_SPOOFING);
    packet.source = POD4;
    assert_true(run_spec(&world, RUN_FROM_POD, &owner, &packet).passes);
}

/* T21 */
static void frame_of_a_packet_socket_is_injected(void **state)
{
    struct packet_spec packet = {UDP, .source = POD4, .destination = PEER4};
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)sandbox.pod_ifindex, .sll_halen = 6};
    int sock = socket(AF_PACKET, SOCK_RAW, 0);
    __u8 frame[PACKETS_MAX];
    size_t length = packets_build(&packet, frame);

    (void)state;
    assert_true(sock >= 0);
    world_apply(&world, MANIFEST("p", "enforce", "raw-socket"));
    world_mark(&world);
    assert_int_equal(sendto(sock, frame, length, 0, (struct sockaddr *)&to, sizeof(to)), length);
    close(sock);
    world_wait(&world, EGRESS, VERDICT_DROPPED, REASON_RAW_SOCKET_ATTACK);
}

static int start(void **state)
{
    (void)state;
    world_start(&world);
    run_start(&world);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    run_stop();
    world_stop(&world);
    return 0;
}

static int remove_profiles(void **state)
{
    (void)state;
    run_come_from(0);
    world_remove_profile(&world, "p");
    world_remove_profile(&world, "a");
    world_remove_profile(&world, "b");
    return 0;
}

int group_attacks(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(frames_from_the_pod_wear_what_is_its_own, remove_profiles),
        cmocka_unit_test_teardown(nobody_leads_the_pod_astray, remove_profiles),
        cmocka_unit_test_teardown(node_itself_may_give_the_gateway_another_mac, remove_profiles),
        cmocka_unit_test_teardown(frames_of_the_pod_that_come_back_are_no_attack, remove_profiles),
        cmocka_unit_test_teardown(alerting_profile_is_told_and_the_packet_goes_on_to_the_rules, remove_profiles),
        cmocka_unit_test_teardown(attack_that_nobody_names_is_none, remove_profiles),
        cmocka_unit_test_teardown(one_profile_detects_for_all, remove_profiles),
        cmocka_unit_test_teardown(first_segment_of_a_connection_is_looked_at, remove_profiles),
        cmocka_unit_test_teardown(frame_of_a_packet_socket_is_injected, remove_profiles),
    };

    return cmocka_run_group_tests_name("attacks", tests, start, stop);
}
