/* SPDX-License-Identifier: Apache-2.0 */
/* The second thread: see upkeep.h. It shares nothing with the loop but the descriptors of the pinned maps. */
#include "policyd/upkeep.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "datapath/attach.h"
#include "datapath/attach_tcx.h"
#include "datapath/record.h"
#include "datapath/record_mend.h"
#include "lib/log.h"

#define PREPARED_SLOTS 4
#define ADD_MS 200 /* what a plugin may need between its record and its last program */

static const struct timeval soon = {.tv_sec = 1};

/* Attachments that need something, found in one walk and worked on after it. */
struct found {
    struct attachment_key key;
    struct attachment attachment;
};

struct work {
    size_t count, room;
    struct found *found;
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
        struct found *found = realloc(work->found, room * sizeof(*found));

        if (!found)
            return -ENOMEM;
        work->found = found;
        work->room = room;
    }
    work->found[work->count++] = (struct found){*key, *attachment};
    return 0;
}

static bool is_clsact(const struct datapath *datapath, const struct attachment *attachment)
{
    (void)datapath;
    return attachment->ifindex && !(attachment->flags & ATTACHED_TCX);
}

static size_t remove_dead(const struct datapath *datapath)
{
    struct work work = {.wants = record_is_dead, .datapath = datapath};
    size_t removed = 0;

    record_each(datapath, collect, &work);
    for (size_t i = 0; i < work.count; i++) {
        const struct attachment_key *key = &work.found[i].key;
        struct error err = {0};
        int rc = record_remove_dead(datapath, key, &work.found[i].attachment, &err);

        if (rc < 0)
            log_warning("container=%.128s interface=%.16s not removed: %s", key->container_id, key->ifname, err.msg);
        if (rc <= 0)
            continue;
        log_info("container=%.128s interface=%.16s removed: the pod's cgroup is gone", key->container_id, key->ifname);
        removed++;
    }
    free(work.found);
    return removed;
}

static size_t drop_veths(const struct datapath *datapath)
{
    struct work work = {.wants = record_has_lost_veth, .datapath = datapath};
    size_t dropped = 0;

    record_each(datapath, collect, &work);
    for (size_t i = 0; i < work.count; i++) {
        const struct attachment_key *key = &work.found[i].key;
        const char *veth = work.found[i].attachment.host_ifname;
        struct error err = {0};
        int rc = record_drop_veth(datapath, key, &work.found[i].attachment, &err);

        if (rc < 0)
            log_warning("container=%.128s interface=%.16s veth=%.16s is gone, its record is not: %s", key->container_id,
                        key->ifname, veth, err.msg);
        if (rc <= 0)
            continue;
        log_warning("container=%.128s interface=%.16s veth=%.16s is gone, the pod's cgroup is not: judged at its "
                    "sockets alone",
                    key->container_id, key->ifname, veth);
        dropped++;
    }
    free(work.found);
    return dropped;
}

static bool is_torn(const struct datapath *datapath, const struct attachment *attachment)
{
    return !record_is_whole(datapath, attachment);
}

/* Of a record without a veth nothing else tells that its ADD is under way. */
static bool is_being_added(const struct datapath *datapath, const struct attachment *attachment)
{
    if (attachment->ifindex)
        return false;
    nanosleep(&(struct timespec){.tv_nsec = ADD_MS * 1000000L}, NULL);
    return record_is_whole(datapath, attachment);
}

static void mend(struct upkeep *upkeep, const struct found *found)
{
    const struct datapath *datapath = upkeep->datapath;
    const struct attachment *attachment = &found->attachment;
    struct error err = {0};
    struct pod pod = {0};
    int rc = is_being_added(datapath, attachment) ? 0 : record_mend(datapath, &found->key, attachment, &err);

    if (rc == 0 || record_pod(datapath, attachment->slot, &pod))
        return;
    if (rc < 0)
        tamper_note(&upkeep->tamper,
                    "pod=%.64s/%.256s veth=%.16s was taken off by somebody and cannot be attached again: %s",
                    pod.namespace_, pod.name, attachment->host_ifname, err.msg);
    else
        tamper_note(&upkeep->tamper, "pod=%.64s/%.256s veth=%.16s was taken off by somebody; attached again",
                    pod.namespace_, pod.name, attachment->host_ifname);
}

static void mend_all(struct upkeep *upkeep)
{
    struct work work = {.wants = is_torn, .datapath = upkeep->datapath};

    record_each(upkeep->datapath, collect, &work);
    for (size_t i = 0; i < work.count; i++)
        mend(upkeep, &work.found[i]);
    free(work.found);
}

static void promote(const struct datapath *datapath, const struct attachment_key *key)
{
    struct attachment attachment;
    struct error err = {0};
    int rc;

    if (record_find(datapath, key, &attachment) || !is_clsact(datapath, &attachment))
        return;
    rc = attach_promote(datapath, attachment.ifindex, attachment.slot, &attachment.flags, &err);
    if (rc < 0) {
        log_warning("interface=%.16s stays on clsact: %s", attachment.host_ifname, err.msg);
        return;
    }
    if (rc == 0)
        return;
    rc = record_set_flags(datapath, key, &attachment, &err);
    /* A DEL that came meanwhile took off what it found; what we put on after it is ours to take off. */
    if (rc == -ENOENT)
        rc = attach_tcx_remove(datapath, attachment.ifindex, attachment.slot, &err);
    if (rc)
        log_warning("interface=%.16s after its promotion to tcx: %s", attachment.host_ifname, err.msg);
    else
        log_debug("interface=%.16s promoted to tcx", attachment.host_ifname);
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
        promote(upkeep->datapath, &work.found[i].key);
    free(work.found);
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
    tamper_keep_pins(&upkeep->tamper, upkeep->datapath, upkeep->lock);

    uint64_t removed = remove_dead(upkeep->datapath) + drop_veths(upkeep->datapath);

    if (removed && write(upkeep->report_fd, &removed, sizeof(removed)) < 0)
        log_warning("upkeep cannot report: %s", strerror(errno));
    mend_all(upkeep);
    prepare_slots(upkeep);
    if (attach_has_tcx())
        promote_all(upkeep);
}

/* Under the mutex. Not on the loop's clock, which sleeps until something comes. */
static void wait_for_work(struct upkeep *upkeep)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += UPKEEP_LOOK_S;
    while (!upkeep->is_wanted && !upkeep->is_ending && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&upkeep->cond, &upkeep->mutex, &until);
}

static void *run(void *context)
{
    struct upkeep *upkeep = context;

    for (;;) {
        bool ending;

        pthread_mutex_lock(&upkeep->mutex);
        wait_for_work(upkeep);
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

static void init_waiting(struct upkeep *upkeep)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(&upkeep->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&upkeep->cond, &attributes);
    pthread_condattr_destroy(&attributes);
    tamper_init(&upkeep->tamper);
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
    init_waiting(upkeep);
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
