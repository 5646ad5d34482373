/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a program that we hold is among those that the kernel runs at a place: programs are compared by their id. */
#ifndef NSP_DATAPATH_PROGRAM_ID_H
#define NSP_DATAPATH_PROGRAM_ID_H

#include <linux/types.h>

/* The kernel's id of the program, or 0 and errno. */
__u32 program_id_get(int program_fd);

/* target: descriptor of a cgroup, or for tcx an ifindex; type: enum bpf_attach_type. 1 yes, 0 no, <0 cannot say. */
int program_id_attached(int program_fd, int target, int type);

#endif
