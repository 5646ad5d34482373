/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start, loop and end: see daemon.h. At start the manifests are read in full before the first pod's state is touched,
 * so that an empty store is never mistaken for "no profile".
 */
#include "policyd/daemon.h"

#include <ctype.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "datapath/load.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/name.h"
#include "policyd/assign.h"
#include "policyd/instance.h"
#include "policyd/unlearnable.h"

#define START_WAIT_MS 1000
#define RETRY_MAX_S 60

/* Arms the timer for what waits to be taken away, or rests. */
static void schedule_collect(struct daemon *daemon, int delay_ms)
{
    struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000L};

    if (delay_ms >= 0 && !evtimer_pending(daemon->collect, NULL))
        event_add(daemon->collect, &delay);
}

/* What failed for a moment is tried again after 1 s, 2 s, 4 s … 60 s; nothing wakes us where nothing failed. */
static void schedule_retry(struct daemon *daemon)
{
    if (!assign_has_failed(&daemon->sync)) {
        daemon->retry_s = 0;
        evtimer_del(daemon->retry);
    } else if (!evtimer_pending(daemon->retry, NULL)) {
        daemon->retry_s = daemon->retry_s ? daemon->retry_s * 2 : 1;
        if (daemon->retry_s > RETRY_MAX_S)
            daemon->retry_s = RETRY_MAX_S;
        event_add(daemon->retry, &(struct timeval){.tv_sec = daemon->retry_s});
    }
}

/* How much memory a parse takes is known to nobody but malloc: what is free goes back. */
static void reconcile(struct daemon *daemon)
{
    pods_reconcile(&daemon->pods);
    containers_refresh(&daemon->containers);
    if (daemon->sync.retired_count)
        schedule_collect(daemon, SYNC_GRACE_MS);
    schedule_retry(daemon);
    malloc_trim(0);
}

static bool is_ready(void *context, __u32 slot, __u32 epoch)
{
    struct daemon *daemon = context;

    return pods_decide(&daemon->pods, slot, epoch);
}

static void on_reconcile(evutil_socket_t fd, short what, void *context)
{
    struct daemon *daemon = context;

    (void)fd;
    (void)what;
    reconcile(daemon);
    announce_answer(&daemon->announce, is_ready);
}

static void want_reconcile(struct daemon *daemon)
{
    event_active(daemon->reconcile, EV_TIMEOUT, 0);
}

static void on_collect(evutil_socket_t fd, short what, void *context)
{
    struct daemon *daemon = context;

    (void)fd;
    (void)what;
    schedule_collect(daemon, sync_collect(&daemon->sync));
    if (assign_retry(&daemon->sync))
        want_reconcile(daemon);
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
    struct daemon *daemon = context;

    (void)fd;
    (void)what;
    if (assign_retry(&daemon->sync))
        want_reconcile(daemon);
}

static void on_store_change(void *context)
{
    want_reconcile(context);
}

static void on_profile_change(void *context, const char *namespace_, const char *name)
{
    struct daemon *daemon = context;

    assign_note_change(&daemon->sync, namespace_, name);
    want_reconcile(daemon);
}

static bool on_pod_added(void *context, __u32 slot, __u32 epoch)
{
    struct daemon *daemon = context;
    bool is_open = is_ready(daemon, slot, epoch);

    containers_refresh(&daemon->containers);
    if (daemon->sync.retired_count)
        schedule_collect(daemon, SYNC_GRACE_MS);
    schedule_retry(daemon);
    upkeep_want(&daemon->upkeep);
    return is_open;
}

static void on_pod_removed(void *context)
{
    struct daemon *daemon = context;

    events_drain(&daemon->events); /* while its name is still known */
    want_reconcile(daemon);
}

static void on_upkeep_removed(void *context)
{
    want_reconcile(context);
}

static void on_link_gone(void *context)
{
    struct daemon *daemon = context;

    upkeep_want(&daemon->upkeep);
}

static void on_event(void *context, const struct record *record)
{
    struct daemon *daemon = context;

    stream_tell(&daemon->server.stream, record);
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    struct daemon *daemon = context;

    (void)what;
    log_info("signal=%d ending; the datapath goes on enforcing", (int)number);
    event_base_loopbreak(daemon->base);
}

