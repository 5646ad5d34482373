/* SPDX-License-Identifier: Apache-2.0 */
/* Pods' records: one slot a pod, one entry an ADD, nothing left behind, nothing of another pod touched. */
#include "tests/bpf/groups.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/attach.h"
#include "datapath/load.h"
#include "datapath/record.h"
#include "tests/bpf/sandbox.h"

static struct datapath datapath;

static int load(void **state)
{
    struct load_options options = {.directory = sandbox.pins};
    struct error err;
    int adopted;

    (void)state;
    return load_or_adopt(&datapath, &options, &adopted, &err);
}

static int unload(void **state)
{
    struct error err;

    (void)state;
    pins_close(&datapath);
    return load_remove(sandbox.pins, &err);
}

static struct record_request request_of(const char *container, const char *ifname, __u64 cgroup_id, __u32 ifindex)
{
    struct record_request request = {
        .attachment = {.ifindex = ifindex, .host_ifname = SANDBOX_HOST_IFNAME, .network = "net"},
        .pod = {.cgroup_id = cgroup_id, .address_count = 1, .namespace_ = "shop", .name = "web"},
        .iface = {.netns_id = 5},
    };

    snprintf(request.key.container_id, sizeof(request.key.container_id), "%s", container);
    snprintf(request.key.ifname, sizeof(request.key.ifname), "%s", ifname);
    snprintf(request.pod.container_id, sizeof(request.pod.container_id), "%s", container);
    request.pod.addresses[0][15] = (__u8)ifindex;
    return request;
}

static void add(struct record_request *request)
{
    struct error err = {0};

    if (record_add(&datapath, request, &err))
        fail_msg("%s", err.msg);
}

static void remove_key(const struct attachment_key *key)
{
    struct error err = {0};

    if (record_remove(&datapath, key, &err))
        fail_msg("%s", err.msg);
}

static int count_entries(enum pins_map map)
{
    char key[256], next[256];
    int count = 0, rc = bpf_map_get_next_key(datapath.maps[map], NULL, next);

    while (rc == 0) {
        count++;
        memcpy(key, next, sizeof(key));
        rc = bpf_map_get_next_key(datapath.maps[map], key, next);
    }
    return count;
}

static int count_pods(void)
{
    struct pod pod;
    int count = 0;

    for (__u32 slot = 0; slot < NSP_PODS_MAX; slot++)
        count += record_pod(&datapath, slot, &pod) == 0;
    return count;
}

static void assert_nothing_left(void)
{
    assert_int_equal(count_entries(MAP_ATTACHED), 0);
    assert_int_equal(count_entries(MAP_IDS), 0);
    assert_int_equal(count_entries(MAP_IFS), 0);
    assert_int_equal(count_pods(), 0);
    for (__u32 slot = 0; slot < NSP_PODS_MAX; slot++)
        assert_int_equal(datapath.states[slot], 0);
}

static void added_pod_is_pending_and_found_by_all_its_keys(void **state)
{
    struct record_request request = request_of("c1", "eth0", 1001, 77);
    struct attachment attachment;
    struct pod_ref ref;
    struct iface iface;
    struct pod pod;
    __u32 flow_map;

    (void)state;
    add(&request);

    __u32 slot = request.attachment.slot;

    assert_in_range(slot, 1, NSP_PODS_MAX - 1);
    assert_int_not_equal(request.attachment.epoch, 0);
    assert_int_equal(datapath.states[slot], pod_word(request.attachment.epoch, 0, POD_PENDING));
    assert_int_equal(record_find(&datapath, &request.key, &attachment), 0);
    assert_memory_equal(&attachment, &request.attachment, sizeof(attachment));
    assert_int_equal(record_pod(&datapath, slot, &pod), 0);
    assert_int_equal(pod.epoch, request.attachment.epoch);
    assert_int_equal(pod.attachments, 1);
    assert_int_equal(bpf_map_lookup_elem(datapath.maps[MAP_IDS], &pod.cgroup_id, &ref), 0);
    assert_int_equal(ref.slot, slot);
    assert_int_equal(ref.epoch, pod.epoch);
    assert_int_equal(bpf_map_lookup_elem(datapath.maps[MAP_IFS], &attachment.ifindex, &iface), 0);
    assert_int_equal(iface.slot, slot);
    assert_int_equal(iface.netns_id, 5);
    assert_int_equal(bpf_map_lookup_elem(datapath.maps[MAP_FLOWS], &slot, &flow_map), 0);
    remove_key(&request.key);
    assert_nothing_left();
    remove_key(&request.key);
}

static void open_pod_says_so_while_pending(void **state)
{
    struct record_request request = request_of("c1", "eth0", 1001, 77);

    (void)state;
    request.open = true;
    add(&request);
    assert_true(datapath.states[request.attachment.slot] & POD_OPEN);
    remove_key(&request.key);
}

