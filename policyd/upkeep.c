/* SPDX-License-Identifier: Apache-2.0 */
/* The second thread: see upkeep.h. It shares nothing with the loop but the descriptors of the pinned maps. */
#include "policyd/upkeep.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "datapath/attach.h"
#include "datapath/record.h"
#include "lib/log.h"

#define PREPARED_SLOTS 4

static const struct timeval soon = {.tv_sec = 1};

/* Attachments that need something, found in one walk and worked on after it. */
struct work {
    size_t count, room;
    struct attachment_key *keys;
    bool (*wants)(const struct datapath *datapath, const struct attachment *attachment);
    const struct datapath *datapath;
};

static int collect(const struct attachment_key *key, const struct attachment *attachment, void *context)
{
    struct work *work = context;

    if (!work->wants(work->datapath, attachment))
        return 0;
    if (work->count == work->room) {
        size_t room = work->room ? 2 * work->room : 16;
        struct attachment_key *keys = realloc(work->keys, room * sizeof(*keys));

        if (!keys)
            return -ENOMEM;
        work->keys = keys;
        work->room = room;
    }
    work->keys[work->count++] = *key;
    return 0;
}

static bool is_dead(const struct datapath *datapath, const struct attachment *attachment)
{
    return record_is_dead(datapath, attachment) == 1;
}

static bool is_clsact(const struct datapath *datapath, const struct attachment *attachment)
{
    (void)datapath;
    return attachment->ifindex && !(attachment->flags & ATTACHED_TCX);
}

static size_t remove_dead(struct upkeep *upkeep)
{
    struct work work = {.wants = is_dead, .datapath = upkeep->datapath};
    size_t removed = 0;

    record_each(upkeep->datapath, collect, &work);
    for (size_t i = 0; i < work.count; i++) {
        struct error err = {0};

        if (record_remove(upkeep->datapath, &work.keys[i], &err)) {
            log_warning("container=%.128s interface=%.16s not removed: %s", work.keys[i].container_id,
                        work.keys[i].ifname, err.msg);
            continue;
        }
        log_info("container=%.128s interface=%.16s removed: its veth or cgroup is gone", work.keys[i].container_id,
                 work.keys[i].ifname);
        removed++;
    }
    free(work.keys);
    return removed;
}

static bool is_same(const struct attachment *a, const struct attachment *b)
{
    return a->slot == b->slot && a->epoch == b->epoch && a->ifindex == b->ifindex;
}

static void promote(const struct datapath *datapath, const struct attachment_key *key)
{
    struct attachment before, after;
    struct error err = {0};
    int rc;

    if (record_find(datapath, key, &before) || !is_clsact(datapath, &before))
        return;
    rc = attach_promote(datapath, before.ifindex, before.slot, &before.flags, &err);
    if (rc < 0) {
        log_warning("interface=%.16s stays on clsact: %s", before.host_ifname, err.msg);
        return;
    }
    if (rc == 0)
        return;
    /* A DEL that came meanwhile took off what it found; what we put on after it is ours to take off. */
    if (record_find(datapath, key, &after) || !is_same(&before, &after))
        rc = attach_veth_undo(datapath, before.ifindex, before.slot, &err);
    else
        rc = record_set_flags(datapath, key, before.flags, &err);
    if (rc)
        log_warning("interface=%.16s after its promotion to tcx: %s", before.host_ifname, err.msg);
    else
        log_debug("interface=%.16s promoted to tcx", before.host_ifname);
}

static bool is_ending(struct upkeep *upkeep)
{
    bool ending;

    pthread_mutex_lock(&upkeep->mutex);
    ending = upkeep->is_ending;
    pthread_mutex_unlock(&upkeep->mutex);
    return ending;
}

static void promote_all(struct upkeep *upkeep)
{
    struct work work = {.wants = is_clsact, .datapath = upkeep->datapath};

    record_each(upkeep->datapath, collect, &work);
    for (size_t i = 0; i < work.count && !is_ending(upkeep); i++)
        promote(upkeep->datapath, &work.keys[i]);
    free(work.keys);
}

