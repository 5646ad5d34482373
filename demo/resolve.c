/* SPDX-License-Identifier: Apache-2.0 */
/* Names without glibc's getaddrinfo(), which a static program cannot have: see resolve.h. */
#include "demo/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/cleanup.h"

#define HEADER_SIZE 12
#define QUESTION_END 5 /* the root, type and class */
#define MESSAGE_SIZE 512
#define NAME_MAX_TEXT 253

static int read_nameserver(struct sockaddr_in *server)
{
    cleanup_fclose FILE *file = fopen("/etc/resolv.conf", "re");
    char line[256], text[64];

    memset(server, 0, sizeof(*server));
    server->sin_family = AF_INET;
    server->sin_port = htons(53);
    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "nameserver %63s", text) == 1 && inet_pton(AF_INET, text, &server->sin_addr) == 1)
            return 0;
    }
    return -EDESTADDRREQ;
}

/* Returns the length of the query, or 0 when the name is none. */
static size_t make_query(unsigned char query[MESSAGE_SIZE], const char *name)
{
    unsigned char *at = query + HEADER_SIZE;

    if (strlen(name) > NAME_MAX_TEXT)
        return 0;
    memset(query, 0, MESSAGE_SIZE);
    if (getrandom(query, 2, 0) != 2)
        return 0;
    query[2] = 1; /* recursion desired */
    query[5] = 1; /* one question */
    while (*name) {
        size_t length = strcspn(name, ".");

        if (length == 0 || length > 63)
            return 0;
        *at++ = length;
        memcpy(at, name, length);
        at += length;
        name += length + (name[length] == '.');
    }
    at[2] = 1; /* A */
    at[4] = 1; /* IN */
    return at + QUESTION_END - query;
}

/* The first A record behind the question, which the answer repeats; every name there is taken to be a pointer. */
static int read_answer(const unsigned char *answer, size_t length, size_t question_length,
                       char address[INET6_ADDRSTRLEN])
{
    const unsigned char *at = answer + question_length;

    if ((answer[3] & 15) == 3)
        return -ENOENT;
    for (int records = answer[6] << 8 | answer[7]; records > 0; records--) {
        size_t size;

        if ((size_t)(at - answer) + 12 > length || at[0] < 0xc0)
            return -EBADMSG;
        size = at[10] << 8 | at[11];
        if ((size_t)(at - answer) + 12 + size > length)
            return -EBADMSG;
        if (at[3] == 1 && size == 4)
            return inet_ntop(AF_INET, at + 12, address, INET6_ADDRSTRLEN) ? 0 : -errno;
        at += 12 + size;
    }
    return -ENOENT;
}

static int ask(const struct sockaddr_in *server, const char *name, char address[INET6_ADDRSTRLEN], int timeout_ms)
{
    struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    unsigned char query[MESSAGE_SIZE], answer[MESSAGE_SIZE];
    size_t length = make_query(query, name);
    ssize_t n;

    if (!length)
        return -EINVAL;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
        connect(fd, (const struct sockaddr *)server, sizeof(*server)) < 0 || send(fd, query, length, 0) < 0)
        return -errno;
    n = recv(fd, answer, sizeof(answer), 0);
    if (n < 0)
        return errno == EAGAIN ? -ETIMEDOUT : -errno;
    if ((size_t)n < length || memcmp(answer, query, 2) != 0)
        return -EBADMSG;
    return read_answer(answer, n, length, address);
}

int resolve_name(const char *name, char address[INET6_ADDRSTRLEN], int timeout_ms)
{
    unsigned char number[sizeof(struct in6_addr)];
    struct sockaddr_in server;
    int rc;

    if (inet_pton(AF_INET, name, number) == 1 || inet_pton(AF_INET6, name, number) == 1) {
        snprintf(address, INET6_ADDRSTRLEN, "%s", name);
        return 0;
    }
    rc = read_nameserver(&server);
    return rc ? rc : ask(&server, name, address, timeout_ms);
}
