/* SPDX-License-Identifier: Apache-2.0 */
/* What those who wait for an API server need to know of this machine: how much time has passed, and a number by chance.
 */
#ifndef NSP_POLICYD_KUBE_CLOCK_H
#define NSP_POLICYD_KUBE_CLOCK_H

struct event;

/* Milliseconds of CLOCK_MONOTONIC: setting the clock moves nothing. */
long long kube_now_ms(void);

/* The event, a timer, comes after so long, whatever was said before. */
void kube_timer_set(struct event *event, long long within_ms);

/* Any number; never blocks, so it is no secret where the kernel has no entropy yet. */
unsigned int kube_chance(void);

#endif
