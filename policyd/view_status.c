/* SPDX-License-Identifier: Apache-2.0 */
/* The node at a glance: what is loaded, how much there is, and everything that is wrong. */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "datapath/attach.h"
#include "datapath/record.h"
#include "lib/cleanup.h"
#include "policyd/daemon.h"
#include "policyd/event_json.h"
#include "policyd/tallies.h"
#include "policyd/view.h"

json_t *view_health(struct daemon *daemon, const char *pod)
{
    (void)daemon;
    (void)pod;
    return json_pack("{s:s}", "status", "ok");
}

struct attach_counts {
    json_int_t tcx, clsact, cgroup_only;
};

static int count_attachment(const struct attachment_key *key, const struct attachment *attachment, void *context)
{
    struct attach_counts *counts = context;

    (void)key;
    if (attachment->ifindex == 0)
        counts->cgroup_only++;
    else if (attachment->flags & ATTACHED_TCX)
        counts->tcx++;
    else
        counts->clsact++;
    return 0;
}

static json_t *make_attach(const struct daemon *daemon)
{
    struct attach_counts counts = {0};

    record_each(&daemon->datapath, count_attachment, &counts);
    return json_pack("{s:b,s:I,s:I,s:I}", "kernel_has_tcx", attach_has_tcx(), "tcx", counts.tcx, "clsact",
                     counts.clsact, "cgroup_only", counts.cgroup_only);
}

static json_t *make_pods(const struct daemon *daemon)
{
    json_int_t ready = 0;

    for (size_t i = 0; i < daemon->pods.count; i++)
        ready += (daemon->datapath.states[daemon->pods.items[i].slot] & POD_STATE_MASK) == POD_READY;
    return json_pack("{s:I,s:I,s:I,s:I}", "attached", (json_int_t)daemon->pods.count, "ready", ready, "pending",
                     (json_int_t)daemon->pods.count - ready, "max", (json_int_t)NSP_PODS_MAX - 1);
}

static json_t *make_profiles(const struct daemon *daemon)
{
    json_int_t refused = 0;

    for (size_t i = 0; i < daemon->store.profiles_count; i++)
        refused += daemon->store.profiles[i].refused != NULL;
    return json_pack("{s:I,s:I}", "valid", (json_int_t)daemon->store.profiles_count - refused, "refused", refused);
}

static json_t *make_policies(const struct daemon *daemon)
{
    json_int_t in_force = 0;

    for (size_t i = 0; i < daemon->sync.count; i++)
        in_force += daemon->sync.items[i]->index != 0;
    return json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:I}", "in_force", in_force, "max", (json_int_t)NSP_POLICIES_MAX - 1, "last_revision",
        (json_int_t)daemon->sync.last_revision, "written", (json_int_t)daemon->sync.revisions_written, "rule_sets",
        (json_int_t)ranges_count_used(&daemon->sync.ranges), "rule_sets_max", (json_int_t)NSP_RULES_MAX - 1);
}

static json_t *make_events(const struct daemon *daemon)
{
    struct tally sum = {0}, told = {0};
    json_t *events;

    for (size_t i = 0; i < daemon->pods.count; i++) {
        cleanup_free struct pod_tally *tallies = tallies_read(&daemon->datapath, daemon->pods.items[i].slot);
        struct tally pod = tallies ? tallies_sum(tallies, -1) : (struct tally){0};

        tallies_add(&sum, &pod);
        if (tallies)
            tallies_add(&told, &tallies->other);
    }
    events = tallies_json(&sum);
    json_object_set_new(events, "told", tallies_json(&told));
    json_object_set_new(events, "read", json_integer((json_int_t)daemon->events.rendered));
    json_object_set_new(events, "kept", json_integer((json_int_t)daemon->events.history.count));
    json_object_set_new(events, "followers", json_integer((json_int_t)daemon->server.stream.count));
    json_object_set_new(events, "followers_cut", json_integer((json_int_t)daemon->server.stream.cut));
    return events;
}

static void add_problem(const char *origin, const char *text, void *context)
{
    json_array_append_new(context, json_pack("{s:s,s:s}", "origin", origin, "text", text));
}

