/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/tables.h"

#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "tests/model/packets.h"

#define KEY_MAX 128
#define KEYS_MAX 4096 /* more than one history makes */

/* The pod's own map within one of all pods; the caller closes it. Negative: it has none. */
static int open_inner(const struct world *world, enum pins_map map)
{
    __u32 id = 0;

    if (bpf_map_lookup_elem(world->datapath.maps[map], &world->slot, &id))
        return -1;
    return bpf_map_get_fd_by_id(id);
}

static void empty(const struct world *world, enum pins_map map)
{
    __u8 key[KEY_MAX];
    int fd = open_inner(world, map);

    while (fd >= 0 && bpf_map_get_next_key(fd, NULL, key) == 0)
        bpf_map_delete_elem(fd, key);
    if (fd >= 0)
        close(fd);
}

/* Each query on its way, or answered lately, once; `change` gets its place. */
static void change_asks(const struct world *world, void (*change)(struct asked_query *, __u64), __u64 ns)
{
    int fd = open_inner(world, MAP_ASKS);
    struct ask_set set;

    for (__u32 i = 0; fd >= 0 && i < NSP_ASK_SETS; i++) {
        if (bpf_map_lookup_elem(fd, &i, &set))
            continue;
        for (int j = 0; j < NSP_ASKS_IN_SET; j++)
            change(&set.queries[j], ns);
        bpf_map_update_elem(fd, &i, &set, BPF_EXIST);
    }
    if (fd >= 0)
        close(fd);
}

static void forget_ask(struct asked_query *query, __u64 ns)
{
    (void)ns;
    memset(query, 0, sizeof(*query));
}

json_t *tables_clear(const struct world *world)
{
    empty(world, MAP_FLOWS);
    empty(world, MAP_LEARNT);
    empty(world, MAP_NAMES);
    change_asks(world, forget_ask, 0);
    packets_forget();
    return json_true();
}

/* 0 and 1 mean something else. */
static void age(__u64 *stamp, __u64 ns)
{
    if (*stamp > 1)
        *stamp = *stamp > ns + 2 ? *stamp - ns : 2;
}

static void age_flow(void *value, __u64 ns)
{
    age(&((struct flow *)value)->seen_ns, ns);
}

static void age_ask(struct asked_query *query, __u64 ns)
{
    age(&query->seen_ns, ns);
}

static void age_learnt(void *value, __u64 ns)
{
    struct learnt *learnt = value;

    age(&learnt->used_ns, ns);
    for (int i = 0; i < LEARNT_NAMES_MAX; i++)
        age(&learnt->names[i].expires_ns, ns);
}

static void age_name(void *value, __u64 ns)
{
    age(&((struct known_name *)value)->expires_ns, ns);
}

/* All keys of a map, before anything changes: an update moves its entry within its bucket. How many; the rest is left.
 */
static size_t read_keys(int fd, __u8 keys[][KEY_MAX])
{
    size_t count = 0;

    while (count < KEYS_MAX && bpf_map_get_next_key(fd, count ? keys[count - 1] : NULL, keys[count]) == 0)
        count++;
    return count;
}

static void age_all(const struct world *world, enum pins_map map, void (*age_value)(void *, __u64), __u64 ns)
{
    static __u8 keys[KEYS_MAX][KEY_MAX];
    __u8 value[sizeof(struct known_name) + sizeof(struct learnt)];
    int fd = open_inner(world, map);
    size_t count = fd < 0 ? 0 : read_keys(fd, keys);

    for (size_t i = 0; i < count; i++) {
        if (bpf_map_lookup_elem(fd, keys[i], value))
            continue;
        age_value(value, ns);
        bpf_map_update_elem(fd, keys[i], value, BPF_EXIST);
    }
    if (fd >= 0)
        close(fd);
}

json_t *tables_wait(const struct world *world, __u64 ns)
{
    age_all(world, MAP_FLOWS, age_flow, ns);
    age_all(world, MAP_LEARNT, age_learnt, ns);
    age_all(world, MAP_NAMES, age_name, ns);
    change_asks(world, age_ask, ns);
    packets_wait(ns);
    return json_true();
}
