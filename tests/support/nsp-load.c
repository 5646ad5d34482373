/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads the datapath, or takes it down, for tests that want no policyd: pods stay PENDING. Needs libbpf, so it is
 * linked with the archives and not into foreign namespaces.
 */
#include <stdio.h>
#include <string.h>

#include "datapath/load.h"

static int load(const char *directory, struct error *err)
{
    const struct load_options options = {.directory = directory, .exempt_node = 1};
    struct datapath datapath;
    int adopted;
    int rc = load_or_adopt(&datapath, &options, &adopted, err);

    if (rc == 0)
        pins_close(&datapath);
    return rc;
}

int main(int argc, char **argv)
{
    struct error err;
    int rc;

    if (argc == 3 && strcmp(argv[1], "--bpffs") == 0) {
        rc = load(argv[2], &err);
    } else if (argc == 4 && strcmp(argv[1], "--remove") == 0 && strcmp(argv[2], "--bpffs") == 0) {
        rc = load_remove(argv[3], &err);
    } else {
        fprintf(stderr, "usage: nsp-load [--remove] --bpffs DIR\n");
        return 2;
    }
    if (rc < 0)
        fprintf(stderr, "nsp-load: %s\n", err.msg);
    return rc < 0;
}
