/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See instance.h. The lock is on the folder of links inside the pin directory: it goes with the pins, is seen from
 * every container that sees them, and is not the one under which records change (pins_lock.h).
 */
#include "policyd/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"

#define LOOK_NS 20000000L

/* A policyd that was told to end may still be at it. */
static int wait_for_lock(int fd, int wait_ms)
{
    while (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno != EWOULDBLOCK || wait_ms <= 0)
            return -errno;
        nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
        wait_ms -= LOOK_NS / 1000000;
    }
    return 0;
}

int instance_lock(const char *directory, int wait_ms, int *lock, struct error *err)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/links", directory);

    cleanup_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT) {
        *lock = -1;
        return 0;
    }
    if (fd < 0)
        return error_set(err, errno, "%s: %s", path, strerror(errno));

    int rc = wait_for_lock(fd, wait_ms);

    if (rc == -EWOULDBLOCK)
        return error_set(err, EBUSY, "%s: another policyd is running with it; stop that one first", directory);
    if (rc)
        return error_set(err, -rc, "%s: cannot be locked: %s", path, strerror(-rc));
    *lock = TAKE_FD(fd);
    return 0;
}

static bool is_same_folder(int lock, const char *directory)
{
    char path[256];
    struct stat held, now;

    snprintf(path, sizeof(path), "%s/links", directory);
    return lock >= 0 && fstat(lock, &held) == 0 && stat(path, &now) == 0 && held.st_dev == now.st_dev &&
           held.st_ino == now.st_ino;
}

int instance_keep(const char *directory, int *lock, struct error *err)
{
    int taken = -1;

    if (is_same_folder(*lock, directory))
        return 0;
    if (instance_lock(directory, 0, &taken, err))
        return -err->code;
    if (taken < 0)
        return 0;
    if (*lock >= 0)
        close(*lock);
    *lock = taken;
    return 0;
}
