/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ADD and DEL of records. A killed process must leave nothing that DEL cannot remove: nsp_attached is written first and
 * deleted last, and a slot is taken exactly while its state word has an epoch.
 */
#include "datapath/record.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include <bpf/bpf.h>

#include "datapath/attach.h"
#include "datapath/attach_tcx.h"
#include "datapath/cgroup_id.h"
#include "datapath/pins_lock.h"
#include "datapath/record_slot.h"
#include "lib/cleanup.h"

static int update(const struct datapath *datapath, enum pins_map map, const void *key, const void *value,
                  struct error *err)
{
    if (bpf_map_update_elem(datapath->maps[map], key, value, BPF_ANY) == 0)
        return 0;
    return error_set(err, errno, "%s: cannot write an entry: %s", pins_map_name(map),
                     errno == E2BIG ? "the map is full" : strerror(errno));
}

static bool owns_iface(const struct datapath *datapath, const struct attachment *attachment)
{
    struct iface iface;

    return bpf_map_lookup_elem(datapath->maps[MAP_IFS], &attachment->ifindex, &iface) == 0 &&
           iface.slot == attachment->slot && iface.epoch == attachment->epoch;
}

static void delete_iface(const struct datapath *datapath, const struct attachment *attachment)
{
    if (attachment->ifindex && owns_iface(datapath, attachment))
        bpf_map_delete_elem(datapath->maps[MAP_IFS], &attachment->ifindex);
}

/* Enters what `request` says under its slot; nsp_attached first, so that a DEL finds whatever else was written. */
static int enter(const struct datapath *datapath, struct record_request *request, struct record_slot *slot,
                 struct error *err)
{
    struct pod_ref ref = {slot->slot, slot->epoch};
    int rc = update(datapath, MAP_ATTACHED, &request->key, &request->attachment, err);

    if (rc == 0)
        rc = record_slot_write(datapath, slot, &request->pod, request->open, err);
    if (rc == 0 && request->pod.cgroup_id)
        rc = update(datapath, MAP_IDS, &request->pod.cgroup_id, &ref, err);
    if (rc == 0 && request->attachment.ifindex)
        rc = update(datapath, MAP_IFS, &request->attachment.ifindex, &request->iface, err);
    return rc;
}

/* replaced: the entry that had this key before, or NULL. */
static void leave(const struct datapath *datapath, const struct record_request *request, const struct record_slot *slot,
                  const struct attachment *replaced)
{
    delete_iface(datapath, &request->attachment);
    if (slot->is_new)
        record_slot_free(datapath, slot->slot, slot->epoch);
    if (replaced)
        bpf_map_update_elem(datapath->maps[MAP_ATTACHED], &request->key, replaced, BPF_ANY);
    else
        bpf_map_delete_elem(datapath->maps[MAP_ATTACHED], &request->key);
}

/* The entry that has the key gives up what the new one does not take over; it stays itself until it is overwritten. */
static void give_up(const struct datapath *datapath, const struct record_request *request,
                    const struct attachment *replaced)
{
    if (replaced->ifindex != request->attachment.ifindex)
        delete_iface(datapath, replaced);
    if (replaced->slot != request->attachment.slot || replaced->epoch != request->attachment.epoch)
        record_slot_release(datapath, replaced, &request->key, NULL);
}

static int add_locked(const struct datapath *datapath, struct record_request *request, struct record_slot *slot,
                      struct error *err)
{
    struct attachment replaced = {0};
    bool is_replacing = record_find(datapath, &request->key, &replaced) == 0;
    int rc = record_slot_find(datapath, &request->pod, slot, err);

    if (rc)
        return rc;
    request->attachment.slot = request->iface.slot = slot->slot;
    request->attachment.epoch = request->iface.epoch = slot->epoch;
    request->attachment.flags = 0;
    rc = record_slot_merge(datapath, slot, &request->key, &request->pod, err);
    if (rc)
        return rc;
    if (is_replacing)
        give_up(datapath, request, &replaced);
    rc = enter(datapath, request, slot, err);
    if (rc)
        leave(datapath, request, slot, is_replacing ? &replaced : NULL);
    return rc;
}

