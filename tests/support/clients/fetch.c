/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest client there is of libc's own resolver: getaddrinfo, connect to each address in turn, one GET. Built
 * with musl and with glibc. Prints "HTTP 200", or the call that failed and why.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int connect_any(const struct addrinfo *it)
{
    int fd = -1;

    for (; it; it = it->ai_next) {
        fd = socket(it->ai_family, it->ai_socktype, it->ai_protocol);
        if (fd >= 0 && connect(fd, it->ai_addr, it->ai_addrlen) == 0)
            return fd;
        printf("connect: %s\n", strerror(errno));
        if (fd >= 0)
            close(fd);
    }
    return -1;
}

int main(int argc, char **argv)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char text[512];
    ssize_t n;
    int fd, rc;

    if (argc != 4) {
        fprintf(stderr, "usage: fetch HOST PORT PATH\n");
        return 2;
    }
    rc = getaddrinfo(argv[1], argv[2], &hints, &list);
    if (rc) {
        printf("getaddrinfo: %s\n", gai_strerror(rc));
        return 1;
    }
    fd = connect_any(list);
    freeaddrinfo(list);
    if (fd < 0)
        return 1;
    n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", argv[3], argv[1]);
    if (write(fd, text, n) != n || (n = read(fd, text, sizeof(text) - 1)) <= 0) {
        printf("request: %s\n", strerror(errno));
        return 1;
    }
    text[n] = '\0';
    printf("HTTP %.3s\n", text + strlen("HTTP/1.1 "));
    return 0;
}
