/* SPDX-License-Identifier: Apache-2.0 */
/* nspctl observe: the violations, queries and answers that policyd keeps, and with -f each new one as it happens. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "nspctl/arguments.h"
#include "nspctl/client.h"
#include "nspctl/commands.h"
#include "nspctl/event_text.h"
#include "nspctl/since.h"

#define STOPPED 1 /* nobody reads our output any more */

enum format {
    FORMAT_COMPACT,
    FORMAT_TABLE,
    FORMAT_JSON,
};

struct wanted {
    enum format format;
    bool is_following;
    char *path; /* the address with its parameters */
};

static int take(const char *line, size_t length, void *context)
{
    const struct wanted *wanted = context;
    json_t *event;

    if (wanted->format == FORMAT_JSON) {
        fwrite(line, 1, length, stdout);
        putchar('\n');
    } else {
        event = json_loadb(line, length, 0, NULL);
        if (event && wanted->format == FORMAT_TABLE)
            event_text_row(event, stdout);
        else if (event)
            event_text_compact(event, stdout);
        json_decref(event);
    }
    if (wanted->is_following)
        fflush(stdout);
    return ferror(stdout) ? STOPPED : 0;
}

/* Adds key=value to the address. */
static int add_parameter(struct wanted *wanted, const char *key, const char *value, struct error *err)
{
    cleanup_free char *escaped = client_escape(value);
    char *path = NULL;

    if (!escaped || asprintf(&path, "%s%c%s=%s", wanted->path, strchr(wanted->path, '?') ? '&' : '?', key, escaped) < 0)
        return error_set(err, ENOMEM, "out of memory");
    free(wanted->path);
    wanted->path = path;
    return 0;
}

static int set_format(struct wanted *wanted, const char *text, struct error *err)
{
    static const char *const names[] = {"compact", "table", "json"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            wanted->format = (enum format)i;
            return 0;
        }
    }
    return error_set(err, NSPCTL_USAGE, "-o: \"%s\" is none of compact, table, json", text);
}

static int set_since(struct wanted *wanted, const char *text, struct error *err)
{
    char number[32];
    time_t since;

    if (since_parse(text, time(NULL), &since, err)) {
        err->code = NSPCTL_USAGE;
        return error_wrap(err, "--since");
    }
    snprintf(number, sizeof(number), "%lld", (long long)since);
    return add_parameter(wanted, "since", number, err);
}

/* The words that the compact form prints are taken as well as the events' own. */
static const char *verdict_name(const char *text)
{
    if (strcmp(text, "DENIED") == 0)
        return "DROPPED";
    return strcmp(text, "AUDITED") == 0 ? "AUDIT" : text;
}

/* Options that are handed on as they are carry the parameter's name. */
static const struct option longs[] = {
    {"follow", no_argument, NULL, 'f'},
    {"namespace", required_argument, NULL, 'n'},
    {"output", required_argument, NULL, 'o'},
    {"since", required_argument, NULL, 's'},
    {"pod", required_argument, NULL, 'p'},
    {"binary", required_argument, NULL, 'p'},
    {"profile", required_argument, NULL, 'p'},
    {"fqdn", required_argument, NULL, 'p'},
    {"http-method", required_argument, NULL, 'p'},
    {"http-path", required_argument, NULL, 'p'},
    {"reason", required_argument, NULL, 'p'},
    {"traffic-direction", required_argument, NULL, 'p'},
    {"protocol", required_argument, NULL, 'p'},
    {"port", required_argument, NULL, 'p'},
    {"ip", required_argument, NULL, 'p'},
    {"type", required_argument, NULL, 't'},
    {"verdict", required_argument, NULL, 'v'},
    {"last", required_argument, NULL, 'p'},
    {NULL, 0, NULL, 0},
};

static int read_option(struct wanted *wanted, int option, int index, char **argv, struct error *err)
{
    switch (option) {
    case 'f':
        wanted->is_following = true;
        return add_parameter(wanted, "follow", "1", err);
    case 'n':
        return add_parameter(wanted, "namespace", optarg, err);
    case 'o':
        return set_format(wanted, optarg, err);
    case 's':
        return set_since(wanted, optarg, err);
    case 'p':
        return add_parameter(wanted, longs[index].name, optarg, err);
    case 't':
        return add_parameter(wanted, "type", optarg, err);
    case 'v':
        return add_parameter(wanted, "verdict", verdict_name(optarg), err);
    default:
        return arguments_fail(option, argv, err);
    }
}

static int read_options(struct wanted *wanted, int argc, char **argv, struct error *err)
{
    int option, index = 0;

    while ((option = getopt_long(argc, argv, ":fn:o:t:", longs, &index)) != -1) {
        if (read_option(wanted, option, index, argv, err))
            return -err->code;
    }
    if (optind < argc)
        return error_set(err, NSPCTL_USAGE, "%s: no such argument", argv[optind]);
    return 0;
}

int command_observe(int argc, char **argv, const struct nspctl_options *options, struct error *err)
{
    struct wanted wanted = {.path = strdup("/v1/events")};
    int rc = wanted.path ? read_options(&wanted, argc, argv, err) : error_set(err, ENOMEM, "out of memory");

    if (rc == 0) {
        if (wanted.format == FORMAT_TABLE)
            event_text_heads(stdout);
        fflush(stdout);
        rc = client_stream(options->socket_path, wanted.path, take, &wanted, err);
    }
    free(wanted.path);
    return rc == STOPPED ? 0 : rc;
}
