/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads the one BPF object and pins it as a whole, or adopts what is pinned. Only policyd does this. All pins appear
 * at once, by renaming a directory, so that an opener never sees half of them.
 */
#ifndef NSP_DATAPATH_LOAD_H
#define NSP_DATAPATH_LOAD_H

#include "datapath/pins.h"

struct load_options {
    const char *directory; /* such as PINS_DIRECTORY */
    int exempt_node;
    __u64 events_per_second; /* of each pod; 0 = no limit */
    __u64 events_burst;
    __u64 name_floor_s; /* see struct control; name_cap_s 0: the defaults of both, 1 h and 24 h */
    __u64 name_cap_s;
};

/*
 * Fills `datapath` with the pinned datapath, after loading it where nothing is pinned. `adopted` says which. Settings
 * of `options` are written to nsp_control in both cases; programs and maps that are pinned are never replaced.
 * Errors: EPROTO pinned by another ABI version (remedy in the message), ENOTDIR not a bpffs, EPERM, ENOENT no BTF,
 * EACCES lockdown=confidentiality, EUCLEAN a pin is missing or not ours, and what the kernel said, with the verifier's
 * last lines in the log.
 */
int load_or_adopt(struct datapath *datapath, const struct load_options *options, int *adopted, struct error *err);

/* Detaches everything of every pod and removes the directory. Not an error when there is none. Goes on after a failure
 * and reports the first. */
int load_remove(const char *directory, struct error *err);

#endif
