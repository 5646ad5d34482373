/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "tests/bench/bench.h"

#define INTERVAL_NS 50000
#define NS_PER_S 1000000000LL
#define WAIT_S 10

static struct sockaddr_in address_of(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PROBE_PORT)};

    inet_pton(AF_INET, text, &address.sin_addr);
    return address;
}

/* One client at a time: a connection that the kernel cut inside the pod is still open on this side. */
static _Noreturn void serve(int listener)
{
    /* With a RST: a FIN would be sent again for minutes to a flow that the kernel has cut. */
    const struct linger at_once = {.l_onoff = 1};
    char bytes[65536];
    int client = -1;

    while (true) {
        fd_set readable;

        FD_ZERO(&readable);
        FD_SET(listener, &readable);
        if (client >= 0)
            FD_SET(client, &readable);
        if (select((client > listener ? client : listener) + 1, &readable, NULL, NULL, NULL) < 0)
            continue;
        if (client >= 0 && FD_ISSET(client, &readable) && read(client, bytes, sizeof(bytes)) <= 0) {
            close(client);
            client = -1;
        }
        if (FD_ISSET(listener, &readable)) {
            if (client >= 0)
                close(client);
            client = accept(listener, NULL, NULL);
            setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        }
    }
}

static pid_t start_server(const char *text)
{
    struct sockaddr_in address = address_of(text);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(listener, (const struct sockaddr *)&address, sizeof(address)) || listen(listener, 16))
        bench_fail("a server at %s: %s", text, strerror(errno));

    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(listener);
    }
    close(listener);
    return pid;
}

/* A connection, or -1 with errno. */
static int try_connect(const struct sockaddr_in *server)
{
    const struct timeval timeout = {.tv_sec = 2};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    if (connect(fd, (const struct sockaddr *)server, sizeof(*server)) == 0)
        return fd;

    int failure = errno;

    close(fd);
    errno = failure;
    return -1;
}

static void note(struct probe *probe, bool is_allowed)
{
    struct timespec now;

    if (probe->is_allowed == is_allowed)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    probe->changed_ns = now.tv_sec * NS_PER_S + now.tv_nsec;
    __atomic_store_n(&probe->is_allowed, is_allowed, __ATOMIC_SEQ_CST);
}

static bool is_refusal(int failure)
{
    return failure == EPERM || failure == ECONNRESET || failure == EPIPE;
}

static _Noreturn void run(struct probe *probe, const struct sockaddr_in *server)
{
    struct timespec next;
    int fd = -1;

    clock_gettime(CLOCK_MONOTONIC, &next);
    while (true) {
        bool is_open = fd >= 0;

        if (!is_open)
            fd = try_connect(server);

        bool is_allowed = is_open ? send(fd, "x", 1, MSG_NOSIGNAL) == 1 : fd >= 0;

        if (!is_allowed && !is_refusal(errno)) {
            probe->is_connecting = !is_open;
            __atomic_store_n(&probe->failure, errno, __ATOMIC_SEQ_CST);
            _exit(1);
        }
        if (!is_allowed && is_open) {
            close(fd);
            fd = -1;
        }
        note(probe, is_allowed);
        next.tv_nsec += INTERVAL_NS;
        next.tv_sec += next.tv_nsec / NS_PER_S;
        next.tv_nsec %= NS_PER_S;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
}

/* probe --probe DESCRIPTOR ADDRESS */
void probe_if_asked(int argc, char **argv)
{
    if (argc != 4 || strcmp(argv[1], "--probe") != 0)
        return;

    const struct sockaddr_in server = address_of(argv[3]);
    struct probe *probe = mmap(NULL, sizeof(*probe), PROT_READ | PROT_WRITE, MAP_SHARED, atoi(argv[2]), 0);

    if (probe == MAP_FAILED)
        bench_fail("the probe has no memory to share: %s", strerror(errno));
    run(probe, &server);
}

static _Noreturn void start_anew(const struct node_pod *pod, int memory, const char *address)
{
    char path[256] = "", number[16];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    node_pod_enter(pod);
    snprintf(number, sizeof(number), "%d", memory);
    if (readlink("/proc/self/exe", path, sizeof(path) - 1) > 0)
        execl(path, path, "--probe", number, address, NULL);
    _exit(127);
}

struct probe *probe_start(const struct node_pod *pod, const char *address)
{
    cleanup_close int memory = memfd_create("probe", 0);
    struct probe *probe;

    if (memory < 0 || ftruncate(memory, sizeof(*probe)))
        bench_fail("memory to share: %s", strerror(errno));
    probe = mmap(NULL, sizeof(*probe), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (probe == MAP_FAILED)
        bench_fail("memory to share: %s", strerror(errno));
    probe->is_allowed = -1;
    probe->server = start_server(address);

    pid_t pid = fork();

    if (pid == 0)
        start_anew(pod, memory, address);
    probe->pid = pid;
    return probe;
}

void probe_stop(struct probe *probe)
{
    kill(probe->pid, SIGKILL);
    kill(probe->server, SIGKILL);
    waitpid(probe->pid, NULL, 0);
    waitpid(probe->server, NULL, 0);
    munmap(probe, sizeof(*probe));
}

struct expected {
    const struct probe *probe;
    int is_allowed;
};

static bool is_as_expected(const void *context)
{
    const struct expected *expected = context;

    return __atomic_load_n(&expected->probe->is_allowed, __ATOMIC_SEQ_CST) == expected->is_allowed ||
           __atomic_load_n(&expected->probe->failure, __ATOMIC_SEQ_CST);
}

bool probe_wait(const struct probe *probe, bool is_allowed)
{
    const struct expected expected = {probe, is_allowed};
    bool is_done = node_wait(is_as_expected, &expected, WAIT_S);

    if (probe->failure)
        bench_fail("the probe's %s failed: %s", probe->is_connecting ? "connect" : "send", strerror(probe->failure));
    return is_done;
}
