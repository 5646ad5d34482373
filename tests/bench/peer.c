/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/peer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"
#include "tests/bench/peer_client.h"
#include "tests/bench/peer_server.h"

#define ROLE "--peer"

/* BENCH --peer CONTROL [SERVER] */
void peer_if_asked(int argc, char **argv)
{
    if (argc < 3 || strcmp(argv[1], ROLE) != 0)
        return;
    if (argc == 3)
        peer_serve(atoi(argv[2]));
    peer_work_for(atoi(argv[2]), argv[3]);
}

static _Noreturn void start_anew(const struct node_pod *pod, int cpu, int control, const char *server)
{
    char path[256] = "", number[16];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    bench_pin(cpu);
    node_pod_enter(pod);
    snprintf(number, sizeof(number), "%d", control);
    if (readlink("/proc/self/exe", path, sizeof(path) - 1) > 0)
        execl(path, path, ROLE, number, server, NULL);
    _exit(127);
}

void peer_start_client(const struct node_pod *pod, int cpu, const char *server, struct peer *peer)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends))
        bench_fail("a socket pair: %s", strerror(errno));
    peer->pid = fork();
    if (peer->pid == 0) {
        close(ends[0]);
        start_anew(pod, cpu, ends[1], server);
    }
    if (peer->pid < 0)
        bench_fail("fork: %s", strerror(errno));
    close(ends[1]);
    peer->control = ends[0];
}

void peer_start_server(const struct node_pod *pod, int cpu, struct peer *peer)
{
    char ready;

    peer_start_client(pod, cpu, NULL, peer);
    if (recv(peer->control, &ready, 1, 0) != 1)
        bench_fail("the server of pod %s has ended", pod->name);
}

void peer_stop(struct peer *peer)
{
    kill(peer->pid, SIGKILL);
    waitpid(peer->pid, NULL, 0);
    close(peer->control);
    peer->pid = 0;
}

double peer_ask(const struct peer *peer, enum peer_work work, unsigned int count, const char *name)
{
    struct peer_order order = {.work = work, .count = count};
    struct peer_reply reply;

    snprintf(order.name, sizeof(order.name), "%.253s", name);
    if (send(peer->control, &order, sizeof(order), MSG_NOSIGNAL) != sizeof(order) ||
        recv(peer->control, &reply, sizeof(reply), 0) != sizeof(reply))
        bench_fail("a client has ended");
    if (reply.failure)
        bench_fail("work %d, %s, number %u: %s", (int)work, name, reply.at, strerror(reply.failure));
    return reply.seconds / count * 1e6;
}
