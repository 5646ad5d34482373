/* SPDX-License-Identifier: Apache-2.0 */
/* Options: see options.h. One table names every setting, for flags and file alike. */
#include "policyd/options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/pins.h"
#include "lib/cleanup.h"
#include "lib/name.h"

enum kind {
    KIND_PATH,
    KIND_PATH_OR_NONE, /* "" is none */
    KIND_NUMBER,
    KIND_SWITCH,
    KIND_LEVEL,
    KIND_SOURCE,
    KIND_NAME,
    KIND_SECONDS,
    KIND_RANGES,
};

static const struct setting {
    const char *key;
    enum kind kind;
    size_t offset;
    size_t size; /* of a path */
} settings[] = {
    {"source", KIND_SOURCE, offsetof(struct options, source), 0},
    {"manifests", KIND_PATH, offsetof(struct options, manifests), sizeof(((struct options *)0)->manifests)},
    {"kubeconfig", KIND_PATH_OR_NONE, offsetof(struct options, kubeconfig), sizeof(((struct options *)0)->kubeconfig)},
    {"node-name", KIND_NAME, offsetof(struct options, node_name), 0},
    {"bpffs", KIND_PATH, offsetof(struct options, bpffs), sizeof(((struct options *)0)->bpffs)},
    {"socket", KIND_PATH, offsetof(struct options, socket), sizeof(((struct options *)0)->socket)},
    {"cni-socket", KIND_PATH, offsetof(struct options, cni_socket), sizeof(((struct options *)0)->cni_socket)},
    {"events-per-second", KIND_NUMBER, offsetof(struct options, events_per_second), 0},
    {"events-burst", KIND_NUMBER, offsetof(struct options, events_burst), 0},
    {"exempt-node", KIND_SWITCH, offsetof(struct options, exempt_node), 0},
    {"name-floor", KIND_SECONDS, offsetof(struct options, name_floor_s), 0},
    {"name-cap", KIND_SECONDS, offsetof(struct options, name_cap_s), 0},
    {"refuse-learning", KIND_RANGES, 0, 0},
    {"log-level", KIND_LEVEL, offsetof(struct options, log_level), 0},
};
#define SETTINGS (sizeof(settings) / sizeof(settings[0]))
#define NUMBER_MAX 1000000000UL
#define SECONDS_MAX (24 * 3600UL)

const char *options_usage(void)
{
    return "usage: policyd [OPTION...]\n"
           "\n"
           "  --config FILE             settings, default " OPTIONS_CONFIG "\n"
           "  --source SOURCE           of SecurityProfiles and Pods: manifests (default) or kubernetes\n"
           "  --manifests DIR           files of source manifests, default " OPTIONS_MANIFESTS "\n"
           "  --kubeconfig FILE         of source kubernetes; default the ServiceAccount of policyd's pod\n"
           "  --node-name NAME          in events, and whose pods to ask for; default the host's name\n"
           "  --bpffs DIR               where the datapath is pinned, default " PINS_DIRECTORY "\n"
           "  --socket PATH             status socket, default " OPTIONS_SOCKET "\n"
           "  --cni-socket PATH         where the CNI plugin asks, default " OPTIONS_CNI_SOCKET "\n"
           "  --events-per-second N     limit of each pod, 0 = none, default 10\n"
           "  --events-burst N          how many may come at once, default 100\n"
           "  --exempt-node yes|no      the node's own connections into pods pass, default yes\n"
           "  --name-floor TIME         a name's address is known at least this long, default 1h\n"
           "  --name-cap TIME           and at most this long, default and limit 24h\n"
           "  --refuse-learning CIDR[,CIDR...]\n"
           "                            ranges whose addresses no DNS answer teaches, default none\n"
           "  --log-level LEVEL         error, warning, info or debug, default info\n"
           "  --remove                  detach and unpin everything, then exit\n"
           "  --help, --version\n";
}

void options_init(struct options *options)
{
    *options = (struct options){
        .manifests = OPTIONS_MANIFESTS,
        .bpffs = PINS_DIRECTORY,
        .socket = OPTIONS_SOCKET,
        .cni_socket = OPTIONS_CNI_SOCKET,
        .events_per_second = 10,
        .events_burst = 100,
        .exempt_node = true,
        .name_floor_s = 3600,
        .name_cap_s = SECONDS_MAX,
        .log_level = LOG_LEVEL_INFO,
    };
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    for (size_t length = strlen(text); length > 0 && strchr(" \t\r\n", text[length - 1]); length--)
        text[length - 1] = '\0';
    return text;
}

