/* SPDX-License-Identifier: Apache-2.0 */
/* Tells when a network device goes, or a qdisc or filter: a pod's veth, or what is attached to it, without a DEL. */
#ifndef NSP_POLICYD_LINKS_H
#define NSP_POLICYD_LINKS_H

#include <event2/event.h>

#include "lib/error.h"

struct nl_sock;

struct links {
    void (*gone)(void *context);
    void *context;
    struct nl_sock *socket;
    struct event *event;
};

int links_start(struct links *links, struct event_base *base, struct error *err);
void links_stop(struct links *links);

#endif
