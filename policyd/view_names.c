/* SPDX-License-Identifier: Apache-2.0 */
/* The names and addresses that each pod has learnt, who may use them, and for how long. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/cidr.h"
#include "lib/cleanup.h"
#include "policyd/asked_text.h"
#include "policyd/daemon.h"
#include "policyd/names.h"
#include "policyd/tallies.h"
#include "policyd/view.h"

#define NS_PER_S 1000000000LL

static __s64 monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* The executable whose queries taught it; what the whole pod may use has none. */
static void set_owner(json_t *json, const struct daemon *daemon, const struct learnt_key *key)
{
    static const __u8 of_pod[16] = {[0 ... 15] = LEARNT_BY_POD};
    char binary[NSP_PATH_MAX + 1];
    bool is_of_pod = memcmp(key->path, of_pod, sizeof(of_pod)) == 0;

    json_object_set_new(json, "scope", json_string(is_of_pod ? "pod" : "process"));
    if (!is_of_pod && events_find_binary(&daemon->events, key->path, binary))
        json_object_set_new(json, "binary", json_string(binary));
}

/* One line for each name of an address. Seconds are negative for what has expired. */
static void add_names(json_t *entries, const struct daemon *daemon, const struct names *names,
                      const struct names_address *one)
{
    char address[CIDR_TEXT_SIZE], text[ASKED_NAME_SIZE];
    __s64 now = monotonic_ns();

    cidr_format_address(one->key.address, address);
    for (int i = 0; i < LEARNT_NAMES_MAX; i++) {
        const struct name *name = names_find(names, &one->learnt.names[i]);
        json_t *entry;

        if (!name || !names_text(name, text))
            continue;
        entry = json_pack("{s:s,s:s,s:I,s:I}", "name", text, "address", address, "expires_in_s",
                          (json_int_t)(((__s64)one->learnt.names[i].expires_ns - now) / NS_PER_S), "connections",
                          (json_int_t)one->learnt.flows);
        set_owner(entry, daemon, &one->key);
        json_array_append_new(entries, entry);
    }
}

static int compare_text(const json_t *a, const json_t *b, const char *key)
{
    const char *x = json_string_value(json_object_get(a, key)), *y = json_string_value(json_object_get(b, key));

    return strcmp(x ? x : "", y ? y : "");
}

static int compare_entries(const void *one, const void *other)
{
    const json_t *a = *(json_t *const *)one, *b = *(json_t *const *)other;
    int order = compare_text(a, b, "binary");

    order = order ? order : compare_text(a, b, "name");
    return order ? order : compare_text(a, b, "address");
}

/* The map's order says nothing. Takes `entries` over. */
static json_t *sort_entries(json_t *entries)
{
    size_t count = json_array_size(entries);
    cleanup_free json_t **items = calloc(count + 1, sizeof(json_t *));
    json_t *sorted = json_array();

    if (!items) {
        json_decref(sorted);
        return entries;
    }
    for (size_t i = 0; i < count; i++)
        items[i] = json_array_get(entries, i);
    qsort(items, count, sizeof(json_t *), compare_entries);
    for (size_t i = 0; i < count; i++)
        json_array_append(sorted, items[i]);
    json_decref(entries);
    return sorted;
}

static json_t *make_pod(const struct daemon *daemon, const struct pod_entry *pod)
{
    json_t *entries = json_array(), *json;
    struct names names;

    if (names_read(&daemon->datapath, pod->slot, pod->epoch, &names))
        names = (struct names){0};
    for (size_t i = 0; i < names.addresses_count; i++)
        add_names(entries, daemon, &names, &names.addresses[i]);
    json = json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:o}", "namespace", pod->namespace_, "name", pod->name, "addresses",
                     (json_int_t)names.addresses_count, "addresses_max", (json_int_t)NSP_LEARNT_MAX, "names",
                     (json_int_t)names.known_count, "names_max", (json_int_t)NSP_NAMES_MAX, "learnt",
                     sort_entries(entries));
    names_free(&names);
    return json;
}

/* How many addresses cannot be cleared away when room is needed. */
static size_t count_held(const struct names *names)
{
    __u64 now = (__u64)monotonic_ns();
    size_t held = 0;

    for (size_t i = 0; i < names->addresses_count; i++) {
        const struct learnt *learnt = &names->addresses[i].learnt;
        bool is_held = learnt->flows > 0;

        for (int j = 0; j < LEARNT_NAMES_MAX; j++)
            is_held |= learnt->names[j].expires_ns > now;
        held += is_held;
    }
    return held;
}

static size_t count_known(const struct names *names)
{
    __u64 now = (__u64)monotonic_ns();
    size_t known = 0;

    for (size_t i = 0; i < names->known_count; i++)
        known += names->known[i].known.expires_ns > now;
    return known;
}

char *view_names_problem(const struct daemon *daemon, const struct pod_entry *pod, const struct pod_tally *tallies)
{
    __u64 refused = tallies ? tallies_reason(tallies, REASON_NAMES_FULL) : 0;
    size_t held, known;
    struct names names;
    char *text = NULL;

    if (refused == 0 || names_read(&daemon->datapath, pod->slot, pod->epoch, &names))
        return NULL;
    held = count_held(&names);
    known = count_known(&names);
    names_free(&names);
    if (held < NSP_LEARNT_MAX && known < NSP_NAMES_MAX)
        return NULL;
    if (asprintf(&text,
                 "it has learnt as much as it can hold, %zu of %d addresses, %zu of %d names: %llu answers were not "
                 "learnt (names_full); narrow its fqdns",
                 held, NSP_LEARNT_MAX, known, NSP_NAMES_MAX, (unsigned long long)refused) < 0)
        return NULL;
    return text;
}

json_t *view_names(struct daemon *daemon, const char *pod)
{
    json_t *pods = json_array();

    for (size_t i = 0; i < daemon->pods.count; i++) {
        const struct pod_entry *one = &daemon->pods.items[i];

        if (!pod || filter_matches_pod(pod, one->namespace_, one->name))
            json_array_append_new(pods, make_pod(daemon, one));
    }
    return json_pack("{s:o}", "pods", pods);
}

json_t *view_learn(struct daemon *daemon, const char *pod)
{
    return learn_json(&daemon->events.learn, pod);
}
