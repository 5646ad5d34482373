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

/* The text of a name, or NULL when the kernel has forgotten it. text: ASKED_NAME_SIZE bytes. */
const char *names_text(const struct names *names, const __u64 hash[4], char *text);

/* Until when an address is known by at least one of its names, CLOCK_MONOTONIC; 0: it never was. */
__u64 names_expires(const struct learnt *learnt);

/* The names of an address in these tables, expired ones too: a new array, or NULL where there is none. */
json_t *names_list(const struct names *names, const struct learnt *learnt);

/* Likewise, read from the maps: what the executable key->path has learnt of key->address, or the whole pod. */
json_t *names_of_address(const struct datapath *datapath, __u32 slot, const struct learnt_key *key);

#endif
