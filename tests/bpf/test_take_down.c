/* SPDX-License-Identifier: Apache-2.0 */
/* The removal of everything, pins included. The last group: it leaves nothing to the others. */
#include "tests/bpf/groups.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath/attach.h"
#include "datapath/load.h"
#include "tests/bpf/records.h"
#include "tests/bpf/sandbox.h"

#define ADDERS 8

static void removal_of_everything_leaves_nothing(void **state)
{
    struct error err = {0};
    __u64 id;
    int fd = sandbox_make_cgroup("pod", &id);
    __u32 ifindex = sandbox_add_veth("veth-a", "veth-b"), flags = 0;
    struct record_request request = records_request("c1", "eth0", id, ifindex);

    (void)state;
    records_add(&request);
    assert_int_equal(attach_cgroup(&records, fd, &err), 0);
    assert_int_equal(attach_veth(&records, ifindex, request.attachment.slot, &flags, &err), 0);
    attach_promote(&records, ifindex, request.attachment.slot, &flags, &err);
    if (load_remove(sandbox.pins, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(access(sandbox.pins, F_OK), -1);
    assert_int_equal(attach_cgroup_present(&records, fd), 0);
    assert_int_equal(attach_veth_present(&records, ifindex, request.attachment.slot), 0);
    /* An ADD that opened the pins before finds that they are gone, and takes off what it attached since. */
    assert_int_equal(record_add(&records, &request, &err), -ENOENT);
    assert_int_equal(attach_cgroup(&records, fd, &err), 0);
    assert_int_equal(attach_veth(&records, ifindex, request.attachment.slot, &flags, &err), 0);
    assert_int_equal(record_set_flags(&records, &request.key, &request.attachment, &err), -ENOENT);
    record_undo(&records, &request, fd);
    assert_int_equal(attach_cgroup_present(&records, fd), 0);
    assert_int_equal(attach_veth_present(&records, ifindex, request.attachment.slot), 0);
    close(fd);
    sandbox_remove_cgroup("pod");
    sandbox_delete_link(ifindex);
}

/* The pins of the group as they were, loaded anew; a pod on cgroup `fd` and device `ifindex`. */
static struct record_request attach_anew(__u64 id, int fd, __u32 ifindex)
{
    struct record_request request = records_request("c1", "eth0", id, ifindex);
    struct error err = {0};

    records_close(NULL);
    records_open(NULL);
    records_add(&request);
    assert_int_equal(attach_cgroup(&records, fd, &err), 0);
    assert_int_equal(attach_veth(&records, ifindex, request.attachment.slot, &request.attachment.flags, &err), 0);
    assert_int_equal(record_set_flags(&records, &request.key, &request.attachment, &err), 0);
    return request;
}

static void unpin(const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", sandbox.pins, name);
    assert_int_equal(unlink(path), 0);
}

static int programs_on(int cgroup_fd, enum bpf_attach_type type)
{
    __u32 ids[16], count = 16;

    assert_int_equal(bpf_prog_query(cgroup_fd, type, 0, NULL, ids, &count), 0);
    return (int)count;
}

static void removal_of_pins_that_are_not_whole_detaches_what_they_name(void **state)
{
    static const struct {
        const char *missing[2];
        const char *said; /* NULL: all is detached */
    } cases[] = {
        {{"nsp_events", "nsp_control"}, NULL},
        {{"nsp_ids", "nsp_attached"}, NULL},
        {{"nsp_ids", "nsp_pods"}, "nsp_pods"},
        {{"nsp_connect4", "nsp_rules"}, "nsp_connect4"},
    };
    __u64 id;
    int fd = sandbox_make_cgroup("pod", &id);
    __u32 ifindex = sandbox_add_veth("veth-a", "veth-b");

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct record_request request = attach_anew(id, fd, ifindex);
        struct error err = {0};

        unpin(cases[i].missing[0]);
        unpin(cases[i].missing[1]);
        assert_int_equal(load_remove(sandbox.pins, &err), cases[i].said ? -EUCLEAN : 0);
        assert_int_equal(access(sandbox.pins, F_OK), -1);
        assert_int_equal(attach_veth_present(&records, ifindex, request.attachment.slot), 0);
        assert_int_equal(programs_on(fd, BPF_CGROUP_INET4_CONNECT), cases[i].said ? 1 : 0);
        if (cases[i].said) {
            assert_non_null(strstr(err.msg, cases[i].said));
            assert_non_null(strstr(err.msg, "bpftool cgroup tree"));
        }
        attach_cgroup_undo(&records, fd, &err);
    }
    close(fd);
    sandbox_remove_cgroup("pod");
    sandbox_delete_link(ifindex);
}

static void add_until_the_pins_are_gone(const char *container, __u64 cgroup_id, int cgroup_fd)
{
    for (;;) {
        struct record_request request = records_request(container, "eth0", cgroup_id, 0);
        struct error err;

        if (record_add(&records, &request, &err))
            _exit(0);
        if (attach_cgroup(&records, cgroup_fd, &err) ||
            record_set_flags(&records, &request.key, &request.attachment, &err))
            record_undo(&records, &request, cgroup_fd);
    }
}

static void removal_of_everything_while_pods_are_added_leaves_nothing(void **state)
{
    struct error err = {0};
    __u64 id;
    int fd = sandbox_make_cgroup("pod", &id), status;

    (void)state;
    records_close(NULL);
    records_open(NULL);
    for (int i = 0; i < ADDERS; i++) {
        char container[] = {'c', (char)('a' + i), 0};

        if (fork() == 0)
            add_until_the_pins_are_gone(container, id, fd);
    }
    while (attach_cgroup_present(&records, fd) == 0)
        sched_yield();
    assert_int_equal(load_remove(sandbox.pins, &err), 0);
    for (int i = 0; i < ADDERS; i++) {
        wait(&status);
        assert_int_equal(status, 0);
    }
    assert_int_equal(programs_on(fd, BPF_CGROUP_INET4_CONNECT), 0);
    close(fd);
    sandbox_remove_cgroup("pod");
}

int group_take_down(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removal_of_everything_leaves_nothing),
        cmocka_unit_test(removal_of_pins_that_are_not_whole_detaches_what_they_name),
        cmocka_unit_test(removal_of_everything_while_pods_are_added_leaves_nothing),
    };

    return cmocka_run_group_tests_name("take down", tests, records_open, records_close);
}
