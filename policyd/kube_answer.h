/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer that is no success means, and what to do about it, in a sentence. Pure. */
#ifndef NSP_POLICYD_KUBE_ANSWER_H
#define NSP_POLICYD_KUBE_ANSWER_H

#include "policyd/kube.h"

#define KUBE_TEXT_SIZE 512

/* What was asked for, as RBAC has it. */
struct kube_need {
    const char *verbs;    /* such as "list and watch" */
    const char *resource; /* plural */
    const char *group;    /* "" of the core */
    const char *absent;   /* what to do where the server does not know the resource */
};

void kube_answer_text(const struct kube_answer *answer, const struct kube_need *need, char text[KUBE_TEXT_SIZE]);

#endif