/* Whether some pod is judged by a policy, whoever made it. */
static bool on_kube_ask(void *context)
{
    const struct daemon *daemon = context;
    bool is_judging = false;

    for (size_t i = 0; i < daemon->pods.count; i++) {
        __u64 word = __atomic_load_n(&daemon->datapath.states[daemon->pods.items[i].slot], __ATOMIC_SEQ_CST);

        is_judging |= (word & POD_STATE_MASK) == POD_READY && pod_word_policy(word) != 0;
    }
    return is_judging;
}

/* Locks before anything is written, or right after the first load where there was nothing to lock. */
static int open_datapath(struct daemon *daemon, struct error *err)
{
    struct load_options options = {
        .directory = daemon->options.bpffs,
        .exempt_node = daemon->options.exempt_node,
        .events_per_second = daemon->options.events_per_second,
        .events_burst = daemon->options.events_burst,
        .name_floor_s = daemon->options.name_floor_s,
        .name_cap_s = daemon->options.name_cap_s,
    };

    if (instance_lock(options.directory, START_WAIT_MS, &daemon->lock, err) ||
        load_or_adopt(&daemon->datapath, &options, &daemon->is_adopted, err))
        return -err->code;
    if (daemon->lock < 0 && instance_lock(options.directory, START_WAIT_MS, &daemon->lock, err))
        return -err->code;
    if (unlearnable_write(&daemon->datapath, daemon->options.unlearnable, daemon->options.unlearnable_count, err))
        return -err->code;
    log_info("datapath=%s %s", options.directory, daemon->is_adopted ? "adopted" : "loaded");
    return 0;
}

static int make_events(struct daemon *daemon, struct error *err)
{
    daemon->reconcile = event_new(daemon->base, -1, 0, on_reconcile, daemon);
    daemon->collect = evtimer_new(daemon->base, on_collect, daemon);
    daemon->retry = evtimer_new(daemon->base, on_retry, daemon);
    daemon->terminate = evsignal_new(daemon->base, SIGTERM, on_signal, daemon);
    daemon->interrupt = evsignal_new(daemon->base, SIGINT, on_signal, daemon);
    if (!daemon->reconcile || !daemon->collect || !daemon->retry || !daemon->terminate || !daemon->interrupt ||
        event_add(daemon->terminate, NULL) || event_add(daemon->interrupt, NULL))
        return error_set(err, ENOMEM, "out of memory");
    return 0;
}

static void connect_parts(struct daemon *daemon)
{
    daemon->store.missing_pod = "no Pod manifest names it; add one with its labels to the manifests";
    daemon->store.changed = on_store_change;
    daemon->store.context = daemon;
    daemon->manifests = (struct manifests){.folder = daemon->options.manifests,
                                           .store = &daemon->store,
                                           .profile_changed = on_profile_change,
                                           .context = daemon};
    daemon->kube = (struct source_kube){
        .store = &daemon->store, .profile_changed = on_profile_change, .is_judging = on_kube_ask, .context = daemon};
    daemon->pods = (struct pods){.datapath = &daemon->datapath, .store = &daemon->store, .sync = &daemon->sync};
    daemon->containers = (struct containers){.datapath = &daemon->datapath, .pods = &daemon->pods, .inotify = -1};
    daemon->events = (struct events){.datapath = &daemon->datapath,
                                     .pods = &daemon->pods,
                                     .node_name = daemon->node_name,
                                     .added = on_event,
                                     .context = daemon};
    daemon->announce = (struct announce){.fd = -1, .added = on_pod_added, .removed = on_pod_removed, .context = daemon};
    daemon->upkeep = (struct upkeep){.datapath = &daemon->datapath,
                                     .lock = &daemon->lock,
                                     .report_fd = -1,
                                     .removed = on_upkeep_removed,
                                     .context = daemon};
    daemon->links = (struct links){.gone = on_link_gone, .context = daemon};
}

