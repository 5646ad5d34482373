/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/load.h"
#include "datapath/record.h"
#include "lib/cleanup.h"
#include "tests/bench/bench.h"
#include "tests/bench/packets.h"
#include "tests/bench/world_policy.h"
#include "tests/bpf/sandbox.h"

#define HOUR_NS 3600000000000ULL

static const char *const program_names[WORLD_PROGRAMS] = {
    [WORLD_KEEP] = "bench_keep",     [WORLD_FORGET] = "bench_forget",     [WORLD_RECEIVE] = "bench_receive",
    [WORLD_EMPTY] = "bench_empty",   [WORLD_EMPTY_IN] = "bench_empty_in", [WORLD_PARSE] = "bench_parse",
    [WORLD_ANSWER] = "bench_answer", [WORLD_FIRST] = "bench_first",       [WORLD_NEXT] = "bench_next",
};

static void add_pod(struct world *world)
{
    struct record_request request = {
        .key = {.container_id = "bench", .ifname = "eth0"},
        .attachment = {.ifindex = sandbox.host_ifindex},
        .pod = {.address_count = 2, .cgroup_id = 1, .namespace_ = "default", .name = "bench"},
        .iface = {.netns_id = -1},
    };
    const __u8 address4[16] = {[10] = 0xff, 0xff, 10, 19, 0, 2}, address6[16] = WORLD_POD6;
    struct error err;

    memcpy(request.pod.addresses[0], address4, 16);
    memcpy(request.pod.addresses[1], address6, 16);
    if (record_add(&world->datapath, &request, &err))
        bench_fail("%s", err.msg);
    world->slot = request.iface.slot;
    world->epoch = request.iface.epoch;
}

/* The wrappers see the maps of this world under their own names. */
static void share_maps(const struct world *world)
{
    struct bpf_map *map;

    bpf_object__for_each_map(map, world->wrappers)
    {
        const char *name = bpf_map__name(map);

        for (int i = 0; i < PINS_MAPS; i++) {
            if (strcmp(name, pins_map_name(i)) == 0 && bpf_map__reuse_fd(map, world->datapath.maps[i]))
                bench_fail("%s: cannot be shared: %s", name, strerror(errno));
        }
        /* What only the shipped programs use. */
        if (strcmp(name, "nsp_no_binary") == 0)
            bpf_map__set_autocreate(map, false);
    }
}

static void load_wrappers(struct world *world)
{
    const char *build = getenv("NSP_BUILD");
    char path[256];

    snprintf(path, sizeof(path), "%s/tests/bench/owner.bpf.o", build ? build : "build");
    world->wrappers = bpf_object__open(path);
    if (!world->wrappers)
        bench_fail("%s: %s", path, strerror(errno));
    share_maps(world);
    if (bpf_object__load(world->wrappers))
        bench_fail("%s: cannot be loaded", path);
    for (int i = 0; i < WORLD_PROGRAMS; i++) {
        const struct bpf_program *program = bpf_object__find_program_by_name(world->wrappers, program_names[i]);

        world->programs[i] = program ? bpf_program__fd(program) : -1;
    }
    world->next_tc = bpf_object__find_map_fd_by_name(world->wrappers, "bench_tc");
    world->next_cgroup = bpf_object__find_map_fd_by_name(world->wrappers, "bench_cgroup");

    world->owner = mmap(NULL, (size_t)getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED,
                        bpf_object__find_map_fd_by_name(world->wrappers, ".bss"), 0);
    if (world->owner == MAP_FAILED)
        bench_fail("%s: its data: %s", path, strerror(errno));
}

void world_start(struct world *world, const char *directory, const struct world_shape *shape)
{
    const struct load_options options = {.directory = directory};
    struct error err;
    int adopted;

    *world = (struct world){.shape = *shape};
    if (load_or_adopt(&world->datapath, &options, &adopted, &err))
        bench_fail("%s", err.msg);
    add_pod(world);
    load_wrappers(world);
    world->datapath.control->name_floor_ns = HOUR_NS;
    world->datapath.control->name_cap_ns = 24 * HOUR_NS;
    world_write_policy(world);
    if (record_set_state(&world->datapath, world->slot, world->epoch, WORLD_POLICY, POD_READY))
        bench_fail("the pod cannot be made ready");
}

void world_stop(struct world *world)
{
    char directory[sizeof(world->datapath.directory)];
    struct error err;

    memcpy(directory, world->datapath.directory, sizeof(directory));
    munmap(world->owner, (size_t)getpagesize());
    bpf_object__close(world->wrappers);
    pins_close(&world->datapath);
    if (load_remove(directory, &err))
        bench_fail("%s", err.msg);
}

void world_own(const struct world *world, enum world_binary binary, __u8 protocol, __u8 type)
{
    *world->owner = (struct owner){.slot = world->slot, .epoch = world->epoch, .protocol = protocol, .type = type};
    world_path(world, binary, world->owner->path);
}

struct traffic world_traffic(const struct world *world)
{
    int cpus = libbpf_num_possible_cpus();
    cleanup_free struct traffic *each = calloc((size_t)cpus, sizeof(*each));
    struct traffic sum = {0};

    if (!each || bpf_map_lookup_elem(world->datapath.maps[MAP_TRAFFIC], &world->slot, each))
        bench_fail("nsp_traffic: %s", strerror(errno));
    for (int i = 0; i < cpus; i++) {
        for (int direction = 0; direction < DIRECTIONS; direction++) {
            sum.packets[direction] += each[i].packets[direction];
            sum.bytes[direction] += each[i].bytes[direction];
        }
    }
    return sum;
}

struct tally world_tally(const struct world *world, int direction, int verdict, int reason)
{
    struct pod_tally pod;

    if (bpf_map_lookup_elem(world->datapath.maps[MAP_TALLIES], &world->slot, &pod))
        bench_fail("nsp_tallies: %s", strerror(errno));
    return pod.tallies[direction][verdict][reason];
}

int world_open_table(const struct world *world, enum pins_map map)
{
    __u32 id;
    int fd;

    if (bpf_map_lookup_elem(world->datapath.maps[map], &world->slot, &id))
        bench_fail("%s: the pod has none: %s", pins_map_name(map), strerror(errno));
    fd = bpf_map_get_fd_by_id(id);
    if (fd < 0)
        bench_fail("%s: %s", pins_map_name(map), strerror(errno));
    return fd;
}

void world_forget_refusal(const struct world *world)
{
    cleanup_close int flows = world_open_table(world, MAP_FLOWS);
    const struct flow_key key = {
        .remote = {[10] = 0xff, 0xff, 10, 20, 0, 9},
        .local = {[10] = 0xff, 0xff, 10, 19, 0, 2},
        .remote_port_be = htons(WORLD_PORT),
        .local_port_be = htons(PACKET_POD_PORT),
        .epoch = world->epoch,
        .protocol = IPPROTO_TCP,
    };
    struct pod_tally pod;

    if (bpf_map_delete_elem(flows, &key) || bpf_map_lookup_elem(world->datapath.maps[MAP_TALLIES], &world->slot, &pod))
        bench_fail("the refused flow: %s", strerror(errno));
    pod.refused_ns = 0;
    if (bpf_map_update_elem(world->datapath.maps[MAP_TALLIES], &world->slot, &pod, BPF_EXIST))
        bench_fail("nsp_tallies: %s", strerror(errno));
}
