/* SPDX-License-Identifier: Apache-2.0 */
/* nspctl: what a person asks of NSP. This file alone prints errors and exits; each command has a file of its own. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "nspctl/commands.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv, const struct nspctl_options *options, struct error *err);
    const char *arguments;
    const char *summary;
};

static const struct command commands[] = {
    {"status", command_status, "[-o json|table]", "what policyd and the datapath are doing on this node"},
    {"pods", command_pods, "[-n NAMESPACE] [--pod POD] [-o json|table]",
     "the pods of this node and what is in force for each"},
    {"profiles", command_profiles, "[-n NAMESPACE] [-o json|table]", "the profiles policyd knows, refused ones too"},
    {"observe", command_observe,
     "[-f] [-n NAMESPACE] [--pod POD] [--binary PATH] [--profile PROFILE] [--verdict VERDICT] [--reason REASON] "
     "[-t TYPE] [--fqdn NAME] [--http-method METHOD] [--http-path PATH] [--traffic-direction DIRECTION] "
     "[--protocol PROTOCOL] [--port PORT] [--ip ADDRESS] [--since TIME] [--last N] [-o compact|table|json]",
     "violations, DNS queries and answers, as they happen with -f"},
    {"fqdn", command_fqdn, "list [-n NAMESPACE] [--pod POD] [-o json|table]",
     "the names and addresses pods have learnt"},
    {"learn", command_learn, "[-n NAMESPACE] [--pod POD] [-o yaml|json]", "what profiles with `learn` have recorded"},
    {"check", command_check, "FILE...", "validate manifests as policyd would; needs no policyd"},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
    printf("usage: nspctl [--socket PATH] COMMAND [ARGUMENT...]\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-9s %s\n", commands[i].name, commands[i].summary);
    printf("\n  --socket PATH  policyd's status socket, default " NSPCTL_SOCKET_PATH "\n"
           "  --help         this text; after a command: its arguments\n"
           "  --version      the version of nspctl\n");
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static void print_usage(FILE *to, const struct command *command)
{
    fprintf(to, "usage: nspctl [--socket PATH] %s %s\n", command->name, command->arguments);
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

static int run_command(int argc, char **argv, const struct nspctl_options *options)
{
    const struct command *command = find_command(argv[0]);
    struct error err = {0};

    if (!command) {
        fprintf(stderr, "nspctl: \"%s\" is not a command; nspctl --help lists them\n", argv[0]);
        return 2;
    }
    if (asks_for_help(argc, argv)) {
        print_usage(stdout, command);
        printf("  %s\n", command->summary);
        return 0;
    }

    optind = 0; /* glibc: start over */
    opterr = 0; /* commands report through err */

    int status = command->run(argc, argv, options, &err);

    if (status >= 0)
        return status;
    fflush(stdout); /* what was found before the error comes first */
    fprintf(stderr, "nspctl %s: %s\n", command->name, err.msg);
    if (err.code != NSPCTL_USAGE)
        return 1;
    print_usage(stderr, command);
    return 2;
}

/* A full disk or a closed pipe must not look like success. */
static int finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "nspctl: cannot write the result: %s\n", strerror(errno));
    return status ? status : 1;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"socket", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {0},
    };
    struct nspctl_options options = {.socket_path = NSPCTL_SOCKET_PATH};
    int option;

    signal(SIGPIPE, SIG_IGN); /* a write that fails is reported by finish() */
    while ((option = getopt_long(argc, argv, "+hV", longs, NULL)) != -1) {
        switch (option) {
        case 's':
            options.socket_path = optarg;
            break;
        case 'h':
            print_help();
            return finish(0);
        case 'V':
            printf("nspctl %s\n", NSP_VERSION);
            return finish(0);
        default: /* getopt has said what is wrong */
            fprintf(stderr, "nspctl --help lists options and commands\n");
            return 2;
        }
    }
    if (optind >= argc) {
        fprintf(stderr, "nspctl: a command is missing; nspctl --help lists them\n");
        return 2;
    }
    return finish(run_command(argc - optind, argv + optind, &options));
}
