/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/node.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "tests/bench/bench.h"
#include "tests/bpf/sandbox.h"

#define POLICYD_ANSWERS_S 30

bool node_wait(bool (*is_true)(const void *context), const void *context, double seconds)
{
    double deadline = bench_seconds() + seconds;

    while (!is_true(context)) {
        if (bench_seconds() > deadline)
            return false;
        poll(NULL, 0, 1);
    }
    return true;
}

static void make_directory(const char *path)
{
    if (mkdir(path, 0755) && errno != EEXIST)
        bench_fail("%s: %s", path, strerror(errno));
}

void node_start(struct node *node)
{
    *node = (struct node){0};
    snprintf(node->directory, sizeof(node->directory), "%.50s", sandbox.bpffs);
    *strrchr(node->directory, '/') = '\0';
    snprintf(node->manifests, sizeof(node->manifests), "%s/manifests", node->directory);
    snprintf(node->socket, sizeof(node->socket), "%s/policyd.sock", node->directory);
    snprintf(node->cni_socket, sizeof(node->cni_socket), "%s/cni.sock", node->directory);
    make_directory(node->manifests);
}

static void show_log(const struct node *node)
{
    char path[96], line[512];

    snprintf(path, sizeof(path), "%s/policyd.log", node->directory);

    cleanup_fclose FILE *log = fopen(path, "re");

    while (log && fgets(line, sizeof(line), log))
        fprintf(stderr, "    %s", line);
}

/* A bench that failed may have left pods; the sandbox itself can remove only its own cgroup. */
static void remove_cgroups(void)
{
    DIR *entries = opendir(sandbox.cgroup);
    char path[400];

    for (struct dirent *entry = entries ? readdir(entries) : NULL; entry; entry = readdir(entries)) {
        snprintf(path, sizeof(path), "%s/%s", sandbox.cgroup, entry->d_name);
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            rmdir(path);
    }
    if (entries)
        closedir(entries);
}

void node_stop(struct node *node)
{
    if (node->policyd > 0) {
        show_log(node); /* it still runs: the bench failed */
        kill(node->policyd, SIGKILL);
        waitpid(node->policyd, NULL, 0);
    }
    node->policyd = 0;
    remove_cgroups();
}

static bool answers(const void *context)
{
    const struct node *node = context;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", node->socket);
    return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

static _Noreturn void run_policyd(const struct node *node)
{
    const char *build = getenv("NSP_BUILD");
    char program[256], log[96];

    snprintf(program, sizeof(program), "%s/policyd", build ? build : "build");
    snprintf(log, sizeof(log), "%s/policyd.log", node->directory);

    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);

    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execl(program, "policyd", "--config", "/dev/null", "--manifests", node->manifests, "--bpffs", sandbox.pins,
          "--socket", node->socket, "--cni-socket", node->cni_socket, "--log-level", "warning", "--events-per-second",
          node->tells_all ? "0" : "10", NULL);
    _exit(127);
}

void node_start_policyd(struct node *node)
{
    node->policyd = fork();
    if (node->policyd == 0)
        run_policyd(node);
    if (node->policyd < 0 || !node_wait(answers, node, POLICYD_ANSWERS_S)) {
        show_log(node);
        bench_fail("policyd does not answer");
    }
}

void node_stop_policyd(struct node *node)
{
    int status;

    kill(node->policyd, SIGTERM);
    if (waitpid(node->policyd, &status, 0) != node->policyd || status) {
        show_log(node);
        bench_fail("policyd ended with status %d", status);
    }
    node->policyd = 0;
}

/* A name that policyd does not look at, beside the one that it does. */
static void paths_of(const struct node *node, const char *name, char *written, char *published, size_t size)
{
    snprintf(written, size, "%s/%s.new", node->manifests, name);
    snprintf(published, size, "%s/%s.yaml", node->manifests, name);
}

void node_write(const struct node *node, const char *name, const char *text)
{
    char written[128], published[128];

    paths_of(node, name, written, published, sizeof(written));

    cleanup_fclose FILE *file = fopen(written, "we");

    if (!file || fputs(text, file) < 0)
        bench_fail("%s: %s", written, strerror(errno));
}

void node_publish(const struct node *node, const char *name)
{
    char written[128], published[128];

    paths_of(node, name, written, published, sizeof(written));
    if (rename(written, published))
        bench_fail("%s: %s", published, strerror(errno));
}

/* Made here and kept by a mount. */
static void make_netns(const char *path)
{
    cleanup_close int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    cleanup_close int file = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);

    if (own < 0 || file < 0 || unshare(CLONE_NEWNET) || mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL) ||
        setns(own, CLONE_NEWNET))
        bench_fail("%s: %s", path, strerror(errno));
}

void node_pod_make(const struct node *node, const char *name, struct node_pod *pod)
{
    snprintf(pod->name, sizeof(pod->name), "%s", name);
    snprintf(pod->netns, sizeof(pod->netns), "%s/netns-%.30s", node->directory, name);
    snprintf(pod->cgroup, sizeof(pod->cgroup), "%s/%.30s", sandbox.cgroup, name);
    snprintf(pod->cgroup_path, sizeof(pod->cgroup_path), "%s/%.30s", strrchr(sandbox.cgroup, '/'), name);
    make_netns(pod->netns);
    make_directory(pod->cgroup);
}

void node_pod_remove(const struct node_pod *pod)
{
    if (umount2(pod->netns, MNT_DETACH) || unlink(pod->netns) || rmdir(pod->cgroup))
        bench_fail("pod %s cannot be removed: %s", pod->name, strerror(errno));
}

void node_pod_enter(const struct node_pod *pod)
{
    char path[192];
    cleanup_close int netns = open(pod->netns, O_RDONLY | O_CLOEXEC);

    snprintf(path, sizeof(path), "%s/cgroup.procs", pod->cgroup);

    cleanup_close int processes = open(path, O_WRONLY | O_CLOEXEC);

    if (netns < 0 || processes < 0 || write(processes, "0", 1) != 1 || setns(netns, CLONE_NEWNET))
        bench_fail("pod %s cannot be entered: %s", pod->name, strerror(errno));
}

void node_open_pins(struct datapath *datapath)
{
    struct error err;

    if (pins_open(datapath, sandbox.pins, &err))
        bench_fail("%s", err.msg);
}
