/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Announcements: see announce.h. One packet each way. A pod that is not READY at once is answered when it is, if its
 * ADD still waits then.
 */
#include "policyd/announce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "policyd/unix_socket.h"

/* One connection. */
struct waiter {
    struct announce *announce;
    struct waiter *next;
    struct event *event;
    int fd;
    bool is_waiting; /* its announcement was read */
    struct announcement announcement;
};

static void release(struct waiter *waiter)
{
    event_free(waiter->event);
    close(waiter->fd);
    free(waiter);
}

static void free_waiter(struct waiter *waiter)
{
    struct waiter **link = &waiter->announce->waiters;

    while (*link != waiter)
        link = &(*link)->next;
    *link = waiter->next;
    release(waiter);
}

static void answer(struct waiter *waiter)
{
    struct announcement ready = waiter->announcement;

    ready.ready = 1;
    if (send(waiter->fd, &ready, sizeof(ready), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_debug("slot=%u the plugin no longer waits: %s", ready.slot, strerror(errno));
    free_waiter(waiter);
}

static bool is_ours(const struct announcement *announcement, ssize_t size)
{
    return size == sizeof(*announcement) && announcement->magic == NSP_ABI_MAGIC &&
           announcement->version == NSP_ABI_VERSION && announcement->slot < NSP_PODS_MAX;
}

static void read_announcement(evutil_socket_t fd, short what, void *context)
{
    struct waiter *waiter = context;
    const struct announce *announce = waiter->announce;
    struct announcement announcement;
    ssize_t size = recv(fd, &announcement, sizeof(announcement), MSG_DONTWAIT);

    (void)what;
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size <= 0 || waiter->is_waiting || !is_ours(&announcement, size)) {
        if (size > 0)
            log_warning("socket=cni an announcement of %zd bytes is not understood", size);
        free_waiter(waiter);
        return;
    }
    if (announcement.removed) {
        announce->removed(announce->context);
        free_waiter(waiter);
        return;
    }
    waiter->announcement = announcement;
    waiter->is_waiting = true;
    if (announce->added(announce->context, announcement.slot, announcement.epoch))
        answer(waiter);
}

static bool is_root(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0)
        return true;
    log_warning("socket=cni a process that is not root was turned away");
    return false;
}

static void resume_accepting(evutil_socket_t fd, short what, void *context)
{
    struct announce *announce = context;

    (void)fd;
    (void)what;
    event_add(announce->event, NULL);
}

/* Without a descriptor to accept with, the listener would stay readable and the loop would spin. */
static void pause_accepting(struct announce *announce)
{
    static const struct timeval pause = {.tv_usec = 100000};

    if (errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS)
        return;
    log_warning("socket=cni cannot accept: %s", strerror(errno));
    event_del(announce->event);
    event_base_once(announce->base, -1, EV_TIMEOUT, resume_accepting, announce, &pause);
}

static void accept_one(evutil_socket_t listener, short what, void *context)
{
    struct announce *announce = context;
    cleanup_close int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct waiter *waiter;

    (void)what;
    if (fd < 0) {
        pause_accepting(announce);
        return;
    }
    if (!is_root(fd))
        return;
    waiter = calloc(1, sizeof(*waiter));
    if (!waiter)
        return;
    waiter->announce = announce;
    waiter->event = event_new(announce->base, fd, EV_READ | EV_PERSIST, read_announcement, waiter);
    if (!waiter->event || event_add(waiter->event, NULL)) {
        if (waiter->event)
            event_free(waiter->event);
        free(waiter);
        return;
    }
    waiter->next = announce->waiters;
    announce->waiters = waiter;
    waiter->fd = TAKE_FD(fd);
    read_announcement(waiter->fd, EV_READ, waiter); /* it is there already as a rule */
}

int announce_start(struct announce *announce, struct event_base *base, const char *path, struct error *err)
{
    announce->base = base;
    announce->fd = unix_socket_listen(path, SOCK_SEQPACKET, err);
    if (announce->fd < 0)
        return -err->code;
    announce->event = event_new(base, announce->fd, EV_READ | EV_PERSIST, accept_one, announce);
    if (!announce->event || event_add(announce->event, NULL))
        return error_set(err, ENOMEM, "out of memory");
    return 0;
}

void announce_answer(struct announce *announce, bool (*is_ready)(void *context, __u32 slot, __u32 epoch))
{
    struct waiter *next;

    for (struct waiter *waiter = announce->waiters; waiter; waiter = next) {
        next = waiter->next;
        if (waiter->is_waiting && is_ready(announce->context, waiter->announcement.slot, waiter->announcement.epoch))
            answer(waiter);
    }
}

void announce_stop(struct announce *announce)
{
    struct waiter *next;

    for (struct waiter *waiter = announce->waiters; waiter; waiter = next) {
        next = waiter->next;
        release(waiter);
    }
    announce->waiters = NULL;
    if (announce->event)
        event_free(announce->event);
    if (announce->fd >= 0)
        close(announce->fd);
    announce->event = NULL;
    announce->fd = -1;
}
