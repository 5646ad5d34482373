/* SPDX-License-Identifier: Apache-2.0 */
/* Announcements: see announce.h. One deadline bounds connecting, sending and waiting together. */
#include "cni-plugin/announce.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "datapath/abi.h"
#include "lib/cleanup.h"

static long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Bounds the socket's next blocking call. A timeout of zero would mean none, so the past is one microsecond. */
static void set_timeout(int fd, int option, long deadline_ms)
{
    long left_ms = deadline_ms - now_ms();
    struct timeval timeout = {.tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000};

    if (left_ms <= 0)
        timeout = (struct timeval){.tv_usec = 1};
    setsockopt(fd, SOL_SOCKET, option, &timeout, sizeof(timeout));
}

/* Connects and sends; the descriptor, or -errno. */
static int send_announcement(const char *path, const struct announcement *announcement, long deadline_ms)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    cleanup_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (fd < 0)
        return -errno;
    set_timeout(fd, SO_SNDTIMEO, deadline_ms);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    set_timeout(fd, SO_SNDTIMEO, deadline_ms);
    if (send(fd, announcement, sizeof(*announcement), MSG_NOSIGNAL) < 0)
        return -errno;
    return TAKE_FD(fd);
}

static struct announcement announcement_of(__u32 slot, __u32 epoch, __u32 removed)
{
    return (struct announcement){
        .magic = NSP_ABI_MAGIC, .version = NSP_ABI_VERSION, .slot = slot, .epoch = epoch, .removed = removed};
}

int announce_added(const char *socket_path, __u32 slot, __u32 epoch, int timeout_ms, struct error *err)
{
    const struct announcement announcement = announcement_of(slot, epoch, 0);
    struct announcement answer = {0};
    long deadline_ms = now_ms() + timeout_ms;
    cleanup_close int fd = send_announcement(socket_path, &announcement, deadline_ms);

    if (fd < 0)
        return error_set(err, -fd, "policyd does not answer at %.110s: %s", socket_path, strerror(-fd));
    set_timeout(fd, SO_RCVTIMEO, deadline_ms);

    ssize_t length = recv(fd, &answer, sizeof(answer), 0);

    if (length < 0 && errno == EAGAIN)
        return error_set(err, ETIMEDOUT, "policyd gave no answer within %d ms", timeout_ms);
    if (length != sizeof(answer) || answer.magic != NSP_ABI_MAGIC || answer.slot != slot || answer.epoch != epoch ||
        !answer.ready)
        return error_set(err, ECONNREFUSED, "policyd refused the announcement");
    return 0;
}

int announce_removed(const char *socket_path, __u32 slot, __u32 epoch, int timeout_ms)
{
    const struct announcement announcement = announcement_of(slot, epoch, 1);
    cleanup_close int fd = send_announcement(socket_path, &announcement, now_ms() + timeout_ms);

    return fd < 0 ? fd : 0;
}