static int set_path(char *field, const struct setting *setting, const char *value, struct error *err)
{
    if (value[0] != '/' && (value[0] || setting->kind != KIND_PATH_OR_NONE))
        return error_set(err, EINVAL, "%s: \"%s\" is not an absolute path", setting->key, value);
    if (strlen(value) >= setting->size)
        return error_set(err, EINVAL, "%s: \"%s\" is longer than %zu characters", setting->key, value,
                         setting->size - 1);
    memcpy(field, value, strlen(value) + 1);
    return 0;
}

static int set_number(unsigned long *field, const char *key, const char *value, struct error *err)
{
    char *end;
    unsigned long number;

    errno = 0;
    number = strtoul(value, &end, 10);
    if (errno || *end || value[0] < '0' || value[0] > '9' || number > NUMBER_MAX)
        return error_set(err, EINVAL, "%s: \"%s\" is not a number from 0 to %lu", key, value, NUMBER_MAX);
    *field = number;
    return 0;
}

static int set_switch(bool *field, const char *key, const char *value, struct error *err)
{
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        return error_set(err, EINVAL, "%s: \"%s\" is neither yes nor no", key, value);
    *field = value[0] == 'y';
    return 0;
}

static int set_level(enum log_level *field, const char *key, const char *value, struct error *err)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(value, names[i]) == 0) {
            *field = (enum log_level)i;
            return 0;
        }
    }
    return error_set(err, EINVAL, "%s: \"%s\" is none of error, warning, info, debug", key, value);
}

/* "90s", "30m", "1h" */
static int set_seconds(unsigned long *field, const char *key, const char *value, struct error *err)
{
    char *unit;
    unsigned long number = strtoul(value, &unit, 10), factor = 0;

    if (strcmp(unit, "s") == 0)
        factor = 1;
    else if (strcmp(unit, "m") == 0)
        factor = 60;
    else if (strcmp(unit, "h") == 0)
        factor = 3600;
    if (value[0] < '0' || value[0] > '9' || !factor || number > SECONDS_MAX / factor)
        return error_set(err, EINVAL, "%s: \"%s\" is not a time of at most 24h, such as 90s, 30m or 1h", key, value);
    *field = number * factor;
    return 0;
}

static int add_range(struct options *options, const char *key, const char *text, struct error *err)
{
    struct cidr *range = &options->unlearnable[options->unlearnable_count];
    char masked[CIDR_TEXT_SIZE];
    bool has_host_bits = false;

    if (options->unlearnable_count == OPTIONS_RANGES_MAX)
        return error_set(err, EINVAL, "%s: more than %d ranges", key, OPTIONS_RANGES_MAX);
    if (cidr_parse(text, !strchr(text, ':'), range, &has_host_bits, err) < 0)
        return error_wrap(err, "%s", key);
    if (has_host_bits) {
        cidr_format(range, masked);
        return error_set(err, EINVAL, "%s: \"%s\" has host bits; write %s", key, text, masked);
    }
    options->unlearnable_count++;
    return 0;
}

/* Replaces what was set before; an empty value is none. */
static int set_ranges(struct options *options, const char *key, const char *value, struct error *err)
{
    cleanup_free char *copy = strdup(value);
    char *rest = copy;

    if (!copy)
        return error_set(err, ENOMEM, "out of memory");
    options->unlearnable_count = 0;
    while (rest && value[0]) {
        char *text = strsep(&rest, ",");

        if (add_range(options, key, trim(text), err))
            return -err->code;
    }
    return 0;
}

static int set_source(enum options_source *field, const char *key, const char *value, struct error *err)
{
    if (strcmp(value, "manifests") != 0 && strcmp(value, "kubernetes") != 0)
        return error_set(err, EINVAL, "%s: \"%s\" is neither manifests nor kubernetes", key, value);
    *field = value[0] == 'k' ? OPTIONS_SOURCE_KUBERNETES : OPTIONS_SOURCE_MANIFESTS;
    return 0;
}

static int set_name(char field[OPTIONS_NAME_MAX], const char *key, const char *value, struct error *err)
{
    if (value[0] && name_check_subdomain(value, err)) /* "" is the default */
        return error_wrap(err, "%s", key);
    snprintf(field, OPTIONS_NAME_MAX, "%s", value);
    return 0;
}

int options_set(struct options *options, const char *key, const char *value, struct error *err)
{
    const struct setting *setting = NULL;

    for (size_t i = 0; i < SETTINGS; i++) {
        if (strcmp(settings[i].key, key) == 0)
            setting = &settings[i];
    }
    if (!setting)
        return error_set(err, EINVAL, "\"%s\" is not a setting; `policyd --help` lists them", key);

    void *field = (char *)options + setting->offset;

    switch (setting->kind) {
    case KIND_PATH:
    case KIND_PATH_OR_NONE:
        return set_path(field, setting, value, err);
    case KIND_NUMBER:
        return set_number(field, key, value, err);
    case KIND_SWITCH:
        return set_switch(field, key, value, err);
    case KIND_SECONDS:
        return set_seconds(field, key, value, err);
    case KIND_RANGES:
        return set_ranges(options, key, value, err);
    case KIND_SOURCE:
        return set_source(field, key, value, err);
    case KIND_NAME:
        return set_name(field, key, value, err);
    default:
        return set_level(field, key, value, err);
    }
}