int record_add(const struct datapath *datapath, struct record_request *request, struct error *err)
{
    struct record_slot slot = {0};

    {
        cleanup_close int lock = pins_lock(datapath->directory, err);

        if (lock < 0)
            return lock;

        int rc = add_locked(datapath, request, &slot, err);

        if (rc)
            return rc;
    }
    /* Outside the lock: it may wait for RCU. Until it is there the programs judge each packet anew. */
    int rc = record_prepare_slot(datapath, slot.slot, err);

    if (rc)
        record_remove(datapath, &request->key, NULL);
    return rc;
}

int record_bind_cgroup(const struct datapath *datapath, __u64 cgroup_id, __u32 slot, __u32 epoch, struct error *err)
{
    struct pod_ref ref = {slot, epoch};

    return update(datapath, MAP_CGROUP, &cgroup_id, &ref, err);
}

bool record_is_same(const struct attachment *a, const struct attachment *b)
{
    return a->slot == b->slot && a->epoch == b->epoch && a->ifindex == b->ifindex;
}

int record_set_flags(const struct datapath *datapath, const struct attachment_key *key,
                     const struct attachment *attachment, struct error *err)
{
    struct attachment present = {0};
    cleanup_close int lock = pins_lock(datapath->directory, err);

    if (lock < 0)
        return lock;
    if (record_find(datapath, key, &present) || !record_is_same(&present, attachment))
        return error_set(err, ENOENT, "%s/%s: removed meanwhile", key->container_id, key->ifname);
    present.flags = attachment->flags;
    return update(datapath, MAP_ATTACHED, key, &present, err);
}

int record_find(const struct datapath *datapath, const struct attachment_key *key, struct attachment *attachment)
{
    struct attachment found;

    if (bpf_map_lookup_elem(datapath->maps[MAP_ATTACHED], key, &found))
        return -errno;
    *attachment = found;
    return 0;
}

/* Whether the device with that number is still the attachment's: a number may have gone to another pod's veth. */
static bool has_device(const struct datapath *datapath, const struct attachment *attachment)
{
    struct iface iface;

    return attachment->ifindex && (bpf_map_lookup_elem(datapath->maps[MAP_IFS], &attachment->ifindex, &iface) ||
                                   (iface.slot == attachment->slot && iface.epoch == attachment->epoch));
}

int record_remove_locked(const struct datapath *datapath, const struct attachment_key *key, struct error *err)
{
    struct attachment attachment = {0};
    int failure = 0;

    if (record_find(datapath, key, &attachment))
        return 0;
    if (has_device(datapath, &attachment))
        failure = attach_veth_undo(datapath, attachment.ifindex, attachment.slot, err);
    if (failure)
        return failure;
    delete_iface(datapath, &attachment);
    failure = record_slot_release(datapath, &attachment, key, err);
    if (bpf_map_delete_elem(datapath->maps[MAP_ATTACHED], key) && errno != ENOENT && !failure)
        failure = error_set(err, errno, "%s: cannot delete an entry: %s", pins_map_name(MAP_ATTACHED), strerror(errno));
    return failure;
}

int record_remove(const struct datapath *datapath, const struct attachment_key *key, struct error *err)
{
    struct attachment attachment = {0};
    int failure = 0;

    if (record_find(datapath, key, &attachment))
        return 0;
    /* Outside the lock: detaching a tcx link waits for RCU. Under it once more, for what was attached meanwhile. */
    if (has_device(datapath, &attachment))
        failure = attach_veth_undo(datapath, attachment.ifindex, attachment.slot, err);
    if (failure)
        return failure;

    cleanup_close int lock = pins_lock(datapath->directory, err);

    return lock < 0 ? lock : record_remove_locked(datapath, key, err);
}

/* Another attachment of the pod, or of another epoch, has its cgroup. */
static bool is_cgroup_taken(const struct datapath *datapath, __u64 cgroup_id)
{
    struct pod_ref ref;

    return bpf_map_lookup_elem(datapath->maps[MAP_IDS], &cgroup_id, &ref) == 0;
}

