/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the pinned datapath: see pins.h. Only system calls on pinned objects, nothing of an ELF file. */
#include "datapath/pins.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>

#define BPFFS_MAGIC 0xcafe4a11

static const char *const map_names[PINS_MAPS] = {
    [MAP_CONTROL] = "nsp_control",
    [MAP_STATES] = "nsp_states",
    [MAP_REVISIONS] = "nsp_revisions",
    [MAP_PODS] = "nsp_pods",
    [MAP_IDS] = "nsp_ids",
    [MAP_CGROUP] = "nsp_cgroup",
    [MAP_IFS] = "nsp_ifs",
    [MAP_ATTACHED] = "nsp_attached",
    [MAP_POLICIES] = "nsp_policies",
    [MAP_BLOCKS] = "nsp_blocks",
    [MAP_RULES] = "nsp_rules",
    [MAP_PORTS] = "nsp_ports",
    [MAP_CIDRS] = "nsp_cidrs",
    [MAP_FLOWS] = "nsp_flows",
    [MAP_BINARIES] = "nsp_binaries",
    [MAP_TRAFFIC] = "nsp_traffic",
    [MAP_TALLIES] = "nsp_tallies",
    [MAP_EVENTS] = "nsp_events",
    [MAP_SOCKETS] = "nsp_sockets",
    [MAP_STREAMS] = "nsp_streams",
    [MAP_TEXTS] = "nsp_texts",
    [MAP_GLOBS] = "nsp_globs",
    [MAP_UNLEARNABLE] = "nsp_unlearnable",
    [MAP_CONTAINERS] = "nsp_containers",
    [MAP_LEARNT] = "nsp_learnt",
    [MAP_NAMES] = "nsp_names",
    [MAP_ASKS] = "nsp_asks",
    [MAP_GATEWAYS] = "nsp_gateways",
    [MAP_SHARES] = "nsp_shares",
    [MAP_TOLD] = "nsp_told",
};

static const char *const program_names[PINS_PROGRAMS] = {
    [PROGRAM_SOCK_CREATE] = "nsp_sock_create",
    [PROGRAM_SOCK_RELEASE] = "nsp_release",
    [PROGRAM_CONNECT4] = "nsp_connect4",
    [PROGRAM_CONNECT6] = "nsp_connect6",
    [PROGRAM_SENDMSG4] = "nsp_sendmsg4",
    [PROGRAM_SENDMSG6] = "nsp_sendmsg6",
    [PROGRAM_BIND4] = "nsp_bind4",
    [PROGRAM_BIND6] = "nsp_bind6",
    [PROGRAM_SOCKOPS] = "nsp_sockops",
    [PROGRAM_INGRESS] = "nsp_ingress",
    [PROGRAM_FROM_POD] = "nsp_from_pod",
    [PROGRAM_TO_POD] = "nsp_to_pod",
};

const char *pins_map_name(enum pins_map map)
{
    return map_names[map];
}

const char *pins_program_name(enum pins_program program)
{
    return program_names[program];
}

void pins_init(struct datapath *datapath)
{
    *datapath = (struct datapath){0};
    for (int i = 0; i < PINS_MAPS; i++)
        datapath->maps[i] = -1;
    for (int i = 0; i < PINS_PROGRAMS; i++)
        datapath->programs[i] = -1;
}

static void unmap(void *address, size_t size)
{
    if (address)
        munmap(address, size);
}

void pins_close(struct datapath *datapath)
{
    unmap(datapath->control, sizeof(struct control));
    unmap(datapath->states, NSP_PODS_MAX * sizeof(__u64));
    unmap(datapath->revisions, NSP_POLICIES_MAX * sizeof(__u64));
    for (int i = 0; i < PINS_MAPS; i++) {
        if (datapath->maps[i] >= 0)
            close(datapath->maps[i]);
    }
    for (int i = 0; i < PINS_PROGRAMS; i++) {
        if (datapath->programs[i] >= 0)
            close(datapath->programs[i]);
    }
    pins_init(datapath);
}

int pins_on_bpffs(const char *path)
{
    char parent[4096];
    struct statfs fs;

    if (snprintf(parent, sizeof(parent), "%s", path) >= (int)sizeof(parent))
        return false;
    while (statfs(parent, &fs)) {
        char *slash = strrchr(parent, '/');

        if (errno != ENOENT || !slash || slash == parent)
            return false;
        *slash = '\0';
    }
    return (unsigned long)fs.f_type == BPFFS_MAGIC;
}

