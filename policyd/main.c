/* SPDX-License-Identifier: Apache-2.0 */
/* policyd: brings SecurityProfiles in force on this node. This file alone reads arguments, prints results and exits. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "datapath/load.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "policyd/daemon.h"
#include "policyd/instance.h"

#define REMOVE_WAIT_MS 3000

static int fail(const struct error *err)
{
    log_error("%s", err->msg);
    return EXIT_FAILURE;
}

static void remove_file(const char *path)
{
    if (unlink(path) == 0)
        printf("removed %s\n", path);
}

static int run_remove(const struct options *options)
{
    bool was_there = access(options->bpffs, F_OK) == 0;
    struct error err = {0};
    cleanup_close int lock = -1;

    if (instance_lock(options->bpffs, REMOVE_WAIT_MS, &lock, &err) || load_remove(options->bpffs, &err))
        return fail(&err);
    if (was_there)
        printf("detached all pods, removed %s\n", options->bpffs);
    else
        printf("nothing was pinned at %s\n", options->bpffs);
    remove_file(options->socket);
    remove_file(options->cni_socket);
    return EXIT_SUCCESS;
}

static int run_daemon(const struct options *options)
{
    static struct daemon daemon;
    struct error err = {0};

    if (daemon_start(&daemon, options, &err))
        return fail(&err);

    int failed = daemon_run(&daemon, &err);

    /* What no longer answers should not look as if it did. */
    unlink(options->cni_socket);
    unlink(options->socket);
    daemon_stop(&daemon);
    return failed ? fail(&err) : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct options options;
    struct error err = {0};

    if (options_parse(&options, argc, argv, &err)) {
        log_error("%s", err.msg);
        return 2;
    }
    log_set_level(options.log_level);
    switch (options.command) {
    case OPTIONS_HELP:
        fputs(options_usage(), stdout);
        return EXIT_SUCCESS;
    case OPTIONS_VERSION:
        printf("policyd %s, ABI %d\n", NSP_VERSION, NSP_ABI_VERSION);
        return EXIT_SUCCESS;
    case OPTIONS_REMOVE:
        return run_remove(&options);
    default:
        return run_daemon(&options);
    }
}
