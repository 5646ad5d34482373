/* SPDX-License-Identifier: Apache-2.0 */
/* Attaching to cgroup and veth: what is ours comes on and goes off, what is others' stays. */
#include "tests/bpf/groups.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_sched.h>
#include <netlink/route/qdisc.h>
#include <netlink/socket.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath/attach.h"
#include "datapath/attach_tcx.h"
#include "datapath/load.h"
#include "datapath/tc_netlink.h"
#include "tests/bpf/sandbox.h"

#define SLOT 7
#define HOST_INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
#define HOST_EGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)
#define BOTH (ATTACHED_CLSACT_FROM_POD | ATTACHED_CLSACT_TO_POD)

static struct datapath datapath;
static struct nl_sock *netlink_sock;
static __u32 ifindex; /* of a veth's host end, new for each test */

static int load(void **state)
{
    struct load_options options = {.directory = sandbox.pins};
    struct error err;
    int adopted;

    (void)state;
    return load_or_adopt(&datapath, &options, &adopted, &err) || tc_netlink_open(&netlink_sock);
}

static int unload(void **state)
{
    (void)state;
    nl_socket_free(netlink_sock);
    pins_close(&datapath);
    return 0;
}

static int add_device(void **state)
{
    (void)state;
    ifindex = sandbox_add_veth("veth-a", "veth-b");
    return 0;
}

static int delete_device(void **state)
{
    (void)state;
    attach_tcx_remove(&datapath, ifindex, SLOT, NULL);
    sandbox_delete_link(ifindex);
    return 0;
}

struct listing {
    int count;
    struct tc_filter filters[8];
};

static void list_filter(const struct tc_filter *filter, void *context)
{
    struct listing *listing = context;

    assert_in_range(listing->count, 0, 7);
    listing->filters[listing->count++] = *filter;
}

static struct listing filters_of(__u32 parent)
{
    struct listing listing = {0};

    assert_int_equal(tc_netlink_filters(netlink_sock, ifindex, parent, list_filter, &listing), 0);
    return listing;
}

/* Somebody else's filter: any program will do. */
static void add_foreign_filter(__u32 handle, __u32 priority)
{
    struct tc_filter filter = {
        .ifindex = ifindex,
        .parent = HOST_INGRESS,
        .handle = handle,
        .priority = priority,
        .protocol_be = htons(ETH_P_ALL),
        .name = "foreign",
        .program_fd = datapath.programs[PROGRAM_TO_POD],
    };

    tc_netlink_add_clsact(netlink_sock, ifindex);
    assert_int_equal(tc_netlink_add_filter(netlink_sock, &filter, 0), 0);
}

static void add_ingress_qdisc(void)
{
    struct rtnl_qdisc *qdisc = rtnl_qdisc_alloc();

    rtnl_tc_set_ifindex(TC_CAST(qdisc), (int)ifindex);
    rtnl_tc_set_parent(TC_CAST(qdisc), TC_H_INGRESS);
    rtnl_tc_set_handle(TC_CAST(qdisc), TC_H_MAKE(TC_H_INGRESS, 0));
    assert_int_equal(rtnl_tc_set_kind(TC_CAST(qdisc), "ingress"), 0);
    assert_int_equal(rtnl_qdisc_add(netlink_sock, qdisc, NLM_F_CREATE | NLM_F_EXCL), 0);
    rtnl_qdisc_put(qdisc);
}

static __u32 attach(void)
{
    struct error err = {0};
    __u32 flags = 0;

    if (attach_veth(&datapath, ifindex, SLOT, &flags, &err))
        fail_msg("%s", err.msg);
    return flags;
}

static void undo(void)
{
    struct error err = {0};

    if (attach_veth_undo(&datapath, ifindex, SLOT, &err))
        fail_msg("%s", err.msg);
}

static void veth_gets_named_filters_both_ways_and_loses_them(void **state)
{
    struct listing from, to;

    (void)state;
    assert_int_equal(attach(), BOTH);
    assert_int_equal(attach_veth_present(&datapath, ifindex, SLOT), BOTH);
    from = filters_of(HOST_INGRESS);
    to = filters_of(HOST_EGRESS);
    assert_int_equal(from.count, 1);
    assert_int_equal(to.count, 1);
    assert_string_equal(from.filters[0].name, "nsp_from_pod");
    assert_string_equal(to.filters[0].name, "nsp_to_pod");
    assert_int_equal(from.filters[0].handle, ATTACH_TC_HANDLE);
    assert_int_equal(from.filters[0].priority, ATTACH_TC_PRIORITY);
    undo();
    assert_int_equal(filters_of(HOST_INGRESS).count, 0);
    assert_int_equal(filters_of(HOST_EGRESS).count, 0);
    assert_int_equal(attach_veth_present(&datapath, ifindex, SLOT), 0);
    undo();
}

