/* SPDX-License-Identifier: Apache-2.0 */
/* Each profile that policyd knows, refused ones too: for how many pods it is in force, and what went against it. */
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "policyd/daemon.h"
#include "policyd/selector.h"
#include "policyd/shares.h"
#include "policyd/view.h"
#include "policyd/words.h"

struct counts {
    json_int_t pods, ready;
    __u64 revision;
};

static bool holds(const struct synced *policy, const struct stored_profile *stored)
{
    size_t length = strlen(stored->namespace_);

    for (size_t i = 0; policy && i < policy->names_count; i++) {
        if (strncmp(policy->names[i], stored->namespace_, length) == 0 && policy->names[i][length] == '/' &&
            strcmp(policy->names[i] + length + 1, stored->name) == 0)
            return true;
    }
    return false;
}

static struct counts count_pods(const struct daemon *daemon, const struct stored_profile *stored)
{
    struct counts counts = {0};

    for (size_t i = 0; i < daemon->pods.count && stored->profile; i++) {
        const struct pod_entry *pod = &daemon->pods.items[i];
        const struct pod_object *object = pods_object(&daemon->pods, pod);
        __u64 word = __atomic_load_n(&daemon->datapath.states[pod->slot], __ATOMIC_SEQ_CST);
        const struct synced *policy = sync_find_index(&daemon->sync, pod_word_policy(word));

        if (!object || !selector_selects(stored->profile, object->namespace_, &object->labels))
            continue;
        counts.pods++;
        if ((word & POD_STATE_MASK) == POD_READY && holds(policy, stored) && !policy->error)
            counts.ready++;
    }
    for (size_t i = 0; i < daemon->sync.count; i++) {
        if (holds(daemon->sync.items[i], stored) && daemon->sync.items[i]->revision > counts.revision)
            counts.revision = daemon->sync.items[i]->revision;
    }
    return counts;
}

static json_t *make_warnings(const struct profile *profile, const struct counts *counts)
{
    json_t *warnings = json_array();

    for (size_t i = 0; i < profile->warnings_count; i++)
        json_array_append_new(
            warnings, json_pack("{s:s,s:s}", "field", profile->warnings[i].field, "text", profile->warnings[i].text));
    if (counts->pods == 0)
        json_array_append_new(
            warnings, json_pack("{s:s,s:s}", "field", "spec.labelSelector", "text", "selects no pod of this node"));
    return warnings;
}

static json_t *make_violations(const struct daemon *daemon, const struct stored_profile *stored)
{
    cleanup_free char *name = NULL;
    struct share share = {0};

    if (asprintf(&name, "%s/%s", stored->namespace_, stored->name) >= 0)
        share = shares_of_profile(&daemon->datapath, &daemon->sync, name);
    else
        name = NULL;
    return json_pack("{s:I,s:I,s:I}", "denied", (json_int_t)share.violations[VERDICT_DROPPED], "audited",
                     (json_int_t)share.violations[VERDICT_AUDIT], "ignored",
                     (json_int_t)share.violations[VERDICT_IGNORED]);
}

static json_t *make_profile(const struct daemon *daemon, const struct stored_profile *stored)
{
    struct counts counts = count_pods(daemon, stored);
    const struct profile *profile = stored->profile;
    json_t *json =
        json_pack("{s:s,s:s,s:s*,s:b,s:b,s:I,s:I,s:I}", "namespace", stored->namespace_, "name", stored->name, "origin",
                  stored->origin, "valid", stored->refused == NULL, "in_force", counts.revision != 0, "pods",
                  counts.pods, "ready", counts.ready, "revision", (json_int_t)counts.revision);

    if (!json)
        return NULL;
    if (stored->refused)
        json_object_set_new(json, "refused", json_string(stored->refused));
    if (!profile)
        return json;
    json_object_set_new(json, "mode", json_string(words_mode((unsigned int)profile->action, profile->flags)));
    json_object_set_new(json, "selector", json_string(profile->selector_text ? profile->selector_text : ""));
    json_object_set_new(json, "violations", make_violations(daemon, stored));
    json_object_set_new(json, "warnings", make_warnings(profile, &counts));
    return json;
}

json_t *view_profiles(struct daemon *daemon, const char *pod)
{
    json_t *profiles = json_array();

    (void)pod;
    for (size_t i = 0; i < daemon->store.profiles_count; i++)
        json_array_append_new(profiles, make_profile(daemon, &daemon->store.profiles[i]));
    return json_pack("{s:o}", "profiles", profiles);
}
