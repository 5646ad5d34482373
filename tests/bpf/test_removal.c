/* SPDX-License-Identifier: Apache-2.0 */
/* The end of records: what is taken off, what is left alone, when an attachment counts as dead. */
#include "tests/bpf/groups.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath/attach.h"
#include "datapath/load.h"
#include "tests/bpf/records.h"
#include "tests/bpf/sandbox.h"

static int remove_visited(const struct attachment_key *key, const struct attachment *attachment, void *context)
{
    (void)attachment;
    ++*(int *)context;
    records_remove(key);
    return 0;
}

static int stop_at_first(const struct attachment_key *key, const struct attachment *attachment, void *context)
{
    (void)key;
    (void)attachment;
    ++*(int *)context;
    return 42;
}

static void visitors_may_remove_and_may_stop(void **state)
{
    int visits = 0;

    (void)state;
    for (__u32 i = 0; i < 20; i++) {
        char container[16];
        struct record_request request;

        snprintf(container, sizeof(container), "c%u", i);
        request = records_request(container, "eth0", 2000 + i, 100 + i);
        records_add(&request);
    }
    assert_int_equal(record_each(&records, stop_at_first, &visits), 42);
    assert_int_equal(visits, 1);
    visits = 0;
    assert_int_equal(record_each(&records, remove_visited, &visits), 0);
    assert_int_equal(visits, 20);
    records_assert_none();
}

