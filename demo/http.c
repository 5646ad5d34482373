/* SPDX-License-Identifier: Apache-2.0 */
/* What ping and attack have in common: one request over one connection, and exactly what the kernel said. */
#include "demo/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/cleanup.h"

/* With SO_SNDTIMEO a connect that takes too long says EINPROGRESS, a read or write EAGAIN. */
static int error_now(void)
{
    return errno == EINPROGRESS || errno == EAGAIN ? -ETIMEDOUT : -errno;
}

static int set_timeout(int fd, int timeout_ms)
{
    struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};

    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
        return -errno;
    return 0;
}

/* getaddrinfo() would want glibc's shared libraries, even for numbers. */
static socklen_t parse_address(const char *address, const char *port, struct sockaddr_storage *peer)
{
    struct sockaddr_in *four = (struct sockaddr_in *)peer;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)peer;

    memset(peer, 0, sizeof(*peer));
    if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(strtoul(port, NULL, 10));
        return sizeof(*four);
    }
    if (inet_pton(AF_INET6, address, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(strtoul(port, NULL, 10));
        return sizeof(*six);
    }
    return 0;
}

int http_connect(const char *address, const char *port, int timeout_ms)
{
    struct sockaddr_storage peer;
    socklen_t length = parse_address(address, port, &peer);
    cleanup_close int fd = -1;
    int rc;

    if (!length)
        return -EINVAL;
    fd = socket(peer.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    rc = set_timeout(fd, timeout_ms);
    if (rc < 0)
        return rc;
    if (connect(fd, (struct sockaddr *)&peer, length) < 0)
        return error_now();
    return TAKE_FD(fd);
}

static int send_all(int fd, const char *text, size_t length)
{
    ssize_t sent;

    for (size_t done = 0; done < length; done += sent) {
        sent = send(fd, text + done, length - done, MSG_NOSIGNAL);
        if (sent < 0)
            return error_now();
    }
    return 0;
}

/* How long the answer in `text` will be in all, or 0 while its header is not complete. */
static size_t answer_length(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strcasestr(text, "\r\nContent-Length:");

    if (!end)
        return 0;
    end += strlen("\r\n\r\n");
    return end - text + (length && length < end ? strtoul(length + strlen("\r\nContent-Length:"), NULL, 10) : 0);
}

int http_request(int fd, const char *method, const char *path, bool keep)
{
    char text[4096];
    size_t length, wanted = 0;
    ssize_t n;
    int rc, status;

    n = snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: pong\r\nContent-Length: 0\r\nConnection: %s\r\n\r\n",
                 method, path, keep ? "keep-alive" : "close");
    if (n < 0 || (size_t)n >= sizeof(text))
        return -ENAMETOOLONG;
    rc = send_all(fd, text, n);
    if (rc)
        return rc;
    text[0] = '\0';
    for (length = 0; !wanted || length < wanted; length += n) {
        if (length == sizeof(text) - 1)
            return -EMSGSIZE;
        n = recv(fd, text + length, sizeof(text) - 1 - length, 0);
        if (n <= 0)
            return n < 0 ? error_now() : -ENODATA;
        text[length + n] = '\0';
        wanted = answer_length(text);
    }
    return sscanf(text, "HTTP/1.%*d %d", &status) == 1 ? status : -EPROTO;
}
