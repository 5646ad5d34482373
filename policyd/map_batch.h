/* SPDX-License-Identifier: Apache-2.0 */
/* Many entries of a BPF map in one system call, where the map has that; else one by one. */
#ifndef NSP_POLICYD_MAP_BATCH_H
#define NSP_POLICYD_MAP_BATCH_H

#include <stdbool.h>
#include <stddef.h>

struct map_batch {
    int fd;
    size_t key_size;
    size_t value_size;
};

/* Enters `count` keys and values, each lying one after the other. Returns 0 or -errno, with some entered. */
int map_batch_write(const struct map_batch *map, const void *keys, const void *values, size_t count);

/* Deletes keys; what is not there is no error. */
int map_batch_delete(const struct map_batch *map, const void *keys, size_t count);

/* Calls `is_doomed` for each entry of a hash map and deletes those it names. Nobody else may write the map. */
int map_batch_sweep(const struct map_batch *map, bool (*is_doomed)(const void *key, const void *value, void *context),
                    void *context);

#endif
