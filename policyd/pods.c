/* SPDX-License-Identifier: Apache-2.0 */
/* Decides for the pods of this node: see pods.h. */
#include "policyd/pods.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/record.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "policyd/assign.h"

static struct pod_entry *entry_of(struct pods *pods, __u32 slot)
{
    for (size_t i = 0; i < pods->count; i++) {
        if (pods->items[i].slot == slot)
            return &pods->items[i];
    }
    return NULL;
}

static void free_entry(struct pod_entry *pod)
{
    free(pod->namespace_);
    free(pod->name);
    free(pod->uid);
    free(pod->note);
    *pod = (struct pod_entry){0};
}

static int fill_entry(struct pod_entry *pod, __u32 slot, const struct pod *record)
{
    struct pod_entry filled = {
        .slot = slot,
        .epoch = record->epoch,
        .namespace_ = strndup(record->namespace_, sizeof(record->namespace_)),
        .name = strndup(record->name, sizeof(record->name)),
        .uid = strndup(record->uid, sizeof(record->uid)),
    };

    if (!filled.namespace_ || !filled.name || !filled.uid) {
        free_entry(&filled);
        return -ENOMEM;
    }
    free_entry(pod);
    *pod = filled;
    return 0;
}

/* The entry of a slot as it is used now; NULL when it is free. */
static struct pod_entry *refresh(struct pods *pods, __u32 slot)
{
    struct pod_entry *pod = entry_of(pods, slot), *items;
    cleanup_free struct pod *record = malloc(sizeof(*record));

    if (!record || record_pod(pods->datapath, slot, record))
        return NULL;
    if (pod && pod->epoch == record->epoch)
        return pod;
    if (!pod) {
        items = realloc(pods->items, (pods->count + 1) * sizeof(*items));
        if (!items)
            return NULL;
        pods->items = items;
        pod = &items[pods->count];
        *pod = (struct pod_entry){0};
        if (fill_entry(pod, slot, record))
            return NULL;
        pods->count++;
        return pod;
    }
    return fill_entry(pod, slot, record) ? NULL : pod;
}

const struct pod_entry *pods_find(struct pods *pods, __u32 slot, __u32 epoch)
{
    struct pod_entry *pod = entry_of(pods, slot);

    if (!pod || pod->epoch != epoch)
        pod = refresh(pods, slot);
    return pod && pod->epoch == epoch ? pod : NULL;
}

const struct pod_object *pods_object(const struct pods *pods, const struct pod_entry *pod)
{
    const struct pod_object *object = store_find_pod(pods->store, pod->namespace_, pod->name);

    /* The same name with another uid is another pod: its labels say nothing of this one. */
    if (object && object->uid && pod->uid[0] && strcmp(object->uid, pod->uid) != 0)
        return NULL;
    return object;
}

/* Keeps the note, and logs it when it is new. */
static void __attribute__((format(printf, 3, 4))) note(struct pod_entry *pod, bool is_loud, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    int length;

    va_start(args, format);
    length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0)
        return;
    if (!pod->note || strcmp(pod->note, text) != 0)
        log_write(is_loud ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "pod=%s/%s %s", pod->namespace_, pod->name, text);
    free(pod->note);
    pod->note = text;
    pod->is_loud = is_loud;
}

static void clear_note(struct pod_entry *pod)
{
    free(pod->note);
    pod->note = NULL;
    pod->is_loud = false;
}

static bool set_state(const struct pods *pods, const struct pod_entry *pod, __u32 policy, __u64 state)
{
    int rc = record_set_state(pods->datapath, pod->slot, pod->epoch, policy, state);

    if (rc == 0)
        log_info("pod=%s/%s state=%s policy=%u", pod->namespace_, pod->name, state == POD_READY ? "READY" : "PENDING",
                 policy);
    else if (rc != -ESTALE)
        log_error("pod=%s/%s state not set: %s", pod->namespace_, pod->name, strerror(-rc));
    return rc == 0;
}

/* Returns whether the pod is READY now. */
static bool set_policy(const struct pods *pods, const struct pod_entry *pod, __u64 word, __u32 policy)
{
    if ((word & POD_STATE_MASK) == POD_READY && pod_word_policy(word) == policy)
        return true;
    return set_state(pods, pod, policy, POD_READY);
}

/*
 * After a restart: the pod's policy holds a profile that cannot be read now, so that nobody can say what it should be.
 * What was in force stays.
 */
static bool must_hold(const struct pods *pods, __u64 word, const struct synced *wanted)
{
    const struct synced *present = sync_find_index(pods->sync, pod_word_policy(word));

    return (word & POD_STATE_MASK) == POD_READY && present && present != wanted && !present->names &&
           store_is_unclear(pods->store);
}

static bool decide_unknown(const struct pods *pods, struct pod_entry *pod, bool is_ready)
{
    if (is_ready)
        note(pod, false, "its Pod manifest is gone; what was in force stays");
    else if (!pod->name[0])
        note(pod, true, "the runtime did not say which pod this is (K8S_POD_NAME in CNI_ARGS); nothing can select it");
    else
        note(pod, false, "%s", pods->store->missing_pod);
    return is_ready;
}

/*
 * A pod that waits and that nothing readable selects: opened only if it is known that nothing else would. After a
 * restart a policy without names is one whose profiles were not valid since, perhaps the refused one.
 */
static bool must_wait(const struct pods *pods, struct pod_entry *pod, const struct stored_profile *refused)
{
    if (pods->store->unread) {
        note(pod, true, "waits: %s", pods->store->unread);
        return true;
    }
    for (size_t i = 0; refused && i < pods->sync->count; i++) {
        if (!pods->sync->items[i]->names) {
            note(pod, true, "waits: %s/%s selects it, was in force before the restart and is not valid now; mend it",
                 refused->namespace_, refused->name);
            return true;
        }
    }
    return false;
}

