/* SPDX-License-Identifier: Apache-2.0 */
/* Each pod of this node: what judges it, how it is attached, what was counted. */
#include <stdlib.h>
#include <string.h>

#include "datapath/attach.h"
#include "datapath/record.h"
#include "lib/cidr.h"
#include "lib/cleanup.h"
#include "policyd/daemon.h"
#include "policyd/tallies.h"
#include "policyd/view.h"
#include "policyd/words.h"

/* A kernel's field that need not end in zero, nor be UTF-8. */
static json_t *make_text(const char *field, size_t size)
{
    json_t *text = json_stringn(field, strnlen(field, size));

    return text ? text : json_string("?");
}

static json_t *make_violations(const struct pod_tally *tallies)
{
    json_t *violations = json_array();

    for (int i = 0; tallies && i < DIRECTIONS * VERDICTS * REASONS; i++) {
        int direction = i / (VERDICTS * REASONS), verdict = i / REASONS % VERDICTS, reason = i % REASONS;
        const struct tally *tally = &tallies->tallies[direction][verdict][reason];
        json_t *violation;

        if (tally->seen == 0)
            continue;
        violation = tallies_json(tally);
        json_object_set_new(violation, "direction", json_string(words_direction((unsigned int)direction)));
        json_object_set_new(violation, "verdict", json_string(words_verdict((unsigned int)verdict)));
        json_object_set_new(violation, "reason", json_string(words_reason((unsigned int)reason)));
        json_array_append_new(violations, violation);
    }
    return violations;
}

static json_t *make_traffic(const struct datapath *datapath, __u32 slot)
{
    struct traffic traffic = tallies_traffic(datapath, slot);

    return json_pack("{s:{s:I,s:I},s:{s:I,s:I}}", "egress", "packets", (json_int_t)traffic.packets[EGRESS], "bytes",
                     (json_int_t)traffic.bytes[EGRESS], "ingress", "packets", (json_int_t)traffic.packets[INGRESS],
                     "bytes", (json_int_t)traffic.bytes[INGRESS]);
}

/* The attachments of all pods, listed in one walk of the map: one array for each slot that has some. */
struct attachments {
    const struct datapath *datapath;
    json_t *of_slot[NSP_PODS_MAX];
};

static int add_attachment(const struct attachment_key *key, const struct attachment *attachment, void *context)
{
    struct attachments *attachments = context;
    const char *way = attachment->flags & ATTACHED_TCX ? "tcx" : "clsact";
    __u32 slot = attachment->slot;

    if (slot >= NSP_PODS_MAX || pod_word_epoch(attachments->datapath->states[slot]) != attachment->epoch)
        return 0;
    if (!attachments->of_slot[slot])
        attachments->of_slot[slot] = json_array();
    json_array_append_new(
        attachments->of_slot[slot],
        json_pack("{s:o,s:o,s:o,s:o,s:I,s:s}", "container_id", make_text(key->container_id, sizeof(key->container_id)),
                  "interface", make_text(key->ifname, sizeof(key->ifname)), "veth",
                  make_text(attachment->host_ifname, sizeof(attachment->host_ifname)), "network",
                  make_text(attachment->network, sizeof(attachment->network)), "ifindex",
                  (json_int_t)attachment->ifindex, "attach", attachment->ifindex ? way : "cgroup only"));
    return 0;
}

static json_t *make_addresses(const struct pod *record)
{
    json_t *addresses = json_array();

    for (__u32 i = 0; i < record->address_count && i < NSP_ADDRESSES_MAX; i++) {
        char text[CIDR_TEXT_SIZE];

        cidr_format_address(record->addresses[i], text);
        json_array_append_new(addresses, json_string(text));
    }
    return addresses;
}

static const struct profile *find_profile(const struct store *store, const char *name)
{
    for (size_t i = 0; i < store->profiles_count; i++) {
        const struct stored_profile *stored = &store->profiles[i];
        size_t length = strlen(stored->namespace_);

        if (stored->profile && strncmp(name, stored->namespace_, length) == 0 && name[length] == '/' &&
            strcmp(name + length + 1, stored->name) == 0)
            return stored->profile;
    }
    return NULL;
}

