/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroups of containers: see containers.h. Walking the directories is container_dirs.c. */
#include "policyd/containers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath/cgroup_id.h"
#include "datapath/record.h"
#include "datapath/text_hash.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "policyd/container_dirs.h"
#include "policyd/map_batch.h"

/* A container's start makes several directories. */
static const struct timeval settled = {.tv_usec = 20000};

static struct container_pod *find(const struct containers *containers, __u32 slot, __u32 epoch)
{
    for (size_t i = 0; i < containers->count; i++) {
        if (containers->items[i].slot == slot && containers->items[i].epoch == epoch)
            return &containers->items[i];
    }
    return NULL;
}

const char *containers_name(const struct containers *containers, __u32 slot, __u32 epoch, __u64 cgroup_id)
{
    const struct container_pod *pod = find(containers, slot, epoch);

    for (size_t i = 0; pod && i < pod->count; i++) {
        if (pod->cgroups[i].id == cgroup_id)
            return pod->cgroups[i].name;
    }
    return NULL;
}

/* --- one pod ------------------------------------------------------------------------------------------------------ */

static void free_cgroups(struct container_cgroup *cgroups, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(cgroups[i].name);
    free(cgroups);
}

static void unwatch(const struct containers *containers, struct container_pod *pod)
{
    for (size_t i = 0; i < pod->watches_count; i++)
        inotify_rm_watch(containers->inotify, pod->watches[i]);
    free(pod->watches);
    pod->watches = NULL;
    pod->watches_count = 0;
}

static bool has_id(const struct container_cgroup *cgroups, size_t count, __u64 id)
{
    for (size_t i = 0; i < count; i++) {
        if (cgroups[i].id == id)
            return true;
    }
    return false;
}

/* Replaces what is known of a pod; ids that it does not have any more leave the map. */
static void replace(const struct containers *containers, struct container_pod *pod, struct container_cgroup *cgroups,
                    size_t count)
{
    for (size_t i = 0; i < pod->count; i++) {
        if (!has_id(cgroups, count, pod->cgroups[i].id))
            bpf_map_delete_elem(containers->datapath->maps[MAP_CONTAINERS], &pod->cgroups[i].id);
    }
    free_cgroups(pod->cgroups, pod->count);
    pod->cgroups = cgroups;
    pod->count = count;
}

static void forget(struct containers *containers, struct container_pod *pod)
{
    replace(containers, pod, NULL, 0);
    unwatch(containers, pod);
    free(pod->statuses);
    *pod = containers->items[--containers->count];
}

/* What one walk finds. */
struct scan {
    const struct containers *containers;
    struct container_pod *pod;
    bool has_manifest;
    size_t count;
    struct container_cgroup *cgroups;
};

static int watch(const struct scan *scan, int fd)
{
    struct container_pod *pod = scan->pod;
    int *grown = reallocarray(pod->watches, pod->watches_count + 1, sizeof(*grown)), watched;
    char path[32];

    if (!grown)
        return -ENOMEM;
    pod->watches = grown;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    watched = inotify_add_watch(scan->containers->inotify, path, IN_CREATE | IN_DELETE | IN_ONLYDIR);
    if (watched < 0)
        return -errno;
    grown[pod->watches_count++] = watched;
    return 0;
}

/* Without a manifest nobody knows which is which; what was known before a restart stays. */
static bool is_known(const struct scan *scan, const struct container_dir *dir)
{
    __u64 hash;

    return dir->name || (!scan->has_manifest && bpf_map_lookup_elem(scan->containers->datapath->maps[MAP_CONTAINERS],
                                                                    &dir->cgroup_id, &hash) == 0);
}

static int visit(const struct container_dir *dir, void *context)
{
    struct scan *scan = context;
    struct container_cgroup *grown;
    char *name = dir->name ? strdup(dir->name) : NULL;
    int rc = dir->name && !name ? -ENOMEM : watch(scan, dir->fd);

    grown = rc || !is_known(scan, dir) ? NULL : reallocarray(scan->cgroups, scan->count + 1, sizeof(*grown));
    if (!grown) {
        free(name);
        return rc;
    }
    scan->cgroups = grown;
    grown[scan->count++] = (struct container_cgroup){.id = dir->cgroup_id, .name = name};
    return 0;
}

static int enter(const struct scan *scan)
{
    const struct datapath *datapath = scan->containers->datapath;
    int rc = 0;

    for (size_t i = 0; i < scan->count; i++) {
        const struct container_cgroup *cgroup = &scan->cgroups[i];
        __u64 hash = cgroup->name ? container_hash(cgroup->name, datapath->control->path_key) : 0;

        if (hash && bpf_map_update_elem(datapath->maps[MAP_CONTAINERS], &cgroup->id, &hash, BPF_ANY))
            rc = -errno;
    }
    return rc;
}

static void look(const struct containers *containers, struct container_pod *pod, const struct pod_entry *entry,
                 const struct pod_object *object)
{
    cleanup_free struct pod *record = malloc(sizeof(*record));
    struct scan scan = {.containers = containers, .pod = pod, .has_manifest = object != NULL};
    int entered, rc = record ? record_pod(containers->datapath, pod->slot, record) : -ENOMEM;

    pod->is_dirty = false;
    unwatch(containers, pod);
    if (rc == 0 && record->cgroup_id) {
        cleanup_close int fd = cgroup_id_open(record->cgroup_id);

        rc = fd < 0 ? 0 : container_dirs_walk(fd, object, visit, &scan);
    }
    entered = enter(&scan); /* what was found, although there may be more */
    rc = rc ? rc : entered;
    if (rc < 0 && rc != -ENOENT)
        log_warning("pod=%s/%s not all of its containers can be told apart: %s", entry->namespace_, entry->name,
                    strerror(-rc));
    replace(containers, pod, scan.cgroups, scan.count);
}

