/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executes histories (generate.py) on the real object: profiles go through policyd's own code into the maps, packets
 * through the shipped programs by BPF_PROG_TEST_RUN. One line of JSON with a list of operations comes in, one with a
 * list of answers goes out. What is right is for model.py to say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <bpf/bpf.h>

#include "datapath/record.h"
#include "datapath/text_hash.h"
#include "lib/log.h"
#include "policyd/assign.h"
#include "tests/bpf/sandbox.h"
#include "tests/model/packets.h"
#include "tests/model/parse.h"
#include "tests/model/tables.h"

static struct world world;

static json_t *refuse(const char *message)
{
    return json_pack("{s:s}", "error", message);
}

/* --- profiles ----------------------------------------------------------------------------------------------------- */

static void remove_profiles(void)
{
    while (world.store.profiles_count) {
        const struct stored_profile *stored = &world.store.profiles[0];
        char name[80];

        snprintf(name, sizeof(name), "%s", stored->name);
        assign_note_change(&world.sync, stored->namespace_, name);
        store_remove_profile(&world.store, "test", name);
    }
}

static int put_profile(const json_t *manifest, struct error *err)
{
    struct profile *profile = NULL;

    if (objects_parse_profile(manifest, &profile, err))
        return -1;
    assign_note_change(&world.sync, profile->namespace_, profile->name);
    return store_put_profile(&world.store, profile, "model");
}

/* All profiles at once, as one revision, whose number is the answer; the pod is READY. */
static json_t *apply(const json_t *manifests)
{
    static char space[] = "test", name[] = "pod";
    struct pod_object pod = {.namespace_ = space, .name = name};
    struct synced *policy = NULL;
    struct error err = {0};
    size_t i;
    const json_t *manifest;

    sync_collect(&world.sync);
    remove_profiles();
    json_array_foreach (manifests, i, manifest) {
        if (put_profile(manifest, &err))
            return refuse(err.msg);
    }
    if (assign_policy(&world.sync, &world.store, &pod, &policy, &err))
        return refuse(err.msg);
    if (policy && policy->error)
        return refuse(policy->error);
    if (record_set_state(&world.datapath, world.slot, world.epoch, policy ? policy->index : 0, POD_READY))
        return refuse("the pod's state cannot be set");
    packets_set_policy(policy ? policy->index : 0);
    return json_integer(policy ? (json_int_t)policy->revision : 0);
}

/* {name: cgroup id of its processes} */
static json_t *set_containers(const json_t *containers)
{
    const char *name;
    const json_t *id;

    json_object_foreach ((json_t *)containers, name, id) {
        __u64 cgroup_id = (__u64)json_integer_value(id);
        __u64 hash = container_hash(name, world.datapath.control->path_key);

        if (bpf_map_update_elem(world.datapath.maps[MAP_CONTAINERS], &cgroup_id, &hash, BPF_ANY))
            return refuse("nsp_containers");
    }
    return json_true();
}

/* ------------------------------------------------------------------------------------------------------------------ */

/* [name, argument]: see harness.py. */
static json_t *execute(const json_t *operation)
{
    const char *name = json_string_value(json_array_get(operation, 0));
    const json_t *argument = json_array_get(operation, 1);

    if (!name)
        return refuse("an operation is [name, argument]");
    if (strcmp(name, "packet") == 0)
        return packets_run(&world, argument);
    if (strcmp(name, "apply") == 0)
        return apply(argument);
    if (strcmp(name, "containers") == 0)
        return set_containers(argument);
    if (strcmp(name, "clear") == 0)
        return tables_clear(&world);
    if (strcmp(name, "wait") == 0)
        return tables_wait(&world, (__u64)json_integer_value(argument));
    if (strcmp(name, "parse") == 0)
        return parse_run(argument);
    return refuse("no such operation");
}

static json_t *execute_all(const json_t *operations)
{
    json_t *answers = json_array();
    size_t i;
    const json_t *operation;

    json_array_foreach (operations, i, operation)
        json_array_append_new(answers, execute(operation));
    return answers;
}

/* Names are learnt for an hour at least, as policyd's default has it; every violation may be an event. */
static void set_control(void)
{
    struct control *control = world.datapath.control;

    control->name_floor_ns = 3600ULL * 1000000000;
    control->name_cap_ns = 24 * 3600ULL * 1000000000;
    control->event_interval_ns = 0;
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;

    log_set_level(LOG_LEVEL_WARNING);
    sandbox_enter();
    world_start(&world);
    set_control();
    packets_start(&world);
    while (getline(&line, &size, stdin) > 0) {
        json_t *operations = json_loads(line, 0, NULL);
        json_t *answers = execute_all(operations);

        json_dumpf(answers, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(answers);
        json_decref(operations);
    }
    free(line);
    packets_stop();
    world_stop(&world);
    sandbox_leave();
    return 0;
}
