/* SPDX-License-Identifier: Apache-2.0 */
/* Netlink notifications of links, qdiscs and filters: see links.h. */
#include "policyd/links.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "lib/log.h"

static int take(struct nl_msg *message, void *context)
{
    const struct links *links = context;
    int type = nlmsg_hdr(message)->nlmsg_type;

    if (type == RTM_DELLINK || type == RTM_DELQDISC || type == RTM_DELTFILTER)
        links->gone(links->context);
    return NL_OK;
}

static void read_messages(evutil_socket_t fd, short what, void *context)
{
    struct links *links = context;
    int rc = nl_recvmsgs_default(links->socket);

    (void)fd;
    (void)what;
    if (rc < 0 && rc != -NLE_AGAIN) {
        log_debug("netlink: %s", nl_geterror(rc));
        links->gone(links->context); /* something was lost: it may have been one */
    }
}

static int fail(struct error *err, int rc)
{
    return error_set(err, EIO, "netlink: cannot follow network devices: %s", nl_geterror(rc));
}

int links_start(struct links *links, struct event_base *base, struct error *err)
{
    int rc;

    links->socket = nl_socket_alloc();
    if (!links->socket)
        return error_set(err, ENOMEM, "out of memory");
    nl_socket_disable_seq_check(links->socket);
    nl_socket_modify_cb(links->socket, NL_CB_VALID, NL_CB_CUSTOM, take, links);
    rc = nl_connect(links->socket, NETLINK_ROUTE);
    if (rc == 0)
        rc = nl_socket_set_nonblocking(links->socket);
    if (rc == 0)
        rc = nl_socket_add_memberships(links->socket, RTNLGRP_LINK, RTNLGRP_TC, 0);
    if (rc < 0)
        return fail(err, rc);
    links->event = event_new(base, nl_socket_get_fd(links->socket), EV_READ | EV_PERSIST, read_messages, links);
    if (!links->event || event_add(links->event, NULL))
        return error_set(err, ENOMEM, "out of memory");
    return 0;
}

void links_stop(struct links *links)
{
    if (links->event)
        event_free(links->event);
    if (links->socket)
        nl_socket_free(links->socket);
    links->event = NULL;
    links->socket = NULL;
}