/* The strictest of its profiles. */
static const char *mode_of(const struct store *store, const struct synced *policy)
{
    unsigned int flags = 0;
    int action = -1;

    for (size_t i = 0; i < policy->names_count; i++) {
        const struct profile *profile = find_profile(store, policy->names[i]);

        if (!profile)
            continue;
        flags |= profile->flags;
        action = profile->action > action ? profile->action : action;
    }
    return action < 0 ? "unknown" : words_mode((unsigned int)action, flags);
}

static void set_policy(json_t *json, const struct daemon *daemon, const struct synced *policy)
{
    json_t *names = json_array();

    for (size_t i = 0; policy && i < policy->names_count; i++)
        json_array_append_new(names, json_string(policy->names[i]));
    json_object_set_new(json, "profiles", names);
    json_object_set_new(json, "mode", json_string(policy ? mode_of(&daemon->store, policy) : "none"));
    json_object_set_new(json, "revision", json_integer(policy ? (json_int_t)policy->revision : 0));
}

static void set_record(json_t *json, const struct daemon *daemon, const struct pod_entry *pod)
{
    cleanup_free struct pod *record = malloc(sizeof(*record));

    if (!record || record_pod(&daemon->datapath, pod->slot, record) || record->epoch != pod->epoch)
        return;
    json_object_set_new(json, "addresses", make_addresses(record));
    json_object_set_new(json, "cgroup", make_text(record->cgroup_path, sizeof(record->cgroup_path)));
}

static json_t *make_pod(const struct daemon *daemon, const struct pod_entry *pod, json_t *attachments)
{
    __u64 word = __atomic_load_n(&daemon->datapath.states[pod->slot], __ATOMIC_SEQ_CST);
    bool is_ready = (word & POD_STATE_MASK) == POD_READY;
    const struct synced *policy = is_ready ? sync_find_index(&daemon->sync, pod_word_policy(word)) : NULL;
    cleanup_free struct pod_tally *tallies = tallies_read(&daemon->datapath, pod->slot);
    struct tally denied = tallies ? tallies_sum(tallies, VERDICT_DROPPED) : (struct tally){0};
    cleanup_free char *problem = NULL;
    struct tally audited = tallies ? tallies_sum(tallies, VERDICT_AUDIT) : (struct tally){0};
    json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:b,s:I}", "namespace", pod->namespace_, "name", pod->name, "uid",
                             pod->uid, "state", is_ready ? "READY" : "PENDING", "open_while_pending",
                             !is_ready && (word & POD_OPEN), "slot", (json_int_t)pod->slot);

    if (!json)
        return NULL;
    if (pod->note)
        json_object_set_new(json, "why", json_string(pod->note));
    problem = view_names_problem(daemon, pod, tallies);
    if (problem)
        json_object_set_new(json, "problem", json_string(problem));
    set_policy(json, daemon, policy);
    set_record(json, daemon, pod);
    json_object_set(json, "attachments", attachments);
    json_object_set_new(json, "traffic", make_traffic(&daemon->datapath, pod->slot));
    json_object_set_new(json, "denied", json_integer((json_int_t)denied.seen));
    json_object_set_new(json, "audited", json_integer((json_int_t)audited.seen));
    json_object_set_new(json, "violations", make_violations(tallies));
    if (tallies)
        json_object_set_new(json, "told", tallies_json(&tallies->other));
    json_object_set_new(json, "not_learnt",
                        json_integer(tallies ? (json_int_t)tallies_reason(tallies, REASON_NAMES_FULL) : 0));
    return json;
}

json_t *view_pods(struct daemon *daemon, const char *pod)
{
    cleanup_free struct attachments *attachments = calloc(1, sizeof(*attachments));
    json_auto_t *none = json_array();
    json_t *pods = json_array();

    if (!attachments)
        return json_pack("{s:o}", "pods", pods);
    attachments->datapath = &daemon->datapath;
    record_each(&daemon->datapath, add_attachment, attachments);
    for (size_t i = 0; i < daemon->pods.count; i++) {
        const struct pod_entry *one = &daemon->pods.items[i];
        json_t *own = attachments->of_slot[one->slot];

        if (!pod || filter_matches_pod(pod, one->namespace_, one->name))
            json_array_append_new(pods, make_pod(daemon, one, own ? own : none));
    }
    for (__u32 slot = 0; slot < NSP_PODS_MAX; slot++)
        json_decref(attachments->of_slot[slot]);
    return json_pack("{s:o}", "pods", pods);
}