static void removal_takes_the_programs_off_veth_and_cgroup(void **state)
{
    struct error err = {0};
    __u64 id;
    int fd = sandbox_make_cgroup("pod", &id);
    __u32 ifindex = sandbox_add_veth("veth-a", "veth-b"), flags = 0;
    struct record_request request = records_request("c1", "eth0", id, ifindex);
    struct attachment attachment;
    struct pod_ref ref;

    (void)state;
    records_add(&request);
    assert_int_equal(attach_cgroup(&records, fd, &err), 0);
    if (record_bind_cgroup(&records, id, request.attachment.slot, request.attachment.epoch, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(bpf_map_lookup_elem(records.maps[MAP_CGROUP], &id, &ref), 0);
    assert_int_equal(ref.slot, request.attachment.slot);
    assert_int_equal(attach_veth(&records, ifindex, request.attachment.slot, &flags, &err), 0);
    request.attachment.flags = flags;
    assert_int_equal(record_set_flags(&records, &request.key, &request.attachment, &err), 0);
    assert_int_equal(record_find(&records, &request.key, &attachment), 0);
    assert_int_equal(attachment.flags, flags);
    records_remove(&request.key);
    assert_int_equal(attach_cgroup_present(&records, fd), 0);
    assert_int_equal(attach_veth_present(&records, ifindex, request.attachment.slot), 0);
    records_assert_none();
    close(fd);
    sandbox_remove_cgroup("pod");
    sandbox_delete_link(ifindex);
}

static void attachment_has_lost_its_veth_when_the_device_is_gone_or_anothers(void **state)
{
    struct error err = {0};
    __u32 ifindex = sandbox_add_veth("veth-a", "veth-b"), flags = 0;
    struct record_request request = records_request("c1", "eth0", 0, ifindex);
    const struct attachment *attachment = &request.attachment;

    (void)state;
    strcpy(request.attachment.host_ifname, "veth-a");
    records_add(&request);
    assert_false(record_has_lost_veth(&records, attachment));
    assert_int_equal(attach_veth(&records, ifindex, attachment->slot, &flags, &err), 0);
    sandbox_rename_link(ifindex, "renamed");
    assert_false(record_has_lost_veth(&records, attachment));
    assert_int_equal(attach_veth_undo(&records, ifindex, attachment->slot, &err), 0);
    assert_true(record_has_lost_veth(&records, attachment)); /* another device has the number */
    sandbox_delete_link(ifindex);
    assert_true(record_has_lost_veth(&records, attachment));
    assert_true(record_is_dead(&records, attachment)); /* it has no cgroup */
    assert_int_equal(record_remove_dead(&records, &request.key, attachment, &err), 1);
    records_assert_none();
}

/* A pod with CAP_NET_ADMIN deletes its eth0 and lives on. */
static void pod_that_has_lost_its_veth_keeps_record_and_cgroup_programs(void **state)
{
    struct error err = {0};
    __u64 id;
    int fd = sandbox_make_cgroup("pod", &id);
    __u32 ifindex = sandbox_add_veth("veth-a", "veth-b"), flags = 0;
    struct record_request request = records_request("c1", "eth0", id, ifindex);
    struct attachment seen, left;

    (void)state;
    strcpy(request.attachment.host_ifname, "veth-a");
    records_add(&request);
    assert_int_equal(attach_cgroup(&records, fd, &err), 0);
    assert_int_equal(attach_veth(&records, ifindex, request.attachment.slot, &flags, &err), 0);
    attach_promote(&records, ifindex, request.attachment.slot, &flags, &err);
    request.attachment.flags = flags;
    assert_int_equal(record_set_flags(&records, &request.key, &request.attachment, &err), 0);
    seen = request.attachment;
    assert_int_equal(record_drop_veth(&records, &request.key, &seen, &err), 0);
    sandbox_delete_link(ifindex);
    assert_false(record_is_dead(&records, &seen));
    assert_int_equal(record_remove_dead(&records, &request.key, &seen, &err), 0);
    assert_int_equal(record_drop_veth(&records, &request.key, &seen, &err), 1);
    assert_int_equal(attach_cgroup_present(&records, fd), 1);
    assert_int_equal(records_count(MAP_IFS), 0);
    assert_int_equal(record_find(&records, &request.key, &left), 0);
    assert_int_equal(left.ifindex, 0);
    assert_int_equal(left.flags, 0);
    assert_int_equal(left.epoch, seen.epoch);
    close(fd);
    sandbox_remove_cgroup("pod");
    assert_true(record_is_dead(&records, &left));
    assert_int_equal(record_remove_dead(&records, &request.key, &left, &err), 1);
    records_assert_none();
}

/* What was seen dead without the lock is an ADD's again under it. */
static void removal_of_the_dead_leaves_what_was_added_meanwhile(void **state)
{
    struct record_request request = records_request("c1", "eth0", 1001, 77);
    struct attachment seen;
    struct error err = {0};

    (void)state;
    records_add(&request);
    seen = request.attachment;
    assert_true(record_is_dead(&records, &seen));
    records_remove(&request.key);
    records_add(&request);
    assert_int_equal(record_remove_dead(&records, &request.key, &seen, &err), 0);
    assert_int_equal(record_set_flags(&records, &request.key, &seen, &err), -ENOENT);
    assert_int_equal(records_count_pods(), 1);
    records_remove(&request.key);
    records_assert_none();
}

/* Somebody removed the record between record_add() and what the ADD attached after it. */
static void undo_takes_off_what_was_attached_after_the_record_went(void **state)
{
    struct error err = {0};
    __u64 id;
    int fd = sandbox_make_cgroup("pod", &id);
    __u32 ifindex = sandbox_add_veth("veth-a", "veth-b"), flags = 0;
    struct record_request request = records_request("c1", "eth0", id, ifindex);

    (void)state;
    records_add(&request);
    records_remove(&request.key);
    assert_int_equal(attach_cgroup(&records, fd, &err), 0);
    assert_int_equal(attach_veth(&records, ifindex, request.attachment.slot, &flags, &err), 0);
    assert_int_equal(record_set_flags(&records, &request.key, &request.attachment, &err), -ENOENT);
    record_undo(&records, &request, fd);
    assert_int_equal(attach_cgroup_present(&records, fd), 0);
    assert_int_equal(attach_veth_present(&records, ifindex, request.attachment.slot), 0);
    records_assert_none();
    close(fd);
    sandbox_remove_cgroup("pod");
    sandbox_delete_link(ifindex);
}

/* A number of a device goes to another pod while the first one's DEL is still to come. */
static void removal_leaves_a_device_that_is_anothers_now(void **state)
{
    struct error err = {0};
    __u32 ifindex = sandbox_add_veth("veth-a", "veth-b"), flags = 0;
    struct record_request old = records_request("old", "eth0", 1001, ifindex),
                          new = records_request("new", "eth0", 1002, ifindex);

    (void)state;
    records_add(&old);
    records_add(&new);
    assert_int_equal(attach_veth(&records, ifindex, new.attachment.slot, &flags, &err), 0);
    records_remove(&old.key);
    assert_int_equal(attach_veth_present(&records, ifindex, new.attachment.slot), flags);
    assert_int_equal(records_count(MAP_IFS), 1);
    records_remove(&new.key);
    records_assert_none();
    sandbox_delete_link(ifindex);
}

static void add_and_remove_many(int worker)
{
    struct datapath own;
    struct error err;

    if (pins_open(&own, sandbox.pins, &err))
        _exit(1);
    for (int i = 0; i < 25; i++) {
        struct record_request request;
        char container[16];
        __u32 number = (__u32)(worker * 100 + i);

        snprintf(container, sizeof(container), "w%d-%d", worker, i);
        request = records_request(container, "eth0", 3000 + number, 10000 + number);
        if (record_add(&own, &request, &err) || (i % 2 && record_remove(&own, &request.key, &err)))
            _exit(1);
    }
    _exit(0);
}

static void parallel_adds_and_removals_do_not_mix(void **state)
{
    int visits = 0, status, workers = 4;

    (void)state;
    for (int i = 0; i < workers; i++) {
        if (fork() == 0)
            add_and_remove_many(i);
    }
    for (int i = 0; i < workers; i++) {
        wait(&status);
        assert_int_equal(status, 0);
    }
    assert_int_equal(records_count_pods(), workers * 13);
    assert_int_equal(records_count(MAP_IDS), workers * 13);
    record_each(&records, remove_visited, &visits);
    assert_int_equal(visits, workers * 13);
    records_assert_none();
}

/* What the plugin does at ADD, until it is killed. */
static void add_until_killed(__u64 cgroup_id, int cgroup_fd, __u32 ifindex)
{
    struct record_request request = records_request("killed", "eth0", cgroup_id, ifindex);
    struct error err;
    __u32 flags;

    for (;;) {
        if (record_add(&records, &request, &err) || attach_cgroup(&records, cgroup_fd, &err) ||
            record_bind_cgroup(&records, cgroup_id, request.attachment.slot, request.attachment.epoch, &err) ||
            attach_veth(&records, ifindex, request.attachment.slot, &flags, &err) ||
            record_set_flags(&records, &request.key, &request.attachment, &err) ||
            record_remove(&records, &request.key, &err))
            _exit(1);
    }
}

static void spin_us(long us)
{
    struct timespec start, now;

    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - start.tv_sec) * 1000000 + (now.tv_nsec - start.tv_nsec) / 1000 < us);
}

