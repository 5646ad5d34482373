/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: see map_batch.h. Which map types have which batch differs between kernels 6.1 and 6.18. */
#include "policyd/map_batch.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "lib/cleanup.h"

#define SWEEP_ENTRIES 512 /* at a time; more where one hash bucket holds more */
#define KERNEL_ENOTSUPP 524

static bool is_unsupported(int error)
{
    return error == EINVAL || error == EOPNOTSUPP || error == KERNEL_ENOTSUPP;
}

static int write_singly(const struct map_batch *map, const char *keys, const char *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bpf_map_update_elem(map->fd, keys + i * map->key_size, values + i * map->value_size, BPF_ANY))
            return -errno;
    }
    return 0;
}

int map_batch_write(const struct map_batch *map, const void *keys, const void *values, size_t count)
{
    __u32 done = (__u32)count;

    if (count == 0 || bpf_map_update_batch(map->fd, keys, values, &done, NULL) == 0)
        return 0;
    if (!is_unsupported(errno))
        return -errno;
    return write_singly(map, keys, values, count);
}

static int delete_singly(const struct map_batch *map, const char *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bpf_map_delete_elem(map->fd, keys + i * map->key_size) && errno != ENOENT)
            return -errno;
    }
    return 0;
}

int map_batch_delete(const struct map_batch *map, const void *keys, size_t count)
{
    __u32 done = (__u32)count;

    if (count == 0 || bpf_map_delete_batch(map->fd, keys, &done, NULL) == 0)
        return 0;
    if (is_unsupported(errno))
        done = 0;
    else if (errno != ENOENT)
        return -errno;
    return delete_singly(map, (const char *)keys + done * map->key_size, count - done); /* one is not there */
}

struct room {
    __u32 entries;
    char *keys;
    char *values;
};

static int make_room(const struct map_batch *map, struct room *room, __u32 entries)
{
    free(room->keys);
    free(room->values);
    room->keys = calloc(entries, map->key_size);
    room->values = calloc(entries, map->value_size);
    room->entries = entries;
    return room->keys && room->values ? 0 : -ENOMEM;
}

/* Moves the keys of doomed entries to the front; returns how many. */
static size_t choose(const struct map_batch *map, struct room *room, size_t count,
                     bool (*is_doomed)(const void *key, const void *value, void *context), void *context)
{
    size_t doomed = 0;

    for (size_t i = 0; i < count; i++) {
        char *key = room->keys + i * map->key_size;

        if (is_doomed(key, room->values + i * map->value_size, context))
            memmove(room->keys + doomed++ * map->key_size, key, map->key_size);
    }
    return doomed;
}

int map_batch_sweep(const struct map_batch *map, bool (*is_doomed)(const void *key, const void *value, void *context),
                    void *context)
{
    struct room room = {0};
    __u64 position[8] = {0}; /* opaque to us: a bucket's number */
    bool is_first = true;
    int rc = make_room(map, &room, SWEEP_ENTRIES), failure = 0;

    while (rc == 0) {
        __u32 count = room.entries;

        failure =
            bpf_map_lookup_batch(map->fd, is_first ? NULL : position, position, room.keys, room.values, &count, NULL)
                ? errno
                : 0;
        if (failure == ENOSPC) { /* one bucket holds more than there is room for */
            rc = make_room(map, &room, room.entries * 2);
            continue;
        }
        if (failure && failure != ENOENT) {
            rc = -failure;
            break;
        }
        is_first = false;
        rc = map_batch_delete(map, room.keys, choose(map, &room, count, is_doomed, context));
        if (failure == ENOENT) /* the last ones */
            break;
    }
    free(room.keys);
    free(room.values);
    return rc;
}