static int open_pin(const char *directory, const char *name, struct error *err)
{
    char path[256];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    fd = bpf_obj_get(path);
    if (fd >= 0)
        return fd;
    if (errno == EPERM || errno == EACCES)
        return error_set(err, EPERM, "%s: no permission to open it; run as root with CAP_BPF and CAP_NET_ADMIN", path);
    return error_set(err, errno == ENOENT ? EUCLEAN : errno,
                     "%s: %s; the pinned datapath is not whole, run `policyd --remove` and start policyd again", path,
                     strerror(errno));
}

static int map_memory(int fd, size_t size, void **address, const char *name, struct error *err)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (memory == MAP_FAILED) {
        error_set(err, errno, "%s: cannot map its memory: %s", name, strerror(errno));
        return -1;
    }
    *address = memory;
    return 0;
}

/* Magic and version first: nothing else of another ABI is touched. */
static int open_control(struct datapath *datapath, struct error *err)
{
    void *memory = NULL;
    int fd = open_pin(datapath->directory, map_names[MAP_CONTROL], err);

    if (fd < 0)
        return fd;
    datapath->maps[MAP_CONTROL] = fd;
    if (map_memory(fd, sizeof(struct control), &memory, map_names[MAP_CONTROL], err))
        return -err->code;
    datapath->control = memory;
    if (datapath->control->magic == NSP_ABI_MAGIC && datapath->control->version == NSP_ABI_VERSION)
        return 0;
    return error_set(err, EPROTO,
                     "%s: pinned by ABI version %u, this program needs %u; run `policyd --remove` of the version that "
                     "pinned it, then start this one",
                     datapath->directory, datapath->control->version, NSP_ABI_VERSION);
}

static int open_rest(struct datapath *datapath, struct error *err)
{
    for (int i = MAP_CONTROL + 1; i < PINS_MAPS; i++) {
        datapath->maps[i] = open_pin(datapath->directory, map_names[i], err);
        if (datapath->maps[i] < 0)
            return -err->code;
    }
    for (int i = 0; i < PINS_PROGRAMS; i++) {
        datapath->programs[i] = open_pin(datapath->directory, program_names[i], err);
        if (datapath->programs[i] < 0)
            return -err->code;
    }
    return 0;
}

static int map_words(struct datapath *datapath, struct error *err)
{
    void *states = NULL, *revisions = NULL;

    if (map_memory(datapath->maps[MAP_STATES], NSP_PODS_MAX * sizeof(__u64), &states, map_names[MAP_STATES], err))
        return -err->code;
    datapath->states = states;
    if (map_memory(datapath->maps[MAP_REVISIONS], NSP_POLICIES_MAX * sizeof(__u64), &revisions,
                   map_names[MAP_REVISIONS], err))
        return -err->code;
    datapath->revisions = revisions;
    return 0;
}

int pins_open(struct datapath *datapath, const char *directory, struct error *err)
{
    struct error unread;
    struct datapath opened;

    err = err ? err : &unread;
    pins_init(&opened);
    if (snprintf(opened.directory, sizeof(opened.directory), "%s", directory) >= (int)sizeof(opened.directory))
        return error_set(err, ENAMETOOLONG, "%s: longer than %zu characters", directory, sizeof(opened.directory) - 1);
    if (!pins_on_bpffs(directory))
        return error_set(err, ENOTDIR, "%s: not on a bpf filesystem; run `mount -t bpf bpf /sys/fs/bpf`", directory);
    if (access(directory, F_OK))
        return error_set(err, errno, "%s: %s; nothing is pinned there until policyd runs", directory, strerror(errno));
    if (open_control(&opened, err) || open_rest(&opened, err) || map_words(&opened, err)) {
        pins_close(&opened);
        return -err->code;
    }
    *datapath = opened;
    return 0;
}

void pins_open_remains(struct datapath *datapath, const char *directory)
{
    struct error unread;

    pins_init(datapath);
    snprintf(datapath->directory, sizeof(datapath->directory), "%s", directory);
    for (int i = 0; i < PINS_MAPS; i++)
        datapath->maps[i] = open_pin(directory, map_names[i], &unread);
    for (int i = 0; i < PINS_PROGRAMS; i++)
        datapath->programs[i] = open_pin(directory, program_names[i], &unread);
}
