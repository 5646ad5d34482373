/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/packets.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/path_hash.h"
#include "tests/bpf/packets.h"
#include "tests/bpf/sandbox.h"
#include "tests/model/hex.h"
#include "tests/model/replay.h"
#include "tests/model/replay.skel.h"

#define FRAME_MAX 8192
#define TC_NEXT (-1)
#define UNSEEN (-1) /* a kept socket's program has run twice: the counters tell */
#define DEADLINE_NS 1000000000LL
#define CPUS_MAX 256

enum program { FROM_POD, TO_POD, AT_SOCKET };

static struct replay_bpf *replay;
static struct ring_buffer *ring;
static bool is_known[REPLAY_SOCKETS_MAX];
static __u64 older_ns[REPLAY_SOCKETS_MAX]; /* since it was kept */
static __u32 policy_index;
static int cpus;
static __u32 zero;

/* What is read before a packet and after it. */
struct counters {
    struct pod_tally tallies;
    struct share shares[NSP_PARTS_MAX];
    __u64 passed[DIRECTIONS];
};

static void die(const char *what, int rc)
{
    fprintf(stderr, "model runner: %s: %s\n", what, strerror(-rc));
    exit(1);
}

static int skip_event(void *context, void *data, size_t size)
{
    (void)context, (void)data, (void)size;
    return 0;
}

static void set_program(struct bpf_map *map, int program_fd)
{
    int rc = bpf_map_update_elem(bpf_map__fd(map), &zero, &program_fd, BPF_ANY);

    if (rc)
        die("tail call", rc);
}

/* The map of this name that a program uses, pinned or not. */
static int find_map(int program_fd, const char *name)
{
    __u32 ids[128], size = sizeof(struct bpf_prog_info);
    struct bpf_prog_info program = {.nr_map_ids = 128, .map_ids = (__u64)(uintptr_t)ids};
    int rc = bpf_obj_get_info_by_fd(program_fd, &program, &size);

    for (__u32 i = 0; rc == 0 && i < program.nr_map_ids && i < 128; i++) {
        struct bpf_map_info map = {0};
        int fd = bpf_map_get_fd_by_id(ids[i]);

        size = sizeof(map);
        if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &map, &size) == 0 && strcmp(map.name, name) == 0)
            return fd;
        close(fd);
    }
    return -1;
}

/* Every map that both have is the programs' own. */
static int share_maps(const struct world *world)
{
    const int *programs = world->datapath.programs;
    struct bpf_map *map;
    int rc = 0;

    bpf_object__for_each_map(map, replay->obj)
    {
        int fd = find_map(programs[PROGRAM_FROM_POD], bpf_map__name(map));

        if (fd < 0)
            fd = find_map(programs[PROGRAM_INGRESS], bpf_map__name(map));
        if (fd < 0)
            continue;
        rc = rc ? rc : bpf_map__reuse_fd(map, fd);
        close(fd);
    }
    return rc;
}

void packets_start(struct world *world)
{
    int rc = 0;

    replay = replay_bpf__open();
    if (replay)
        rc = share_maps(world);
    if (!replay || rc || (rc = replay_bpf__load(replay)))
        die("cannot load replay.bpf.c", rc);
    set_program(replay->maps.replay_cgroup, world->datapath.programs[PROGRAM_INGRESS]);
    ring = ring_buffer__new(world->datapath.maps[MAP_EVENTS], skip_event, NULL, NULL);
    cpus = libbpf_num_possible_cpus();
    if (!ring || cpus < 1 || cpus > CPUS_MAX)
        die("cannot read events", -1);
}

void packets_stop(void)
{
    ring_buffer__free(ring);
    replay_bpf__destroy(replay);
}

void packets_set_policy(__u32 policy)
{
    policy_index = policy;
}

void packets_forget(void)
{
    memset(is_known, 0, sizeof(is_known));
    memset(older_ns, 0, sizeof(older_ns));
}

void packets_wait(__u64 ns)
{
    for (int i = 0; i < REPLAY_SOCKETS_MAX; i++)
        older_ns[i] += ns;
}

/* --- counters ----------------------------------------------------------------------------------------------------- */

static void read_counters(const struct world *world, struct counters *counters)
{
    struct traffic traffic[CPUS_MAX];
    int rc = bpf_map_lookup_elem(world->datapath.maps[MAP_TALLIES], &world->slot, &counters->tallies);

    if (rc == 0)
        rc = bpf_map_lookup_elem(world->datapath.maps[MAP_TRAFFIC], &world->slot, traffic);
    for (__u32 i = 0; i < NSP_PARTS_MAX && rc == 0; i++) {
        __u32 key = policy_index * NSP_PARTS_MAX + i;

        rc = bpf_map_lookup_elem(world->datapath.maps[MAP_SHARES], &key, &counters->shares[i]);
    }
    if (rc)
        die("counters", rc);
    memset(counters->passed, 0, sizeof(counters->passed));
    for (int cpu = 0; cpu < cpus; cpu++) {
        for (int d = 0; d < DIRECTIONS; d++)
            counters->passed[d] += traffic[cpu].packets[d];
    }
}

static json_t *tell_tallies(const struct counters *before, const struct counters *after)
{
    json_t *list = json_array();
    const struct tally *old = &before->tallies.tallies[0][0][0], *now = &after->tallies.tallies[0][0][0];

    for (int i = 0; i < DIRECTIONS * VERDICTS * REASONS; i++) {
        if (now[i].seen != old[i].seen)
            json_array_append_new(list, json_pack("[iiii]", i / (VERDICTS * REASONS), i / REASONS % VERDICTS,
                                                  i % REASONS, (int)(now[i].seen - old[i].seen)));
    }
    return list;
}

