/* SPDX-License-Identifier: Apache-2.0 */
/* Pods' records: one slot a pod, one entry an ADD, and nothing of what was refused. */
#include "tests/bpf/groups.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "tests/bpf/records.h"

static void added_pod_is_pending_and_found_by_all_its_keys(void **state)
{
    struct record_request request = records_request("c1", "eth0", 1001, 77);
    struct attachment attachment;
    struct pod_ref ref;
    struct iface iface;
    struct pod pod;
    __u32 flow_map;

    (void)state;
    records_add(&request);

    __u32 slot = request.attachment.slot;

    assert_in_range(slot, 1, NSP_PODS_MAX - 1);
    assert_int_not_equal(request.attachment.epoch, 0);
    assert_int_equal(records.states[slot] & ~POD_HAS_FLOWS, pod_word(request.attachment.epoch, 0, POD_PENDING));
    assert_int_equal(record_find(&records, &request.key, &attachment), 0);
    assert_memory_equal(&attachment, &request.attachment, sizeof(attachment));
    assert_int_equal(record_pod(&records, slot, &pod), 0);
    assert_int_equal(pod.epoch, request.attachment.epoch);
    assert_int_equal(pod.attachments, 1);
    assert_int_equal(bpf_map_lookup_elem(records.maps[MAP_IDS], &pod.cgroup_id, &ref), 0);
    assert_int_equal(ref.slot, slot);
    assert_int_equal(ref.epoch, pod.epoch);
    assert_int_equal(bpf_map_lookup_elem(records.maps[MAP_IFS], &attachment.ifindex, &iface), 0);
    assert_int_equal(iface.slot, slot);
    assert_int_equal(iface.netns_id, 5);
    assert_int_equal(bpf_map_lookup_elem(records.maps[MAP_FLOWS], &slot, &flow_map), 0);
    records_remove(&request.key);
    records_assert_none();
    records_remove(&request.key);
}

static void open_pod_says_so_while_pending(void **state)
{
    struct record_request request = records_request("c1", "eth0", 1001, 77);

    (void)state;
    request.open = true;
    records_add(&request);
    assert_true(records.states[request.attachment.slot] & POD_OPEN);
    records_remove(&request.key);
}

static void second_interface_shares_slot_state_and_addresses(void **state)
{
    struct record_request first = records_request("c1", "eth0", 1001, 77),
                          second = records_request("c1", "net1", 1001, 78);
    struct pod pod;

    (void)state;
    records_add(&first);

    __u32 slot = first.attachment.slot, epoch = first.attachment.epoch;

    assert_int_equal(record_set_state(&records, slot, epoch, 9, POD_READY), 0);
    records_add(&second);
    assert_int_equal(second.attachment.slot, slot);
    assert_int_equal(second.attachment.epoch, epoch);
    assert_int_equal(records.states[slot] & ~POD_HAS_FLOWS, pod_word(epoch, 9, POD_READY));
    assert_int_equal(record_pod(&records, slot, &pod), 0);
    assert_int_equal(pod.attachments, 2);
    assert_int_equal(pod.address_count, 2);
    records_remove(&first.key);
    assert_int_equal(record_pod(&records, slot, &pod), 0);
    assert_int_equal(pod.attachments, 1);
    assert_int_equal(records.states[slot] & ~POD_HAS_FLOWS, pod_word(epoch, 9, POD_READY));
    records_remove(&second.key);
    records_assert_none();
}

static void addresses_of_a_second_interface_beyond_the_limit_are_left_out(void **state)
{
    struct record_request first = records_request("c1", "eth0", 1001, 77),
                          second = records_request("c1", "net1", 1001, 78);
    struct pod pod;

    (void)state;
    second.pod.address_count = NSP_ADDRESSES_MAX;
    for (__u8 i = 0; i < NSP_ADDRESSES_MAX; i++)
        memset(second.pod.addresses[i], i + 1, sizeof(second.pod.addresses[i]));
    records_add(&first);
    records_add(&second);
    assert_int_equal(record_pod(&records, second.attachment.slot, &pod), 0);
    assert_int_equal(pod.attachments, 2);
    assert_int_equal(pod.address_count, NSP_ADDRESSES_MAX);
    assert_memory_equal(pod.addresses[0], first.pod.addresses[0], sizeof(pod.addresses[0]));
    assert_int_equal(pod.addresses[NSP_ADDRESSES_MAX - 1][15], NSP_ADDRESSES_MAX - 1);
    records_remove(&first.key);
    records_remove(&second.key);
    records_assert_none();
}

