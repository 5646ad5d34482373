/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Within one priority cls_bpf puts a new filter before those that are there, so sharing priority 1 with other cls_bpf
 * filters makes ours run first. Another kind of filter cannot share a priority. On a qdisc of kind "ingress" a filter
 * for the other direction would be accepted, and run in this one: hence the look at the kind.
 */
#include "datapath/attach_tc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_sched.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <string.h>

#include "datapath/attach.h"
#include "datapath/program_id.h"
#include "datapath/tc_netlink.h"

struct side {
    enum pins_program program;
    __u32 parent;
    __u32 flag;
};

static const struct side sides[DIRECTIONS] = {
    [EGRESS] = {PROGRAM_FROM_POD, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), ATTACHED_CLSACT_FROM_POD},
    [INGRESS] = {PROGRAM_TO_POD, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS), ATTACHED_CLSACT_TO_POD},
};

/* What the filters of one parent mean for ours. */
struct survey {
    const char *name;     /* of our program */
    struct tc_filter own; /* handle 0: none */
    __u32 priority;       /* the first that a cls_bpf filter for all protocols can take, or share */
};

static void look_at_filter(const struct tc_filter *filter, void *context)
{
    struct survey *survey = context;
    bool has_handle = filter->handle == ATTACH_TC_HANDLE;
    bool is_shareable = strcmp(filter->kind, "bpf") == 0 && filter->protocol_be == htons(ETH_P_ALL) && !has_handle;

    if (has_handle && strcmp(filter->name, survey->name) == 0)
        survey->own = *filter;
    else if (!is_shareable && filter->priority == survey->priority)
        survey->priority++;
}

static int survey_side(struct nl_sock *sock, __u32 ifindex, const struct side *side, struct survey *survey)
{
    *survey = (struct survey){.name = pins_program_name(side->program), .priority = ATTACH_TC_PRIORITY};
    return tc_netlink_filters(sock, ifindex, side->parent, look_at_filter, survey);
}

static int add_side(struct nl_sock *sock, const struct datapath *datapath, __u32 ifindex, int direction,
                    const struct survey *survey)
{
    const struct side *side = &sides[direction];
    bool is_there = survey->own.handle != 0;
    struct tc_filter filter = {
        .ifindex = ifindex,
        .parent = side->parent,
        .handle = ATTACH_TC_HANDLE,
        .priority = is_there ? survey->own.priority : survey->priority,
        .protocol_be = htons(ETH_P_ALL),
        .program_fd = datapath->programs[side->program],
        .classid = NSP_CLSACT_CLASSID,
    };

    if (is_there && survey->own.program_id == program_id_get(filter.program_fd))
        return 0;
    snprintf(filter.name, sizeof(filter.name), "%s", pins_program_name(side->program));
    return tc_netlink_add_filter(sock, &filter, is_there);
}

/* How many directions have room on the device, and at which priority. */
static int make_room(struct nl_sock *sock, __u32 ifindex, bool must_be_first, struct survey surveys[DIRECTIONS])
{
    char kind[16] = "clsact";
    int rc = tc_netlink_add_clsact(sock, ifindex), directions = DIRECTIONS;

    for (int i = 0; i < DIRECTIONS; i++)
        surveys[i] = (struct survey){.priority = ATTACH_TC_PRIORITY};
    if (rc == 0)
        return DIRECTIONS;
    if (rc == -EEXIST)
        rc = tc_netlink_clsact_kind(sock, ifindex, kind);
    if (rc)
        return rc;
    if (strcmp(kind, "clsact") != 0)
        directions = EGRESS + 1; /* that one alone */
    if (directions < DIRECTIONS && must_be_first)
        return -EBUSY;
    for (int i = 0; i < directions; i++) {
        rc = survey_side(sock, ifindex, &sides[i], &surveys[i]);
        if (rc)
            return rc;
        if (must_be_first && !surveys[i].own.handle && surveys[i].priority > ATTACH_TC_PRIORITY)
            return -EBUSY;
    }
    return directions;
}

static int add_filters(struct nl_sock *sock, const struct datapath *datapath, __u32 ifindex, bool must_be_first)
{
    struct survey surveys[DIRECTIONS];
    int directions = make_room(sock, ifindex, must_be_first, surveys);
    int flags = 0;

    for (int i = 0; i < directions; i++) {
        int rc = add_side(sock, datapath, ifindex, i, &surveys[i]);

        if (rc) {
            attach_tc_remove(ifindex, NULL);
            return rc;
        }
        flags |= (int)sides[i].flag;
    }
    return directions < 0 ? directions : flags;
}

int attach_tc_add(const struct datapath *datapath, __u32 ifindex, bool must_be_first, __u32 *flags, struct error *err)
{
    struct nl_sock *sock = NULL;
    int rc = tc_netlink_open(&sock);

    if (rc == 0) {
        rc = add_filters(sock, datapath, ifindex, must_be_first);
        nl_socket_free(sock);
    }
    if (rc < 0)
        return error_set(err, -rc, "cannot attach by clsact to device %u: %s", ifindex, strerror(-rc));
    *flags = (__u32)rc;
    return 0;
}

/* What is not there is removed already: no such device, qdisc or filter. */
static bool is_gone(int rc)
{
    return rc == -ENODEV || rc == -ENOENT || rc == -EINVAL;
}

static int remove_side(struct nl_sock *sock, __u32 ifindex, const struct side *side)
{
    struct survey survey;
    int rc = survey_side(sock, ifindex, side, &survey);

    if (rc == 0 && survey.own.handle)
        rc = tc_netlink_delete_filter(sock, &survey.own);
    return is_gone(rc) ? 0 : rc;
}

int attach_tc_remove(__u32 ifindex, struct error *err)
{
    struct nl_sock *sock = NULL;
    int rc = tc_netlink_open(&sock);

    for (int i = 0; i < DIRECTIONS && sock; i++) {
        int failure = remove_side(sock, ifindex, &sides[i]);

        rc = rc ? rc : failure;
    }
    nl_socket_free(sock);
    if (rc)
        return error_set(err, -rc, "cannot remove our clsact filters of device %u: %s", ifindex, strerror(-rc));
    return 0;
}

int attach_tc_present(const struct datapath *datapath, __u32 ifindex)
{
    struct nl_sock *sock = NULL;
    int flags = 0, rc = tc_netlink_open(&sock);

    for (int i = 0; i < DIRECTIONS && rc == 0; i++) {
        struct survey survey;

        rc = survey_side(sock, ifindex, &sides[i], &survey);
        if (rc == 0 && survey.own.handle &&
            survey.own.program_id == program_id_get(datapath->programs[sides[i].program]))
            flags |= (int)sides[i].flag;
    }
    nl_socket_free(sock);
    return rc && !is_gone(rc) ? rc : flags;
}
