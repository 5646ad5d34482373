/* SPDX-License-Identifier: Apache-2.0 */
/* A slot's own maps: see record_tables.h. */
#include "datapath/record_tables.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath/record.h"
#include "lib/cleanup.h"

/* Each CPU of an LRU map sets 128 elements aside (kernel/bpf/bpf_lru_list.h): with too few it evicts what is newest. */
static __u32 flow_map_size(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_CONF);

    return cpus * 256 > NSP_POD_FLOWS_MIN ? (__u32)cpus * 256 : NSP_POD_FLOWS_MIN;
}

/* A map of the slot's own, entered in an outer one. */
struct inner_map {
    enum pins_map outer;
    enum bpf_map_type type;
    const char *name;
    __u32 key_size, value_size, entries, flags;
};

static int enter_inner_map(const struct datapath *datapath, __u32 slot, const struct inner_map *map, struct error *err)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = map->flags);
    cleanup_close int fd = bpf_map_create(map->type, map->name, map->key_size, map->value_size, map->entries, &options);

    if (fd < 0)
        return error_set(err, errno, "slot %u: cannot create its %s: %s", slot, map->name, strerror(errno));
    if (bpf_map_update_elem(datapath->maps[map->outer], &slot, &fd, BPF_ANY))
        return error_set(err, errno, "slot %u: cannot enter its %s in %s: %s", slot, map->name,
                         pins_map_name(map->outer), strerror(errno));
    return 0;
}

int record_prepare_slot(const struct datapath *datapath, __u32 slot, struct error *err)
{
    const struct inner_map maps[] = {
        {MAP_LEARNT, BPF_MAP_TYPE_HASH, "nsp_learnt_tab", sizeof(struct learnt_key), sizeof(struct learnt),
         NSP_LEARNT_MAX, BPF_F_NO_PREALLOC},
        {MAP_NAMES, BPF_MAP_TYPE_HASH, "nsp_name_table", sizeof(struct name_key), sizeof(struct known_name),
         NSP_NAMES_MAX, BPF_F_NO_PREALLOC},
        {MAP_ASKS, BPF_MAP_TYPE_ARRAY, "nsp_ask_table", sizeof(__u32), sizeof(struct ask_set), NSP_ASK_SETS, 0},
        {MAP_FLOWS, BPF_MAP_TYPE_LRU_HASH, "nsp_flow_table", sizeof(struct flow_key), sizeof(struct flow),
         flow_map_size(), 0},
    };

    if (__atomic_load_n(&datapath->states[slot], __ATOMIC_ACQUIRE) & POD_HAS_FLOWS)
        return 0;
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        if (enter_inner_map(datapath, slot, &maps[i], err))
            return -err->code;
    }
    __atomic_fetch_or(&datapath->states[slot], POD_HAS_FLOWS, __ATOMIC_ACQ_REL);
    return 0;
}

/* User space gets the number of an inner map, not the map. */
static int open_inner_map(const struct datapath *datapath, enum pins_map outer, __u32 slot)
{
    __u32 id = 0;
    int fd;

    if (bpf_map_lookup_elem(datapath->maps[outer], &slot, &id))
        return -errno;
    fd = bpf_map_get_fd_by_id(id);
    return fd < 0 ? -errno : fd;
}

/* An entry that goes by itself meanwhile is no failure: a program may still be at its end in a slot that is free. */
static int clear_map(int fd)
{
    __u8 key[64];

    while (bpf_map_get_next_key(fd, NULL, key) == 0) {
        if (bpf_map_delete_elem(fd, key) && errno != ENOENT)
            return -errno;
    }
    return errno == ENOENT ? 0 : -errno;
}

int record_tables_clear(const struct datapath *datapath, __u32 slot)
{
    static const enum pins_map outers[] = {MAP_LEARNT, MAP_NAMES};
    int rc = 0;

    _Static_assert(sizeof(struct learnt_key) <= 64 && sizeof(struct name_key) <= 64, "keys fit in clear_map()");
    for (size_t i = 0; i < sizeof(outers) / sizeof(outers[0]) && rc == 0; i++) {
        cleanup_close int fd = open_inner_map(datapath, outers[i], slot);

        if (fd != -ENOENT)
            rc = fd < 0 ? fd : clear_map(fd);
    }
    return rc;
}
