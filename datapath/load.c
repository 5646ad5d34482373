/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and pins the datapath, or adopts it: see load.h. Pins are made in "<directory>-new" (a name in a bpffs has no
 * dot), which is renamed once it is whole. Loads exclude each other by a lock on the parent directory, so that what is
 * found under that name under the lock is what a killed load left.
 */
#include "datapath/load.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/load_log.h"
#include "datapath/pins_check.h"
#include "datapath/pins_lock.h"
#include "datapath/record.h"
#include "datapath/remains.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "nsp.skel.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define LOCKDOWN "/sys/kernel/security/lockdown"
#define NS_PER_S 1000000000ULL
#define NAME_FLOOR_S 3600
#define NAME_CAP_S (24 * 3600)
#define DIRECTORY_MAX 128 /* of struct datapath */

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static int parent_of(const char *directory, char parent[DIRECTORY_MAX], struct error *err)
{
    const char *slash = strrchr(directory, '/');

    if (directory[0] != '/' || slash == directory || !slash[1])
        return error_set(err, EINVAL, "%s: not an absolute path of a directory to make in a bpf filesystem", directory);
    if (strlen(directory) >= DIRECTORY_MAX)
        return error_set(err, ENAMETOOLONG, "%s: longer than %d characters", directory, DIRECTORY_MAX - 1);
    snprintf(parent, DIRECTORY_MAX, "%.*s", (int)(slash - directory), directory);
    return 0;
}

/* Unlinks what is in a directory, with one level of directories below, and removes it. */
static int remove_tree(const char *directory, struct error *err)
{
    DIR *entries = opendir(directory);
    int failure = 0;

    if (!entries)
        return errno == ENOENT ? 0 : error_set(err, errno, "%s: %s", directory, strerror(errno));
    for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
        char path[PATH_MAX];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        if (entry->d_type == DT_DIR)
            failure = remove_tree(path, err);
        else if (unlink(path) && errno != ENOENT)
            failure = error_set(err, errno, "%s: cannot unlink it: %s", path, strerror(errno));
    }
    closedir(entries);
    if (!failure && rmdir(directory) && errno != ENOENT)
        failure = error_set(err, errno, "%s: cannot remove it: %s", directory, strerror(errno));
    return failure;
}

static int read_netns_cookie(__u64 *cookie, struct error *err)
{
    cleanup_close int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof(*cookie);

    if (sock < 0 || getsockopt(sock, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &size))
        return error_set(err, errno, "SO_NETNS_COOKIE: %s; Linux 6.1 or later is needed", strerror(errno));
    return 0;
}

static int apply_options(struct control *control, const struct load_options *options, struct error *err)
{
    __u64 interval_ns = options->events_per_second ? NS_PER_S / options->events_per_second : 0;
    __u64 cookie = 0;

    if (read_netns_cookie(&cookie, err))
        return -ENOTSUP;
    control->host_netns_cookie = cookie;
    control->exempt_node = options->exempt_node != 0;
    control->event_burst_ns = interval_ns * options->events_burst;
    control->event_interval_ns = interval_ns;
    control->name_floor_ns = (options->name_cap_s ? options->name_floor_s : NAME_FLOOR_S) * NS_PER_S;
    control->name_cap_ns = (options->name_cap_s ? options->name_cap_s : NAME_CAP_S) * NS_PER_S;
    return 0;
}

static int fill_control(int fd, const struct load_options *options, struct error *err)
{
    struct control control = {.magic = NSP_ABI_MAGIC, .version = NSP_ABI_VERSION};
    __u32 zero = 0;

    if (apply_options(&control, options, err))
        return -ENOTSUP;
    if (getrandom(control.path_key, sizeof(control.path_key), 0) != sizeof(control.path_key))
        return error_set(err, EIO, "getrandom: no random key for paths");
    if (getrandom(control.text_key, sizeof(control.text_key), 0) != sizeof(control.text_key))
        return error_set(err, EIO, "getrandom: no random key for names");
    snprintf(control.build, sizeof(control.build), "%s", NSP_VERSION);
    if (bpf_map_update_elem(fd, &zero, &control, BPF_ANY))
        return error_set(err, errno, "%s: cannot fill it: %s", pins_map_name(MAP_CONTROL), strerror(errno));
    return 0;
}

