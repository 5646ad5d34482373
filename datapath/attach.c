/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses between clsact (attach_tc.c) and tcx (attach_tcx.c) for the veth's programs: see attach.h. */
#include "datapath/attach.h"

#include <errno.h>
#include <stddef.h>

#include "datapath/attach_tc.h"
#include "datapath/attach_tcx.h"

#define ATTACHED_CLSACT (ATTACHED_CLSACT_FROM_POD | ATTACHED_CLSACT_TO_POD)

int attach_veth(const struct datapath *datapath, __u32 ifindex, __u32 slot, __u32 *flags, struct error *err)
{
    int rc = attach_tc_add(datapath, ifindex, true, flags, err);

    if (rc != -EBUSY)
        return rc;
    if (!attach_has_tcx())
        return attach_tc_add(datapath, ifindex, false, flags, err);
    rc = attach_tcx_add(datapath, ifindex, slot, err);
    if (rc == 0)
        *flags = ATTACHED_TCX;
    return rc;
}

int attach_promote(const struct datapath *datapath, __u32 ifindex, __u32 slot, __u32 *flags, struct error *err)
{
    int present = attach_veth_present(datapath, ifindex, slot);

    if (present < 0)
        return error_set(err, -present, "cannot ask what is attached to device %u", ifindex);
    if (!(present & ATTACHED_CLSACT) || !attach_has_tcx())
        return 0;

    int rc = attach_tcx_add(datapath, ifindex, slot, err);

    if (rc)
        return rc;
    *flags = ATTACHED_TCX;
    /* Filters that stay find each packet judged (once.h). */
    attach_tc_remove(ifindex, NULL);
    return 1;
}

int attach_veth_undo(const struct datapath *datapath, __u32 ifindex, __u32 slot, struct error *err)
{
    struct error second;
    int failure = attach_tcx_remove(datapath, ifindex, slot, err);
    int rc = attach_tc_remove(ifindex, failure ? &second : err);

    return failure ? failure : rc;
}

int attach_veth_present(const struct datapath *datapath, __u32 ifindex, __u32 slot)
{
    int by_tcx = attach_tcx_present(datapath, ifindex);
    int by_clsact = attach_tc_present(datapath, ifindex);

    (void)slot;
    if (by_tcx < 0 || by_clsact < 0)
        return by_tcx < 0 ? by_tcx : by_clsact;
    return by_clsact | (by_tcx ? ATTACHED_TCX : 0);
}
