/* SPDX-License-Identifier: Apache-2.0 */
/* Follows an API server: see source_kube.h. */
#include "policyd/source_kube.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "policyd/kube_clock.h"

#define PROFILES_PATH "/apis/securityprobe.datadoghq.com/v1/securityprofiles"
#define DEFINITION_PATH                                                                                                \
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/securityprofiles.securityprobe.datadoghq.com"
#define REST_MS 1000        /* without another deletion: then they are looked into */
#define REST_MAX_MS 10000   /* or after this long */
#define DEFINITION_MS 30000 /* until it has come whole */

static const char unread[] = "the profiles of the API server have not been read since the start; `nspctl status` says "
                             "why";
static const char empty[] = "the API server has no SecurityProfile, but some were in force when policyd started: they "
                            "are held until one is applied";

static const struct kube_need definition_need = {
    .verbs = "get",
    .resource = "customresourcedefinitions], resourceNames: [securityprofiles.securityprobe.datadoghq.com",
    .group = "apiextensions.k8s.io",
    .absent = "",
};

/* --- what has vanished ----------------------------------------------------------------------------------------------
 */

/* A definition that goes takes its objects along one by one: each deletion starts the wait anew, to an end. */
static void look_into_deletions(struct source_kube *source)
{
    long long now = kube_now_ms(), left_ms;

    if (!source->profiles.going)
        return;
    source->has_more_gone = true;
    if (!evtimer_pending(source->settle, NULL) && !kube_is_under_way(&source->definition))
        source->going_since_ms = now;
    left_ms = source->going_since_ms + REST_MAX_MS - now;
    kube_timer_set(source->settle, left_ms > REST_MS ? REST_MS + kube_chance() % REST_MS : 0);
}

static void fail_definition(struct source_kube *source, const char *text, long retry_after_s)
{
    if (!source->definition_error || strcmp(source->definition_error, text) != 0)
        log_warning("profiles=%zu vanished, and their CustomResourceDefinition cannot be read; they stay in force: %s",
                    source->profiles.going, text);
    free(source->definition_error);
    source->definition_error = strdup(text);
    kube_timer_set(source->settle, kube_backoff_fail(&source->definition_backoff, kube_chance(), retry_after_s));
}

static int take_definition(void *context, const char *bytes, size_t size)
{
    struct source_kube *source = context;

    return kube_line_append(&source->definition_text, bytes, size);
}

static void decide(struct source_kube *source, const json_t *definition)
{
    kube_backoff_reset(&source->definition_backoff);
    free(source->definition_error);
    source->definition_error = NULL;
    if (source->has_more_gone) /* after it was asked for: it may have been the first to go */
        kube_timer_set(source->settle, REST_MS);
    else
        kube_profiles_settle(&source->profiles, definition);
}

static void end_definition(void *context, const struct kube_answer *answer)
{
    struct source_kube *source = context;
    struct kube_line text = source->definition_text;
    char why[KUBE_TEXT_SIZE];
    struct error err = {.msg = "it is empty"};
    json_auto_t *definition = NULL;

    source->definition_text = (struct kube_line){0};
    if (answer->status == 200 && !answer->error && !answer->was_given_up && text.size)
        definition = kube_line_parse(text.bytes, text.size, &err);
    kube_line_clear(&text);
    if (definition || answer->status == 404) {
        decide(source, definition);
        return;
    }
    if (answer->status == 200 && !answer->error)
        snprintf(why, sizeof(why), "%s", err.msg);
    else
        kube_answer_text(answer, &definition_need, why);
    fail_definition(source, why, answer->retry_after_s);
}

static void on_settle(evutil_socket_t fd, short what, void *context)
{
    struct source_kube *source = context;
    struct error err = {.msg = "out of memory"};

    (void)fd;
    (void)what;
    if (!source->profiles.going || kube_is_under_way(&source->definition))
        return;
    source->has_more_gone = false;
    if (kube_get(&source->kube, &source->definition, DEFINITION_PATH, &err))
        fail_definition(source, err.msg, 0);
    else
        kube_expect(&source->definition, DEFINITION_MS);
}

/* --- what comes -----------------------------------------------------------------------------------------------------
 */

static void begin_profiles(void *context)
{
    struct source_kube *source = context;

    kube_profiles_begin(&source->profiles);
}

static void put_profile(void *context, const json_t *object)
{
    struct source_kube *source = context;

    kube_profiles_put(&source->profiles, object);
    if (source->is_empty_at_start) {
        source->is_empty_at_start = false;
        store_set_unread(source->store, NULL);
    }
}

static void lose_profile(void *context, const json_t *object)
{
    struct source_kube *source = context;

    kube_profiles_gone(&source->profiles, object);
    look_into_deletions(source);
}

/* Somebody may have deleted the last profile while policyd was not there, or the definition: the latter opens pods. */
static void end_first_list(struct source_kube *source)
{
    source->is_empty_at_start = source->profiles.count == 0 && source->is_judging(source->context);
    if (source->is_empty_at_start)
        log_warning("server=%s %s", source->access.server, empty);
    log_info("server=%s profiles=%zu read", source->access.server, source->profiles.count);
    store_set_unread(source->store, source->is_empty_at_start ? empty : NULL);
    if (kube_watch_start(&source->pod_watch))
        log_error("server=%s pods are not watched: out of memory", source->access.server);
}

static void complete_profiles(void *context)
{
    struct source_kube *source = context;

    kube_profiles_complete(&source->profiles);
    look_into_deletions(source);
    if (!source->pod_watch.again)
        end_first_list(source);
}