static int pin(int fd, const char *directory, const char *name, struct error *err)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (bpf_obj_pin(fd, path) == 0)
        return 0;
    return error_set(err, errno, "%s: cannot pin it: %s", path, strerror(errno));
}

static int pin_all(const struct bpf_object *object, const char *directory, struct error *err)
{
    char links[DIRECTORY_MAX + 16];
    int rc = 0;

    snprintf(links, sizeof(links), "%s/links", directory);
    if (mkdir(directory, 0700) || mkdir(links, 0700))
        return error_set(err, errno, "%s: cannot make it: %s", directory, strerror(errno));
    for (int i = 0; i < PINS_MAPS && rc == 0; i++)
        rc = pin(bpf_object__find_map_fd_by_name(object, pins_map_name(i)), directory, pins_map_name(i), err);
    for (int i = 0; i < PINS_PROGRAMS && rc == 0; i++) {
        const struct bpf_program *program = bpf_object__find_program_by_name(object, pins_program_name(i));

        rc = pin(program ? bpf_program__fd(program) : -1, directory, pins_program_name(i), err);
    }
    return rc;
}

/* What the kernel's errno means to who runs policyd. */
static int explain_failure(int code, struct error *err)
{
    if (code == EPERM)
        return error_set(err, code,
                         "the kernel lets us load no BPF programs: run as root, or with CAP_BPF, CAP_PERFMON "
                         "and CAP_NET_ADMIN");
    return error_set(err, code, "the kernel refused the BPF programs: %s; see the log", strerror(code));
}

static struct nsp_bpf *load_object(struct error *err)
{
    struct nsp_bpf *skeleton = nsp_bpf__open();

    if (!skeleton) {
        explain_failure(errno, err);
        return NULL;
    }

    int rc = nsp_bpf__load(skeleton);

    if (rc) {
        explain_failure(-rc, err);
        nsp_bpf__destroy(skeleton);
        return NULL;
    }
    return skeleton;
}

static int pin_object(const struct nsp_bpf *skeleton, const struct load_options *options, const char *staging,
                      struct error *err)
{
    int control_fd = bpf_object__find_map_fd_by_name(skeleton->obj, pins_map_name(MAP_CONTROL));
    int rc = fill_control(control_fd, options, err);

    if (rc == 0)
        rc = pin_all(skeleton->obj, staging, err);
    if (rc == 0 && rename(staging, options->directory))
        rc = error_set(err, errno, "%s: cannot rename it to %s: %s", staging, options->directory, strerror(errno));
    if (rc)
        remove_tree(staging, NULL);
    return rc;
}

static int is_confidential(void)
{
    cleanup_fclose FILE *file = fopen(LOCKDOWN, "re");
    char line[128] = "";

    return file && fgets(line, sizeof(line), file) && strstr(line, "[confidentiality]");
}

/* What the verifier would say in its own way. */
static int check_kernel(struct error *err)
{
    if (access(KERNEL_BTF, R_OK))
        return error_set(err, ENOENT, "%s: %s; a kernel built with CONFIG_DEBUG_INFO_BTF is needed", KERNEL_BTF,
                         strerror(errno));
    if (is_confidential())
        return error_set(err, EACCES,
                         "%s: [confidentiality], which lets no BPF program read a process's executable; boot with "
                         "lockdown=integrity or none",
                         LOCKDOWN);
    return 0;
}

static int load_and_pin(const struct load_options *options, struct error *err)
{
    char staging[DIRECTORY_MAX + 8];

    snprintf(staging, sizeof(staging), "%s-new", options->directory);
    if (check_kernel(err) || remove_tree(staging, err))
        return -err->code;
    load_log_start();

    struct nsp_bpf *skeleton = load_object(err);

    if (!skeleton) {
        load_log_report();
        load_log_stop();
        return -err->code;
    }
    load_log_stop();

    int rc = pin_object(skeleton, options, staging, err);

    nsp_bpf__destroy(skeleton);
    return rc;
}