static void prepare_slots(struct upkeep *upkeep)
{
    int prepared = 0;

    for (__u32 slot = 1; slot < NSP_PODS_MAX && prepared < PREPARED_SLOTS && !is_ending(upkeep); slot++) {
        struct error err = {0};
        struct pod pod;

        if (record_pod(upkeep->datapath, slot, &pod) != -ENOENT)
            continue;
        if (record_prepare_slot(upkeep->datapath, slot, &err)) {
            log_warning("slot=%u not prepared: %s", slot, err.msg);
            return;
        }
        prepared++;
    }
}

static void work_once(struct upkeep *upkeep)
{
    uint64_t removed = remove_dead(upkeep);

    if (removed && write(upkeep->report_fd, &removed, sizeof(removed)) < 0)
        log_warning("upkeep cannot report: %s", strerror(errno));
    prepare_slots(upkeep);
    if (attach_has_tcx())
        promote_all(upkeep);
}

static void *run(void *context)
{
    struct upkeep *upkeep = context;

    for (;;) {
        bool ending;

        pthread_mutex_lock(&upkeep->mutex);
        while (!upkeep->is_wanted && !upkeep->is_ending)
            pthread_cond_wait(&upkeep->cond, &upkeep->mutex);
        ending = upkeep->is_ending;
        upkeep->is_wanted = false;
        pthread_mutex_unlock(&upkeep->mutex);
        if (ending)
            return NULL;
        work_once(upkeep);
    }
}

static void tell(struct upkeep *upkeep, bool *what)
{
    pthread_mutex_lock(&upkeep->mutex);
    *what = true;
    pthread_cond_signal(&upkeep->cond);
    pthread_mutex_unlock(&upkeep->mutex);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct upkeep *upkeep = context;

    (void)fd;
    (void)what;
    tell(upkeep, &upkeep->is_wanted);
}

static void on_report(evutil_socket_t fd, short what, void *context)
{
    const struct upkeep *upkeep = context;
    uint64_t removed;

    (void)what;
    if (read(fd, &removed, sizeof(removed)) == sizeof(removed))
        upkeep->removed(upkeep->context);
}

void upkeep_want(struct upkeep *upkeep)
{
    if (!evtimer_pending(upkeep->timer, NULL))
        event_add(upkeep->timer, &soon);
}

int upkeep_start(struct upkeep *upkeep, struct event_base *base, struct error *err)
{
    int rc;

    upkeep->report_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (upkeep->report_fd < 0)
        return error_set(err, errno, "eventfd: %s", strerror(errno));
    upkeep->timer = evtimer_new(base, on_timer, upkeep);
    upkeep->report = event_new(base, upkeep->report_fd, EV_READ | EV_PERSIST, on_report, upkeep);
    if (!upkeep->timer || !upkeep->report || event_add(upkeep->report, NULL))
        return error_set(err, ENOMEM, "out of memory");
    pthread_mutex_init(&upkeep->mutex, NULL);
    pthread_cond_init(&upkeep->cond, NULL);
    upkeep->is_wanted = true;
    rc = pthread_create(&upkeep->thread, NULL, run, upkeep);
    if (rc)
        return error_set(err, rc, "cannot start a thread: %s", strerror(rc));
    upkeep->is_running = true;
    return 0;
}

void upkeep_stop(struct upkeep *upkeep)
{
    if (upkeep->is_running) {
        tell(upkeep, &upkeep->is_ending);
        pthread_join(upkeep->thread, NULL);
    }
    if (upkeep->timer)
        event_free(upkeep->timer);
    if (upkeep->report)
        event_free(upkeep->report);
    if (upkeep->report_fd >= 0)
        close(upkeep->report_fd);
    *upkeep = (struct upkeep){.report_fd = -1};
}
