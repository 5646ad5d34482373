/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What DNS answers have taught a pod, as the kernel keeps it in two tables of the pod's own: addresses (nsp_learnt) and
 * the names they were learnt from (nsp_names). Read only; the kernel alone writes and forgets.
 */
#ifndef NSP_POLICYD_NAMES_H
#define NSP_POLICYD_NAMES_H

#include <jansson.h>
#include <stdbool.h>

#include "datapath/pins.h"

struct names_address {
    struct learnt_key key;
    struct learnt learnt;
};

struct names_known {
    struct name_key key;
    struct known_name known;
};

/* A copy of both tables, what is of other epochs left out. Only roughly of one moment: the kernel goes on. */
struct names {
    size_t addresses_count, known_count;
    struct names_address *addresses;
    struct names_known *known;
};

/* 0, or -errno: the pod has no tables, or no memory. */
int names_read(const struct datapath *datapath, __u32 slot, __u32 epoch, struct names *names);
void names_free(struct names *names);

/* The name of one entry, or NULL: free, being written, or forgotten. */
const struct name *names_find(const struct names *names, const struct learnt_name *learnt);
/* text: ASKED_NAME_SIZE bytes. False: it is no name. */
bool names_text(const struct name *name, char *text);

/*
 * The names, expired ones too, of which the executable key->path has learnt key->address, or else the whole pod has: a
 * new array, or NULL where there is none.
 */
json_t *names_of_address(const struct datapath *datapath, __u32 slot, const struct learnt_key *key);

#endif