static void attaching_twice_leaves_one_filter_a_direction(void **state)
{
    (void)state;
    assert_int_equal(attach(), BOTH);
    assert_int_equal(attach(), BOTH);
    assert_int_equal(filters_of(HOST_INGRESS).count, 1);
    assert_int_equal(filters_of(HOST_EGRESS).count, 1);
}

static void filters_of_an_older_load_get_our_program(void **state)
{
    struct tc_filter old = {
        .ifindex = ifindex,
        .parent = HOST_INGRESS,
        .handle = ATTACH_TC_HANDLE,
        .priority = 3,
        .protocol_be = htons(ETH_P_ALL),
        .name = "nsp_from_pod",
        .program_fd = datapath.programs[PROGRAM_TO_POD],
    };
    struct listing from;

    (void)state;
    tc_netlink_add_clsact(netlink_sock, ifindex);
    assert_int_equal(tc_netlink_add_filter(netlink_sock, &old, 0), 0);
    assert_int_equal(attach_veth_present(&datapath, ifindex, SLOT), 0);
    assert_int_equal(attach(), BOTH);
    assert_int_equal(attach_veth_present(&datapath, ifindex, SLOT), BOTH);
    from = filters_of(HOST_INGRESS);
    assert_int_equal(from.count, 1);
    assert_int_equal(from.filters[0].priority, 3);
}

/* T10 */
static void ours_runs_before_a_neighbour_of_the_same_priority(void **state)
{
    struct listing from;

    (void)state;
    add_foreign_filter(1, 1);
    assert_int_equal(attach(), BOTH);
    from = filters_of(HOST_INGRESS);
    assert_int_equal(from.count, 2);
    assert_string_equal(from.filters[0].name, "nsp_from_pod");
    undo();
    from = filters_of(HOST_INGRESS);
    assert_int_equal(from.count, 1);
    assert_string_equal(from.filters[0].name, "foreign");
}

/* Our handle under another name stands for whatever cannot share a priority with us. */
static void taken_priority_leads_to_tcx_or_else_to_the_next(void **state)
{
    struct listing from;

    (void)state;
    add_foreign_filter(ATTACH_TC_HANDLE, 1);
    if (attach_has_tcx()) {
        assert_int_equal(attach(), ATTACHED_TCX);
        assert_int_equal(attach_veth_present(&datapath, ifindex, SLOT), ATTACHED_TCX);
    } else {
        assert_int_equal(attach(), BOTH);
        from = filters_of(HOST_INGRESS);
        assert_int_equal(from.count, 2);
        assert_int_equal(from.filters[1].priority, 2);
        assert_string_equal(from.filters[1].name, "nsp_from_pod");
    }
    undo();
    from = filters_of(HOST_INGRESS);
    assert_int_equal(from.count, 1);
    assert_string_equal(from.filters[0].name, "foreign");
}

static void ingress_qdisc_never_gets_the_filter_of_the_other_direction(void **state)
{
    (void)state;
    add_ingress_qdisc();
    if (attach_has_tcx()) {
        assert_int_equal(attach(), ATTACHED_TCX);
        assert_int_equal(filters_of(HOST_INGRESS).count, 0);
    } else {
        struct listing from;

        assert_int_equal(attach(), ATTACHED_CLSACT_FROM_POD);
        from = filters_of(HOST_INGRESS);
        assert_int_equal(from.count, 1);
        assert_string_equal(from.filters[0].name, "nsp_from_pod");
    }
    undo();
    assert_int_equal(attach_veth_present(&datapath, ifindex, SLOT), 0);
}

static void promotion_swaps_filters_for_links_where_there_is_tcx(void **state)
{
    struct error err = {0};
    __u32 flags = BOTH;

    (void)state;
    assert_int_equal(attach(), BOTH);
    assert_int_equal(attach_promote(&datapath, ifindex, SLOT, &flags, &err), attach_has_tcx() ? 1 : 0);
    if (attach_has_tcx()) {
        assert_int_equal(flags, ATTACHED_TCX);
        assert_int_equal(attach_veth_present(&datapath, ifindex, SLOT), ATTACHED_TCX);
        assert_int_equal(attach_promote(&datapath, ifindex, SLOT, &flags, &err), 0);
    }
    undo();
    assert_int_equal(attach_veth_present(&datapath, ifindex, SLOT), 0);
}

