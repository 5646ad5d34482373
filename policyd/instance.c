/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See instance.h. The lock is on the folder of links inside the pin directory: it goes with the pins, is seen from
 * every container that sees them, and is not the one under which records change (pins_lock.h).
 */
#include "policyd/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "lib/cleanup.h"

int instance_lock(const char *directory, int *lock, struct error *err)
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
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno != EWOULDBLOCK)
            return error_set(err, errno, "%s: cannot be locked: %s", path, strerror(errno));
        return error_set(err, EBUSY, "%s: another policyd is running with it; stop that one first", directory);
    }
    *lock = TAKE_FD(fd);
    return 0;
}