/* A node is called as its host is, in lower case, unless somebody says otherwise. */
static void name_node(struct daemon *daemon)
{
    memcpy(daemon->node_name, daemon->options.node_name, sizeof(daemon->node_name));
    if (daemon->node_name[0])
        return;
    if (gethostname(daemon->node_name, sizeof(daemon->node_name)))
        daemon->node_name[0] = '\0';
    daemon->node_name[sizeof(daemon->node_name) - 1] = '\0';
    if (daemon->options.source == OPTIONS_SOURCE_KUBERNETES) {
        for (char *c = daemon->node_name; *c; c++)
            *c = (char)tolower((unsigned char)*c);
    }
}

static void init(struct daemon *daemon, const struct options *options)
{
    struct timespec now;

    *daemon = (struct daemon){.options = *options, .lock = -1};
    pins_init(&daemon->datapath);
    daemon->sync.empty_trie = -1;
    daemon->source.inotify = -1;
    server_init(&daemon->server, daemon);
    connect_parts(daemon);
    clock_gettime(CLOCK_REALTIME, &now);
    daemon->started_ns = now.tv_sec * 1000000000LL + now.tv_nsec;
    name_node(daemon);
}

/* Tries are written by the hundred, each with a descriptor of its own. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int start_source(struct daemon *daemon, struct error *err)
{
    if (daemon->options.source == OPTIONS_SOURCE_MANIFESTS)
        return source_dir_start(&daemon->source, &daemon->manifests, daemon->base, err);
    if (name_check_subdomain(daemon->node_name, err))
        return error_wrap(err, "the host's name is none of a node; name it by --node-name");
    return source_kube_start(&daemon->kube, daemon->options.kubeconfig, daemon->node_name, daemon->base, err);
}

static int start_parts(struct daemon *daemon, struct error *err)
{
    if (open_datapath(daemon, err) || make_events(daemon, err))
        return -err->code;
    if (sync_start(&daemon->sync, &daemon->datapath, daemon->is_adopted, err) || start_source(daemon, err))
        return -err->code;
    reconcile(daemon);
    if (containers_start(&daemon->containers, daemon->base, err) || events_start(&daemon->events, daemon->base, err) ||
        server_start(&daemon->server, daemon->base, daemon->options.socket, err) ||
        upkeep_start(&daemon->upkeep, daemon->base, err) || links_start(&daemon->links, daemon->base, err))
        return -err->code;
    /* Last: an ADD that finds the socket gets its answer. */
    return announce_start(&daemon->announce, daemon->base, daemon->options.cni_socket, err);
}

int daemon_start(struct daemon *daemon, const struct options *options, struct error *err)
{
    struct event_config *config = event_config_new();

    init(daemon, options);
    raise_descriptor_limit();
    signal(SIGPIPE, SIG_IGN);
    if (config && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
        daemon->base = event_base_new_with_config(config);
    if (config)
        event_config_free(config);
    if (!daemon->base) {
        daemon_stop(daemon);
        return error_set(err, ENOMEM, "cannot make an event loop");
    }
    if (start_parts(daemon, err)) {
        daemon_stop(daemon);
        return -err->code;
    }
    log_info("profiles=%zu pods=%zu ready", daemon->store.profiles_count, daemon->pods.count);
    return 0;
}

int daemon_run(struct daemon *daemon, struct error *err)
{
    if (event_base_dispatch(daemon->base) < 0)
        return error_set(err, EIO, "the event loop failed");
    return 0;
}

void daemon_stop(struct daemon *daemon)
{
    struct event *const events[] = {daemon->reconcile, daemon->collect, daemon->retry, daemon->terminate,
                                    daemon->interrupt};

    announce_stop(&daemon->announce);
    server_stop(&daemon->server);
    links_stop(&daemon->links);
    upkeep_stop(&daemon->upkeep);
    events_stop(&daemon->events);
    source_dir_stop(&daemon->source);
    source_kube_stop(&daemon->kube);
    containers_stop(&daemon->containers);
    pods_free(&daemon->pods);
    sync_stop(&daemon->sync);
    manifests_free(&daemon->manifests);
    store_free(&daemon->store);
    pins_close(&daemon->datapath);
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (events[i])
            event_free(events[i]);
    }
    if (daemon->base)
        event_base_free(daemon->base);
    if (daemon->lock >= 0)
        close(daemon->lock);
    daemon->base = NULL;
    daemon->lock = -1;
}