static void link_pins_of_a_vanished_device_make_no_trouble(void **state)
{
    struct error err = {0};
    char path[128];

    (void)state;
    if (!attach_has_tcx())
        return;
    snprintf(path, sizeof(path), "%s/links/%u-%u-in", sandbox.pins, SLOT, ifindex);
    assert_int_equal(attach_tcx_add(&datapath, ifindex, SLOT, &err), 0);
    assert_int_equal(access(path, F_OK), 0);
    sandbox_delete_link(ifindex);
    undo();
    assert_int_equal(access(path, F_OK), -1);
    ifindex = sandbox_add_veth("veth-a", "veth-b");
}

static void no_such_device_is_said_and_undone_without_complaint(void **state)
{
    struct error err = {0};
    __u32 flags = 0, real = ifindex;

    (void)state;
    ifindex = 99999;
    assert_int_equal(attach_veth(&datapath, ifindex, SLOT, &flags, &err), -ENODEV);
    assert_non_null(strstr(err.msg, "99999"));
    assert_int_equal(attach_veth_present(&datapath, ifindex, SLOT), 0);
    undo();
    ifindex = real;
}

static void cgroup_gets_all_programs_once_and_loses_them(void **state)
{
    struct error err = {0};
    __u64 id;
    int fd = sandbox_make_cgroup("pod", &id);

    (void)state;
    assert_int_equal(attach_cgroup_present(&datapath, fd), 0);
    if (attach_cgroup(&datapath, fd, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(attach_cgroup_present(&datapath, fd), 1);
    assert_int_equal(attach_cgroup(&datapath, fd, &err), 0);
    assert_int_equal(attach_cgroup_undo(&datapath, fd, &err), 0);
    assert_int_equal(attach_cgroup_present(&datapath, fd), 0);
    assert_int_equal(attach_cgroup_undo(&datapath, fd, &err), 0);
    close(fd);
    sandbox_remove_cgroup("pod");
}

static void failure_on_the_cgroup_leaves_what_was_there_before(void **state)
{
    struct datapath broken = datapath;
    struct error err = {0};
    __u64 id;
    int fd = sandbox_make_cgroup("pod", &id);
    __u32 count = 0, flags;

    (void)state;
    assert_int_equal(
        bpf_prog_attach(datapath.programs[PROGRAM_CONNECT4], fd, BPF_CGROUP_INET4_CONNECT, BPF_F_ALLOW_MULTI), 0);
    broken.programs[PROGRAM_SOCKOPS] = datapath.programs[PROGRAM_FROM_POD];
    assert_int_equal(attach_cgroup(&broken, fd, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "nsp_sockops"));
    assert_int_equal(bpf_prog_query(fd, BPF_CGROUP_INET4_CONNECT, 0, &flags, NULL, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(bpf_prog_query(fd, BPF_CGROUP_INET6_CONNECT, 0, &flags, NULL, &count), 0);
    assert_int_equal(count, 0);
    close(fd);
    sandbox_remove_cgroup("pod");
}

int group_attach(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(veth_gets_named_filters_both_ways_and_loses_them, add_device, delete_device),
        cmocka_unit_test_setup_teardown(attaching_twice_leaves_one_filter_a_direction, add_device, delete_device),
        cmocka_unit_test_setup_teardown(filters_of_an_older_load_get_our_program, add_device, delete_device),
        cmocka_unit_test_setup_teardown(ours_runs_before_a_neighbour_of_the_same_priority, add_device, delete_device),
        cmocka_unit_test_setup_teardown(taken_priority_leads_to_tcx_or_else_to_the_next, add_device, delete_device),
        cmocka_unit_test_setup_teardown(ingress_qdisc_never_gets_the_filter_of_the_other_direction, add_device,
                                        delete_device),
        cmocka_unit_test_setup_teardown(promotion_swaps_filters_for_links_where_there_is_tcx, add_device,
                                        delete_device),
        cmocka_unit_test_setup_teardown(link_pins_of_a_vanished_device_make_no_trouble, add_device, delete_device),
        cmocka_unit_test_setup_teardown(no_such_device_is_said_and_undone_without_complaint, add_device, delete_device),
        cmocka_unit_test(cgroup_gets_all_programs_once_and_loses_them),
        cmocka_unit_test(failure_on_the_cgroup_leaves_what_was_there_before),
    };

    return cmocka_run_group_tests_name("attach", tests, load, unload);
}
