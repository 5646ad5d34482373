/* SPDX-License-Identifier: Apache-2.0 */
/* See unix_socket.h. The socket appears under its name by a rename, already with its mode. */
#include "policyd/unix_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "lib/cleanup.h"

static int make_folder(const char *path, struct error *err)
{
    char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
    char *slash;

    snprintf(folder, sizeof(folder), "%s", path);
    slash = strrchr(folder, '/');
    if (!slash || slash == folder)
        return 0;
    *slash = '\0';
    if (mkdir(folder, 0700) && errno != EEXIST)
        return error_set(err, errno, "%s: cannot be made: %s", folder, strerror(errno));
    return 0;
}

static int check_free(const char *path, struct error *err)
{
    struct stat status;

    if (lstat(path, &status))
        return errno == ENOENT ? 0 : error_set(err, errno, "%s: %s", path, strerror(errno));
    if (!S_ISSOCK(status.st_mode))
        return error_set(err, EEXIST, "%s: something that is no socket is there; remove it or name another path", path);
    return 0;
}

int unix_socket_listen(const char *path, int type, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    cleanup_close int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return error_set(err, errno, "unix socket: %s", strerror(errno));
    if (snprintf(address.sun_path, sizeof(address.sun_path), "%s~", path) >= (int)sizeof(address.sun_path))
        return error_set(err, ENAMETOOLONG, "%s: too long for a socket", path);
    if (make_folder(path, err) || check_free(path, err))
        return -err->code;
    unlink(address.sun_path);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || chmod(address.sun_path, 0600) || listen(fd, 64) ||
        rename(address.sun_path, path)) {
        int code = errno;

        unlink(address.sun_path);
        return error_set(err, code, "%s: cannot listen: %s", path, strerror(code));
    }
    return TAKE_FD(fd);
}
