/* SPDX-License-Identifier: Apache-2.0 */
/* What main.c dispatches to: one file and one function per command. */
#ifndef NSP_NSPCTL_COMMANDS_H
#define NSP_NSPCTL_COMMANDS_H

#include "lib/error.h"

#define NSPCTL_SOCKET_PATH "/run/nsp/policyd.sock"

struct nspctl_options {
    const char *socket_path; /* policyd's status socket */
};

/* As err->code: the arguments were wrong. main.c adds the command's usage and exits with 2. */
#define NSPCTL_USAGE 10002

/*
 * argv[0] is the command's own name; getopt is ready to start. Results go to stdout, nothing to stderr. Returns the
 * exit status (0 or more), or a negative value with *err filled: main.c prints that and exits with 1.
 */
int command_check(int argc, char **argv, const struct nspctl_options *options, struct error *err);
int command_fqdn(int argc, char **argv, const struct nspctl_options *options, struct error *err);
int command_learn(int argc, char **argv, const struct nspctl_options *options, struct error *err);
int command_observe(int argc, char **argv, const struct nspctl_options *options, struct error *err);
int command_pods(int argc, char **argv, const struct nspctl_options *options, struct error *err);
int command_profiles(int argc, char **argv, const struct nspctl_options *options, struct error *err);
int command_status(int argc, char **argv, const struct nspctl_options *options, struct error *err);

#endif