static void second_interface_shares_slot_state_and_addresses(void **state)
{
    struct record_request first = request_of("c1", "eth0", 1001, 77), second = request_of("c1", "net1", 1001, 78);
    struct pod pod;

    (void)state;
    add(&first);

    __u32 slot = first.attachment.slot, epoch = first.attachment.epoch;

    assert_int_equal(record_set_state(&datapath, slot, epoch, 9, POD_READY), 0);
    add(&second);
    assert_int_equal(second.attachment.slot, slot);
    assert_int_equal(second.attachment.epoch, epoch);
    assert_int_equal(datapath.states[slot], pod_word(epoch, 9, POD_READY));
    assert_int_equal(record_pod(&datapath, slot, &pod), 0);
    assert_int_equal(pod.attachments, 2);
    assert_int_equal(pod.address_count, 2);
    remove_key(&first.key);
    assert_int_equal(record_pod(&datapath, slot, &pod), 0);
    assert_int_equal(pod.attachments, 1);
    assert_int_equal(datapath.states[slot], pod_word(epoch, 9, POD_READY));
    remove_key(&second.key);
    assert_nothing_left();
}

/* kubelet makes a new sandbox in the same pod cgroup, and the DEL of the old one comes late. */
static void late_removal_of_an_old_sandbox_leaves_the_new_one(void **state)
{
    struct record_request old = request_of("old", "eth0", 1001, 77), new = request_of("new", "eth0", 1001, 78);
    struct iface iface;
    struct pod pod;

    (void)state;
    add(&old);
    add(&new);
    assert_int_equal(new.attachment.slot, old.attachment.slot);
    remove_key(&old.key);
    assert_int_equal(record_pod(&datapath, new.attachment.slot, &pod), 0);
    assert_string_equal(pod.container_id, "new");
    assert_int_equal(pod.address_count, 1);
    assert_int_equal(pod.addresses[0][15], 78);
    assert_int_equal(bpf_map_lookup_elem(datapath.maps[MAP_IFS], &new.attachment.ifindex, &iface), 0);
    assert_int_equal(bpf_map_lookup_elem(datapath.maps[MAP_IFS], &old.attachment.ifindex, &iface), -ENOENT);
    remove_key(&new.key);
    assert_nothing_left();
}

static void same_key_again_replaces_the_entry(void **state)
{
    struct record_request first = request_of("c1", "eth0", 1001, 77), again = request_of("c1", "eth0", 1001, 78),
                          elsewhere = request_of("c1", "eth0", 1002, 78);

    (void)state;
    add(&first);
    add(&again);
    assert_int_equal(again.attachment.slot, first.attachment.slot);
    assert_int_equal(count_entries(MAP_ATTACHED), 1);
    assert_int_equal(count_entries(MAP_IFS), 1);
    add(&elsewhere);
    assert_int_equal(count_pods(), 1);
    assert_int_equal(count_entries(MAP_IDS), 1);
    assert_int_equal(count_entries(MAP_IFS), 1);
    remove_key(&first.key);
    assert_nothing_left();
}

static void pods_without_a_cgroup_share_nothing(void **state)
{
    struct record_request first = request_of("c1", "eth0", 0, 77), second = request_of("c2", "eth0", 0, 78);

    (void)state;
    add(&first);
    add(&second);
    assert_int_not_equal(first.attachment.slot, second.attachment.slot);
    assert_int_equal(count_entries(MAP_IDS), 0);
    remove_key(&first.key);
    remove_key(&second.key);
    assert_nothing_left();
}

static void state_is_set_only_by_who_knows_the_epoch(void **state)
{
    struct record_request request = request_of("c1", "eth0", 1001, 77);

    (void)state;
    add(&request);

    __u32 slot = request.attachment.slot, epoch = request.attachment.epoch;

    assert_int_equal(record_set_state(&datapath, slot, epoch + 1, 3, POD_READY), -ESTALE);
    assert_int_equal(datapath.states[slot], pod_word(epoch, 0, POD_PENDING));
    assert_int_equal(record_set_state(&datapath, 0, 0, 3, POD_READY), -ESTALE);
    assert_int_equal(record_set_state(&datapath, slot, epoch, 3, POD_READY), 0);
    assert_int_equal(datapath.states[slot], pod_word(epoch, 3, POD_READY));
    remove_key(&request.key);
    assert_int_equal(record_set_state(&datapath, slot, epoch, 3, POD_READY), -ESTALE);
}

