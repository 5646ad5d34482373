/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of packets and what must become of each: verdict, counters, event. Each packet is also cut at every length:
 * what is left of a refused one must not pass, nor may what is left of an allowed one whose headers no longer hold.
 */
#include "tests/bpf/groups.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "datapath/headers.h"
#include "tests/bpf/packet_cases.h"
#include "tests/bpf/run.h"
#include "tests/bpf/sandbox.h"

static struct world world;

static struct owner owner_of(const struct packet_case *c)
{
    struct owner owner = world_owner(&world, c->path, c->packet.protocol);

    owner.is_absent = c->who == WHO_FOREIGN;
    if (c->who == WHO_OTHER_POD)
        owner.epoch++;
    owner.untrusted = c->who == WHO_UNTRUSTED;
    owner.is_passive = c->who == WHO_LISTENER;
    return owner;
}

static struct outcome run_case(const struct packet_case *c, const __u8 *frame, size_t length)
{
    struct owner owner = c->path || c->who ? owner_of(c) : (struct owner){0};

    return run_packet(&world, c->program, c->path || c->who ? &owner : NULL, frame, length);
}

static void map_address(const char *text, __u8 address[16])
{
    memset(address, 0, 16);
    if (inet_pton(AF_INET6, text, address) == 1)
        return;
    address[10] = address[11] = 0xff;
    assert_int_equal(inet_pton(AF_INET, text, address + 12), 1);
}

#define expect(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return fail_case(c, length, outcome, #condition);                                                          \
    } while (0)

static int fail_case(const struct packet_case *c, size_t length, const struct outcome *outcome, const char *what)
{
    print_error("%s: not true with %zu bytes: %s\n", c->name, length, what);
    print_error("    passes %d, reset %d; counted %d, last direction %d verdict %d reason %d; events %d\n",
                outcome->passes, outcome->is_reset, outcome->change.seen, outcome->change.direction,
                outcome->change.verdict, outcome->change.reason, outcome->events);
    return 1;
}

static int check_event(const struct packet_case *c, size_t length, const struct outcome *outcome)
{
    const struct event *event = &outcome->event;
    bool is_from_pod = c->program == RUN_FROM_POD;
    __u8 source[16] = {0}, destination[16] = {0};

    expect(outcome->events == 1);
    expect(event->verdict == c->verdict);
    expect(event->reason == c->reason);
    expect(event->direction == outcome->change.direction);
    expect(event->slot == world.slot && event->epoch == world.epoch);
    expect(event->ifindex == sandbox.host_ifindex);
    expect(!(event->flags & EVENT_HAS_PROCESS) == !(c->path && c->who != WHO_OTHER_POD));
    if (c->reason == REASON_MALFORMED || c->reason == REASON_VLAN || c->reason == REASON_ETHERTYPE ||
        c->packet.ethertype)
        return 0;
    map_address(c->packet.source, source);
    map_address(c->packet.destination, destination);
    expect(memcmp(is_from_pod ? event->local : event->remote, source, 16) == 0);
    expect(memcmp(is_from_pod ? event->remote : event->local, destination, 16) == 0);
    /* Of hidden transport headers the event names the header that hides them. */
    expect(c->reason == REASON_EXTENSION_HEADER || event->protocol == c->packet.protocol);
    return 0;
}

static int check_outcome(const struct packet_case *c, size_t length, const struct outcome *outcome)
{
    bool is_violation = c->verdict != VERDICT_FORWARDED;
    bool is_reported = c->verdict == VERDICT_DROPPED || c->verdict == VERDICT_AUDIT;

    expect(!outcome->is_refused);
    expect(outcome->passes == (c->verdict != VERDICT_DROPPED));
    expect(outcome->is_reset == c->is_reset);
    expect(outcome->change.seen == is_violation);
    if (!is_violation)
        return 0;
    expect(outcome->change.verdict == c->verdict);
    expect(outcome->change.reason == c->reason);
    expect(outcome->change.direction == (c->program == RUN_FROM_POD ? EGRESS : INGRESS));
    return is_reported ? check_event(c, length, outcome) : outcome->events;
}

/* The bytes of the IP packet; what is beyond it in a frame is padding. */
static size_t bytes_that_matter(const struct packet_case *c, size_t length)
{
    return c->packet.ethertype || c->verdict != VERDICT_FORWARDED ? 0 : length;
}

static int check_cuts(const struct packet_case *c, const __u8 *frame, size_t length)
{
    bool must_drop = c->verdict == VERDICT_DROPPED;

    for (size_t cut = 0; cut < length; cut++) {
        struct outcome result = run_case(c, frame, cut), *outcome = &result;

        if (outcome->is_refused)
            continue;
        if (must_drop || cut < bytes_that_matter(c, length))
            expect(!outcome->passes);
    }
    return 0;
}

static void packets_are_judged_by_the_profile(void **state)
{
    int failures = 0;

    (void)state;
    world_apply(&world, packet_profile);
    for (size_t i = 0; i < packet_cases_count; i++) {
        const struct packet_case *c = &packet_cases[i];
        __u8 frame[PACKETS_MAX];
        size_t length = packets_build(&c->packet, frame);
        struct outcome outcome = run_case(c, frame, length);

        if (check_outcome(c, length, &outcome) || check_cuts(c, frame, length))
            failures++;
    }
    assert_int_equal(failures, 0);
    assert_true(world_adds_up(&world));
}

/* Knuth's, so that a failure comes again. */
static __u32 next_random(__u32 *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* T40 */
static void nothing_of_an_unlisted_binary_passes_whatever_its_bytes(void **state)
{
    __u32 seed = 1;

    (void)state;
    world_apply(&world, packet_profile);
    for (int i = 0; i < 20000; i++) {
        const struct packet_case *c = &packet_cases[next_random(&seed) % packet_cases_count];
        struct owner owner = world_owner(&world, "/bin/nc", c->packet.protocol);
        __u8 frame[PACKETS_MAX];
        size_t length = packets_build(&c->packet, frame);

        for (__u32 changes = 1 + next_random(&seed) % 4; changes > 0; changes--)
            frame[12 + next_random(&seed) % (length - 12)] = (__u8)next_random(&seed);
        if (run_packet(&world, RUN_FROM_POD, &owner, frame, length).passes)
            fail_msg("%s: passes after change %d", c->name, i);
    }
    assert_true(world_adds_up(&world));
}

/* T46 */
static void no_ethertype_passes_but_ip_and_arp(void **state)
{
    struct owner owner = world_owner(&world, "/bin/curl", IPPROTO_TCP);
    struct packet_spec packet = {.source = POD4, .destination = "10.1.2.3"};

    (void)state;
    world_apply(&world, packet_profile);
    for (__u32 type = 0x0600; type < 0x10000; type += 1 + (type > 0x0900) * 12) {
        struct outcome outcome;

        if (type == ETHERTYPE_IPV4 || type == ETHERTYPE_ARP || type == ETHERTYPE_IPV6)
            continue;
        packet.ethertype = (__u16)type;
        outcome = run_spec(&world, RUN_FROM_POD, &owner, &packet);
        if (outcome.passes || (outcome.change.reason != REASON_ETHERTYPE && outcome.change.reason != REASON_VLAN))
            fail_msg("EtherType 0x%04x passes, or is refused for reason %d", type, outcome.change.reason);
    }
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

int group_packets(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_an_unlisted_binary_passes_whatever_its_bytes),
        cmocka_unit_test(packets_are_judged_by_the_profile),
        cmocka_unit_test(no_ethertype_passes_but_ip_and_arp),
    };

    return cmocka_run_group_tests_name("packets", tests, start, stop);
}
