/* SPDX-License-Identifier: Apache-2.0 */
#include "policyd/unlearnable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "lib/cleanup.h"

#define ENTRIES_MAX 1024 /* of the map */

static struct cidr_key key_of(const struct cidr *range)
{
    struct cidr_key key = {.prefix_length = range->length};

    memcpy(key.address, range->address, sizeof(key.address));
    return key;
}

static bool is_wanted(const struct cidr_key *key, const struct cidr *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct cidr_key wanted = key_of(&ranges[i]);

        if (memcmp(&wanted, key, sizeof(wanted)) == 0)
            return true;
    }
    return false;
}

/* All are listed before any is deleted: a trie does not go on from a key that is gone. */
static int delete_others(int map, const struct cidr *ranges, size_t count)
{
    cleanup_free struct cidr_key *keys = calloc(ENTRIES_MAX, sizeof(*keys));
    size_t found = 0;

    if (!keys)
        return -ENOMEM;
    while (found < ENTRIES_MAX && bpf_map_get_next_key(map, found ? &keys[found - 1] : NULL, &keys[found]) == 0)
        found++;
    for (size_t i = 0; i < found; i++) {
        if (!is_wanted(&keys[i], ranges, count) && bpf_map_delete_elem(map, &keys[i]) && errno != ENOENT)
            return -errno;
    }
    return 0;
}

int unlearnable_write(const struct datapath *datapath, const struct cidr *ranges, size_t count, struct error *err)
{
    int map = datapath->maps[MAP_UNLEARNABLE], rc = 0;
    __u8 one = 1;

    for (size_t i = 0; i < count && rc == 0; i++) {
        struct cidr_key key = key_of(&ranges[i]);

        rc = bpf_map_update_elem(map, &key, &one, BPF_ANY) ? -errno : 0;
    }
    rc = rc ? rc : delete_others(map, ranges, count);
    return rc ? error_set(err, -rc, "map %s: %s", pins_map_name(MAP_UNLEARNABLE), strerror(-rc)) : 0;
}