int load_or_adopt(struct datapath *datapath, const struct load_options *options, int *adopted, struct error *err)
{
    struct error unread;
    struct datapath opened;
    char parent[DIRECTORY_MAX];

    err = err ? err : &unread;
    if (parent_of(options->directory, parent, err))
        return -err->code;
    if (!pins_on_bpffs(options->directory))
        return error_set(err, ENOTDIR, "%s: not on a bpf filesystem; run `mount -t bpf bpf /sys/fs/bpf`",
                         options->directory);

    cleanup_close int lock = pins_lock(parent, err);
    bool is_there = access(options->directory, F_OK) == 0;

    if (lock < 0)
        return lock;
    if (!is_there && load_and_pin(options, err))
        return -err->code;

    int rc = pins_open(&opened, options->directory, err);

    if (rc)
        return rc;
    rc = is_there ? pins_check(&opened, err) : 0;
    if (rc == 0)
        rc = apply_options(opened.control, options, err);
    if (rc) {
        pins_close(&opened);
        return rc;
    }
    *datapath = opened;
    *adopted = is_there;
    return 0;
}

struct removal {
    const struct datapath *datapath;
    int (*remove)(const struct datapath *datapath, const struct attachment_key *key, struct error *err);
    struct error *err;
    int failure;
};

static int remove_attachment(const struct attachment_key *key, const struct attachment *attachment, void *context)
{
    struct removal *removal = context;
    struct error second;
    int rc = removal->remove(removal->datapath, key, removal->failure ? &second : removal->err);

    (void)attachment;
    removal->failure = removal->failure ? removal->failure : rc;
    return 0;
}

/* All pins go at once, so that an opener never sees half of them. */
static int remove_pins(const char *directory, struct error *err)
{
    char staging[DIRECTORY_MAX + 8];

    snprintf(staging, sizeof(staging), "%s-new", directory);
    if (remove_tree(staging, err))
        return -err->code;
    if (rename(directory, staging))
        return error_set(err, errno, "%s: cannot rename it to %s: %s", directory, staging, strerror(errno));
    return remove_tree(staging, err);
}

/*
 * The last walk and the removal of the pins are under one lock: an ADD has entered its record before and is seen, or
 * finds that the directory is gone. What it attaches after that it takes off itself.
 */
static int remove_whole(const struct datapath *datapath, struct error *err)
{
    struct removal removal = {.datapath = datapath, .remove = record_remove, .err = err};
    struct error second;
    int rc;

    record_each(datapath, remove_attachment, &removal);
    removal.failure = 0; /* the last walk tries again */

    cleanup_close int lock = pins_lock(datapath->directory, err);

    if (lock < 0)
        return lock;
    removal.remove = record_remove_locked;
    record_each(datapath, remove_attachment, &removal);
    rc = remove_pins(datapath->directory, removal.failure ? &second : err);
    return removal.failure ? removal.failure : rc;
}

static int remove_remains(const char *directory, struct error *err)
{
    cleanup_close int lock = pins_lock(directory, err);
    struct error second;
    int failure, rc;

    if (lock < 0)
        return lock;
    failure = remains_detach(directory, err);
    rc = remove_pins(directory, failure ? &second : err);
    return failure ? failure : rc;
}

int load_remove(const char *directory, struct error *err)
{
    struct error unread;
    struct datapath datapath;
    char parent[DIRECTORY_MAX];

    err = err ? err : &unread;
    if (parent_of(directory, parent, err))
        return -err->code;
    if (!pins_on_bpffs(directory) || access(directory, F_OK))
        return 0;

    cleanup_close int lock = pins_lock(parent, err);

    if (lock < 0)
        return lock;

    int rc = pins_open(&datapath, directory, err);

    if (rc == -EUCLEAN)
        return remove_remains(directory, err);
    if (rc)
        return rc;
    rc = remove_whole(&datapath, err);
    pins_close(&datapath);
    return rc;
}
