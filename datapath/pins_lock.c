/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/pins_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "lib/cleanup.h"

int pins_lock(const char *directory, struct error *err)
{
    cleanup_close int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;

    if (fd < 0)
        return error_set(err, errno, "%s: %s", directory, strerror(errno));
    while (flock(fd, LOCK_EX)) {
        if (errno != EINTR)
            return error_set(err, errno, "%s: cannot lock it: %s", directory, strerror(errno));
    }
    if (fstat(fd, &st) || st.st_nlink == 0)
        return error_set(err, ENOENT, "%s: was removed meanwhile; start policyd and try again", directory);
    return TAKE_FD(fd);
}
