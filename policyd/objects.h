/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SecurityProfiles and Pods as C structures, made from the JSON tree of one manifest (jansson), whatever brought it: a
 * YAML or JSON file now, the API server later. Knows no HTTP, no file, no map. Meaning is checked here once, with the
 * messages that `nspctl check` prints: "spec.processes[2].path: "curl" is not absolute; write ...".
 */
#ifndef NSP_POLICYD_OBJECTS_H
#define NSP_POLICYD_OBJECTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "datapath/abi.h"
#include "lib/cidr.h"
#include "lib/error.h"

#define OBJECTS_API_VERSION "securityprobe.datadoghq.com/v1"

struct label {
    char *key;
    char *value;
};

struct labels {
    size_t count;
    struct label *items; /* sorted by key */
};

enum selector_operator {
    SELECTOR_IN,
    SELECTOR_NOT_IN,
    SELECTOR_EXISTS,
    SELECTOR_DOES_NOT_EXIST,
};

struct requirement {
    char *key;
    enum selector_operator operator_;
    size_t count;
    char **values;
};

/* All requirements must hold; matchLabels are In with one value. None: selects everything. */
struct selector {
    size_t count;
    struct requirement *requirements;
};

struct port_range {
    __u8 protocol;
    __u16 first, last; /* host byte order, inclusive */
};

/* DNS names and patterns of them: folded, sorted, each once. */
struct names_spec {
    size_t count;
    char **items;
};

struct request_spec {
    char *method; /* NULL: any */
    char *uri;    /* without the `*` of a prefix */
    bool is_prefix;
};

/* One RULES object (profile.md). */
struct rules_spec {
    bool present;
    __u32 l3; /* enum l3_bits */
    __u64 protocols[4];
    size_t ports_count;
    struct port_range *ports;
    size_t cidrs_count;
    struct cidr *cidrs;      /* host bits masked */
    struct names_spec fqdns; /* none but for the egress of processes, where names are learnt */
    __u32 l7;                /* 0: no l7 key; else RULES_L7, _L7_ANY.., RULES_DNS_LIST, RULES_HTTP_LIST */
    struct names_spec dns;
    size_t requests_count;
    struct request_spec *requests;
};

struct process_spec {
    char *path;
    char *container; /* NULL: all */
    bool is_image_only;
    int action; /* enum action, effective (own or the profile's) */
    __u8 flags; /* PART_TRACE_DNS, PART_LEARN; effective */
    struct rules_spec rules[DIRECTIONS];
};

struct warning {
    char *field; /* such as spec.processes[0].network.egress.fqdns */
    char *text;
};

struct profile {
    char *namespace_; /* "default" where the manifest has none */
    char *name;
    struct labels labels;
    struct selector selector; /* effective */
    bool selects_nothing;     /* neither labelSelector nor usable labels */
    char *selector_text;      /* for people, such as app=ping,tier in (a,b) */
    int action;               /* enum action of spec.actions; unlisted binaries and default follow it and `flags` */
    __u8 flags;               /* PART_TRACE_DNS, PART_LEARN of spec.actions */
    bool has_actions;
    __u8 attacks;      /* enum attacks */
    bool is_pod_scope; /* nameScope: pod */
    bool has_default;
    struct rules_spec default_[DIRECTIONS];
    size_t processes_count;
    struct process_spec *processes;
    size_t warnings_count;
    struct warning *warnings;
};

/* A container that has run, as the pod's status tells it. */
struct container_object {
    char *name;
    char *id; /* as the runtime calls it: "containerd://" and the like are left out */
};

/* A Pod manifest: what selection needs, and which container is which. */
struct pod_object {
    char *namespace_;
    char *name;
    char *uid; /* NULL where the manifest has none */
    struct labels labels;
    size_t containers_count;
    struct container_object *containers; /* sorted by id; none: the manifest has no status */
};

enum object_kind {
    OBJECT_OTHER, /* some other Kubernetes object: not ours, skipped */
    OBJECT_PROFILE,
    OBJECT_POD,
};

/* What a manifest says it is; reads kind and apiVersion only. OBJECT_PROFILE also for our kind with a wrong apiVersion
 * (objects_parse_profile then says so). */
enum object_kind objects_kind(const json_t *manifest);

/* What a manifest calls itself, whether it is valid or not; *name is "" where that cannot be said. Borrowed. */
void objects_name(const json_t *manifest, const char **namespace_, const char **name);

/*
 * Makes a profile from a manifest. Refuses it whole on the first error: unknown field, wrong type, bad value; the
 * message names field, value and remedy. On success *profile is the caller's, to be freed with profile_free().
 */
int objects_parse_profile(const json_t *manifest, struct profile **profile, struct error *err);
int objects_parse_pod(const json_t *manifest, struct pod_object **pod, struct error *err);

bool labels_are_same(const struct labels *a, const struct labels *b);
void profile_free(struct profile *profile);
void pod_object_free(struct pod_object *pod);

#endif