/* --- all pods ----------------------------------------------------------------------------------------------------- */

/* The statuses as one text, to see whether they have changed; NULL: there is no manifest. */
static char *write_statuses(const struct pod_object *object)
{
    char *text = NULL;
    size_t size;
    FILE *stream = object ? open_memstream(&text, &size) : NULL;

    for (size_t i = 0; stream && i < object->containers_count; i++)
        fprintf(stream, "%s=%s ", object->containers[i].id, object->containers[i].name);
    if (stream)
        fclose(stream);
    return text;
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct container_pod *add(struct containers *containers, const struct pod_entry *entry)
{
    struct container_pod *grown = reallocarray(containers->items, containers->count + 1, sizeof(*grown));

    if (!grown)
        return NULL;
    containers->items = grown;
    grown[containers->count] = (struct container_pod){.slot = entry->slot, .epoch = entry->epoch, .is_dirty = true};
    return &grown[containers->count++];
}

static void refresh_pod(struct containers *containers, const struct pod_entry *entry)
{
    const struct pod_object *object = pods_object(containers->pods, entry);
    struct container_pod *pod = find(containers, entry->slot, entry->epoch);
    char *statuses = write_statuses(object);

    if (!pod)
        pod = add(containers, entry);
    if (!pod) {
        free(statuses);
        return;
    }
    pod->is_seen = true;
    pod->is_dirty |= !is_same(pod->statuses, statuses);
    free(pod->statuses);
    pod->statuses = statuses;
    if (pod->is_dirty)
        look(containers, pod, entry, object);
}

void containers_refresh(struct containers *containers)
{
    if (containers->inotify < 0)
        return;
    for (size_t i = 0; i < containers->count; i++)
        containers->items[i].is_seen = false;
    for (size_t i = 0; i < containers->pods->count; i++)
        refresh_pod(containers, &containers->pods->items[i]);
    for (size_t i = containers->count; i-- > 0;) {
        if (!containers->items[i].is_seen)
            forget(containers, &containers->items[i]);
    }
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

/* Whether a directory of some pod has come or gone. */
static bool note_change(const struct containers *containers, const struct inotify_event *event)
{
    bool is_lost = event->mask & IN_Q_OVERFLOW, is_news = false;

    for (size_t i = 0; i < containers->count; i++) {
        struct container_pod *pod = &containers->items[i];

        for (size_t j = 0; j < pod->watches_count; j++)
            pod->is_dirty |= is_lost || (pod->watches[j] == event->wd && event->mask & IN_ISDIR);
        is_news |= pod->is_dirty;
    }
    return is_news;
}

static void on_change(evutil_socket_t fd, short what, void *context)
{
    struct containers *containers = context;
    char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool is_news = false;
    ssize_t length;

    (void)what;
    while ((length = read(fd, buffer, sizeof(buffer))) > 0) {
        for (char *at = buffer; at < buffer + length;) {
            const struct inotify_event *event = (const void *)at;

            is_news |= note_change(containers, event);
            at += sizeof(*event) + event->len;
        }
    }
    if (is_news && !evtimer_pending(containers->settle, NULL))
        event_add(containers->settle, &settled);
}

static void on_settled(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    containers_refresh(context);
}

static bool is_unknown(const void *key, const void *value, void *context)
{
    const struct containers *containers = context;

    (void)value;
    for (size_t i = 0; i < containers->count; i++) {
        if (has_id(containers->items[i].cgroups, containers->items[i].count, *(const __u64 *)key))
            return false;
    }
    return true;
}

int containers_start(struct containers *containers, struct event_base *base, struct error *err)
{
    struct map_batch map = {containers->datapath->maps[MAP_CONTAINERS], sizeof(__u64), sizeof(__u64)};
    int rc;

    containers->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (containers->inotify < 0)
        return error_set(err, errno, "inotify: %s", strerror(errno));
    containers->changed = event_new(base, containers->inotify, EV_READ | EV_PERSIST, on_change, containers);
    containers->settle = evtimer_new(base, on_settled, containers);
    if (!containers->changed || !containers->settle || event_add(containers->changed, NULL))
        return error_set(err, ENOMEM, "out of memory");
    containers_refresh(containers);
    rc = map_batch_sweep(&map, is_unknown, containers);
    return rc ? error_set(err, -rc, "map %s: %s", pins_map_name(MAP_CONTAINERS), strerror(-rc)) : 0;
}

/* What is in the map stays: the kernel goes on judging by it. */
void containers_stop(struct containers *containers)
{
    for (size_t i = 0; i < containers->count; i++) {
        free_cgroups(containers->items[i].cgroups, containers->items[i].count);
        free(containers->items[i].watches);
        free(containers->items[i].statuses);
    }
    free(containers->items);
    if (containers->changed)
        event_free(containers->changed);
    if (containers->settle)
        event_free(containers->settle);
    if (containers->inotify >= 0)
        close(containers->inotify);
    containers->items = NULL;
    containers->count = 0;
    containers->changed = containers->settle = NULL;
    containers->inotify = -1;
}