static bool decide_unselected(const struct pods *pods, struct pod_entry *pod, const struct pod_object *object,
                              __u64 word)
{
    const struct stored_profile *refused = store_refused_for(pods->store, object->namespace_, &object->labels);

    if ((word & POD_STATE_MASK) != POD_READY && must_wait(pods, pod, refused))
        return false;
    if (refused)
        note(pod, true, "open: only invalid profiles select it (%s/%s)", refused->namespace_, refused->name);
    else
        clear_note(pod);
    return set_policy(pods, pod, word, 0);
}

/* The policy cannot be made. What is in force stays; a pod that nothing judges is closed where it should be judged. */
static bool decide_impossible(const struct pods *pods, struct pod_entry *pod, const struct pod_object *object,
                              const char *why)
{
    __u64 word = __atomic_load_n(&pods->datapath->states[pod->slot], __ATOMIC_SEQ_CST);
    bool is_ready = (word & POD_STATE_MASK) == POD_READY;

    if (is_ready && pod_word_policy(word)) {
        note(pod, true, "%s", why);
        return true;
    }
    if (!assign_enforces(pods->store, object)) {
        note(pod, true, "%s, its profiles are not in force: %s", is_ready ? "open" : "waits", why);
        return is_ready;
    }
    note(pod, true, "closed, its profiles cannot be brought in force: %s", why);
    if (is_ready)
        set_state(pods, pod, 0, POD_PENDING);
    return false;
}

static bool decide(struct pods *pods, struct pod_entry *pod)
{
    __u64 word = __atomic_load_n(&pods->datapath->states[pod->slot], __ATOMIC_SEQ_CST);
    bool is_ready = (word & POD_STATE_MASK) == POD_READY;
    const struct pod_object *object = pods_object(pods, pod);
    struct synced *policy = NULL;
    struct error err = {0};

    if (pod_word_epoch(word) != pod->epoch)
        return false;
    if (!object)
        return decide_unknown(pods, pod, is_ready);
    if (assign_policy(pods->sync, pods->store, object, &policy, &err))
        return decide_impossible(pods, pod, object, err.msg);
    if (must_hold(pods, word, policy)) {
        note(pod, true, "held: a manifest cannot be read since the restart; what was in force stays");
        return true;
    }
    if (!policy)
        return decide_unselected(pods, pod, object, word);
    if (!policy->index)
        return decide_impossible(pods, pod, object, policy->error ? policy->error : "out of memory");
    if (policy->error)
        note(pod, true, "%s", policy->error);
    else if (policy->has_containers && object->containers_count == 0)
        note(pod, false, "blocks with `container` do not apply: its Pod manifest has no status that names containers");
    else
        clear_note(pod);
    return set_policy(pods, pod, word, policy->index);
}

bool pods_decide(struct pods *pods, __u32 slot, __u32 epoch)
{
    struct pod_entry *pod = refresh(pods, slot);

    return pod && pod->epoch == epoch && decide(pods, pod);
}

static int see_attachment(const struct attachment_key *key, const struct attachment *attachment, void *context)
{
    struct pod_entry *pod = refresh(context, attachment->slot);

    (void)key;
    if (pod)
        pod->is_seen = true;
    return 0;
}

static void list_attached(struct pods *pods)
{
    for (size_t i = 0; i < pods->count; i++)
        pods->items[i].is_seen = false;
    record_each(pods->datapath, see_attachment, pods);
    for (size_t i = pods->count; i-- > 0;) {
        if (!pods->items[i].is_seen) {
            free_entry(&pods->items[i]);
            pods->items[i] = pods->items[--pods->count];
        }
    }
}

/* A policy is ready before its pod comes, so that ADD need not wait for one. */
static void prepare_known(struct pods *pods)
{
    for (size_t i = 0; i < pods->store->pods_count; i++) {
        struct synced *policy = NULL;
        struct error err;

        if (assign_policy(pods->sync, pods->store, pods->store->pods[i], &policy, &err) == 0 && policy)
            policy->is_wanted = true;
    }
}

static void drop_unused(struct pods *pods)
{
    bool is_unclear = store_is_unclear(pods->store);

    for (size_t i = 0; i < pods->count; i++) {
        __u64 word = __atomic_load_n(&pods->datapath->states[pods->items[i].slot], __ATOMIC_SEQ_CST);
        struct synced *policy = sync_find_index(pods->sync, pod_word_policy(word));

        if (policy && (word & POD_STATE_MASK) == POD_READY)
            policy->is_wanted = true;
    }
    for (size_t i = pods->sync->count; i-- > 0;) {
        /* While a profile cannot be read, one found at the start may be of it: the pods that wait need to know. */
        if (!pods->sync->items[i]->is_wanted && !(is_unclear && !pods->sync->items[i]->names))
            sync_drop(pods->sync, pods->sync->items[i]);
    }
}

void pods_reconcile(struct pods *pods)
{
    for (size_t i = 0; i < pods->sync->count; i++)
        pods->sync->items[i]->is_wanted = false;
    list_attached(pods);
    prepare_known(pods);
    for (size_t i = 0; i < pods->count; i++)
        decide(pods, &pods->items[i]);
    drop_unused(pods);
}

void pods_free(struct pods *pods)
{
    for (size_t i = 0; i < pods->count; i++)
        free_entry(&pods->items[i]);
    free(pods->items);
    pods->items = NULL;
    pods->count = 0;
}
