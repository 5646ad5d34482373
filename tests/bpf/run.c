/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bpf/run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_sched.h>
#include <netlink/socket.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/tc_netlink.h"
#include "tests/bpf/owner.skel.h"
#include "tests/bpf/sandbox.h"

#define DEADLINE_NS 1000000000LL
#define TC_NEXT (-1)
#define TC_SHOT 2
#define TC_REDIRECT 7
#define NO_SUCH_RUN (-1000)

static struct owner_bpf *helper;
static struct ring_buffer *ring;
static struct outcome heard; /* its events */
static __u32 came_from, worn_mark;

void run_come_from(__u32 ifindex)
{
    came_from = ifindex;
}

void run_mark(__u32 mark)
{
    worn_mark = mark;
}

static void keep_text(const struct long_event *event, char text[129])
{
    size_t length = event->event.text_length < 128 ? event->event.text_length : 128;

    memcpy(text, event->text, length);
    text[length] = '\0';
}

static int keep_event(void *context, void *data, size_t size)
{
    const struct event *event = data;

    (void)context;
    assert_int_equal(size, event->flags & EVENT_LONG ? sizeof(struct long_event) : sizeof(struct event));
    heard.event = *event;
    if (heard.events < RUN_EVENTS_MAX) {
        heard.all[heard.events] = *event;
        if (event->flags & EVENT_LONG)
            keep_text(data, heard.texts[heard.events]);
    }
    heard.events++;
    return 0;
}

/* Behind ours on the host's end, and on the pod's end. */
static void observe(__u32 ifindex, __u32 priority, int program_fd)
{
    struct nl_sock *sock;
    struct tc_filter filter = {
        .ifindex = ifindex,
        .parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
        .handle = 1,
        .priority = priority,
        .protocol_be = htons(ETH_P_ALL),
        .name = "observer",
        .program_fd = program_fd,
    };

    assert_int_equal(tc_netlink_open(&sock), 0);
    tc_netlink_add_clsact(sock, ifindex);
    assert_int_equal(tc_netlink_add_filter(sock, &filter, 1), 0);
    nl_socket_free(sock);
}

static void set_target(struct bpf_map *map, int program_fd)
{
    __u32 zero = 0;

    assert_int_equal(bpf_map_update_elem(bpf_map__fd(map), &zero, &program_fd, BPF_ANY), 0);
}

/* The helper shares every map of datapath/maps.h with the pinned programs. */
static void share_maps(const struct datapath *datapath)
{
    for (int i = 0; i < PINS_MAPS; i++) {
        struct bpf_map *map = bpf_object__find_map_by_name(helper->obj, pins_map_name(i));

        if (map)
            assert_int_equal(bpf_map__reuse_fd(map, datapath->maps[i]), 0);
    }
}

void run_start(struct world *world)
{
    helper = owner_bpf__open();
    assert_non_null(helper);
    share_maps(&world->datapath);
    assert_int_equal(owner_bpf__load(helper), 0);
    set_target(helper->maps.owner_cgroup, world->datapath.programs[PROGRAM_INGRESS]);
    observe(sandbox.host_ifindex, 2, bpf_program__fd(helper->progs.owner_from_pod));
    observe(sandbox.pod_ifindex, 1, bpf_program__fd(helper->progs.owner_at_pod));
    ring = ring_buffer__new(world->datapath.maps[MAP_EVENTS], keep_event, NULL, NULL);
    assert_non_null(ring);
}

void run_stop(void)
{
    ring_buffer__free(ring);
    owner_bpf__destroy(helper);
}

static __u64 read_seen(__u32 place)
{
    __u64 packets;

    assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(helper->maps.owner_seen), &place, &packets), 0);
    return packets;
}

/* A frame on its way through a program, which may change it. */
struct trip {
    const __u8 *frame;
    size_t length;
    __u8 out[2 * PACKETS_MAX];
    size_t out_length;
};

/* Returns the program's answer, or NO_SUCH_RUN where the kernel takes no such packet. */
static int test_run(const struct bpf_program *program, struct __sk_buff *context, struct trip *trip)
{
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = trip->frame, .data_size_in = (__u32)trip->length,
                .data_out = trip->out, .data_size_out = sizeof(trip->out), .ctx_in = context,
                .ctx_size_in = sizeof(*context), .repeat = 1);
    int rc = bpf_prog_test_run_opts(bpf_program__fd(program), &options);

    trip->out_length = options.data_size_out;
    /* Linux 6.18 wants an IP header behind that EtherType, older kernels a byte behind the Ethernet header. */
    if (rc == -EINVAL && trip->length < ETH_HLEN + 40)
        return NO_SUCH_RUN;
    if (rc)
        fail_msg("BPF_PROG_TEST_RUN with %zu bytes: %s", trip->length, strerror(-rc));
    return (int)options.retval;
}

static void set_owner(const struct owner *owner)
{
    static const struct owner absent = {.is_absent = 1};
    __u32 zero = 0;

    assert_int_equal(
        bpf_map_update_elem(bpf_map__fd(helper->maps.owner_wanted), &zero, owner ? owner : &absent, BPF_ANY), 0);
}

