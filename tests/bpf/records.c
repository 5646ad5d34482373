/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bpf/records.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "datapath/load.h"
#include "tests/bpf/sandbox.h"

struct datapath records;

int records_open(void **state)
{
    struct load_options options = {.directory = sandbox.pins};
    struct error err;
    int adopted;

    (void)state;
    return load_or_adopt(&records, &options, &adopted, &err);
}

int records_close(void **state)
{
    (void)state;
    pins_close(&records);
    return 0;
}

struct record_request records_request(const char *container, const char *ifname, __u64 cgroup_id, __u32 ifindex)
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

void records_add(struct record_request *request)
{
    struct error err = {0};

    if (record_add(&records, request, &err))
        fail_msg("%s", err.msg);
}

void records_remove(const struct attachment_key *key)
{
    struct error err = {0};

    if (record_remove(&records, key, &err))
        fail_msg("%s", err.msg);
}

int records_count(enum pins_map map)
{
    char key[256], next[256];
    int count = 0, rc = bpf_map_get_next_key(records.maps[map], NULL, next);

    while (rc == 0) {
        count++;
        memcpy(key, next, sizeof(key));
        rc = bpf_map_get_next_key(records.maps[map], key, next);
    }
    return count;
}

int records_count_pods(void)
{
    struct pod pod;
    int count = 0;

    for (__u32 slot = 0; slot < NSP_PODS_MAX; slot++)
        count += record_pod(&records, slot, &pod) == 0;
    return count;
}

void records_assert_none(void)
{
    assert_int_equal(records_count(MAP_ATTACHED), 0);
    assert_int_equal(records_count(MAP_IDS), 0);
    assert_int_equal(records_count(MAP_IFS), 0);
    assert_int_equal(records_count_pods(), 0);
    for (__u32 slot = 0; slot < NSP_PODS_MAX; slot++)
        assert_int_equal(records.states[slot] & ~POD_HAS_FLOWS, 0);
}
