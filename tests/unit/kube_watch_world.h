/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A watch with its transport and its owner played by the test: kube.c's functions are defined here, so that a program
 * which includes this file never links the real ones. For one file of each test program.
 */
#ifndef NSP_TESTS_UNIT_KUBE_WATCH_WORLD_H
#define NSP_TESTS_UNIT_KUBE_WATCH_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "policyd/kube_watch.h"

#define END                                                                                                            \
    "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"%s\",\"annotations\":{"                    \
    "\"k8s.io/initial-events-end\":\"true\"}}}}\n"

struct world {
    struct event_base *base;
    struct kube_access access;
    struct kube kube;
    struct kube_watch watch;
    char told[512]; /* what the owner was told since somebody looked: begin, +name, -name, complete */
};

/* --- the transport --------------------------------------------------------------------------------------------------
 */

static char path_asked[512];
static int expected_ms;

int kube_get(struct kube *kube, struct kube_request *request, const char *path, struct error *err)
{
    (void)kube;
    (void)err;
    request->easy = path_asked;
    snprintf(path_asked, sizeof(path_asked), "%s", path);
    return 0;
}

void kube_expect(struct kube_request *request, int within_ms)
{
    (void)request;
    expected_ms = within_ms;
}

void kube_cancel(struct kube_request *request)
{
    request->easy = NULL;
}

static inline void answer(struct world *world, const struct kube_answer *told)
{
    struct kube_answer whole = *told;

    if (!whole.body)
        whole.body = "";
    world->watch.request.easy = NULL;
    path_asked[0] = '\0';
    world->watch.request.done(&world->watch, &whole);
}

static inline void end(struct world *world, long status)
{
    answer(world, &(struct kube_answer){.status = status});
}

static inline void begin(struct world *world)
{
    world->watch.request.begun(&world->watch);
}

/* As kube.c does: what `data` refuses ends the transfer. */
static inline void send_text(struct world *world, const char *text)
{
    if (world->watch.request.data(&world->watch, text, strlen(text)))
        answer(world,
               &(struct kube_answer){.status = 200, .error = "Failed writing received data to disk/application"});
}

static inline void __attribute__((format(printf, 2, 3))) say(struct world *world, const char *format, ...)
{
    cleanup_free char *text = NULL;
    va_list args;

    va_start(args, format);
    assert_true(vasprintf(&text, format, args) >= 0);
    va_end(args);
    send_text(world, text);
}

static inline void event(struct world *world, const char *type, const char *name, const char *version)
{
    say(world, "{\"type\":\"%s\",\"object\":{\"metadata\":{\"name\":\"%s\",\"resourceVersion\":\"%s\"}}}\n", type, name,
        version);
}

/* --- the owner ------------------------------------------------------------------------------------------------------
 */

static inline void note(struct world *world, const char *what, const json_t *object)
{
    const char *name = json_string_value(json_object_get(json_object_get(object, "metadata"), "name"));
    size_t used = strlen(world->told);

    snprintf(world->told + used, sizeof(world->told) - used, "%s%s%s", used ? " " : "", what, name ? name : "");
}

static inline void on_begin(void *context)
{
    note(context, "begin", NULL);
}

static inline void on_complete(void *context)
{
    note(context, "complete", NULL);
}

static inline void on_put(void *context, const json_t *object)
{
    note(context, "+", object);
}

static inline void on_gone(void *context, const json_t *object)
{
    note(context, "-", object);
}

static inline void assert_told(struct world *world, const char *expected)
{
    assert_string_equal(world->told, expected);
    world->told[0] = '\0';
}

/* It waits, at least so long, and asks then. */
static inline void assert_asks_in(struct world *world, long low_ms, long high_ms)
{
    struct timeval at, now;
    long left_ms;

    assert_true(evtimer_pending(world->watch.again, &at));
    event_base_gettimeofday_cached(world->base, &now);
    left_ms = (at.tv_sec - now.tv_sec) * 1000 + (at.tv_usec - now.tv_usec) / 1000;
    assert_true(left_ms >= low_ms - 50 && left_ms <= high_ms);
    event_active(world->watch.again, EV_TIMEOUT, 0);
    event_del(world->watch.again);
    event_active(world->watch.again, EV_TIMEOUT, 0);
    event_base_loop(world->base, EVLOOP_NONBLOCK);
    assert_string_not_equal(path_asked, "");
}

static inline void assert_asked(const char *part)
{
    if (!strstr(path_asked, part))
        fail_msg("%s: expected %s", path_asked, part);
}

static inline int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    if (!world)
        return -1;
    log_set_level(LOG_LEVEL_ERROR);
    world->base = event_base_new();
    world->access.server = (char *)"https://server";
    world->kube = (struct kube){.base = world->base, .access = &world->access};
    world->watch = (struct kube_watch){
        .kube = &world->kube,
        .path = "/things",
        .selector = "fieldSelector=a%3Db",
        .need = {.verbs = "list, watch", .resource = "things", .group = "g", .absent = "make them known"},
        .begin = on_begin,
        .complete = on_complete,
        .put = on_put,
        .gone = on_gone,
        .context = world,
    };
    *state = world;
    if (!world->base || kube_watch_start(&world->watch))
        return -1;
    event_base_loop(world->base, EVLOOP_ONCE);
    return 0;
}

static inline int tear_down(void **state)
{
    struct world *world = *state;

    kube_watch_stop(&world->watch);
    event_base_free(world->base);
    free(world);
    return 0;
}

/* Through the first list by watch, and into what follows it. */
static inline void list_all(struct world *world)
{
    begin(world);
    event(world, "ADDED", "one", "5");
    say(world, END, "10");
    assert_told(world, "begin +one complete");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
