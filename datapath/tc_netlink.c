/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/tc_netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>

/* libnl folds errno values into fewer of its own: keep what the kernel said. */
static int keep_error(struct sockaddr_nl *from, struct nlmsgerr *reply, void *context)
{
    (void)from;
    *(int *)context = reply->error;
    return NL_STOP;
}

static int ignore_message(struct nl_msg *msg, void *context)
{
    (void)msg;
    (void)context;
    return NL_OK;
}

int tc_netlink_open(struct nl_sock **sock)
{
    struct nl_sock *opened = nl_socket_alloc();

    if (!opened)
        return -ENOMEM;
    if (nl_connect(opened, NETLINK_ROUTE)) {
        nl_socket_free(opened);
        return -EIO;
    }
    *sock = opened;
    return 0;
}

static struct nl_msg *new_message(int type, int flags, const struct tcmsg *header)
{
    struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

    if (msg && nlmsg_append(msg, (void *)header, sizeof(*header), NLMSG_ALIGNTO)) {
        nlmsg_free(msg);
        return NULL;
    }
    return msg;
}

/* Sends, frees and waits for the answer. */
static int request(struct nl_sock *sock, struct nl_msg *msg)
{
    int error = 0;

    nl_socket_modify_err_cb(sock, NL_CB_CUSTOM, keep_error, &error);
    nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, ignore_message, NULL);

    int rc = nl_send_sync(sock, msg);

    if (rc >= 0)
        return 0;
    return error ? error : -EIO;
}

static int dump(struct nl_sock *sock, struct nl_msg *msg, nl_recvmsg_msg_cb_t visit, void *context)
{
    int error = 0, rc = -NLE_NOMEM;

    nl_socket_modify_err_cb(sock, NL_CB_CUSTOM, keep_error, &error);
    nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, visit, context);
    if (msg)
        rc = nl_send_auto(sock, msg);
    nlmsg_free(msg);
    if (rc >= 0)
        rc = nl_recvmsgs_default(sock);
    if (rc >= 0)
        return 0;
    return error ? error : -EIO;
}

int tc_netlink_add_clsact(struct nl_sock *sock, __u32 ifindex)
{
    struct tcmsg header = {
        .tcm_family = AF_UNSPEC,
        .tcm_ifindex = (int)ifindex,
        .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
        .tcm_parent = TC_H_CLSACT,
    };
    struct nl_msg *msg = new_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &header);

    if (!msg || nla_put_string(msg, TCA_KIND, "clsact")) {
        nlmsg_free(msg);
        return -ENOMEM;
    }
    return request(sock, msg);
}

struct kind_search {
    int ifindex;
    char kind[16];
};

static int look_at_qdisc(struct nl_msg *msg, void *context)
{
    struct kind_search *search = context;
    struct nlattr *attrs[TCA_MAX + 1];
    struct tcmsg *header = nlmsg_data(nlmsg_hdr(msg));

    if (header->tcm_ifindex != search->ifindex || header->tcm_parent != TC_H_CLSACT)
        return NL_OK;
    if (nlmsg_parse(nlmsg_hdr(msg), sizeof(*header), attrs, TCA_MAX, NULL) == 0 && attrs[TCA_KIND])
        nla_strlcpy(search->kind, attrs[TCA_KIND], sizeof(search->kind));
    return NL_OK;
}

int tc_netlink_clsact_kind(struct nl_sock *sock, __u32 ifindex, char kind[16])
{
    struct tcmsg header = {.tcm_family = AF_UNSPEC, .tcm_ifindex = (int)ifindex};
    struct kind_search search = {.ifindex = (int)ifindex};
    int rc = dump(sock, new_message(RTM_GETQDISC, NLM_F_DUMP, &header), look_at_qdisc, &search);

    if (rc)
        return rc;
    if (!search.kind[0])
        return -ENOENT;
    memcpy(kind, search.kind, sizeof(search.kind));
    return 0;
}

struct filter_visit {
    void (*visit)(const struct tc_filter *filter, void *context);
    void *context;
};

