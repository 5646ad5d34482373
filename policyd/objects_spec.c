/* SPDX-License-Identifier: Apache-2.0 */
/* The spec of a profile but for its selector's and rules' insides: actions, attacks, `default`, processes. */
#include "policyd/objects_spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/name.h"
#include "policyd/objects_rules.h"
#include "policyd/objects_selector.h"

enum {
    PROCESSES_MAX = 64,
    ACTIONS_MAX = 16,
    ACTION_UNSET = -1,
};

/* RULES of both directions, and whether they stand under `default`. */
struct network_reading {
    struct rules_spec *rules;
    bool is_default;
};

/* What one list of actions comes to. */
struct actions_reading {
    int action;
    __u8 flags;
};

static int read_action(const struct field *field, void *into)
{
    static const char *const words[] = {"ignore", "alert", "enforce", "trace-dns", "learn", NULL};
    struct actions_reading *actions = into;
    int choice = field_choice(field, words);

    if (choice < 0)
        return choice;
    field->reading->has_enforce |= choice == ACTION_ENFORCE;
    field->reading->has_learn |= strcmp(words[choice], "learn") == 0;
    if (choice > ACTION_ENFORCE)
        actions->flags |= strcmp(words[choice], "learn") == 0 ? PART_LEARN : PART_TRACE_DNS;
    else if (choice > actions->action)
        actions->action = choice;
    return 0;
}

/* The strongest of the list; ignore for one that is empty or only tells, by trace-dns and learn. */
static int read_actions(const struct field *field, int *action, __u8 *flags)
{
    struct actions_reading actions = {.action = ACTION_IGNORE};
    size_t count;

    if (field_list(field, ACTIONS_MAX, &count) < 0 || field_each(field, read_action, &actions) < 0)
        return -EINVAL;
    *action = actions.action;
    *flags = actions.flags;
    return 0;
}

static int read_profile_actions(const struct field *field, void *into)
{
    struct profile *profile = into;

    profile->has_actions = json_array_size(field->value) > 0;
    return read_actions(field, &profile->action, &profile->flags);
}

static int read_process_actions(const struct field *field, void *into)
{
    struct process_spec *process = into;

    return read_actions(field, &process->action, &process->flags);
}

static int read_attack(const struct field *field, void *into)
{
    /* in the order of enum attacks */
    static const char *const words[] = {"arp-spoofing", "nd-spoofing", "ip-spoofing", "raw-socket", NULL};
    struct profile *profile = into;
    int choice = field_choice(field, words);

    if (choice < 0)
        return choice;
    profile->attacks |= (__u8)(1u << choice);
    return 0;
}

static int read_attacks(const struct field *field, void *into)
{
    size_t count;

    if (field_list(field, ACTIONS_MAX, &count) < 0)
        return -EINVAL;
    return field_each(field, read_attack, into);
}

static int read_name_scope(const struct field *field, void *into)
{
    static const char *const words[] = {"process", "pod", NULL};
    struct profile *profile = into;
    int choice = field_choice(field, words);

    if (choice < 0)
        return choice;
    profile->is_pod_scope = choice == 1;
    return 0;
}

static int read_egress(const struct field *field, void *into)
{
    struct network_reading *network = into;

    return rules_read(field, &network->rules[EGRESS], !network->is_default);
}

static int read_ingress(const struct field *field, void *into)
{
    return rules_read(field, &((struct network_reading *)into)->rules[INGRESS], false);
}

static int read_directions(const struct field *field, struct rules_spec rules[DIRECTIONS], bool is_default)
{
    static const struct member members[] = {{"egress", read_egress}, {"ingress", read_ingress}, {0}};
    struct network_reading network = {.rules = rules, .is_default = is_default};

    return field_read_object(field, members, &network);
}

static int read_default(const struct field *field, void *into)
{
    struct profile *profile = into;

    profile->has_default = true;
    return read_directions(field, profile->default_, true);
}

static int read_network(const struct field *field, void *into)
{
    return read_directions(field, ((struct process_spec *)into)->rules, false);
}

static int check_path(const struct field *field, const char *path)
{
    size_t length = strlen(path), depth = 0, size;

    if (path[0] != '/')
        return field_refuse(field,
                            "\"%.80s\" is not absolute; write the path inside the container, such as "
                            "/usr/bin/curl",
                            path);
    if (length >= NSP_PATH_MAX)
        return field_refuse(field, "\"%.40s...\" has %zu bytes; at most %d", path, length, NSP_PATH_MAX - 1);
    for (const char *part = path; *part; part += size) {
        part++;
        size = strcspn(part, "/");
        if (size == 0)
            return field_refuse(field,
                                "\"%.80s\" has an empty component; write it without // and without a / at its "
                                "end",
                                path);
        if ((size == 1 && part[0] == '.') || (size == 2 && part[0] == '.' && part[1] == '.'))
            return field_refuse(field, "\"%.80s\" has a . or .. in it; write the resolved path", path);
        if (size > 255)
            return field_refuse(field, "\"%.40s...\" has a component of %zu bytes; at most 255", path, size);
        depth++;
    }
    if (depth > NSP_PATH_DEPTH_MAX)
        return field_refuse(field, "\"%.40s...\" has %zu components; at most %d", path, depth, NSP_PATH_DEPTH_MAX);
    for (const char *c = path; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return field_refuse(field, "\"%.80s\" has a control character in it", path);
    }
    return 0;
}

