/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaches pinned programs to a pod's cgroup and veth, and takes them off again. The only file that knows that the
 * host's veth ingress is the pod's egress. Never removes a qdisc; removes only filters that carry our handle and name.
 */
#ifndef NSP_DATAPATH_ATTACH_H
#define NSP_DATAPATH_ATTACH_H

#include <stdbool.h>

#include "datapath/pins.h"

/* Handle ("NS") and priority of our clsact filters; what tc shows is the programs' names, such as nsp_from_pod. */
#define ATTACH_TC_HANDLE 0x4e53
#define ATTACH_TC_PRIORITY 1

/*
 * All cgroup programs, by BPF_PROG_ATTACH with BPF_F_ALLOW_MULTI: they stay while the cgroup exists, whatever happens
 * to bpffs. Already attached is success. On failure what this call attached is detached again.
 * cgroup_fd: directory on cgroup2.
 */
int attach_cgroup(const struct datapath *datapath, int cgroup_fd, struct error *err);
/* Detaches all; what is not attached is no error. Returns 0 or the first failure. */
int attach_cgroup_undo(const struct datapath *datapath, int cgroup_fd, struct error *err);
/* Whether every cgroup program is attached. <0: could not be asked. */
int attach_cgroup_present(const struct datapath *datapath, int cgroup_fd);

/*
 * Both tc programs on the host's end of a veth. In a hurry (ADD) this uses clsact filters, 0.1 ms, where that is
 * possible; tcx links cost an RCU grace period each (16-32 ms together) and are taken at once only where clsact is
 * not free: another qdisc of kind "ingress" sits there. *flags receives enum attachment_flags.
 * The kernel's order: tcx programs run first, both return NEXT/UNSPEC on allow.
 */
int attach_veth(const struct datapath *datapath, __u32 ifindex, __u32 slot, __u32 *flags, struct error *err);

/* Replaces clsact filters by pinned tcx links where the kernel has tcx (>= 6.6); blocks 16-32 ms. While both are on,
 * a packet is judged by tcx (once.h). Returns 1 promoted, 0 nothing to do or no tcx, <0 failure with the clsact
 * filters still in force. *flags as above. */
int attach_promote(const struct datapath *datapath, __u32 ifindex, __u32 slot, __u32 *flags, struct error *err);

/* Takes off whatever of ours is on the device, by tcx or clsact, and unlinks the pins. A vanished device is success. */
int attach_veth_undo(const struct datapath *datapath, __u32 ifindex, __u32 slot, struct error *err);
/* Which directions are attached and live: enum attachment_flags. <0: could not be asked. */
int attach_veth_present(const struct datapath *datapath, __u32 ifindex, __u32 slot);

/* Whether the kernel has tcx. */
bool attach_has_tcx(void);

#endif