static void reused_slot_starts_with_zero_counters_and_another_epoch(void **state)
{
    static struct pod_tally tally;
    struct record_request request = request_of("c1", "eth0", 1001, 77);

    (void)state;
    add(&request);

    struct attachment first = request.attachment;

    tally.bucket_ns = 99;
    assert_int_equal(bpf_map_update_elem(datapath.maps[MAP_TALLIES], &first.slot, &tally, BPF_ANY), 0);
    remove_key(&request.key);
    add(&request);
    assert_int_equal(request.attachment.slot, first.slot);
    assert_int_not_equal(request.attachment.epoch, first.epoch);
    assert_int_equal(bpf_map_lookup_elem(datapath.maps[MAP_TALLIES], &first.slot, &tally), 0);
    assert_int_equal(tally.bucket_ns, 0);
    remove_key(&request.key);
}

static void slot_with_a_flow_map_is_taken_first(void **state)
{
    struct record_request request = request_of("c1", "eth0", 1001, 77);
    struct error err;

    (void)state;
    for (__u32 slot = 1; slot < NSP_PODS_MAX; slot++)
        bpf_map_delete_elem(datapath.maps[MAP_FLOWS], &slot);
    assert_int_equal(record_prepare_slot(&datapath, 300, &err), 0);
    assert_int_equal(record_prepare_slot(&datapath, 300, &err), 0);
    add(&request);
    assert_int_equal(request.attachment.slot, 300);
    remove_key(&request.key);
}

static void full_table_is_said_and_nothing_is_left_of_the_refused(void **state)
{
    struct record_request request;
    struct error err = {0};
    char name[16];

    (void)state;
    for (__u32 slot = 1; slot < NSP_PODS_MAX; slot++)
        datapath.states[slot] = pod_word(1, 0, POD_PENDING);
    request = request_of("c1", "eth0", 1001, 77);
    assert_int_equal(record_add(&datapath, &request, &err), -ENOSPC);
    memset(datapath.states, 0, NSP_PODS_MAX * sizeof(__u64));
    assert_nothing_left();

    for (__u32 i = 1; i <= 2 * NSP_PODS_MAX; i++) {
        struct iface iface = {0};

        assert_int_equal(bpf_map_update_elem(datapath.maps[MAP_IFS], &i, &iface, BPF_ANY), 0);
    }
    request = request_of("c1", "eth0", 1001, 5000);
    assert_int_equal(record_add(&datapath, &request, &err), -E2BIG);
    assert_non_null(strstr(err.msg, "nsp_ifs"));
    for (__u32 i = 1; i <= 2 * NSP_PODS_MAX; i++)
        bpf_map_delete_elem(datapath.maps[MAP_IFS], &i);
    assert_nothing_left();

    request = request_of("c1", "eth0", 1001, 77);
    request.pod.address_count = NSP_ADDRESSES_MAX + 1;
    assert_int_equal(record_add(&datapath, &request, &err), -E2BIG);
    assert_nothing_left();
    snprintf(name, sizeof(name), "%d", NSP_ADDRESSES_MAX);
    assert_non_null(strstr(err.msg, name));
}

static int remove_visited(const struct attachment_key *key, const struct attachment *attachment, void *context)
{
    (void)attachment;
    ++*(int *)context;
    remove_key(key);
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
        request = request_of(container, "eth0", 2000 + i, 100 + i);
        add(&request);
    }
    assert_int_equal(record_each(&datapath, stop_at_first, &visits), 42);
    assert_int_equal(visits, 1);
    visits = 0;
    assert_int_equal(record_each(&datapath, remove_visited, &visits), 0);
    assert_int_equal(visits, 20);
    assert_nothing_left();
}