static void killed_add_leaves_nothing_that_removal_does_not_take(void **state)
{
    struct attachment_key key = records_request("killed", "eth0", 0, 0).key;
    __u64 id;
    int fd = sandbox_make_cgroup("pod", &id), status;
    __u32 ifindex = sandbox_add_veth("veth-a", "veth-b");

    (void)state;
    for (long i = 0; i < 60; i++) {
        pid_t child = fork();

        if (child == 0)
            add_until_killed(id, fd, ifindex);
        spin_us(500 + 137 * i);
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        records_remove(&key);
        records_assert_none();
        assert_int_equal(attach_cgroup_present(&records, fd), 0);
        assert_int_equal(attach_veth_present(&records, ifindex, 1), 0);
    }
    close(fd);
    sandbox_remove_cgroup("pod");
    sandbox_delete_link(ifindex);
}

int group_removal(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(visitors_may_remove_and_may_stop),
        cmocka_unit_test(removal_takes_the_programs_off_veth_and_cgroup),
        cmocka_unit_test(attachment_has_lost_its_veth_when_the_device_is_gone_or_anothers),
        cmocka_unit_test(pod_that_has_lost_its_veth_keeps_record_and_cgroup_programs),
        cmocka_unit_test(removal_of_the_dead_leaves_what_was_added_meanwhile),
        cmocka_unit_test(undo_takes_off_what_was_attached_after_the_record_went),
        cmocka_unit_test(removal_leaves_a_device_that_is_anothers_now),
        cmocka_unit_test(parallel_adds_and_removals_do_not_mix),
        cmocka_unit_test(killed_add_leaves_nothing_that_removal_does_not_take),
    };

    return cmocka_run_group_tests_name("removal", tests, records_open, records_close);
}
