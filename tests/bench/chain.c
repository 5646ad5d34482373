/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/chain.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "tests/bench/bench.h"
#include "tests/bpf/sandbox.h"

#define ANSWER_MAX 65536

enum plugin {
    BRIDGE,
    PORTMAP,
    NSP,
    PLUGINS,
};
static const char *const plugin_names[PLUGINS] = {"bridge", "portmap", "nsp"};

static void find_program(enum plugin plugin, char path[256])
{
    const char *build = getenv("NSP_BUILD");
    const char *folders[] = {plugin == NSP ? (build ? build : "build") : "/usr/lib/cni", "/opt/cni/bin"};

    for (size_t i = 0; i < 2; i++) {
        snprintf(path, 256, "%s/%s", folders[i], plugin_names[plugin]);
        if (access(path, X_OK) == 0)
            return;
    }
    bench_fail("no CNI plugin %s in /usr/lib/cni or /opt/cni/bin: install containernetworking-plugins",
               plugin_names[plugin]);
}

static json_t *configuration(const struct chain *chain, enum plugin plugin, json_t *previous)
{
    json_t *conf = json_pack("{s:s, s:s, s:s}", "cniVersion", "1.0.0", "name", "bench", "type", plugin_names[plugin]);
    json_t *more = NULL;

    if (plugin == BRIDGE)
        more = json_pack("{s:s, s:b, s:{s:s, s:s, s:[[{s:s}]], s:[{s:s}]}}", "bridge", "cni0", "isGateway", 1, "ipam",
                         "type", "host-local", "dataDir", chain->node->directory, "ranges", "subnet", "10.77.0.0/24",
                         "routes", "dst", "0.0.0.0/0");
    else if (plugin == NSP)
        more = json_pack("{s:s, s:s, s:{s:s}}", "bpffs", sandbox.pins, "socket", chain->node->cni_socket,
                         "runtimeConfig", "cgroupPath", chain->pod->cgroup_path);
    if (more)
        json_object_update(conf, more);
    json_decref(more);
    if (previous)
        json_object_set(conf, "prevResult", previous);
    return conf;
}

/* Starts a plugin as a runtime does; `ends` are its stdin, stdout and stderr. The pid, or -1. */
static pid_t start(const struct chain *chain, const char *command, char *program, const int ends[3])
{
    char variables[6][256];
    char *environment[7] = {0}, *arguments[2] = {program};
    posix_spawn_file_actions_t actions;
    pid_t pid;

    snprintf(variables[0], 256, "CNI_COMMAND=%s", command);
    snprintf(variables[1], 256, "CNI_CONTAINERID=%s", chain->pod->name);
    snprintf(variables[2], 256, "CNI_NETNS=%s", chain->pod->netns);
    snprintf(variables[3], 256, "CNI_IFNAME=eth0");
    snprintf(variables[4], 256, "CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=%s", chain->pod->name);
    snprintf(variables[5], 256, "CNI_PATH=/usr/lib/cni:/opt/cni/bin");
    for (int i = 0; i < 6; i++)
        environment[i] = variables[i];
    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < 3; i++)
        posix_spawn_file_actions_adddup2(&actions, ends[i], i);
    errno = posix_spawn(&pid, program, &actions, NULL, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    return errno ? -1 : pid;
}

/* What a plugin printed; NULL where it printed nothing. */
static json_t *read_answer(int fd, const char *program, int status)
{
    static char answer[ANSWER_MAX];
    size_t length = 0;
    ssize_t got;

    lseek(fd, 0, SEEK_SET);
    while (length < sizeof(answer) && (got = read(fd, answer + length, sizeof(answer) - length)) > 0)
        length += (size_t)got;
    if (status)
        bench_fail("%s ended with status %d: %.*s", program, status, (int)length, answer);
    return length ? json_loadb(answer, length, 0, NULL) : NULL;
}

/* Standard input and output are files that are there before and after: only the plugin's own run is timed. */
static double call(const struct chain *chain, const char *command, enum plugin plugin, json_t **result)
{
    cleanup_fclose FILE *input = tmpfile(), *output = tmpfile(), *warnings = tmpfile();
    json_auto_t *conf = configuration(chain, plugin, *result);
    char program[256];
    int status = -1;

    find_program(plugin, program);
    if (!input || !output || !warnings || json_dumpf(conf, input, 0) || fflush(input))
        bench_fail("the input of %s: %s", program, strerror(errno));
    rewind(input);

    const int ends[3] = {fileno(input), fileno(output), fileno(warnings)};
    double start_s = bench_seconds();
    pid_t pid = start(chain, command, program, ends);

    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        bench_fail("%s: %s", program, strerror(errno));

    double seconds = bench_seconds() - start_s;
    json_t *answer = read_answer(ends[1], program, status);

    if (answer) {
        json_decref(*result);
        *result = answer;
    }
    return seconds;
}

struct chain_times chain_add(struct chain *chain)
{
    struct chain_times times = {0};

    chain->result = NULL;
    for (int plugin = BRIDGE; plugin < PLUGINS; plugin++) {
        if (plugin == NSP && !chain->has_nsp)
            break;

        double seconds = call(chain, "ADD", plugin, &chain->result);

        times.all += seconds;
        times.nsp = plugin == NSP ? seconds : 0;
    }
    return times;
}

struct chain_times chain_delete(struct chain *chain)
{
    struct chain_times times = {0};

    for (int plugin = chain->has_nsp ? NSP : PORTMAP; plugin >= BRIDGE; plugin--) {
        double seconds = call(chain, "DEL", plugin, &chain->result);

        times.all += seconds;
        times.nsp += plugin == NSP ? seconds : 0;
    }
    json_decref(chain->result);
    chain->result = NULL;
    return times;
}

void chain_addresses(const struct chain *chain, char address[16], char gateway[16])
{
    const char *ip, *via;

    if (json_unpack(chain->result, "{s:[{s:s, s:s}]}", "ips", "address", &ip, "gateway", &via))
        bench_fail("the bridge plugin's result has no address");
    snprintf(address, 16, "%.*s", (int)strcspn(ip, "/"), ip);
    snprintf(gateway, 16, "%s", via);
}