static void add_pod_problem(const struct pod_entry *pod, const char *text, json_t *problems)
{
    json_array_append_new(problems, json_pack("{s:o,s:s}", "origin",
                                              json_sprintf("pod %s/%s", pod->namespace_, pod->name), "text", text));
}

static void add_pod_problems(const struct daemon *daemon, const struct pod_entry *pod, json_t *problems)
{
    cleanup_free struct pod_tally *tallies = tallies_read(&daemon->datapath, pod->slot);
    cleanup_free char *names = view_names_problem(daemon, pod, tallies);

    if (pod->is_loud)
        add_pod_problem(pod, pod->note, problems);
    if (names)
        add_pod_problem(pod, names, problems);
}

static json_t *make_problems(const struct daemon *daemon, const struct tampering *tampering)
{
    json_t *problems = json_array();

    if (tampering->is_recent)
        add_problem(daemon->options.bpffs, tampering->last, problems);
    if (daemon->source.error)
        add_problem(daemon->options.manifests, daemon->source.error, problems);
    if (daemon->options.source == OPTIONS_SOURCE_KUBERNETES)
        source_kube_each_problem(&daemon->kube, add_problem, problems);
    else
        manifests_each_problem(&daemon->manifests, add_problem, problems);
    for (size_t i = 0; i < daemon->sync.count; i++) {
        const struct synced *policy = daemon->sync.items[i];

        if (policy->error && policy->names_count)
            add_problem(policy->names[0], policy->error, problems);
    }
    for (size_t i = 0; i < daemon->pods.count; i++)
        add_pod_problems(daemon, &daemon->pods.items[i], problems);
    return problems;
}

static json_t *make_tampering(const struct tampering *tampering)
{
    char at[EVENT_JSON_TIME_SIZE];

    if (!tampering->count)
        return json_pack("{s:i}", "count", 0);
    event_json_time(tampering->last_ns, at);
    return json_pack("{s:I,s:s,s:s}", "count", (json_int_t)tampering->count, "last", tampering->last, "time", at);
}

static json_t *make_learn(const struct daemon *daemon)
{
    const struct learn *learn = &daemon->events.learn;

    return json_pack("{s:I,s:I,s:I}", "items", (json_int_t)learn->items, "items_max", (json_int_t)LEARN_ITEMS_MAX,
                     "lost", (json_int_t)learn->lost);
}

/* Where profiles and pods come from: the folder, or the API server and how that goes. */
static void add_source(const struct daemon *daemon, json_t *status)
{
    if (daemon->options.source == OPTIONS_SOURCE_KUBERNETES)
        json_object_set_new(status, "kubernetes", source_kube_json(&daemon->kube));
    else
        json_object_set_new(status, "manifests", json_string(daemon->options.manifests));
}

json_t *view_status(struct daemon *daemon, const char *pod)
{
    json_t *status;
    char started[EVENT_JSON_TIME_SIZE];
    struct utsname kernel = {0};
    struct tampering tampering;

    (void)pod;
    tamper_read(&daemon->upkeep.tamper, &tampering);
    uname(&kernel);
    event_json_time(daemon->started_ns, started);
    status = json_pack(
        "{s:s,s:i,s:s,s:s,s:s,s:{s:s,s:b,s:s#,s:b},s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "version", NSP_VERSION, "abi",
        NSP_ABI_VERSION, "kernel", kernel.release, "node_name", daemon->node_name, "started", started, "datapath",
        "directory", daemon->options.bpffs, "adopted", daemon->is_adopted, "build", daemon->datapath.control->build,
        (int)strnlen(daemon->datapath.control->build, sizeof(daemon->datapath.control->build)), "exempt_node",
        (int)daemon->datapath.control->exempt_node, "attach", make_attach(daemon), "pods", make_pods(daemon),
        "profiles", make_profiles(daemon), "policies", make_policies(daemon), "events", make_events(daemon), "learn",
        make_learn(daemon), "tampering", make_tampering(&tampering), "problems", make_problems(daemon, &tampering));
    add_source(daemon, status);
    return status;
}