static void read_options(struct nlattr *nested, struct tc_filter *filter)
{
    struct nlattr *options[TCA_BPF_MAX + 1];

    if (nla_parse_nested(options, TCA_BPF_MAX, nested, NULL))
        return;
    if (options[TCA_BPF_NAME])
        nla_strlcpy(filter->name, options[TCA_BPF_NAME], sizeof(filter->name));
    if (options[TCA_BPF_ID])
        filter->program_id = nla_get_u32(options[TCA_BPF_ID]);
}

static int look_at_filter(struct nl_msg *msg, void *context)
{
    const struct filter_visit *visit = context;
    struct nlattr *attrs[TCA_MAX + 1];
    struct tcmsg *header = nlmsg_data(nlmsg_hdr(msg));

    if (nlmsg_parse(nlmsg_hdr(msg), sizeof(*header), attrs, TCA_MAX, NULL) || !attrs[TCA_KIND])
        return NL_OK;
    /* Chain 0 is where packets enter; a head without a filter has no handle. */
    if ((attrs[TCA_CHAIN] && nla_get_u32(attrs[TCA_CHAIN])) || !header->tcm_handle)
        return NL_OK;

    struct tc_filter filter = {
        .ifindex = (__u32)header->tcm_ifindex,
        .parent = header->tcm_parent,
        .handle = header->tcm_handle,
        .priority = TC_H_MAJ(header->tcm_info) >> 16,
        .protocol_be = (__u16)TC_H_MIN(header->tcm_info),
        .program_fd = -1,
    };

    nla_strlcpy(filter.kind, attrs[TCA_KIND], sizeof(filter.kind));
    if (strcmp(filter.kind, "bpf") == 0 && attrs[TCA_OPTIONS])
        read_options(attrs[TCA_OPTIONS], &filter);
    visit->visit(&filter, visit->context);
    return NL_OK;
}

int tc_netlink_filters(struct nl_sock *sock, __u32 ifindex, __u32 parent,
                       void (*visit)(const struct tc_filter *filter, void *context), void *context)
{
    struct tcmsg header = {.tcm_family = AF_UNSPEC, .tcm_ifindex = (int)ifindex, .tcm_parent = parent};
    struct filter_visit state = {visit, context};

    return dump(sock, new_message(RTM_GETTFILTER, NLM_F_DUMP, &header), look_at_filter, &state);
}

static struct nl_msg *filter_message(int type, int flags, const struct tc_filter *filter)
{
    struct tcmsg header = {
        .tcm_family = AF_UNSPEC,
        .tcm_ifindex = (int)filter->ifindex,
        .tcm_parent = filter->parent,
        .tcm_handle = filter->handle,
        .tcm_info = TC_H_MAKE(filter->priority << 16, filter->protocol_be),
    };
    struct nl_msg *msg = new_message(type, flags, &header);

    if (msg && nla_put_string(msg, TCA_KIND, "bpf")) {
        nlmsg_free(msg);
        return NULL;
    }
    return msg;
}

int tc_netlink_add_filter(struct nl_sock *sock, const struct tc_filter *filter, int replace)
{
    struct nl_msg *msg = filter_message(RTM_NEWTFILTER, NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL), filter);
    struct nlattr *options = msg ? nla_nest_start(msg, TCA_OPTIONS) : NULL;

    if (!options || nla_put_u32(msg, TCA_BPF_FD, (uint32_t)filter->program_fd) ||
        nla_put_string(msg, TCA_BPF_NAME, filter->name) || nla_put_u32(msg, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT) ||
        (filter->classid && nla_put_u32(msg, TCA_BPF_CLASSID, filter->classid))) {
        nlmsg_free(msg);
        return -ENOMEM;
    }
    nla_nest_end(msg, options);
    return request(sock, msg);
}

int tc_netlink_delete_filter(struct nl_sock *sock, const struct tc_filter *filter)
{
    struct nl_msg *msg = filter_message(RTM_DELTFILTER, 0, filter);

    return msg ? request(sock, msg) : -ENOMEM;
}