static void begin_pods(void *context)
{
    struct source_kube *source = context;

    kube_pods_begin(&source->pods);
}

static void put_pod(void *context, const json_t *object)
{
    struct source_kube *source = context;

    kube_pods_put(&source->pods, object);
}

static void lose_pod(void *context, const json_t *object)
{
    struct source_kube *source = context;

    kube_pods_gone(&source->pods, object);
}

static void complete_pods(void *context)
{
    struct source_kube *source = context;

    kube_pods_complete(&source->pods);
}

static void connect_parts(struct source_kube *source)
{
    source->profiles = (struct kube_profiles){
        .store = source->store, .profile_changed = source->profile_changed, .context = source->context};
    source->pods = (struct kube_pods){.store = source->store};
    source->definition = (struct kube_request){.data = take_definition, .done = end_definition, .context = source};
    source->profile_watch = (struct kube_watch){
        .kube = &source->kube,
        .path = PROFILES_PATH,
        .need = {.verbs = "list, watch",
                 .resource = "securityprofiles",
                 .group = "securityprobe.datadoghq.com",
                 .absent = "apply the CustomResourceDefinition"},
        .begin = begin_profiles,
        .complete = complete_profiles,
        .put = put_profile,
        .gone = lose_profile,
        .context = source,
    };
    source->pod_watch = (struct kube_watch){
        .kube = &source->kube,
        .path = "/api/v1/pods",
        .selector = source->pods_selector,
        .need = {.verbs = "list, watch", .resource = "pods", .group = "", .absent = "is it a Kubernetes API server?"},
        .begin = begin_pods,
        .complete = complete_pods,
        .put = put_pod,
        .gone = lose_pod,
        .context = source,
    };
}

static int read_access(struct kube_access *access, const char *kubeconfig, struct error *err)
{
    if (kubeconfig[0])
        return kubeconfig_read(kubeconfig, access, err);
    return kubeconfig_in_cluster(getenv("KUBERNETES_SERVICE_HOST"), getenv("KUBERNETES_SERVICE_PORT"),
                                 KUBECONFIG_SERVICE_ACCOUNT, access, err);
}

int source_kube_start(struct source_kube *source, const char *kubeconfig, const char *node_name,
                      struct event_base *base, struct error *err)
{
    if (read_access(&source->access, kubeconfig, err))
        return -err->code;
    if (asprintf(&source->pods_selector, "fieldSelector=spec.nodeName%%3D%s", node_name) < 0) {
        source->pods_selector = NULL;
        return error_set(err, ENOMEM, "out of memory");
    }
    connect_parts(source);
    store_set_unread(source->store, unread);
    source->store->missing_pod = "the API server has not told of it yet";
    if (kube_start(&source->kube, &source->access, base, err))
        return -err->code;
    source->settle = evtimer_new(base, on_settle, source);
    if (!source->settle || kube_watch_start(&source->profile_watch))
        return error_set(err, ENOMEM, "out of memory");
    log_info("server=%s node=%s asked for SecurityProfiles, and for the pods of the node", source->access.server,
             node_name);
    return 0;
}

void source_kube_stop(struct source_kube *source)
{
    kube_watch_stop(&source->profile_watch);
    kube_watch_stop(&source->pod_watch);
    kube_cancel(&source->definition);
    kube_line_clear(&source->definition_text);
    kube_stop(&source->kube);
    if (source->settle)
        event_free(source->settle);
    kube_profiles_free(&source->profiles);
    kube_pods_free(&source->pods);
    kube_access_free(&source->access);
    free(source->pods_selector);
    free(source->definition_error);
    *source = (struct source_kube){0};
}

/* --- what people are shown ------------------------------------------------------------------------------------------
 */

void source_kube_each_problem(const struct source_kube *source,
                              void (*visit)(const char *origin, const char *text, void *context), void *context)
{
    cleanup_free char *held = kube_profiles_problem(&source->profiles);

    if (source->profile_watch.error)
        visit("API server, SecurityProfiles", source->profile_watch.error, context);
    if (source->pod_watch.error)
        visit("API server, pods", source->pod_watch.error, context);
    if (source->definition_error)
        visit("API server, CustomResourceDefinition", source->definition_error, context);
    if (source->is_empty_at_start)
        visit("API server, SecurityProfiles", empty, context);
    if (held)
        visit("API server, SecurityProfiles", held, context);
    for (size_t i = 0; i < source->store->profiles_count; i++) {
        const struct stored_profile *stored = &source->store->profiles[i];
        cleanup_free char *origin = NULL;

        if (stored->refused && asprintf(&origin, "SecurityProfile %s/%s", stored->namespace_, stored->name) >= 0)
            visit(origin, stored->refused, context);
    }
}

static json_t *watch_json(const struct kube_watch *watch)
{
    return json_pack("{s:b,s:b,s:I,s:I,s:I}", "read", watch->was_listed, "following", watch->is_following, "lists",
                     (json_int_t)watch->lists, "watches", (json_int_t)watch->watches, "failures",
                     (json_int_t)watch->failures);
}

json_t *source_kube_json(const struct source_kube *source)
{
    return json_pack("{s:s,s:I,s:I,s:o,s:o}", "server", source->access.server, "requests",
                     (json_int_t)source->kube.sent, "given_up", (json_int_t)source->kube.given_up, "profiles",
                     watch_json(&source->profile_watch), "pods", watch_json(&source->pod_watch));
}