static int read_line(struct options *options, char *line, struct error *err)
{
    char *key = trim(line), *equals = strchr(key, '=');

    if (key[0] == '\0' || key[0] == '#')
        return 0;
    if (!equals)
        return error_set(err, EINVAL, "\"%s\" is not of the form `key = value`", key);
    *equals = '\0';
    return options_set(options, trim(key), trim(equals + 1), err);
}

int options_read_file(struct options *options, const char *path, struct error *err)
{
    struct options changed = *options;
    cleanup_fclose FILE *file = fopen(path, "re");
    cleanup_free char *line = NULL;
    size_t size = 0;

    if (!file)
        return error_set(err, errno, "%s: %s", path, strerror(errno));
    for (int number = 1; getline(&line, &size, file) >= 0; number++) {
        if (read_line(&changed, line, err))
            return error_wrap(err, "%s:%d", path, number);
    }
    if (ferror(file))
        return error_set(err, EIO, "%s: cannot be read to its end", path);
    *options = changed;
    return 0;
}

/* Flags that are no settings. */
enum flag {
    FLAG_CONFIG = 1000,
    FLAG_REMOVE,
    FLAG_VERSION,
    FLAG_HELP,
};

static void list_flags(struct option flags[SETTINGS + 5])
{
    static const struct option others[] = {
        {"config", required_argument, NULL, FLAG_CONFIG},
        {"remove", no_argument, NULL, FLAG_REMOVE},
        {"version", no_argument, NULL, FLAG_VERSION},
        {"help", no_argument, NULL, FLAG_HELP},
        {NULL, 0, NULL, 0},
    };

    for (size_t i = 0; i < SETTINGS; i++)
        flags[i] = (struct option){settings[i].key, required_argument, NULL, (int)i};
    memcpy(flags + SETTINGS, others, sizeof(others));
}

/* The file comes before all other flags, wherever it is named. */
static int read_config(struct options *options, const char *path, struct error *err)
{
    if (!path && access(OPTIONS_CONFIG, F_OK) && errno == ENOENT)
        return 0;
    return options_read_file(options, path ? path : OPTIONS_CONFIG, err);
}

static int apply_flag(struct options *options, int flag, const char *value, struct error *err)
{
    static const enum options_command commands[] = {OPTIONS_REMOVE, OPTIONS_VERSION, OPTIONS_HELP};

    if (flag == FLAG_CONFIG)
        return 0;
    if (flag > FLAG_CONFIG) {
        options->command = commands[flag - FLAG_REMOVE];
        return 0;
    }
    if (options_set(options, settings[flag].key, value, err))
        return error_wrap(err, "--%s", settings[flag].key);
    return 0;
}

/* Calls once for all flags; before reading the file only to find its name. */
static int walk_flags(struct options *options, int argc, char **argv, const char **config, struct error *err)
{
    struct option flags[SETTINGS + 5];
    int flag;

    list_flags(flags);
    optind = 0; /* glibc: start over */
    opterr = 0;
    while ((flag = getopt_long(argc, argv, "+:", flags, NULL)) != -1) {
        if (flag == '?' || flag == ':')
            return error_set(err, EINVAL, "%s: %s; `policyd --help` lists the flags", argv[optind - 1],
                             flag == ':' ? "a value is missing" : "unknown flag");
        if (flag == FLAG_CONFIG)
            *config = optarg;
        if (options && apply_flag(options, flag, optarg, err))
            return -err->code;
    }
    if (optind < argc)
        return error_set(err, EINVAL, "%s: not a flag; `policyd --help` lists them", argv[optind]);
    return 0;
}

int options_parse(struct options *options, int argc, char **argv, struct error *err)
{
    const char *config = NULL;
    struct options parsed;

    options_init(&parsed);
    if (walk_flags(NULL, argc, argv, &config, err))
        return -err->code;
    if (read_config(&parsed, config, err) || walk_flags(&parsed, argc, argv, &config, err))
        return -err->code;
    if (parsed.name_cap_s == 0 || parsed.name_cap_s < parsed.name_floor_s)
        return error_set(err, EINVAL,
                         "name-cap: %lus is below name-floor, %lus, or nothing; raise it or lower name-floor",
                         parsed.name_cap_s, parsed.name_floor_s);
    if (parsed.kubeconfig[0] && parsed.source != OPTIONS_SOURCE_KUBERNETES)
        return error_set(err, EINVAL, "kubeconfig: the source is manifests; set source to kubernetes");
    *options = parsed;
    return 0;
}
