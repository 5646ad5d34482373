/* SPDX-License-Identifier: Apache-2.0 */
/* nspctl status: the node at a glance. */
#include <stdio.h>

#include "nspctl/arguments.h"
#include "nspctl/client.h"
#include "nspctl/commands.h"

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text ? text : "-";
}

static long long number_of(const json_t *json, const char *key)
{
    return (long long)json_integer_value(json_object_get(json, key));
}

static void print_datapath(const json_t *status)
{
    const json_t *datapath = json_object_get(status, "datapath"), *attach = json_object_get(status, "attach");

    printf("Datapath:   %s, ABI %lld, %s, loaded by %s\n", text_of(datapath, "directory"), number_of(status, "abi"),
           json_is_true(json_object_get(datapath, "adopted")) ? "adopted" : "loaded at start",
           text_of(datapath, "build"));
    printf("Attached:   %lld by tcx, %lld by clsact%s\n", number_of(attach, "tcx"), number_of(attach, "clsact"),
           json_is_true(json_object_get(attach, "kernel_has_tcx")) ? "" : " (the kernel has no tcx)");
}

static void print_counts(const json_t *status)
{
    const json_t *kubernetes = json_object_get(status, "kubernetes");
    const json_t *pods = json_object_get(status, "pods"), *profiles = json_object_get(status, "profiles");
    const json_t *policies = json_object_get(status, "policies"), *events = json_object_get(status, "events");

    printf("Pods:       %lld ready, %lld pending, of at most %lld\n", number_of(pods, "ready"),
           number_of(pods, "pending"), number_of(pods, "max"));
    printf("Profiles:   %lld valid, %lld refused, from %s\n", number_of(profiles, "valid"),
           number_of(profiles, "refused"), kubernetes ? text_of(kubernetes, "server") : text_of(status, "manifests"));
    printf("Policies:   %lld in force, last revision %lld, %lld of %lld rule sets\n", number_of(policies, "in_force"),
           number_of(policies, "last_revision"), number_of(policies, "rule_sets"),
           number_of(policies, "rule_sets_max"));
    printf("Violations: %lld seen = %lld reported + %lld suppressed + %lld lost\n", number_of(events, "seen"),
           number_of(events, "reported"), number_of(events, "suppressed"), number_of(events, "lost"));
}

/* Only where some profile has `trace-dns` or `learn`. */
static void print_told(const json_t *status)
{
    const json_t *learn = json_object_get(status, "learn");
    const json_t *told = json_object_get(json_object_get(status, "events"), "told");

    if (number_of(told, "seen"))
        printf("Told:       %lld seen = %lld reported + %lld suppressed + %lld lost (trace-dns, learn)\n",
               number_of(told, "seen"), number_of(told, "reported"), number_of(told, "suppressed"),
               number_of(told, "lost"));
    if (number_of(learn, "items") || number_of(learn, "lost"))
        printf("Learnt:     %lld of at most %lld things, %lld lost\n", number_of(learn, "items"),
               number_of(learn, "items_max"), number_of(learn, "lost"));
}

static void print_problems(const json_t *problems)
{
    const json_t *problem;
    size_t i;

    printf("Problems:   %s\n", json_array_size(problems) ? "" : "none");
    json_array_foreach (problems, i, problem)
        printf("  %s: %s\n", text_of(problem, "origin"), text_of(problem, "text"));
}

int command_status(int argc, char **argv, const struct nspctl_options *options, struct error *err)
{
    struct arguments arguments;
    json_t *status = NULL;
    int rc = arguments_read(&arguments, 0, argc, argv, err);

    if (rc || (rc = client_get(options->socket_path, "/v1/status", &status, err)))
        return rc;
    if (arguments.is_json) {
        arguments_print_json(status);
    } else {
        printf("policyd:    %s on %s, Linux %s, since %s\n", text_of(status, "version"), text_of(status, "node_name"),
               text_of(status, "kernel"), text_of(status, "started"));
        print_datapath(status);
        print_counts(status);
        print_told(status);
        print_problems(json_object_get(status, "problems"));
    }
    json_decref(status);
    return 0;
}