/* kubelet makes a new sandbox in the same pod cgroup, and the DEL of the old one comes late. */
/* T15 */
static void late_removal_of_an_old_sandbox_leaves_the_new_one(void **state)
{
    struct record_request old = records_request("old", "eth0", 1001, 77),
                          new = records_request("new", "eth0", 1001, 78);
    struct iface iface;
    struct pod pod;

    (void)state;
    records_add(&old);
    records_add(&new);
    assert_int_equal(new.attachment.slot, old.attachment.slot);
    records_remove(&old.key);
    assert_int_equal(record_pod(&records, new.attachment.slot, &pod), 0);
    assert_string_equal(pod.container_id, "new");
    assert_int_equal(pod.address_count, 1);
    assert_int_equal(pod.addresses[0][15], 78);
    assert_int_equal(bpf_map_lookup_elem(records.maps[MAP_IFS], &new.attachment.ifindex, &iface), 0);
    assert_int_equal(bpf_map_lookup_elem(records.maps[MAP_IFS], &old.attachment.ifindex, &iface), -ENOENT);
    records_remove(&new.key);
    records_assert_none();
}

static void same_key_again_replaces_the_entry(void **state)
{
    struct record_request first = records_request("c1", "eth0", 1001, 77),
                          again = records_request("c1", "eth0", 1001, 78),
                          elsewhere = records_request("c1", "eth0", 1002, 78);

    (void)state;
    records_add(&first);
    records_add(&again);
    assert_int_equal(again.attachment.slot, first.attachment.slot);
    assert_int_equal(records_count(MAP_ATTACHED), 1);
    assert_int_equal(records_count(MAP_IFS), 1);
    records_add(&elsewhere);
    assert_int_equal(records_count_pods(), 1);
    assert_int_equal(records_count(MAP_IDS), 1);
    assert_int_equal(records_count(MAP_IFS), 1);
    records_remove(&first.key);
    records_assert_none();
}

static void pods_without_a_cgroup_share_nothing(void **state)
{
    struct record_request first = records_request("c1", "eth0", 0, 77), second = records_request("c2", "eth0", 0, 78);

    (void)state;
    records_add(&first);
    records_add(&second);
    assert_int_not_equal(first.attachment.slot, second.attachment.slot);
    assert_int_equal(records_count(MAP_IDS), 0);
    records_remove(&first.key);
    records_remove(&second.key);
    records_assert_none();
}

static void state_is_set_only_by_who_knows_the_epoch(void **state)
{
    struct record_request request = records_request("c1", "eth0", 1001, 77);

    (void)state;
    records_add(&request);

    __u32 slot = request.attachment.slot, epoch = request.attachment.epoch;

    assert_int_equal(record_set_state(&records, slot, epoch + 1, 3, POD_READY), -ESTALE);
    assert_int_equal(records.states[slot] & ~POD_HAS_FLOWS, pod_word(epoch, 0, POD_PENDING));
    assert_int_equal(record_set_state(&records, 0, 0, 3, POD_READY), -ESTALE);
    assert_int_equal(record_set_state(&records, slot, epoch, 3, POD_READY), 0);
    assert_int_equal(records.states[slot] & ~POD_HAS_FLOWS, pod_word(epoch, 3, POD_READY));
    records_remove(&request.key);
    assert_int_equal(record_set_state(&records, slot, epoch, 3, POD_READY), -ESTALE);
}

/* T15 */
static void reused_slot_starts_with_zero_counters_and_another_epoch(void **state)
{
    static struct pod_tally tally;
    struct record_request request = records_request("c1", "eth0", 1001, 77);

    (void)state;
    records_add(&request);

    struct attachment first = request.attachment;

    tally.bucket_ns = 99;
    assert_int_equal(bpf_map_update_elem(records.maps[MAP_TALLIES], &first.slot, &tally, BPF_ANY), 0);
    records_remove(&request.key);
    records_add(&request);
    assert_int_equal(request.attachment.slot, first.slot);
    assert_int_not_equal(request.attachment.epoch, first.epoch);
    assert_int_equal(bpf_map_lookup_elem(records.maps[MAP_TALLIES], &first.slot, &tally), 0);
    assert_int_equal(tally.bucket_ns, 0);
    records_remove(&request.key);
}

static void slot_with_a_flow_map_is_taken_first(void **state)
{
    struct record_request request = records_request("c1", "eth0", 1001, 77);
    struct error err;

    (void)state;
    for (__u32 slot = 1; slot < NSP_PODS_MAX; slot++)
        records.states[slot] = 0;
    assert_int_equal(record_prepare_slot(&records, 300, &err), 0);
    assert_int_equal(record_prepare_slot(&records, 300, &err), 0);
    records_add(&request);
    assert_int_equal(request.attachment.slot, 300);
    records_remove(&request.key);
}

static int open_own_map(enum pins_map outer, __u32 slot)
{
    __u32 id = 0;

    assert_int_equal(bpf_map_lookup_elem(records.maps[outer], &slot, &id), 0);
    return bpf_map_get_fd_by_id(id);
}

/* As many as there is room for, and names too. */
static void learn_all(int learnt, int names)
{
    static const struct known_name name;
    static const struct learnt value;

    for (__u32 i = 0; i < NSP_LEARNT_MAX; i++)
        assert_int_equal(bpf_map_update_elem(learnt, &(struct learnt_key){.epoch = 1, .reserved = i}, &value, BPF_ANY),
                         0);
    for (__u32 i = 0; i < NSP_NAMES_MAX; i++)
        assert_int_equal(bpf_map_update_elem(names, &(struct name_key){.epoch = 1, .length = i}, &name, BPF_ANY), 0);
}

