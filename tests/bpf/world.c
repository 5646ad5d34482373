/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bpf/world.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <bpf/bpf.h>

#include "datapath/attach.h"
#include "datapath/load.h"
#include "datapath/path_hash.h"
#include "datapath/record.h"
#include "policyd/assign.h"
#include "policyd/yaml.h"
#include "tests/bpf/packets.h"
#include "tests/bpf/sandbox.h"

static const struct attachment_key pod_key = {.container_id = "c1", .ifname = "eth0"};

static void add_pod(struct world *world)
{
    struct error err = {0};
    __u32 flags;
    struct record_request request = {
        .key = pod_key,
        .attachment = {.ifindex = sandbox.host_ifindex, .host_ifname = SANDBOX_HOST_IFNAME},
        .pod = {.address_count = 2, .namespace_ = "test", .name = "pod", .container_id = "c1"},
        .iface = {.netns_id = -1},
    };

    inet_pton(AF_INET, POD4, request.pod.addresses[0] + 12);
    request.pod.addresses[0][10] = request.pod.addresses[0][11] = 0xff;
    inet_pton(AF_INET6, POD6, request.pod.addresses[1]);
    memcpy(request.pod.mac, PACKETS_POD_MAC, 6);
    inet_pton(AF_INET, GATEWAY4, request.pod.gateways[0] + 12);
    request.pod.gateways[0][10] = request.pod.gateways[0][11] = 0xff;
    inet_pton(AF_INET6, GATEWAY6, request.pod.gateways[1]);
    if (record_add(&world->datapath, &request, &err) ||
        attach_veth(&world->datapath, sandbox.host_ifindex, request.attachment.slot, &flags, &err))
        fail_msg("%s", err.msg);
    world->slot = request.attachment.slot;
    world->epoch = request.attachment.epoch;
}

void world_start(struct world *world)
{
    struct load_options options = {.directory = sandbox.pins};
    struct error err = {0};
    int adopted;

    *world = (struct world){0};
    if (load_or_adopt(&world->datapath, &options, &adopted, &err) ||
        sync_start(&world->sync, &world->datapath, adopted, &err))
        fail_msg("%s", err.msg);
    add_pod(world);
}

void world_stop(struct world *world)
{
    struct error err = {0};

    if (record_remove(&world->datapath, &pod_key, &err))
        fail_msg("%s", err.msg);
    sync_stop(&world->sync);
    store_free(&world->store);
    pins_close(&world->datapath);
}

/* As policyd/pods.c does when something has changed. */
static void assign(struct world *world)
{
    static char space[] = "test", name[] = "pod";
    struct pod_object pod = {.namespace_ = space, .name = name};
    struct synced *policy = NULL;
    struct error err = {0};

    if (assign_policy(&world->sync, &world->store, &pod, &policy, &err))
        fail_msg("%s", err.msg);
    if (policy && policy->error)
        fail_msg("%s", policy->error);
    assert_int_equal(
        record_set_state(&world->datapath, world->slot, world->epoch, policy ? policy->index : 0, POD_READY), 0);
}

void world_apply(struct world *world, const char *manifest)
{
    json_t *documents = NULL;
    struct profile *profile = NULL;
    struct error err = {0};

    if (yaml_parse(manifest, strlen(manifest), &documents, &err) ||
        objects_parse_profile(json_array_get(documents, 0), &profile, &err))
        fail_msg("%s", err.msg);
    json_decref(documents);
    assign_note_change(&world->sync, profile->namespace_, profile->name);
    assert_int_equal(store_put_profile(&world->store, profile, "test"), 0);
    assign(world);
}

void world_remove_profile(struct world *world, const char *name)
{
    assign_note_change(&world->sync, "test", name);
    store_remove_profile(&world->store, "test", name);
    assign(world);
}

void world_set_pending(struct world *world, __u64 flags)
{
    assert_int_equal(record_set_state(&world->datapath, world->slot, world->epoch, 0, POD_PENDING | flags), 0);
}

struct owner world_owner(const struct world *world, const char *path, __u8 protocol)
{
    struct owner owner = {
        .slot = world->slot,
        .epoch = world->epoch,
        .protocol = protocol,
        .type = protocol == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM,
        .pid = 4711,
    };

    if (path)
        path_hash_text(path, world->datapath.control->path_key, owner.path);
    return owner;
}

static void read_tallies(const struct world *world, struct pod_tally *tallies)
{
    assert_int_equal(bpf_map_lookup_elem(world->datapath.maps[MAP_TALLIES], &world->slot, tallies), 0);
}

void world_mark(struct world *world)
{
    read_tallies(world, &world->before);
}

struct change world_changed(const struct world *world)
{
    struct pod_tally now;
    struct change change = {0};
    const struct tally *before = &world->before.tallies[0][0][0], *after = &now.tallies[0][0][0];

    read_tallies(world, &now);
    for (int i = 0; i < DIRECTIONS * VERDICTS * REASONS; i++) {
        if (after[i].seen == before[i].seen)
            continue;
        change.seen += (int)(after[i].seen - before[i].seen);
        change.reported += (int)(after[i].reported - before[i].reported);
        change.direction = (__u8)(i / (VERDICTS * REASONS));
        change.verdict = (__u8)(i / REASONS % VERDICTS);
        change.reason = (__u8)(i % REASONS);
    }
    return change;
}

int world_counted(const struct world *world, int direction, int verdict, int reason)
{
    struct pod_tally now;

    read_tallies(world, &now);
    return (int)(now.tallies[direction][verdict][reason].seen - world->before.tallies[direction][verdict][reason].seen);
}

int world_told(const struct world *world)
{
    struct pod_tally now;

    read_tallies(world, &now);
    return (int)(now.other.reported - world->before.other.reported);
}

void world_wait(const struct world *world, int direction, int verdict, int reason)
{
    time_t deadline = time(NULL) + 2;

    while (!world_counted(world, direction, verdict, reason) && time(NULL) < deadline)
        ;
    assert_int_not_equal(world_counted(world, direction, verdict, reason), 0);
}

int world_share(const struct world *world, int profile, int verdict)
{
    __u32 place = pod_word_policy(world->datapath.states[world->slot]) * NSP_PARTS_MAX + (__u32)profile;
    struct share share;

    assert_int_equal(bpf_map_lookup_elem(world->datapath.maps[MAP_SHARES], &place, &share), 0);
    return (int)share.violations[verdict];
}

static int adds_up(const struct tally *tally)
{
    return tally->seen == tally->reported + tally->suppressed + tally->lost;
}

int world_adds_up(const struct world *world)
{
    struct pod_tally now;
    const struct tally *tally = &now.tallies[0][0][0];

    read_tallies(world, &now);
    for (int i = 0; i < DIRECTIONS * VERDICTS * REASONS; i++, tally++) {
        if (!adds_up(tally))
            return 0;
    }
    return adds_up(&now.other);
}
