/* SPDX-License-Identifier: Apache-2.0 */
#include "policyd/tamper.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "datapath/pins_mend.h"
#include "lib/log.h"
#include "policyd/instance.h"

#define NS_PER_S 1000000000LL

static __s64 now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

void tamper_init(struct tamper *tamper)
{
    *tamper = (struct tamper){0};
    pthread_mutex_init(&tamper->mutex, NULL);
}

void tamper_note(struct tamper *tamper, const char *format, ...)
{
    char text[TAMPER_TEXT_SIZE];
    va_list arguments;
    bool is_new;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&tamper->mutex);
    is_new = strcmp(text, tamper->last) != 0;
    memcpy(tamper->last, text, sizeof(text));
    tamper->last_ns = now_ns();
    tamper->count++;
    pthread_mutex_unlock(&tamper->mutex);
    if (is_new)
        log_warning("%s", text);
}

void tamper_read(struct tamper *tamper, struct tampering *tampering)
{
    pthread_mutex_lock(&tamper->mutex);
    *tampering = (struct tampering){.count = tamper->count, .last_ns = tamper->last_ns};
    memcpy(tampering->last, tamper->last, sizeof(tampering->last));
    pthread_mutex_unlock(&tamper->mutex);
    tampering->is_recent = tampering->count && now_ns() - tampering->last_ns < TAMPER_SHOWN_S * NS_PER_S;
}

static void note_mended(struct tamper *tamper, const char *directory, const struct pins_mended *mended)
{
    if (mended->is_directory_remade)
        tamper_note(tamper, "directory=%s was removed by somebody; all is pinned again", directory);
    else if (mended->vanished || mended->replaced)
        tamper_note(tamper, "pin=%s/%s was %s by somebody, one of %u; pinned again", directory, mended->name,
                    mended->replaced ? "replaced" : "unlinked", mended->vanished + mended->replaced);
}

void tamper_keep_pins(struct tamper *tamper, const struct datapath *datapath, int *lock)
{
    struct pins_mended mended;
    struct error err = {0};

    if (instance_keep(datapath->directory, lock, &err) == 0 && pins_mend(datapath, &mended, &err) == 0) {
        note_mended(tamper, datapath->directory, &mended);
        if (instance_keep(datapath->directory, lock, &err) == 0)
            return;
    }
    tamper_note(tamper, "%s", err.msg);
}