/* Version numbers are left out: python3.11 is python. */
static bool is_interpreter(const char *path)
{
    static const char *const names[] = {"ash",    "bash", "busybox", "csh",  "dash",   "java", "ksh", "lua",   "node",
                                        "nodejs", "perl", "php",     "pwsh", "python", "ruby", "sh",  "tclsh", "zsh"};
    const char *name = strrchr(path, '/') + 1;
    size_t length = strlen(name);

    while (length > 0 && strchr("0123456789.-", name[length - 1]))
        length--;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
            return true;
    }
    return false;
}

static int read_path(const struct field *field, void *into)
{
    struct process_spec *process = into;
    const char *path = field_string(field);

    if (!path || check_path(field, path) < 0 || field_copy(field, NULL, &process->path) < 0)
        return -EINVAL;
    if (!is_interpreter(path))
        return 0;
    return field_warn(
        field, "\"%.80s\" runs programs that others write: every script, applet or class shares this block", path);
}

static int read_container(const struct field *field, void *into)
{
    return field_copy(field, name_check_label, &((struct process_spec *)into)->container);
}

static int read_image_only(const struct field *field, void *into)
{
    return field_boolean(field, &((struct process_spec *)into)->is_image_only);
}

static bool is_same_block(const struct process_spec *a, const struct process_spec *b)
{
    if (strcmp(a->path, b->path) != 0 || !a->container != !b->container)
        return false;
    return !a->container || strcmp(a->container, b->container) == 0;
}

/* Of the blocks before this one. */
static int check_siblings(const struct field *field, const struct profile *profile, const struct process_spec *process)
{
    size_t blocks = 1;
    struct field path;

    field_child(field, "path", &path);
    for (size_t i = 0; i + 1 < profile->processes_count; i++) {
        const struct process_spec *other = &profile->processes[i];

        if (is_same_block(other, process))
            return field_refuse(&path, "\"%.80s\" is also the path of spec.processes[%zu]; write one block for it",
                                process->path, i);
        blocks += strcmp(other->path, process->path) == 0;
    }
    if (blocks > NSP_PARTS_MAX)
        return field_refuse(&path, "\"%.80s\" has %zu blocks; at most %d, each for one container, or for all",
                            process->path, blocks, NSP_PARTS_MAX);
    return 0;
}

static int read_process(const struct field *field, void *into)
{
    static const struct member members[] = {{"path", read_path},
                                            {"container", read_container},
                                            {"imageOnly", read_image_only},
                                            {"actions", read_process_actions},
                                            {"network", read_network},
                                            {0}};
    struct profile *profile = into;
    struct process_spec *process = &profile->processes[profile->processes_count++];

    process->action = ACTION_UNSET;
    if (field_read_object(field, members, process) < 0)
        return -EINVAL;
    if (!process->path)
        return field_refuse_missing(field, "path", "write the executable's path inside the container");

    return check_siblings(field, profile, process);
}

static int read_processes(const struct field *field, void *into)
{
    struct profile *profile = into;
    size_t count;

    if (field_list(field, PROCESSES_MAX, &count) < 0)
        return -EINVAL;
    profile->processes = calloc(count + 1, sizeof(*profile->processes));
    if (!profile->processes)
        return field_out_of_memory(field);
    return field_each(field, read_process, profile);
}

static int read_selector(const struct field *field, void *into)
{
    return selector_read(field, &((struct profile *)into)->selector);
}

/* What can only be said when every field of the spec has been read. */
static int finish_spec(const struct field *spec, struct profile *profile)
{
    struct field actions;

    field_child(spec, "actions", &actions);
    if (spec->reading->has_learn && spec->reading->has_enforce)
        return field_refuse(&actions, "learn and enforce in one profile; a profile that learns drops nothing: use two");
    for (size_t i = 0; i < profile->processes_count; i++) {
        struct process_spec *process = &profile->processes[i];

        if (process->action != ACTION_UNSET)
            continue;
        process->action = profile->action;
        process->flags = profile->flags;
    }
    if (profile->has_actions)
        return 0;
    return field_warn(&actions, "none given: violations are only counted; write alert or enforce");
}

int spec_read(const struct field *field, struct profile *profile)
{
    static const struct member members[] = {{"labelSelector", read_selector},
                                            {"nameScope", read_name_scope},
                                            {"actions", read_profile_actions},
                                            {"attacks", read_attacks},
                                            {"default", read_default},
                                            {"processes", read_processes},
                                            {0}};

    if (field_read_object(field, members, profile) < 0)
        return -EINVAL;
    return finish_spec(field, profile);
}