static void assert_nothing_learnt(int learnt, int names)
{
    __u8 key[64];

    assert_int_equal(bpf_map_get_next_key(learnt, NULL, key), -ENOENT);
    assert_int_equal(bpf_map_get_next_key(names, NULL, key), -ENOENT);
}

/* T15 */
static void what_a_pod_has_learnt_goes_with_it_and_before_the_next_one_comes(void **state)
{
    struct record_request first = records_request("c1", "eth0", 1001, 77),
                          next = records_request("c2", "eth0", 1002, 78);
    __u32 slot;
    int learnt, names;

    (void)state;
    records_add(&first);
    slot = first.attachment.slot;
    learnt = open_own_map(MAP_LEARNT, slot);
    names = open_own_map(MAP_NAMES, slot);
    assert_true(learnt >= 0 && names >= 0);
    learn_all(learnt, names);
    records_remove(&first.key);
    assert_nothing_learnt(learnt, names);

    learn_all(learnt, names); /* a program that was still running */
    records_add(&next);
    assert_int_equal(next.attachment.slot, slot);
    assert_nothing_learnt(learnt, names);
    records_remove(&next.key);
    close(learnt);
    close(names);
}

static void gateways_of_the_first_interface_stay(void **state)
{
    struct record_request first = records_request("c1", "eth0", 1001, 77),
                          second = records_request("c1", "net1", 1001, 78);
    struct pod pod;

    (void)state;
    first.pod.gateways[0][15] = 1;
    second.pod.gateways[0][15] = 2;
    second.pod.gateways[1][15] = 3;
    records_add(&first);
    records_add(&second);
    assert_int_equal(record_pod(&records, second.attachment.slot, &pod), 0);
    assert_int_equal(pod.gateways[0][15], 1);
    assert_int_equal(pod.gateways[1][15], 3);
    records_remove(&first.key);
    records_remove(&second.key);
    records_assert_none();
}

static void full_table_is_said_and_nothing_is_left_of_the_refused(void **state)
{
    struct record_request request;
    struct error err = {0};
    char name[16];

    (void)state;
    for (__u32 slot = 1; slot < NSP_PODS_MAX; slot++)
        records.states[slot] |= pod_word(1, 0, POD_PENDING);
    request = records_request("c1", "eth0", 1001, 77);
    assert_int_equal(record_add(&records, &request, &err), -ENOSPC);
    for (__u32 slot = 1; slot < NSP_PODS_MAX; slot++)
        records.states[slot] &= POD_HAS_FLOWS;
    records_assert_none();

    for (__u32 i = 1; i <= 2 * NSP_PODS_MAX; i++) {
        struct iface iface = {0};

        assert_int_equal(bpf_map_update_elem(records.maps[MAP_IFS], &i, &iface, BPF_ANY), 0);
    }
    request = records_request("c1", "eth0", 1001, 5000);
    assert_int_equal(record_add(&records, &request, &err), -E2BIG);
    assert_non_null(strstr(err.msg, "nsp_ifs"));
    for (__u32 i = 1; i <= 2 * NSP_PODS_MAX; i++)
        bpf_map_delete_elem(records.maps[MAP_IFS], &i);
    records_assert_none();

    request = records_request("c1", "eth0", 1001, 77);
    request.pod.address_count = NSP_ADDRESSES_MAX + 1;
    assert_int_equal(record_add(&records, &request, &err), -E2BIG);
    records_assert_none();
    snprintf(name, sizeof(name), "%d", NSP_ADDRESSES_MAX);
    assert_non_null(strstr(err.msg, name));
}

int group_record(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(added_pod_is_pending_and_found_by_all_its_keys),
        cmocka_unit_test(open_pod_says_so_while_pending),
        cmocka_unit_test(second_interface_shares_slot_state_and_addresses),
        cmocka_unit_test(addresses_of_a_second_interface_beyond_the_limit_are_left_out),
        cmocka_unit_test(late_removal_of_an_old_sandbox_leaves_the_new_one),
        cmocka_unit_test(same_key_again_replaces_the_entry),
        cmocka_unit_test(pods_without_a_cgroup_share_nothing),
        cmocka_unit_test(state_is_set_only_by_who_knows_the_epoch),
        cmocka_unit_test(reused_slot_starts_with_zero_counters_and_another_epoch),
        cmocka_unit_test(slot_with_a_flow_map_is_taken_first),
        cmocka_unit_test(what_a_pod_has_learnt_goes_with_it_and_before_the_next_one_comes),
        cmocka_unit_test(gateways_of_the_first_interface_stay),
        cmocka_unit_test(full_table_is_said_and_nothing_is_left_of_the_refused),
    };

    return cmocka_run_group_tests_name("record", tests, records_open, records_close);
}
