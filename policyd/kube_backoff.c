/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting: see kube_backoff.h. */
#include "policyd/kube_backoff.h"

static unsigned int own_wait_ms(struct kube_backoff *backoff)
{
    unsigned int wait_ms = KUBE_BACKOFF_MIN_MS;

    for (unsigned int i = 0; i < backoff->failures && wait_ms < KUBE_BACKOFF_MAX_MS; i++)
        wait_ms *= 2;
    if (wait_ms < KUBE_BACKOFF_MAX_MS)
        backoff->failures++;
    return wait_ms;
}

unsigned int kube_backoff_fail(struct kube_backoff *backoff, unsigned int chance, long retry_after_s)
{
    unsigned int wait_ms = 0, told_ms;

    if (retry_after_s > KUBE_RETRY_AFTER_MAX_S)
        retry_after_s = KUBE_RETRY_AFTER_MAX_S;
    told_ms = retry_after_s > 0 ? (unsigned int)retry_after_s * 1000 : 0;
    backoff->told = told_ms ? backoff->told + 1 : 0;
    if (!told_ms || backoff->told > KUBE_RETRY_AFTERS)
        wait_ms = own_wait_ms(backoff);
    if (told_ms > wait_ms)
        wait_ms = told_ms;
    return wait_ms + chance % wait_ms;
}

void kube_backoff_reset(struct kube_backoff *backoff)
{
    *backoff = (struct kube_backoff){0};
}

unsigned int kube_backoff_again(unsigned int chance)
{
    return chance % KUBE_AGAIN_MS;
}
