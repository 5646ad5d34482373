/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nsp, the chained CNI plugin. The only file of it that reads the environment and stdin, prints, and decides the exit
 * code. stdout carries one JSON object or nothing; what a person should know goes to stderr.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cni-plugin/code.h"
#include "cni-plugin/commands.h"
#include "lib/cleanup.h"
#include "lib/log.h"

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value ? value : "";
}

static struct invocation read_environment(void)
{
    const char *override = environment("CNI_NETNS_OVERRIDE");

    return (struct invocation){
        .command = environment("CNI_COMMAND"),
        .container_id = environment("CNI_CONTAINERID"),
        .netns = environment("CNI_NETNS"),
        .ifname = environment("CNI_IFNAME"),
        .path = environment("CNI_PATH"),
        .args = environment("CNI_ARGS"),
        .netns_override = strcmp(override, "1") == 0 || strcasecmp(override, "true") == 0,
    };
}

/* Reads stdin to its end, or one byte beyond the limit. The caller frees *text. */
static int read_stdin(char **text, size_t *length, struct error *err)
{
    cleanup_free char *buffer = malloc(NETCONF_SIZE_MAX + 1);
    size_t used = 0;

    if (!buffer)
        return error_set(err, CNI_IO_FAILURE, "stdin: out of memory");
    while (used <= NETCONF_SIZE_MAX) {
        ssize_t n = read(STDIN_FILENO, buffer + used, NETCONF_SIZE_MAX + 1 - used);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, CNI_IO_FAILURE, "stdin: %s", strerror(errno));
        if (n == 0)
            break;
        used += (size_t)n;
    }
    *text = TAKE_PTR(buffer);
    *length = used;
    return 0;
}

static int print(const json_t *value)
{
    if (json_dumpf(value, stdout, JSON_COMPACT) < 0 || putchar('\n') == EOF || fflush(stdout) == EOF) {
        log_error("stdout: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

/* Bytes that came from outside may not be UTF-8, and JSON can carry nothing else. */
static json_t *printable(const char *text)
{
    json_t *value = json_string(text);
    char clean[256];
    size_t i;

    if (value)
        return value;
    for (i = 0; text[i] && i < sizeof(clean) - 1; i++)
        clean[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
    clean[i] = '\0';
    return json_string(clean);
}

static int fail(enum netconf_version version, const struct error *err)
{
    json_auto_t *object = json_pack("{s:s, s:i, s:o}", "cniVersion", netconf_versions[version], "code", err->code,
                                    "msg", printable(err->msg));

    if (err->code == CNI_INCOMPATIBLE_VERSION)
        json_object_set_new(object, "details", json_string("supported versions: " NETCONF_VERSIONS_TEXT));
    if (object)
        print(object);
    return EXIT_FAILURE;
}

static int print_about(void)
{
    fprintf(stderr,
            "CNI plugin nsp %s: attaches the Network Security Probe to pods, chained after the plugin that makes "
            "their interface\nCNI protocol versions supported: " NETCONF_VERSIONS_TEXT "\n",
            NSP_VERSION);
    return EXIT_SUCCESS;
}

/* VERSION needs no configuration and may have none; a terminal is not waited for. */
static int answer_version(void)
{
    cleanup_free char *text = NULL;
    struct netconf conf = {0};
    size_t length = 0;
    struct error err;

    if (!isatty(STDIN_FILENO) && read_stdin(&text, &length, &err) < 0)
        return fail(NETCONF_1_1_0, &err);
    if (length > strspn(text ? text : "", " \t\r\n") && netconf_decode(text, length, &conf, &err) < 0)
        return fail(NETCONF_1_1_0, &err);

    const char *asked = json_string_value(json_object_get(conf.root, "cniVersion"));
    json_auto_t *answer = commands_version(asked ? asked : netconf_versions[NETCONF_1_1_0]);
    int code = print(answer);

    netconf_free(&conf);
    return code;
}

/* Everything between a decoded configuration and the output. */
static int run(const struct command *command, const struct invocation *invocation, struct netconf *conf,
               json_t **output, struct error *err)
{
    int rc = netconf_check(conf, err);

    if (command->never_fails) {
        if (netconf_settings(conf, err) < 0)
            log_warning("%s", err->msg);
        return command->run(invocation, conf, output, err);
    }
    if (rc == 0 && conf->version < command->first)
        rc = error_set(err, CNI_INCOMPATIBLE_VERSION, "config version \"%s\" does not allow %s; it came with %s",
                       netconf_versions[conf->version], command->name, netconf_versions[command->first]);
    if (rc == 0)
        rc = netconf_settings(conf, err);
    return rc < 0 ? rc : command->run(invocation, conf, output, err);
}

static int decode_and_run(const struct command *command, const struct invocation *invocation)
{
    cleanup_free char *text = NULL;
    json_auto_t *output = NULL;
    struct netconf conf;
    struct error err;
    size_t length = 0;

    if (read_stdin(&text, &length, &err) < 0 || netconf_decode(text, length, &conf, &err) < 0)
        return fail(NETCONF_1_1_0, &err);

    int rc = run(command, invocation, &conf, &output, &err);
    int code = rc < 0 ? fail(conf.version, &err) : output ? print(output) : EXIT_SUCCESS;

    netconf_free(&conf);
    return code;
}

int main(void)
{
    struct invocation invocation = read_environment();
    const struct command *command = commands_find(invocation.command);
    struct error err;

    signal(SIGPIPE, SIG_IGN);
    if (invocation.command[0] == '\0')
        return print_about();
    if (strcmp(invocation.command, "VERSION") == 0)
        return answer_version();
    if (!command)
        error_set(&err, CNI_BAD_ENVIRONMENT,
                  "CNI_COMMAND: \"%.40s\" is unknown; expected ADD, DEL, CHECK, GC, STATUS or VERSION",
                  invocation.command);
    if (!command || invocation_check(&invocation, command->required, &err) < 0)
        return fail(NETCONF_1_1_0, &err);
    return decode_and_run(command, &invocation);
}
