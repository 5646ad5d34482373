/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long to wait before asking again: half a second, doubled at each failure up to 16 s, each between that and twice
 * as long by chance, so that the nodes of a cluster do not come back all at once. A server that says when to come back
 * is up again, as a rule: that counts instead, a few times. Pure: time and chance are given.
 */
#ifndef NSP_POLICYD_KUBE_BACKOFF_H
#define NSP_POLICYD_KUBE_BACKOFF_H

#define KUBE_BACKOFF_MIN_MS 500u
#define KUBE_BACKOFF_MAX_MS 16000u
#define KUBE_RETRY_AFTER_MAX_S 300 /* more than that no server means */
#define KUBE_RETRY_AFTERS 5        /* in a row; then ours, if it is longer */
#define KUBE_AGAIN_MS 1000u        /* after a stream that ended as it should */

struct kube_backoff {
    unsigned int failures; /* in a row, of a server that did not say when to come back */
    unsigned int told;     /* in a row, of one that did */
};

/* Counts a failure and says how long to wait. chance: any number. retry_after_s: what the server asked for, or 0. */
unsigned int kube_backoff_fail(struct kube_backoff *backoff, unsigned int chance, long retry_after_s);

/* It went well for a while. */
void kube_backoff_reset(struct kube_backoff *backoff);

/* After a stream that ended by itself: soon, but not all at once. */
unsigned int kube_backoff_again(unsigned int chance);

#endif
