/* SPDX-License-Identifier: Apache-2.0 */
#include "policyd/kube_clock.h"

#include <event2/event.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>

long long kube_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void kube_timer_set(struct event *event, long long within_ms)
{
    struct timeval delay = {.tv_sec = within_ms / 1000, .tv_usec = within_ms % 1000 * 1000};

    event_add(event, &delay);
}

unsigned int kube_chance(void)
{
    unsigned int bits = 0;

    if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) < 0)
        bits = (unsigned int)kube_now_ms();
    return bits;
}