static void removal_takes_the_programs_off_veth_and_cgroup(void **state)
{
    struct error err = {0};
    __u64 id;
    int fd = sandbox_make_cgroup("pod", &id);
    __u32 ifindex = sandbox_add_veth("veth-a", "veth-b"), flags = 0;
    struct record_request request = request_of("c1", "eth0", id, ifindex);
    struct attachment attachment;
    struct pod_ref ref;

    (void)state;
    add(&request);
    assert_int_equal(attach_cgroup(&datapath, fd, &err), 0);
    if (record_bind_cgroup(&datapath, id, request.attachment.slot, request.attachment.epoch, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(bpf_map_lookup_elem(datapath.maps[MAP_CGROUP], &id, &ref), 0);
    assert_int_equal(ref.slot, request.attachment.slot);
    assert_int_equal(attach_veth(&datapath, ifindex, request.attachment.slot, &flags, &err), 0);
    assert_int_equal(record_set_flags(&datapath, &request.key, flags, &err), 0);
    assert_int_equal(record_find(&datapath, &request.key, &attachment), 0);
    assert_int_equal(attachment.flags, flags);
    remove_key(&request.key);
    assert_int_equal(attach_cgroup_present(&datapath, fd), 0);
    assert_int_equal(attach_veth_present(&datapath, ifindex, request.attachment.slot), 0);
    assert_nothing_left();
    close(fd);
    sandbox_remove_cgroup("pod");
    sandbox_delete_link(ifindex);
}

static void attachment_is_dead_when_device_or_cgroup_is_gone(void **state)
{
    struct error err = {0};
    __u64 id;
    int fd = sandbox_make_cgroup("pod", &id);
    __u32 ifindex = sandbox_add_veth("veth-a", "veth-b"), flags = 0;
    struct record_request request = request_of("c1", "eth0", id, ifindex);

    (void)state;
    strcpy(request.attachment.host_ifname, "veth-a");
    add(&request);

    struct attachment attachment = request.attachment;

    assert_int_equal(record_is_dead(&datapath, &attachment), 0);
    assert_int_equal(attach_veth(&datapath, ifindex, attachment.slot, &flags, &err), 0);
    sandbox_rename_link(ifindex, "renamed");
    assert_int_equal(record_is_dead(&datapath, &attachment), 0);
    assert_int_equal(attach_veth_undo(&datapath, ifindex, attachment.slot, &err), 0);
    assert_int_equal(record_is_dead(&datapath, &attachment), 1); /* another device has the number */
    sandbox_delete_link(ifindex);
    assert_int_equal(record_is_dead(&datapath, &attachment), 1);
    attachment.ifindex = 0;
    assert_int_equal(record_is_dead(&datapath, &attachment), 0);
    close(fd);
    sandbox_remove_cgroup("pod");
    assert_int_equal(record_is_dead(&datapath, &attachment), 1);
    attachment.epoch++;
    assert_int_equal(record_is_dead(&datapath, &attachment), 1);
    remove_key(&request.key);
    assert_nothing_left();
}

/* A number of a device goes to another pod while the first one's DEL is still to come. */
static void removal_leaves_a_device_that_is_anothers_now(void **state)
{
    struct error err = {0};
    __u32 ifindex = sandbox_add_veth("veth-a", "veth-b"), flags = 0;
    struct record_request old = request_of("old", "eth0", 1001, ifindex),
                          new = request_of("new", "eth0", 1002, ifindex);

    (void)state;
    add(&old);
    add(&new);
    assert_int_equal(attach_veth(&datapath, ifindex, new.attachment.slot, &flags, &err), 0);
    remove_key(&old.key);
    assert_int_equal(attach_veth_present(&datapath, ifindex, new.attachment.slot), flags);
    assert_int_equal(count_entries(MAP_IFS), 1);
    remove_key(&new.key);
    assert_nothing_left();
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
        request = request_of(container, "eth0", 3000 + number, 10000 + number);
        if (record_add(&own, &request, &err) || (i % 2 && record_remove(&own, &request.key, &err)))
            _exit(1);
    }
    _exit(0);
}

static void parallel_adds_and_removals_do_not_mix(void **state)
{
    int visits = 0, status, workers = 4;
    bool is_taken[NSP_PODS_MAX] = {0};

    (void)state;
    for (int i = 0; i < workers; i++) {
        if (fork() == 0)
            add_and_remove_many(i);
    }
    for (int i = 0; i < workers; i++) {
        wait(&status);
        assert_int_equal(status, 0);
    }
    assert_int_equal(count_pods(), workers * 13);
    for (__u32 slot = 1; slot < NSP_PODS_MAX; slot++)
        is_taken[slot] = datapath.states[slot] != 0;
    assert_int_equal(count_entries(MAP_IDS), workers * 13);
    record_each(&datapath, remove_visited, &visits);
    assert_int_equal(visits, workers * 13);
    assert_nothing_left();
    assert_false(is_taken[0]);
}

int group_record(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(added_pod_is_pending_and_found_by_all_its_keys),
        cmocka_unit_test(open_pod_says_so_while_pending),
        cmocka_unit_test(second_interface_shares_slot_state_and_addresses),
        cmocka_unit_test(late_removal_of_an_old_sandbox_leaves_the_new_one),
        cmocka_unit_test(same_key_again_replaces_the_entry),
        cmocka_unit_test(pods_without_a_cgroup_share_nothing),
        cmocka_unit_test(state_is_set_only_by_who_knows_the_epoch),
        cmocka_unit_test(reused_slot_starts_with_zero_counters_and_another_epoch),
        cmocka_unit_test(slot_with_a_flow_map_is_taken_first),
        cmocka_unit_test(full_table_is_said_and_nothing_is_left_of_the_refused),
        cmocka_unit_test(visitors_may_remove_and_may_stop),
        cmocka_unit_test(removal_takes_the_programs_off_veth_and_cgroup),
        cmocka_unit_test(attachment_is_dead_when_device_or_cgroup_is_gone),
        cmocka_unit_test(removal_leaves_a_device_that_is_anothers_now),
        cmocka_unit_test(parallel_adds_and_removals_do_not_mix),
    };

    return cmocka_run_group_tests_name("record", tests, load, unload);
}