void record_undo(const struct datapath *datapath, const struct record_request *request, int cgroup_fd)
{
    struct attachment present = {0};
    cleanup_close int lock = pins_lock(datapath->directory, NULL);

    if (lock >= 0 && record_find(datapath, &request->key, &present) == 0 &&
        record_is_same(&present, &request->attachment)) {
        record_remove_locked(datapath, &request->key, NULL);
        return;
    }
    if (has_device(datapath, &request->attachment))
        attach_veth_undo(datapath, request->attachment.ifindex, request->attachment.slot, NULL);
    if (!is_cgroup_taken(datapath, request->pod.cgroup_id))
        attach_cgroup_undo(datapath, cgroup_fd, NULL);
}

int record_each(const struct datapath *datapath,
                int (*visit)(const struct attachment_key *key, const struct attachment *attachment, void *context),
                void *context)
{
    int map = datapath->maps[MAP_ATTACHED];
    struct attachment_key key, next;
    struct attachment attachment = {0};
    int more = bpf_map_get_next_key(map, NULL, &next);

    while (more == 0) {
        key = next;
        /* Before the visit, which may delete `key`. */
        more = bpf_map_get_next_key(map, &key, &next);
        if (record_find(datapath, &key, &attachment))
            continue;

        int rc = visit(&key, &attachment, context);

        if (rc)
            return rc;
    }
    return 0;
}

/*
 * A device that was renamed is still alive: it carries our programs. One that took over a freed number does not.
 */
static bool is_device_gone(const struct datapath *datapath, const struct attachment *attachment)
{
    char name[IF_NAMESIZE];

    if (!if_indextoname(attachment->ifindex, name))
        return errno == ENXIO || errno == ENODEV;
    if (strncmp(name, attachment->host_ifname, sizeof(attachment->host_ifname)) == 0)
        return false;
    return attach_veth_present(datapath, attachment->ifindex, attachment->slot) == 0;
}

bool record_has_lost_veth(const struct datapath *datapath, const struct attachment *attachment)
{
    return attachment->ifindex && is_device_gone(datapath, attachment);
}

bool record_is_dead(const struct datapath *datapath, const struct attachment *attachment)
{
    struct pod pod = {0};

    if (record_pod(datapath, attachment->slot, &pod) || pod.epoch != attachment->epoch)
        return true;
    if (!pod.cgroup_id)
        return record_has_lost_veth(datapath, attachment);

    cleanup_close int cgroup_fd = cgroup_id_open(pod.cgroup_id);

    return cgroup_fd == -ESTALE;
}

/* Whether the entry still is the one that was seen without the lock: an ADD may have replaced it. */
static bool is_still(const struct datapath *datapath, const struct attachment_key *key, const struct attachment *seen)
{
    struct attachment present = {0};

    return record_find(datapath, key, &present) == 0 && record_is_same(&present, seen);
}

int record_remove_dead(const struct datapath *datapath, const struct attachment_key *key, const struct attachment *seen,
                       struct error *err)
{
    cleanup_close int lock = pins_lock(datapath->directory, err);

    if (lock < 0)
        return lock;
    if (!is_still(datapath, key, seen) || !record_is_dead(datapath, seen))
        return 0;

    int rc = record_remove_locked(datapath, key, err);

    return rc ? rc : 1;
}

int record_drop_veth(const struct datapath *datapath, const struct attachment_key *key, const struct attachment *seen,
                     struct error *err)
{
    struct attachment left = {0};
    cleanup_close int lock = pins_lock(datapath->directory, err);

    if (lock < 0)
        return lock;
    if (!is_still(datapath, key, seen) || !record_has_lost_veth(datapath, seen))
        return 0;
    /* Filters went with the device; of links the pins are left. */
    int rc = attach_tcx_remove(datapath, seen->ifindex, seen->slot, err);

    if (rc)
        return rc;
    delete_iface(datapath, seen);
    record_find(datapath, key, &left);
    left.ifindex = 0;
    left.flags = 0;
    rc = update(datapath, MAP_ATTACHED, key, &left, err);
    return rc ? rc : 1;
}