static json_t *tell_shares(const struct counters *before, const struct counters *after)
{
    json_t *list = json_array();

    for (int i = 0; i < NSP_PARTS_MAX * VERDICTS; i++) {
        int profile = i / VERDICTS, verdict = i % VERDICTS;
        __u64 more = after->shares[profile].violations[verdict] - before->shares[profile].violations[verdict];

        if (more)
            json_array_append_new(list, json_pack("[iii]", profile, verdict, (int)more));
    }
    return list;
}

/* --- running ------------------------------------------------------------------------------------------------------ */

struct trip {
    __u8 frame[FRAME_MAX];
    size_t length;
    __u8 out[2 * FRAME_MAX];
    size_t out_length;
};

static int test_run(const struct bpf_program *program, struct __sk_buff *context, struct trip *trip, int repeat)
{
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = trip->frame, .data_size_in = (__u32)trip->length,
                .data_out = trip->out, .data_size_out = sizeof(trip->out), .ctx_in = context,
                .ctx_size_in = sizeof(*context), .repeat = repeat);
    int rc = bpf_prog_test_run_opts(bpf_program__fd(program), &options);

    if (rc)
        die("BPF_PROG_TEST_RUN", rc);
    trip->out_length = options.data_size_out;
    return (int)options.retval;
}

static int number(const json_t *list, size_t index)
{
    return (int)json_integer_value(json_array_get(list, index));
}

static struct replay_wanted read_socket(const struct world *world, const json_t *packet)
{
    const json_t *socket = json_array_get(packet, 1);
    struct replay_wanted wanted = {.owner = {.slot = world->slot, .epoch = world->epoch}};
    const char *path = json_string_value(json_array_get(socket, 5));

    if (!json_is_array(socket))
        return wanted;
    wanted.socket = (__u32)number(socket, 0) % REPLAY_SOCKETS_MAX;
    wanted.has_socket = 1;
    wanted.direction = number(packet, 0) == FROM_POD ? EGRESS : INGRESS;
    wanted.keeps = (__u8)number(packet, 3);
    wanted.begins = (__u8)number(packet, 4);
    wanted.sequence = (__u32)json_integer_value(json_array_get(packet, 5));
    wanted.is_new = !is_known[wanted.socket];
    is_known[wanted.socket] = true;
    wanted.older_ns = older_ns[wanted.socket];
    older_ns[wanted.socket] = 0;
    wanted.owner.protocol = (__u8)number(socket, 1);
    wanted.owner.type = (__u8)number(socket, 2);
    wanted.owner.is_passive = (__u8)number(socket, 3);
    wanted.owner.untrusted = (__u8)number(socket, 4);
    wanted.owner.pid = 4711;
    wanted.cgroup_id = (__u64)number(socket, 6);
    path_hash_text(path ? path : "", world->datapath.control->path_key, wanted.owner.path);
    return wanted;
}

static long long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Out of the pod's end of the veth, without a socket; done once somebody has counted it. */
static void send_alone(const struct world *world, struct trip *trip, const struct counters *before,
                       struct counters *after)
{
    struct __sk_buff context = {.ifindex = sandbox.pod_ifindex, .mark = sandbox.pod_ifindex};
    long long deadline = now_ns() + DEADLINE_NS;

    test_run(replay->progs.replay_send, &context, trip, 1);
    do
        read_counters(world, after);
    while (memcmp(before, after, sizeof(*before)) == 0 && now_ns() < deadline);
}

/* Through a program, by the kept socket or without one. Returns its answer, of the last run. */
static int run_program(const struct world *world, int program, const struct replay_wanted *wanted, struct trip *trip)
{
    struct __sk_buff context = {.ifindex = sandbox.host_ifindex};
    const struct bpf_program *run = program == AT_SOCKET ? replay->progs.replay_run_cg : replay->progs.replay_run_tc;

    bpf_map_update_elem(bpf_map__fd(replay->maps.replay_wanted), &zero, wanted, BPF_ANY);
    if (program != AT_SOCKET)
        set_program(replay->maps.replay_tc,
                    world->datapath.programs[program == FROM_POD ? PROGRAM_FROM_POD : PROGRAM_TO_POD]);
    return test_run(run, &context, trip, wanted->keeps ? 2 : 1);
}

json_t *packets_run(struct world *world, const json_t *packet)
{
    static struct counters before, after;
    static struct trip trip;
    int program = number(packet, 0), answer = 0, passes;
    bool keeps = number(packet, 3), is_reset;
    struct replay_wanted wanted = read_socket(world, packet);
    int direction = program == FROM_POD ? EGRESS : INGRESS;

    trip.length = hex_read(json_array_get(packet, 2), trip.frame, sizeof(trip.frame));
    trip.out_length = trip.length;
    read_counters(world, &before);
    if (program == FROM_POD && !wanted.has_socket) {
        send_alone(world, &trip, &before, &after);
    } else {
        answer = run_program(world, program, &wanted, &trip);
        read_counters(world, &after);
    }
    passes = after.passed[direction] != before.passed[direction];
    if (program == AT_SOCKET)
        passes = keeps ? UNSEEN : answer == 1;
    else if (wanted.has_socket && !keeps && passes != (answer == TC_NEXT))
        return json_pack("{s:s,s:i}", "error", "the traffic counted is not the traffic let pass", "answer", answer);
    is_reset = trip.out_length < trip.length && packets_is_reset(trip.out, trip.out_length);
    ring_buffer__consume(ring);
    return json_pack("[iboo]", passes, is_reset, tell_tallies(&before, &after), tell_shares(&before, &after));
}
