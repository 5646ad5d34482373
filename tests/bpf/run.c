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
#define TC_REDIRECT 7
#define NO_SUCH_RUN (-1000)

static struct owner_bpf *helper;
static struct ring_buffer *ring;
static struct event last_event;
static int events;

static int keep_event(void *context, void *data, size_t size)
{
    (void)context;
    assert_int_equal(size, sizeof(last_event));
    memcpy(&last_event, data, sizeof(last_event));
    events++;
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

static struct seen read_seen(__u32 place)
{
    struct seen seen;

    assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(helper->maps.owner_seen), &place, &seen), 0);
    return seen;
}

/* Returns the program's answer, or NO_SUCH_RUN where the kernel takes no such packet. The packet may come out changed.
 */
static int test_run(int program_fd, struct __sk_buff *context, const __u8 *frame, size_t length,
                    __u8 out[2 * PACKETS_MAX])
{
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (__u32)length, .data_out = out,
                .data_size_out = 2 * PACKETS_MAX, .ctx_in = context, .ctx_size_in = sizeof(*context), .repeat = 1);
    int rc = bpf_prog_test_run_opts(program_fd, &options);

    /* Linux 6.18 wants an IP header behind that EtherType, older kernels a byte behind the Ethernet header. */
    if (rc == -EINVAL && length < ETH_HLEN + 40)
        return NO_SUCH_RUN;
    if (rc)
        fail_msg("BPF_PROG_TEST_RUN with %zu bytes: %s", length, strerror(-rc));
    return (int)options.retval;
}

static void run_owned(const struct world *world, enum run_program program, const struct owner *owner, const __u8 *frame,
                      size_t length, struct outcome *outcome)
{
    struct __sk_buff context = {.ifindex = sandbox.host_ifindex};
    struct owner absent = {.is_absent = 1};
    __u8 out[2 * PACKETS_MAX];
    __u32 zero = 0;
    bool is_cgroup = program == RUN_INGRESS;
    int answer;

    if (!is_cgroup)
        set_target(helper->maps.owner_tc,
                   world->datapath.programs[program == RUN_FROM_POD ? PROGRAM_FROM_POD : PROGRAM_TO_POD]);
    assert_int_equal(
        bpf_map_update_elem(bpf_map__fd(helper->maps.owner_wanted), &zero, owner ? owner : &absent, BPF_ANY), 0);
    answer = test_run(bpf_program__fd(is_cgroup ? helper->progs.owner_run_cg : helper->progs.owner_run_tc), &context,
                      frame, length, out);
    outcome->is_refused = answer == NO_SUCH_RUN;
    outcome->passes = is_cgroup ? answer == 1 : answer == TC_NEXT;
    outcome->is_reset = !is_cgroup && answer == TC_REDIRECT;
    if (!outcome->is_refused && !is_cgroup)
        assert_true(answer == TC_NEXT || answer == 2 || answer == TC_REDIRECT);
}

static long long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Out of the pod's end of the veth; done once somebody has counted it. */
static void run_sent(const struct world *world, const __u8 *frame, size_t length, struct outcome *outcome)
{
    struct __sk_buff context = {.ifindex = sandbox.pod_ifindex, .mark = sandbox.pod_ifindex};
    struct seen passed = read_seen(SEEN_FROM_POD), at_pod = read_seen(SEEN_AT_POD);
    __u8 out[2 * PACKETS_MAX];
    long long deadline = now_ns() + DEADLINE_NS;

    if (test_run(bpf_program__fd(helper->progs.owner_send), &context, frame, length, out) == NO_SUCH_RUN) {
        outcome->is_refused = true;
        return;
    }
    do {
        outcome->passes = read_seen(SEEN_FROM_POD).packets != passed.packets;
        outcome->change = world_changed(world);
    } while (!outcome->passes && !outcome->change.seen && now_ns() < deadline);
    outcome->is_reset = read_seen(SEEN_AT_POD).packets != at_pod.packets;
}

struct outcome run_packet(struct world *world, enum run_program program, const struct owner *owner, const __u8 *frame,
                          size_t length)
{
    struct outcome outcome = {0};

    events = 0;
    world_mark(world);
    if (program == RUN_FROM_POD && !owner)
        run_sent(world, frame, length, &outcome);
    else
        run_owned(world, program, owner, frame, length, &outcome);
    ring_buffer__consume(ring);
    outcome.change = world_changed(world);
    outcome.events = events;
    outcome.event = last_event;
    return outcome;
}
