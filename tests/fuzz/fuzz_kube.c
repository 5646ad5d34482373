/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the stream of a watch: its lines are framed, its objects read as profiles and as pods, and whatever has
 * vanished is decided about. No crash, no leak, and what is counted agrees with what is there.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "policyd/kube_line.h"
#include "policyd/kube_pods.h"
#include "policyd/kube_profiles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT(readability-identifier-naming): libFuzzer's */

struct world {
    struct store profile_store, pod_store;
    struct kube_profiles profiles;
    struct kube_pods pods;
};

static void ignore_change(void *context, const char *namespace_, const char *name)
{
    (void)context;
    if (!namespace_[0] || !name[0])
        abort();
}

static void take_object(struct world *world, const char *type, const json_t *object)
{
    if (strcmp(type, "DELETED") == 0) {
        kube_profiles_gone(&world->profiles, object);
        kube_pods_gone(&world->pods, object);
    } else if (strcmp(type, "BOOKMARK") == 0) {
        kube_profiles_complete(&world->profiles);
        kube_pods_complete(&world->pods);
        kube_profiles_begin(&world->profiles);
        kube_pods_begin(&world->pods);
    } else if (strcmp(type, "ERROR") == 0) {
        kube_profiles_settle(&world->profiles, object);
    } else {
        kube_profiles_put(&world->profiles, object);
        kube_pods_put(&world->pods, object);
    }
}

static int take(void *context, char *text, size_t length)
{
    struct error err = {0};
    json_t *event = kube_line_parse(text, length, &err);
    const char *type = json_string_value(json_object_get(event, "type"));

    if (!event && err.msg[0] == '\0')
        abort();
    if (event)
        take_object(context, type ? type : "", json_object_get(event, "object"));
    json_decref(event);
    return 0;
}

static void check(const struct world *world)
{
    size_t going = 0;

    for (size_t i = 0; i < world->profiles.count; i++)
        going += world->profiles.items[i].is_going;
    if (going != world->profiles.going || world->profile_store.profiles_count > world->profiles.count)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world = {0};
    struct kube_line line = {0};
    size_t half = size / 2;

    log_set_level(LOG_LEVEL_ERROR);
    world.profiles = (struct kube_profiles){.store = &world.profile_store, .profile_changed = ignore_change};
    world.pods = (struct kube_pods){.store = &world.pod_store};
    if (kube_line_feed(&line, (const char *)data, half, take, &world) == 0)
        kube_line_feed(&line, (const char *)data + half, size - half, take, &world);
    check(&world);
    free(kube_profiles_problem(&world.profiles));
    kube_line_clear(&line);
    kube_profiles_free(&world.profiles);
    kube_pods_free(&world.pods);
    store_free(&world.profile_store);
    store_free(&world.pod_store);
    return 0;
}