static void run_tc(int program_fd, struct trip *trip, struct outcome *outcome)
{
    struct __sk_buff context = {.ifindex = sandbox.host_ifindex, .ingress_ifindex = came_from, .mark = worn_mark};
    int answer;

    set_target(helper->maps.owner_tc, program_fd);
    answer = test_run(helper->progs.owner_run_tc, &context, trip);
    assert_true(answer == TC_NEXT || answer == TC_SHOT || answer == TC_REDIRECT || answer == NO_SUCH_RUN);
    outcome->is_refused = answer == NO_SUCH_RUN;
    outcome->passes = answer == TC_NEXT;
    outcome->is_reset = answer == TC_REDIRECT || (answer == TC_NEXT && trip->out_length < trip->length);
    if (outcome->is_reset)
        assert_true(packets_is_reset(trip->out, trip->out_length));
}

static void run_cgroup(struct trip *trip, struct outcome *outcome)
{
    struct __sk_buff context = {.ifindex = sandbox.host_ifindex};
    int answer = test_run(helper->progs.owner_run_cg, &context, trip);

    outcome->is_refused = answer == NO_SUCH_RUN;
    outcome->passes = answer == 1;
}

static long long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Out of the pod's end of the veth; done once somebody has counted it. */
static void run_sent(const struct world *world, struct trip *trip, struct outcome *outcome)
{
    struct __sk_buff context = {.ifindex = sandbox.pod_ifindex, .mark = sandbox.pod_ifindex};
    __u64 passed = read_seen(SEEN_FROM_POD), at_pod = read_seen(SEEN_AT_POD);
    long long deadline = now_ns() + DEADLINE_NS;

    if (test_run(helper->progs.owner_send, &context, trip) == NO_SUCH_RUN) {
        outcome->is_refused = true;
        return;
    }
    do {
        outcome->passes = read_seen(SEEN_FROM_POD) != passed;
        outcome->change = world_changed(world);
    } while (!outcome->passes && !outcome->change.seen && now_ns() < deadline);
    outcome->is_reset = read_seen(SEEN_AT_POD) != at_pod;
}

int run_flood(enum run_program program, const __u8 *frame, size_t length, __u32 times)
{
    __u32 ifindex = program == RUN_TO_POD ? sandbox.host_ifindex : sandbox.pod_ifindex;
    __u32 place = program == RUN_TO_POD ? SEEN_AT_POD : SEEN_FROM_POD;
    struct __sk_buff context = {.ifindex = ifindex, .mark = ifindex};
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (__u32)length, .ctx_in = &context,
                .ctx_size_in = sizeof(context), .repeat = (int)times);
    __u64 before = read_seen(place);
    long long deadline = now_ns() + DEADLINE_NS;

    assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(helper->progs.owner_send), &options), 0);
    do {
        ring_buffer__consume(ring);
    } while (read_seen(place) - before < times && now_ns() < deadline);
    ring_buffer__consume(ring);
    return (int)(read_seen(place) - before);
}

__u32 run_storm(struct world *world, const __u8 *frame, size_t length, __u32 times)
{
    struct __sk_buff context = {.ifindex = sandbox.host_ifindex};
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (__u32)length, .ctx_in = &context,
                .ctx_size_in = sizeof(context), .repeat = (int)times);

    set_owner(NULL);
    set_target(helper->maps.owner_tc, world->datapath.programs[PROGRAM_FROM_POD]);
    assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(helper->progs.owner_run_tc), &options), 0);
    assert_int_equal(options.retval, TC_SHOT);
    return options.duration;
}

int run_read_events(void)
{
    heard = (struct outcome){0};
    assert_true(ring_buffer__consume(ring) >= 0);
    return heard.events;
}

int run_observer(void)
{
    return bpf_program__fd(helper->progs.owner_from_pod);
}

struct outcome run_packet(struct world *world, enum run_program program, const struct owner *owner, const __u8 *frame,
                          size_t length)
{
    struct trip trip = {.frame = frame, .length = length};
    struct outcome outcome = {0};

    heard = (struct outcome){0};
    world_mark(world);
    set_owner(owner);
    if (program == RUN_INGRESS)
        run_cgroup(&trip, &outcome);
    else if (program == RUN_TO_POD)
        run_tc(world->datapath.programs[PROGRAM_TO_POD], &trip, &outcome);
    else if (owner)
        run_tc(world->datapath.programs[PROGRAM_FROM_POD], &trip, &outcome);
    else
        run_sent(world, &trip, &outcome);
    ring_buffer__consume(ring);
    outcome.change = world_changed(world);
    outcome.events = heard.events;
    outcome.event = heard.event;
    memcpy(outcome.all, heard.all, sizeof(outcome.all));
    memcpy(outcome.texts, heard.texts, sizeof(outcome.texts));
    return outcome;
}

struct outcome run_spec(struct world *world, enum run_program program, const struct owner *owner,
                        const struct packet_spec *spec)
{
    __u8 frame[PACKETS_MAX];
    size_t length = packets_build(spec, frame);

    return run_packet(world, program, owner, frame, length);
}
