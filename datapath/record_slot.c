/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/record_slot.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/attach.h"
#include "datapath/cgroup_id.h"
#include "datapath/record.h"
#include "datapath/record_tables.h"
#include "lib/cleanup.h"
#include "lib/log.h"

static __u64 load_word(const struct datapath *datapath, __u32 slot)
{
    return __atomic_load_n(&datapath->states[slot], __ATOMIC_ACQUIRE);
}

int record_pod(const struct datapath *datapath, __u32 slot, struct pod *pod)
{
    struct pod found;

    if (slot == 0 || slot >= NSP_PODS_MAX || !pod_word_epoch(load_word(datapath, slot)))
        return -ENOENT;
    if (bpf_map_lookup_elem(datapath->maps[MAP_PODS], &slot, &found))
        return -errno;
    if (found.epoch != pod_word_epoch(load_word(datapath, slot)))
        return -ENOENT;
    *pod = found;
    return 0;
}

/* Replaces a pod's word, except for what it says of the slot. -ESTALE: another epoch has the slot. */
static int store_word(const struct datapath *datapath, __u32 slot, __u32 epoch, __u64 wanted)
{
    __u64 word = load_word(datapath, slot);

    do {
        if (pod_word_epoch(word) != epoch)
            return -ESTALE;
    } while (!__atomic_compare_exchange_n(&datapath->states[slot], &word, wanted | (word & POD_HAS_FLOWS), false,
                                          __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    return 0;
}

int record_set_state(const struct datapath *datapath, __u32 slot, __u32 epoch, __u32 policy, __u64 state_and_flags)
{
    if (slot == 0 || slot >= NSP_PODS_MAX || epoch == 0)
        return -ESTALE;
    return store_word(datapath, slot, epoch, pod_word(epoch, policy, state_and_flags));
}

/* A free slot without a flow map costs the ADD 8-10 ms: taken only when none is prepared. 0: all are taken. */
static __u32 free_slot(const struct datapath *datapath)
{
    __u32 unprepared = 0;

    for (__u32 slot = 1; slot < NSP_PODS_MAX; slot++) {
        if (pod_word_epoch(load_word(datapath, slot)))
            continue;
        if (load_word(datapath, slot) & POD_HAS_FLOWS)
            return slot;
        unprepared = unprepared ? unprepared : slot;
    }
    return unprepared;
}

static int random_epoch(__u32 *epoch)
{
    do {
        if (getrandom(epoch, sizeof(*epoch), 0) != sizeof(*epoch))
            return -EIO;
    } while (*epoch == 0);
    return 0;
}

int record_slot_find(const struct datapath *datapath, const struct pod *pod, struct record_slot *slot,
                     struct error *err)
{
    struct record_slot found = {0};
    struct pod_ref ref;
    struct pod present = {0};

    if (pod->cgroup_id && bpf_map_lookup_elem(datapath->maps[MAP_IDS], &pod->cgroup_id, &ref) == 0 &&
        record_pod(datapath, ref.slot, &present) == 0 && present.epoch == ref.epoch) {
        *slot = (struct record_slot){ref.slot, ref.epoch, false};
        return 0;
    }
    found.is_new = true;
    found.slot = free_slot(datapath);
    if (!found.slot)
        return error_set(err, ENOSPC,
                         "all %d slots for pods are taken; remove records of dead pods by GC or restart "
                         "policyd",
                         NSP_PODS_MAX - 1);
    if (random_epoch(&found.epoch))
        return error_set(err, EIO, "getrandom: no random number for the pod's epoch");
    *slot = found;
    return 0;
}

struct census {
    __u32 slot;
    __u32 epoch;
    const struct attachment_key *key; /* not counted */
    __u16 others;
    __u16 others_of_sandbox;
};

static int count_attachment(const struct attachment_key *key, const struct attachment *attachment, void *context)
{
    struct census *census = context;
    if (memcmp(key, census->key, sizeof(*key)) == 0 || attachment->slot != census->slot ||
        attachment->epoch != census->epoch)
        return 0;
    census->others++;
    if (strncmp(key->container_id, census->key->container_id, sizeof(key->container_id)) == 0)
        census->others_of_sandbox++;
    return 0;
}

static bool has_address(const struct pod *pod, const __u8 address[16])
{
    for (__u32 i = 0; i < pod->address_count; i++) {
        if (memcmp(pod->addresses[i], address, sizeof(pod->addresses[i])) == 0)
            return true;
    }
    return false;
}

/* Returns how many there was no room for. */
static __u32 add_addresses(struct pod *pod, const struct pod *more)
{
    __u32 left_out = 0;

    for (__u32 i = 0; i < more->address_count && i < NSP_ADDRESSES_MAX; i++) {
        if (has_address(pod, more->addresses[i]))
            continue;
        if (pod->address_count < NSP_ADDRESSES_MAX)
            memcpy(pod->addresses[pod->address_count++], more->addresses[i], sizeof(more->addresses[i]));
        else
            left_out++;
    }
    return left_out;
}

/* The addresses of both, first those that are recorded: they are the pod's own, of its eth0. */
static void merge_addresses(struct pod *pod, const struct pod *present)
{
    struct pod both = *pod;
    __u32 left_out;

    both.address_count = present->address_count;
    memcpy(both.addresses, present->addresses, sizeof(both.addresses));
    left_out = add_addresses(&both, pod);
    if (left_out)
        log_warning("pod=%s/%s has %u addresses more than the %d that are recorded", pod->namespace_, pod->name,
                    left_out, NSP_ADDRESSES_MAX);
    *pod = both;
}

/* Of each family the first that was recorded: it is eth0's. */
static void merge_gateways(struct pod *pod, const struct pod *present)
{
    static const __u8 none[16];

    for (int family = 0; family < 2; family++) {
        if (memcmp(present->gateways[family], none, sizeof(none)) != 0)
            memcpy(pod->gateways[family], present->gateways[family], sizeof(none));
    }
}

int record_slot_merge(const struct datapath *datapath, const struct record_slot *slot, const struct attachment_key *key,
                      struct pod *pod, struct error *err)
{
    struct census census = {.slot = slot->slot, .epoch = slot->epoch, .key = key};
    struct pod present = {0};

    if (pod->address_count > NSP_ADDRESSES_MAX)
        return error_set(err, E2BIG, "pod %s/%s has more than %d addresses", pod->namespace_, pod->name,
                         NSP_ADDRESSES_MAX);
    pod->epoch = slot->epoch;
    if (!slot->is_new)
        record_each(datapath, count_attachment, &census);
    pod->attachments = census.others + 1;
    if (!census.others_of_sandbox || record_pod(datapath, slot->slot, &present))
        return 0;
    memcpy(pod->mac, present.mac, sizeof(pod->mac));
    merge_gateways(pod, &present);
    merge_addresses(pod, &present);
    return 0;
}

static int zero_counters(const struct datapath *datapath, __u32 slot)
{
    static const struct pod_tally no_tally;
    int cpus = libbpf_num_possible_cpus();

    if (cpus < 0)
        return cpus;

    struct traffic *no_traffic = calloc((size_t)cpus, sizeof(*no_traffic));
    int rc = 0;

    if (!no_traffic)
        return -ENOMEM;
    if (bpf_map_update_elem(datapath->maps[MAP_TALLIES], &slot, &no_tally, BPF_ANY) ||
        bpf_map_update_elem(datapath->maps[MAP_TRAFFIC], &slot, no_traffic, BPF_ANY))
        rc = -errno;
    free(no_traffic);
    return rc;
}

int record_slot_write(const struct datapath *datapath, const struct record_slot *slot, const struct pod *pod, bool open,
                      struct error *err)
{
    int rc = slot->is_new ? zero_counters(datapath, slot->slot) : 0;

    if (rc)
        return error_set(err, -rc, "slot %u: cannot zero its counters: %s", slot->slot, strerror(-rc));
    rc = slot->is_new ? record_tables_clear(datapath, slot->slot) : 0;
    if (rc)
        return error_set(err, -rc, "slot %u: cannot forget what its last pod learnt: %s", slot->slot, strerror(-rc));
    if (bpf_map_update_elem(datapath->maps[MAP_PODS], &slot->slot, pod, BPF_ANY))
        return error_set(err, errno, "%s: cannot write slot %u: %s", pins_map_name(MAP_PODS), slot->slot,
                         strerror(errno));
    if (slot->is_new)
        store_word(datapath, slot->slot, 0, pod_word(slot->epoch, 0, POD_PENDING | (open ? POD_OPEN : 0)));
    return 0;
}

void record_slot_free(const struct datapath *datapath, __u32 slot, __u32 epoch)
{
    static const struct pod no_pod;
    struct pod_ref ref;
    struct pod pod = {0};

    if (record_pod(datapath, slot, &pod) || pod.epoch != epoch)
        return;
    if (bpf_map_lookup_elem(datapath->maps[MAP_IDS], &pod.cgroup_id, &ref) == 0 && ref.slot == slot &&
        ref.epoch == epoch)
        bpf_map_delete_elem(datapath->maps[MAP_IDS], &pod.cgroup_id);
    store_word(datapath, slot, epoch, 0);
    bpf_map_update_elem(datapath->maps[MAP_PODS], &slot, &no_pod, BPF_ANY);
    record_tables_clear(datapath, slot); /* else the next pod's ADD does, and waits for it */
}

static int detach_cgroup(const struct datapath *datapath, __u64 cgroup_id, struct error *err)
{
    cleanup_close int fd = cgroup_id ? cgroup_id_open(cgroup_id) : -ESTALE;

    if (fd == -ESTALE)
        return 0;
    if (fd < 0)
        return error_set(err, -fd, "cannot open the cgroup with id %llu: %s", (unsigned long long)cgroup_id,
                         strerror(-fd));
    return attach_cgroup_undo(datapath, fd, err);
}

int record_slot_release(const struct datapath *datapath, const struct attachment *attachment,
                        const struct attachment_key *key, struct error *err)
{
    struct census census = {.slot = attachment->slot, .epoch = attachment->epoch, .key = key};
    struct pod pod = {0};

    if (record_pod(datapath, attachment->slot, &pod) || pod.epoch != attachment->epoch)
        return 0;
    record_each(datapath, count_attachment, &census);
    if (census.others) {
        pod.attachments = census.others;
        bpf_map_update_elem(datapath->maps[MAP_PODS], &attachment->slot, &pod, BPF_ANY);
        return 0;
    }

    /* Detached first: a pod that lives on, when all is removed, must not be closed for a moment. */
    int rc = detach_cgroup(datapath, pod.cgroup_id, err);

    record_slot_free(datapath, attachment->slot, attachment->epoch);
    return rc;
}
