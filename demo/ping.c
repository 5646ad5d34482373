/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demo's client: a request every 100 ms, in turn over one kept connection and over a new one for which it asks the
 * resolver anew, and an exact count of those that got no answer. `ping once` makes a single request and prints what
 * came of it.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "demo/http.h"
#include "demo/resolve.h"

#define INTERVAL_MS 100
#define TIMEOUT_MS 2000

struct counts {
    unsigned long sent[2], ok[2]; /* [0] over new connections, [1] over the kept one */
    double slowest_ms;
};

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void print_counts(const struct counts *counts)
{
    unsigned long sent = counts->sent[0] + counts->sent[1], ok = counts->ok[0] + counts->ok[1];

    printf("sent=%lu ok=%lu lost=%lu kept=%lu new=%lu slowest_ms=%.1f\n", sent, ok, sent - ok, counts->ok[1],
           counts->ok[0], counts->slowest_ms);
    fflush(stdout);
}

static int connect_by_name(const char *name, const char *port)
{
    char address[INET6_ADDRSTRLEN];
    int rc = resolve_name(name, address, TIMEOUT_MS);

    return rc ? rc : http_connect(address, port, TIMEOUT_MS);
}

/* One request. *kept: the kept connection, -1 while there is none. */
static int request(const char *name, const char *port, bool keep, int *kept)
{
    int fd = keep && *kept >= 0 ? *kept : connect_by_name(name, port);
    int status;

    if (fd < 0)
        return fd;
    status = http_request(fd, "GET", "/task", keep);
    if (keep && status == 200) {
        *kept = fd;
        return status;
    }
    close(fd);
    if (keep)
        *kept = -1;
    return status;
}

static void count_request(struct counts *counts, const char *name, const char *port, int *kept)
{
    bool keep = (counts->sent[0] + counts->sent[1]) % 2 == 0;
    double start = now_ms(), took;
    int status = request(name, port, keep, kept);

    counts->sent[keep]++;
    took = now_ms() - start;
    if (took > counts->slowest_ms)
        counts->slowest_ms = took;
    if (status == 200) {
        counts->ok[keep]++;
        return;
    }
    printf("lost a request over %s connection: %s\n", keep ? "the kept" : "a new",
           status < 0 ? strerrorname_np(-status) : "not 200");
    fflush(stdout);
}

static int once(const char *name, const char *port, const char *method, const char *path)
{
    int fd = connect_by_name(name, port);
    int status = fd < 0 ? fd : http_request(fd, method, path, false);

    if (fd >= 0)
        close(fd);
    if (status < 0)
        printf("%s\n", strerrorname_np(-status));
    else
        printf("HTTP %d\n", status);
    return status != 200;
}

int main(int argc, char **argv)
{
    struct counts counts = {0};
    struct signalfd_siginfo info;
    struct pollfd signals = {.events = POLLIN};
    sigset_t set;
    int kept = -1;

    if (argc == 6 && !strcmp(argv[1], "once"))
        return once(argv[2], argv[3], argv[4], argv[5]);
    if (argc != 3) {
        fprintf(stderr, "usage: ping NAME PORT | ping once NAME PORT METHOD PATH\nSIGUSR1 prints the counts, SIGTERM "
                        "too and ends.\n");
        return 2;
    }
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signals.fd = signalfd(-1, &set, SFD_CLOEXEC);
    for (double due = now_ms();; due += INTERVAL_MS) {
        double wait = due - now_ms();

        while (poll(&signals, 1, wait > 0 ? (int)wait : 0) > 0) {
            if (read(signals.fd, &info, sizeof(info)) != sizeof(info))
                return 1;
            print_counts(&counts);
            if (info.ssi_signo == SIGTERM)
                return 0;
            wait = due - now_ms();
        }
        count_request(&counts, argv[1], argv[2], &kept);
    }
}
