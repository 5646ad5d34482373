/* SPDX-License-Identifier: Apache-2.0 */
/* What a person may set: flags, and a file of `key = value` lines whose keys are the flags' names. Flags win. */
#ifndef NSP_POLICYD_OPTIONS_H
#define NSP_POLICYD_OPTIONS_H

#include <stdbool.h>

#include "lib/cidr.h"
#include "lib/error.h"
#include "lib/log.h"

#define OPTIONS_CONFIG "/etc/nsp/policyd.conf"
#define OPTIONS_MANIFESTS "/etc/nsp/manifests"
#define OPTIONS_SOCKET "/run/nsp/policyd.sock"
#define OPTIONS_CNI_SOCKET "/run/nsp/cni.sock"
#define OPTIONS_RANGES_MAX 128
#define OPTIONS_NAME_MAX 254 /* of a node, with its final zero */
#define OPTIONS_PATH_MAX 108 /* of a unix socket, with its final zero */

/* What to do, as the flags say. */
enum options_command {
    OPTIONS_RUN,
    OPTIONS_REMOVE,
    OPTIONS_VERSION,
    OPTIONS_HELP,
};

/* Where profiles and pods come from. */
enum options_source {
    OPTIONS_SOURCE_MANIFESTS,
    OPTIONS_SOURCE_KUBERNETES,
};

struct options {
    enum options_command command;
    enum options_source source;
    char manifests[256];
    char kubeconfig[256];             /* "": the ServiceAccount of our pod */
    char node_name[OPTIONS_NAME_MAX]; /* "": the host's name */
    char bpffs[OPTIONS_PATH_MAX];
    char socket[OPTIONS_PATH_MAX];
    char cni_socket[OPTIONS_PATH_MAX];
    unsigned long events_per_second; /* of each pod; 0 = no limit */
    unsigned long events_burst;
    bool exempt_node;
    unsigned long name_floor_s; /* an address is known by its name for max(TTL, floor), ... */
    unsigned long name_cap_s;   /* ... and at most this long; 1 second to 24 hours, not below the floor */
    size_t unlearnable_count;
    struct cidr unlearnable[OPTIONS_RANGES_MAX]; /* ranges whose addresses are never learnt */
    enum log_level log_level;
};

void options_init(struct options *options);

/*
 * Reads the flags and the file they name; the default file may be absent. The message names flag or file, line and
 * key. Sets of `options` are complete only on success.
 */
int options_parse(struct options *options, int argc, char **argv, struct error *err);

/* One file over what is in `options`. */
int options_read_file(struct options *options, const char *path, struct error *err);

/* One setting by its name, without dashes. */
int options_set(struct options *options, const char *key, const char *value, struct error *err);

const char *options_usage(void);

#endif
