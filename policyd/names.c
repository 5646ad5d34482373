/* SPDX-License-Identifier: Apache-2.0 */
/* Learnt addresses and names out of the pod's maps: see names.h. */
#include "policyd/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "lib/cleanup.h"
#include "policyd/asked_text.h"

#define BEING_WRITTEN 1 /* learnt_name.expires_ns */

/* A descriptor of the slot's own map inside an outer one; negative: there is none. */
static int open_inner(const struct datapath *datapath, enum pins_map outer, __u32 slot)
{
    __u32 id;

    if (bpf_map_lookup_elem(datapath->maps[outer], &slot, &id))
        return -errno;
    return bpf_map_get_fd_by_id(id);
}

struct table {
    size_t key_size, value_size, max;
};

/* All entries at once: room for all means that no bucket is too large. Returns how many, or -errno. */
static int read_table(int fd, const struct table *table, void *keys, void *values)
{
    __u32 read = 0, position = 0, next = 0;

    while (read < table->max) {
        __u32 count = (__u32)table->max - read;
        int rc = bpf_map_lookup_batch(fd, read ? &position : NULL, &next, (char *)keys + read * table->key_size,
                                      (char *)values + read * table->value_size, &count, NULL);

        if (rc && errno != ENOENT)
            return errno == ENOSPC ? (int)read : -errno;
        read += count;
        if (rc)
            break;
        position = next;
    }
    return (int)read;
}

static int read_addresses(const struct datapath *datapath, __u32 slot, __u32 epoch, struct names *names)
{
    static const struct table table = {sizeof(struct learnt_key), sizeof(struct learnt), NSP_LEARNT_MAX};
    cleanup_close int fd = open_inner(datapath, MAP_LEARNT, slot);
    cleanup_free struct learnt_key *keys = calloc(table.max, table.key_size);
    cleanup_free struct learnt *values = calloc(table.max, table.value_size);
    int count;

    if (fd < 0 || !keys || !values)
        return fd < 0 ? fd : -ENOMEM;
    count = read_table(fd, &table, keys, values);
    if (count <= 0)
        return count;
    names->addresses = calloc((size_t)count, sizeof(*names->addresses));
    if (!names->addresses)
        return -ENOMEM;
    for (int i = 0; i < count; i++) {
        if (keys[i].epoch == epoch)
            names->addresses[names->addresses_count++] = (struct names_address){keys[i], values[i]};
    }
    return 0;
}

static int read_known(const struct datapath *datapath, __u32 slot, __u32 epoch, struct names *names)
{
    static const struct table table = {sizeof(struct name_key), sizeof(struct known_name), NSP_NAMES_MAX};
    cleanup_close int fd = open_inner(datapath, MAP_NAMES, slot);
    cleanup_free struct name_key *keys = calloc(table.max, table.key_size);
    cleanup_free struct known_name *values = calloc(table.max, table.value_size);
    int count;

    if (fd < 0 || !keys || !values)
        return fd < 0 ? fd : -ENOMEM;
    count = read_table(fd, &table, keys, values);
    if (count <= 0)
        return count;
    names->known = calloc((size_t)count, sizeof(*names->known));
    if (!names->known)
        return -ENOMEM;
    for (int i = 0; i < count; i++) {
        if (keys[i].epoch == epoch)
            names->known[names->known_count++] = (struct names_known){keys[i], values[i]};
    }
    return 0;
}

int names_read(const struct datapath *datapath, __u32 slot, __u32 epoch, struct names *names)
{
    int rc;

    *names = (struct names){0};
    rc = read_addresses(datapath, slot, epoch, names);
    if (rc == 0)
        rc = read_known(datapath, slot, epoch, names);
    if (rc)
        names_free(names);
    return rc;
}

void names_free(struct names *names)
{
    free(names->addresses);
    free(names->known);
    *names = (struct names){0};
}

bool names_text(const struct name *name, char *text)
{
    if (name->length > NSP_NAME_SIZE)
        return false;
    return asked_text_name((const char *)name->text + NSP_NAME_SIZE - name->length, name->length, text);
}

const struct name *names_find(const struct names *names, const struct learnt_name *learnt)
{
    for (size_t i = 0; i < names->known_count && learnt->expires_ns > BEING_WRITTEN; i++) {
        const struct name_key *key = &names->known[i].key;

        if (memcmp(key->hash, learnt->hash, sizeof(key->hash)) == 0 && key->length == learnt->length)
            return &names->known[i].known.name;
    }
    return NULL;
}

/* Most addresses are not learnt: then this is all that is done. */
static bool find_learnt(const struct datapath *datapath, __u32 slot, const struct learnt_key *key,
                        struct learnt *learnt)
{
    cleanup_close int fd = open_inner(datapath, MAP_LEARNT, slot);
    struct learnt_key of_pod = *key;

    if (fd < 0)
        return false;
    if (bpf_map_lookup_elem(fd, key, learnt) == 0)
        return true;
    memset(of_pod.path, LEARNT_BY_POD, sizeof(of_pod.path));
    return bpf_map_lookup_elem(fd, &of_pod, learnt) == 0;
}

json_t *names_of_address(const struct datapath *datapath, __u32 slot, const struct learnt_key *key)
{
    cleanup_close int fd = -1;
    char text[ASKED_NAME_SIZE];
    struct learnt learnt;
    json_t *list = NULL;

    if (!find_learnt(datapath, slot, key, &learnt))
        return NULL;
    fd = open_inner(datapath, MAP_NAMES, slot);
    for (int i = 0; i < LEARNT_NAMES_MAX && fd >= 0; i++) {
        struct name_key name = {.length = learnt.names[i].length, .epoch = key->epoch};
        struct known_name known;

        memcpy(name.hash, learnt.names[i].hash, sizeof(name.hash));
        if (learnt.names[i].expires_ns <= BEING_WRITTEN || bpf_map_lookup_elem(fd, &name, &known) ||
            !names_text(&known.name, text))
            continue;
        if (!list)
            list = json_array();
        json_array_append_new(list, json_string(text));
    }
    return list;
}
